"""Linux 3.18 to 4.4, as of 3.19: PageBalloon instead of page->mapping, and an OOM notifier (the driver, mm/).

Against 3.13: a balloon page has a type of its own, PG_private says that it is on the balloon's list and not isolated,
and it has one reference, the balloon's, one more while it is isolated; so it migrates again and again (M4), without
the LRU lock (M6). With DEFLATE_ON_OOM a notifier deflates 256 pages when memory runs out: from a balloon with fewer
it takes one page too many (M8), and it counts 4 KiB pages where guest pages are asked for (M9). Pages are still
allocated with balloon_lock held (M10), freed without it (M1), the list still walked without pages_lock (M2), though
what an isolator took meanwhile is passed over.
"""

from __future__ import annotations

from balloonlab.drivers import linux_3_6, members
from balloonlab.drivers.compactor import EAGAIN, ENOMEM
from balloonlab.drivers.merged_variants import linux_3_13
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    alloc_page,
    bug_on,
    clear_page_balloon,
    clear_page_private_flag,
    get_page,
    get_page_unless_zero,
    list_add,
    list_del,
    list_first,
    list_next,
    lock_page,
    lru_cache_add,
    mutex_trylock,
    mutex_unlock,
    page_balloon,
    page_private_flag,
    put_page,
    read,
    read_pfn,
    set_page_balloon,
    set_page_pfns,
    set_page_private_flag,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    trylock_page,
    unlock_page,
    warn_on,
    write,
)
from balloonlab.kernel.primitives.compaction import (
    compaction_alloc,
    compaction_free,
    count_vm_event,
    list_del_migrated,
)
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.kernel.world import Ref

PAGE_FLAGS = PageFlag.BALLOON | PageFlag.PRIVATE_FLAG  # of a listed page
BALLOON_EVENTS = ("balloon_inflate", "balloon_deflate", "balloon_migrate")
OOM_PAGES = 256  # oom_pages, in 4 KiB pages


# -- the driver --


