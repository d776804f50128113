"""mm/balloon_compaction.c and its header, from v9 to Linux 3.8: balloon pages known by a flag of page->mapping.

The interface between the driver and the core: isolate, migrate, put back; from v11 on it keeps the list as well
(enqueue, dequeue). Retold from the mails v9 1/5 and 5/5, v10 5/5, v11 3/7 and 7/7, v12 3/7, and Linux 3.8. The names
are those since v11; v9 and v10 say isolate_balloon_page, migrate_balloon_page, putback_balloon_page.
"""

from __future__ import annotations

import errno

from balloonlab.drivers.compactor import EAGAIN
from balloonlab.drivers.driver import routines
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    alloc_page,
    assign_balloon_mapping,
    bug_on,
    clear_balloon_mapping,
    free_page,
    get_page,
    get_page_unless_zero,
    init_list_head,
    kfree,
    kmalloc,
    list_add,
    list_del,
    list_first,
    list_next,
    lock_page,
    movable_balloon_page,
    page_count,
    put_page,
    read,
    spin_lock_init,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    trylock_page,
    unlock_page,
    warn_on,
    write,
)
from balloonlab.kernel.primitives.compaction import count_vm_event
from balloonlab.kernel.primitives.marks import PageFlag

PAGE_FLAGS = PageFlag.MAPPING  # of a listed page
COMPACT_BALLOON_EVENTS = (
    "compact_balloon_isolated",
    "compact_balloon_migrated",
    "compact_balloon_released",
    "compact_balloon_returned",
)


def count_balloon_event(vb: VirtioBalloon, event: str) -> Routine:
    """Count in /proc/vmstat, in the versions that do (v9 to v12; the counters were not merged)."""
    if event in vb.vmstat:
        yield count_vm_event(vb.vmstat[event])


# -- what the core asks --


def balloon_page_movable(_vb: VirtioBalloon, page: int) -> Routine:
    """movable_balloon_page: is this a balloon page? Asked without a lock; asked again under the page's."""
    return (yield movable_balloon_page(page))


def balloon_page_isolate(vb: VirtioBalloon, page: int) -> Routine:
    """Take a reference, then the page's lock, then look again, then take the page away from the balloon."""
    if not (yield get_page_unless_zero(page)):
        return False
    if (yield trylock_page(page)):
        if (yield movable_balloon_page(page)) and (yield page_count(page)) == 2:  # noqa: PLR2004
            yield from vb.driver.do_isolate_balloon_page(vb, page)
            yield from count_balloon_event(vb, "compact_balloon_isolated")
            yield unlock_page(page)
            return True
        yield unlock_page(page)
    yield put_page(page)
    return False


