"""mm/balloon_compaction.c and its header in Linux 6.1: the balloon's list, and its movable_operations.

Against 3.8: a page is known by PageOffline, by the balloon's movable_operations in page->mapping and by the device in
page->private; the list is walked under pages_lock (M2); a listed page has one reference, "the balloon's", which
migration drops with a single put (one more while the core has it isolated); counters balloon_inflate, balloon_deflate
and balloon_migrate. Page locks are taken inside pages_lock, by trylock only.
"""

from __future__ import annotations

from balloonlab.drivers.driver import routines
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    alloc_page,
    bug_on,
    clear_page_movable,
    clear_page_offline,
    list_add,
    list_del,
    list_first,
    list_next,
    read,
    set_page_movable,
    set_page_offline,
    set_page_private,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    trylock_page,
    unlock_page,
)
from balloonlab.kernel.primitives.compaction import count_vm_event
from balloonlab.kernel.primitives.marks import PageFlag

PAGE_FLAGS = PageFlag.OFFLINE | PageFlag.MOVABLE | PageFlag.MOVABLE_OPS | PageFlag.PRIVATE  # of a listed page
BALLOON_EVENTS = ("balloon_inflate", "balloon_deflate", "balloon_migrate")


def balloon_page_alloc(vb: VirtioBalloon) -> Routine:
    """A page for the balloon, or None. Needs no lock."""
    return (yield alloc_page(vb.migratetype))


def balloon_page_enqueue(vb: VirtioBalloon, page: int) -> Routine:
    """Put a page at the head of the list."""
    yield spin_lock_irqsave(vb.pages_lock)
    yield from vb.driver.balloon_page_enqueue_one(vb, page)
    yield spin_unlock_irqrestore(vb.pages_lock)


def balloon_page_enqueue_one(vb: VirtioBalloon, page: int) -> Routine:
    """Insert a page that nobody else can have locked, and count it."""
    locked = yield trylock_page(page)
    yield bug_on(not locked, "!trylock_page(page)")
    yield from vb.driver.balloon_page_insert(vb, page)
    yield unlock_page(page)
    yield count_vm_event(vb.vmstat["balloon_inflate"])


def balloon_page_insert(vb: VirtioBalloon, page: int) -> Routine:
    """Mark the page in all three ways and put it at the head of the list. Under the page's lock and pages_lock."""
    yield set_page_offline(page)
    yield set_page_movable(page)
    yield set_page_private(page, True)  # noqa: FBT003
    yield list_add(page, vb.pages)


def balloon_page_finalize(_vb: VirtioBalloon, page: int) -> Routine:
    """Make an ordinary page of it again; the type bit in page->mapping stays until it is freed. Under its lock."""
    yield clear_page_movable(page)
    yield set_page_private(page, False)  # noqa: FBT003
    yield clear_page_offline(page)


def balloon_page_list_dequeue(vb: VirtioBalloon) -> Routine:
    """Take the first page off the list that can be locked (n_req_pages is 1); None if there is none."""
    yield spin_lock_irqsave(vb.pages_lock)
    page = yield list_first(vb.pages)
    while page is not None:
        following = yield list_next(page, vb.pages)
        if (yield trylock_page(page)):
            yield list_del(page)
            yield from vb.driver.balloon_page_finalize(vb, page)
            yield count_vm_event(vb.vmstat["balloon_deflate"])
            yield unlock_page(page)
            break
        page = following
    yield spin_unlock_irqrestore(vb.pages_lock)
    return page


def balloon_page_dequeue(vb: VirtioBalloon) -> Routine:
    """Take a page off the list; None if all are locked or isolated. A balloon with neither has lost pages: BUG."""
    page = yield from vb.driver.balloon_page_list_dequeue(vb)
    if page is None:
        yield spin_lock_irqsave(vb.pages_lock)
        lost = (yield list_first(vb.pages)) is None and (yield read(vb.isolated_pages)) == 0
        yield bug_on(lost, "list_empty(&pages) && !isolated_pages")
        yield spin_unlock_irqrestore(vb.pages_lock)
    return page


def balloon_page_isolate(vb: VirtioBalloon, page: int) -> Routine:
    """movable_operations: compaction takes a page off the list. Called under the page's lock."""
    yield spin_lock_irqsave(vb.pages_lock)
    yield list_del(page)
    yield add(vb.isolated_pages, 1)
    yield spin_unlock_irqrestore(vb.pages_lock)
    return True


def balloon_page_migrate(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """movable_operations: the driver puts newpage in the page's place. Called under both page locks."""
    return (yield from vb.driver.virtballoon_migratepage(vb, newpage, page))


def balloon_page_putback(vb: VirtioBalloon, page: int) -> Routine:
    """movable_operations: compaction returns a page it did not move. Called under the page's lock."""
    yield spin_lock_irqsave(vb.pages_lock)
    yield list_add(page, vb.pages)
    yield add(vb.isolated_pages, -1)
    yield spin_unlock_irqrestore(vb.pages_lock)


BALLOON_COMPACTION = routines(
    balloon_page_alloc,
    balloon_page_enqueue,
    balloon_page_enqueue_one,
    balloon_page_insert,
    balloon_page_finalize,
    balloon_page_list_dequeue,
    balloon_page_dequeue,
    balloon_page_isolate,
    balloon_page_migrate,
    balloon_page_putback,
)