def release_pages_by_pfn(vb: VirtioBalloon, num: int) -> Routine:
    """Drop the balloon's reference of `num` entries of vb->pfns, in its order, as the array is when each is read."""
    for i in range(0, num, vb.pages_per_page):
        pfn = yield read_pfn(i)
        yield put_page(pfn // vb.pages_per_page)
        yield add(vb.totalram_pages, 1)


def virtballoon_migratepage(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """Compaction moves an isolated page: newpage enters the balloon, page leaves it. Under both page locks."""
    if not (yield mutex_trylock(vb.balloon_lock)):
        return EAGAIN
    yield get_page(newpage)
    yield spin_lock_irqsave(vb.pages_lock)
    yield from vb.driver.balloon_page_insert(vb, newpage)
    yield add(vb.isolated_pages, -1)
    yield count_vm_event(vb.vmstat["balloon_migrate"])
    yield spin_unlock_irqrestore(vb.pages_lock)
    yield write(vb.num_pfns, vb.pages_per_page)
    yield set_page_pfns(0, newpage)
    yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield from vb.driver.balloon_page_delete(vb, page)
    yield write(vb.num_pfns, vb.pages_per_page)
    yield set_page_pfns(0, page)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    yield put_page(page)
    return 0


def virtballoon_oom_notify(vb: VirtioBalloon) -> Routine:
    """The kernel is out of memory: give pages back. Returns what it adds to the count of freed guest pages."""
    freed = yield from vb.driver.leak_balloon(vb, OOM_PAGES)
    yield from vb.driver.update_balloon_size(vb)
    return freed


# -- the list, kept by the core --


def balloon_page_insert(vb: VirtioBalloon, page: int) -> Routine:
    """Mark the page and put it at the head of the list. Under the page's lock and pages_lock."""
    yield set_page_balloon(page)
    yield set_page_private_flag(page)
    yield list_add(page, vb.pages)


def balloon_page_delete(_vb: VirtioBalloon, page: int) -> Routine:
    """Take the marks off the page, and the page off the list if it is there. Under the page's lock."""
    yield clear_page_balloon(page)
    if (yield page_private_flag(page)):
        yield clear_page_private_flag(page)
        yield list_del(page)


def balloon_page_alloc(vb: VirtioBalloon) -> Routine:
    """A page for the balloon, or None: the allocation in balloon_page_enqueue, until 4.15 no routine of its own."""
    return (yield alloc_page(vb.migratetype))


def balloon_page_enqueue(vb: VirtioBalloon) -> Routine:
    """Allocate a page and put it on the list; None if there is no page."""
    page = yield from vb.driver.balloon_page_alloc(vb)
    if page is None:
        return None
    locked = yield trylock_page(page)
    yield bug_on(not locked, "!trylock_page(page)")
    yield spin_lock_irqsave(vb.pages_lock)
    yield from vb.driver.balloon_page_insert(vb, page)
    yield count_vm_event(vb.vmstat["balloon_inflate"])
    yield spin_unlock_irqrestore(vb.pages_lock)
    yield unlock_page(page)
    return page


def balloon_page_dequeue(vb: VirtioBalloon) -> Routine:
    """Take the first page off the list that can be locked and is not isolated; None if there is none.

    The list is walked without pages_lock.
    """
    page = yield list_first(vb.pages)
    while page is not None:
        following = yield list_next(page, vb.pages)
        if (yield trylock_page(page)):
            if (yield page_private_flag(page)):
                yield spin_lock_irqsave(vb.pages_lock)
                yield from vb.driver.balloon_page_delete(vb, page)
                yield count_vm_event(vb.vmstat["balloon_deflate"])
                yield spin_unlock_irqrestore(vb.pages_lock)
                yield unlock_page(page)
                return page
            yield unlock_page(page)
        page = following
    yield spin_lock_irqsave(vb.pages_lock)
    lost = (yield list_first(vb.pages)) is None and (yield read(vb.isolated_pages)) == 0
    yield bug_on(lost, "list_empty(&pages) && !isolated_pages")
    yield spin_unlock_irqrestore(vb.pages_lock)
    return None


# -- what the core asks --


def balloon_page_movable(_vb: VirtioBalloon, page: int) -> Routine:
    """Whether this is a balloon page that nobody has isolated."""
    return (yield page_balloon(page)) and (yield page_private_flag(page))


def balloon_page_isolate(vb: VirtioBalloon, page: int) -> Routine:
    """Take a reference, then the page's lock, then look again, then take the page away from the balloon."""
    if not (yield get_page_unless_zero(page)):
        return False
    if (yield trylock_page(page)):
        if (yield from vb.driver.balloon_page_movable(vb, page)):
            yield from vb.driver.do_isolate_balloon_page(vb, page)
            yield unlock_page(page)
            return True
        yield unlock_page(page)
    yield put_page(page)
    return False


def do_isolate_balloon_page(vb: VirtioBalloon, page: int) -> Routine:
    """__isolate_balloon_page: off the list, one more isolated page. Under the page's lock."""
    yield spin_lock_irqsave(vb.pages_lock)
    yield clear_page_private_flag(page)
    yield list_del(page)
    yield add(vb.isolated_pages, 1)
    yield spin_unlock_irqrestore(vb.pages_lock)


def do_putback_balloon_page(vb: VirtioBalloon, page: int) -> Routine:
    """__putback_balloon_page: back to the head of the list. Under the page's lock."""
    yield spin_lock_irqsave(vb.pages_lock)
    yield set_page_private_flag(page)
    yield list_add(page, vb.pages)
    yield add(vb.isolated_pages, -1)
    yield spin_unlock_irqrestore(vb.pages_lock)


def balloon_page_migrate(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """Let the driver put newpage in the page's place, under both pages' locks."""
    locked = yield trylock_page(newpage)
    yield bug_on(not locked, "!trylock_page(newpage)")
    if not (yield page_balloon(page)):
        yield warn_on(True, "!__is_movable_balloon_page(page)")  # noqa: FBT003
        yield unlock_page(newpage)
        return EAGAIN
    rc = yield from vb.driver.virtballoon_migratepage(vb, newpage, page)
    yield unlock_page(newpage)
    return rc


def balloon_page_putback(vb: VirtioBalloon, page: int) -> Routine:
    """Give an isolated page back to the balloon; waits for the page's lock."""
    yield lock_page(page)
    if (yield page_balloon(page)):
        yield from vb.driver.do_putback_balloon_page(vb, page)
        yield put_page(page)
    else:
        yield warn_on(True, "!__is_movable_balloon_page(page)")  # noqa: FBT003
    yield unlock_page(page)


# -- mm/migrate.c --


def isolated_balloon_page(_vb: VirtioBalloon, page: int) -> Routine:
    """Whether this page, which compaction has isolated, is the balloon's."""
    return (yield page_balloon(page))


def unmap_and_move(vb: VirtioBalloon, cc: Ref, page: int, *, force: bool) -> Routine:
    """Move one page to a free one, under both pages' locks (with __unmap_and_move)."""
    newpage = yield compaction_alloc(cc)
    if newpage is None:
        return ENOMEM
    if not (yield trylock_page(page)):
        if not force:
            yield compaction_free(newpage, cc)
            return EAGAIN
        yield lock_page(page)
    is_lru = not (yield from vb.driver.isolated_balloon_page(vb, page))
    if is_lru:
        rc = yield from vb.driver.move_to_new_page(vb, cc, newpage, page)
    else:
        rc = yield from vb.driver.balloon_page_migrate(vb, newpage, page)
    yield unlock_page(page)
    if is_lru:
        return rc
    if rc == EAGAIN:
        yield compaction_free(newpage, cc)
        return rc
    yield list_del_migrated(page, newpage, cc)
    yield put_page(page)
    yield from vb.driver.putback_newpage(vb, newpage, is_lru)
    return rc


def putback_newpage(_vb: VirtioBalloon, newpage: int, _is_lru: bool) -> Routine:  # noqa: FBT001
    """The end of unmap_and_move: drop migration's reference of a balloon page, put any other page on the LRU.

    Nobody holds newpage's lock any more: it may have left the balloon (M12).
    """
    if not (yield page_balloon(newpage)):
        yield lru_cache_add(newpage)
    yield put_page(newpage)


DRIVER = linux_3_13.DRIVER.variant(
    "linux-3.19",
    "Linux 3.19: PageBalloon, pages that move again and again, an OOM notifier",
    release_pages_by_pfn,
    virtballoon_migratepage,
    virtballoon_oom_notify,
    balloon_page_insert,
    balloon_page_delete,
    balloon_page_alloc,
    balloon_page_enqueue,
    balloon_page_dequeue,
    balloon_page_movable,
    balloon_page_isolate,
    do_isolate_balloon_page,
    do_putback_balloon_page,
    balloon_page_migrate,
    balloon_page_putback,
    isolated_balloon_page,
    unmap_and_move,
    putback_newpage,
    linux_3_6.virtballoon_remove,  # probe has an OOM notifier to register: not retold
    without=(
        "virtballoon_probe",
        "balloon_mapping_alloc",
        "balloon_mapping_free",
        "balloon_devinfo_alloc",
        "balloon_devinfo_free",
    ),
    vmstat=BALLOON_EVENTS,
    aliases={"virtio_balloon_oom_notify": "virtballoon_oom_notify"},
    page_flags=PAGE_FLAGS,
    dequeued_references=1,
    members=members.LINUX_3_19,
)
