"""mm/balloon.c in Linux 7.2: the balloon's list and its movable_operations, without page locks.

Against 6.1: one lock, balloon_pages_lock, serves all balloons, and page->private under it is the test of ownership, so
no page lock is taken here and nothing is passed over; PG_movable_ops and PageOffline stay until a page is freed. What
migration changes in the balloon happens after the driver has told the host of both pages: until then the new page is
on no list (N5). Managed pages are counted where pages enter and leave the list, with a counter nr_balloon_pages.
"""

from __future__ import annotations

from balloonlab.drivers.compactor import EAGAIN, ENOENT
from balloonlab.drivers.driver import routines
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    get_page,
    list_add,
    list_del,
    list_first,
    page_private,
    put_page,
    set_page_movable_ops,
    set_page_offline,
    set_page_private,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    warn_on,
)
from balloonlab.kernel.primitives.compaction import count_vm_event
from balloonlab.kernel.primitives.marks import PageFlag

PAGE_FLAGS = PageFlag.OFFLINE | PageFlag.MOVABLE_OPS | PageFlag.PRIVATE  # of a listed page
BALLOON_EVENTS = ("balloon_inflate", "balloon_deflate", "balloon_migrate", "nr_balloon_pages")


def balloon_page_enqueue_one(vb: VirtioBalloon, page: int) -> Routine:
    """Insert a page and count it. Under balloon_pages_lock."""
    yield from vb.driver.balloon_page_insert(vb, page)
    yield from vb.driver.adjust_managed_page_count(vb, -1)
    yield count_vm_event(vb.vmstat["balloon_inflate"])
    yield add(vb.vmstat["nr_balloon_pages"], 1)


def balloon_page_insert(vb: VirtioBalloon, page: int) -> Routine:
    """Mark the page and put it at the head of the list. Under balloon_pages_lock."""
    yield set_page_offline(page)
    yield set_page_movable_ops(page)
    yield set_page_private(page, True)  # noqa: FBT003
    yield list_add(page, vb.pages)


def balloon_page_finalize(_vb: VirtioBalloon, page: int) -> Routine:
    """The page belongs to no balloon any more; its other marks stay. Under balloon_pages_lock."""
    yield set_page_private(page, False)  # noqa: FBT003


def balloon_page_list_dequeue(vb: VirtioBalloon) -> Routine:
    """Take the page at the head off the list (n_req_pages is 1); None if there is none."""
    yield spin_lock_irqsave(vb.pages_lock)
    page = yield list_first(vb.pages)
    if page is not None:
        yield list_del(page)
        yield from vb.driver.adjust_managed_page_count(vb, 1)
        yield from vb.driver.balloon_page_finalize(vb, page)
        yield count_vm_event(vb.vmstat["balloon_deflate"])
        yield add(vb.vmstat["nr_balloon_pages"], -1)
    yield spin_unlock_irqrestore(vb.pages_lock)
    return page


def balloon_page_isolate(vb: VirtioBalloon, page: int) -> Routine:
    """movable_operations: compaction takes a page off the list, unless it has been deflated. Under the page's lock."""
    yield spin_lock_irqsave(vb.pages_lock)
    if not (yield page_private(page)):
        yield spin_unlock_irqrestore(vb.pages_lock)
        return False
    yield list_del(page)
    yield add(vb.isolated_pages, 1)
    yield spin_unlock_irqrestore(vb.pages_lock)
    return True


def balloon_page_migrate(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """movable_operations: the driver tells the host of both pages, then newpage takes the page's place on the list.

    A driver that returns ENOENT has deflated the old page and not inflated the new one (not virtio's).
    """
    if not (yield page_private(page)):
        yield warn_on(True, "!balloon_page_device(page)")  # noqa: FBT003
        return EAGAIN
    rc = yield from vb.driver.virtballoon_migratepage(vb, newpage, page)
    if rc not in (0, ENOENT):
        return rc
    yield spin_lock_irqsave(vb.pages_lock)
    if rc == 0:
        yield get_page(newpage)
        yield from vb.driver.balloon_page_insert(vb, newpage)
        yield count_vm_event(vb.vmstat["balloon_migrate"])
    else:
        yield count_vm_event(vb.vmstat["balloon_deflate"])
        yield from vb.driver.adjust_managed_page_count(vb, 1)
    yield add(vb.isolated_pages, -1)
    yield from vb.driver.balloon_page_finalize(vb, page)
    yield spin_unlock_irqrestore(vb.pages_lock)
    yield put_page(page)
    return 0


def balloon_page_putback(vb: VirtioBalloon, page: int) -> Routine:
    """movable_operations: compaction returns a page it did not move. Called under the page's lock."""
    if not (yield page_private(page)):
        yield warn_on(True, "!balloon_page_device(page)")  # noqa: FBT003
        return
    yield spin_lock_irqsave(vb.pages_lock)
    yield list_add(page, vb.pages)
    yield add(vb.isolated_pages, -1)
    yield spin_unlock_irqrestore(vb.pages_lock)


BALLOON = routines(
    balloon_page_enqueue_one,
    balloon_page_insert,
    balloon_page_finalize,
    balloon_page_list_dequeue,
    balloon_page_isolate,
    balloon_page_migrate,
    balloon_page_putback,
)