def balloon_page_migrate(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """Let the driver put newpage in the page's place, under both pages' locks."""
    locked = yield trylock_page(newpage)
    yield bug_on(not locked, "!trylock_page(newpage)")
    if not (yield movable_balloon_page(page)):
        yield warn_on(True, "!__is_movable_balloon_page(page)")  # noqa: FBT003
        yield unlock_page(newpage)
        return EAGAIN
    rc = yield from vb.driver.virtballoon_migratepage(vb, newpage, page)
    yield unlock_page(newpage)
    return rc


def balloon_page_putback(vb: VirtioBalloon, page: int) -> Routine:
    """Give an isolated page back to the balloon; waits for the page's lock."""
    yield lock_page(page)
    if (yield movable_balloon_page(page)):
        yield from vb.driver.do_putback_balloon_page(vb, page)
        yield put_page(page)
        yield from count_balloon_event(vb, "compact_balloon_returned")
    else:
        yield warn_on(True, "!__is_movable_balloon_page(page)")  # noqa: FBT003
    yield unlock_page(page)


def balloon_page_free(vb: VirtioBalloon, page: int) -> Routine:
    """Drop both references of a page that left the balloon: the one of its isolation, and the balloon's."""
    yield put_page(page)
    yield free_page(page)
    yield from count_balloon_event(vb, "compact_balloon_released")


INTERFACE = routines(
    balloon_page_movable, balloon_page_isolate, balloon_page_migrate, balloon_page_putback, balloon_page_free
)


# -- what page->mapping points to; a pointer is 1, NULL is 0, and what is below 0 an error in a pointer's place --


def alloc_balloon_mapping(vb: VirtioBalloon) -> Routine:
    """The object that the pages' mapping points to. v9 answers NULL without memory."""
    return (yield from kmalloc(vb.vb_mapping, vb.fault))


def balloon_mapping_alloc(vb: VirtioBalloon) -> Routine:
    """The same since v10 (which calls it as v9 does): it answers an error without memory."""
    return (yield from kmalloc(vb.vb_mapping, vb.fault)) or -errno.ENOMEM


def balloon_mapping_free(vb: VirtioBalloon, balloon_mapping: int) -> Routine:
    """Since v10 (there: free_balloon_mapping): a kfree by another name."""
    yield from kfree(vb.vb_mapping, balloon_mapping)


# -- the list, kept by the core since v11 --


def balloon_devinfo_alloc(vb: VirtioBalloon) -> Routine:
    """Struct balloon_dev_info: the list, its lock and the count of isolated pages."""
    if not (yield from kmalloc(vb.vb_devinfo, vb.fault)):
        return -errno.ENOMEM
    yield write(vb.isolated_pages, 0)
    yield spin_lock_init(vb.pages_lock)
    yield init_list_head(vb.pages)
    return 1


def balloon_devinfo_free(vb: VirtioBalloon, b_dev_info: int) -> Routine:
    """The opposite."""
    yield from kfree(vb.vb_devinfo, b_dev_info)


def balloon_page_insert(vb: VirtioBalloon, page: int) -> Routine:
    """Mark the page, then put it at the head of the list. Under the page's lock and pages_lock."""
    yield assign_balloon_mapping(page)
    yield list_add(page, vb.pages)


def balloon_page_delete(_vb: VirtioBalloon, page: int) -> Routine:
    """Take the mark off the page, then the page off its list. Under the page's lock."""
    yield clear_balloon_mapping(page)
    yield list_del(page)


def balloon_page_enqueue(vb: VirtioBalloon) -> Routine:
    """Allocate a page and put it on the list; None if there is no page."""
    page = yield alloc_page(vb.migratetype)
    if page is None:
        return None
    locked = yield trylock_page(page)
    yield bug_on(not locked, "!trylock_page(page)")
    yield spin_lock_irqsave(vb.pages_lock)
    yield from vb.driver.balloon_page_insert(vb, page)
    yield spin_unlock_irqrestore(vb.pages_lock)
    yield unlock_page(page)
    return page


def balloon_page_dequeue(vb: VirtioBalloon) -> Routine:
    """Take the first page off the list that can be locked; None if there is none.

    Walked without pages_lock. From 3.8 on the page gets one more reference, so that nobody isolates it.
    """
    page = yield list_first(vb.pages)
    while page is not None:
        following = yield list_next(page, vb.pages)
        if (yield trylock_page(page)):
            yield spin_lock_irqsave(vb.pages_lock)
            if vb.driver.dequeued_references > 1:
                yield get_page(page)
            yield from vb.driver.balloon_page_delete(vb, page)
            yield spin_unlock_irqrestore(vb.pages_lock)
            yield unlock_page(page)
            return page
        page = following
    yield spin_lock_irqsave(vb.pages_lock)
    lost = (yield list_first(vb.pages)) is None and (yield read(vb.isolated_pages)) == 0
    yield bug_on(lost, "list_empty(&pages) && !isolated_pages")
    yield spin_unlock_irqrestore(vb.pages_lock)
    return None


def do_isolate_balloon_page(vb: VirtioBalloon, page: int) -> Routine:
    """__isolate_balloon_page: off the list, one more isolated page. Under the page's lock."""
    yield spin_lock_irqsave(vb.pages_lock)
    yield list_del(page)
    yield add(vb.isolated_pages, 1)
    yield spin_unlock_irqrestore(vb.pages_lock)


def do_putback_balloon_page(vb: VirtioBalloon, page: int) -> Routine:
    """__putback_balloon_page: back to the head of the list. Under the page's lock. Wakes nobody: nobody waits."""
    yield spin_lock_irqsave(vb.pages_lock)
    yield list_add(page, vb.pages)
    yield add(vb.isolated_pages, -1)
    yield spin_unlock_irqrestore(vb.pages_lock)


PAGE_LIST = routines(
    balloon_mapping_alloc,
    balloon_mapping_free,
    balloon_devinfo_alloc,
    balloon_devinfo_free,
    balloon_page_insert,
    balloon_page_delete,
    balloon_page_enqueue,
    balloon_page_dequeue,
    do_isolate_balloon_page,
    do_putback_balloon_page,
)
