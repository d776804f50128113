"""virtio_balloon with the reviewed patch, "v9 3/5" (mail of 25 August 2012, quoted in the review of 26 August).

New: pages come from movable memory and compaction may isolate and migrate them; balloon_lock (a mutex) guards the
device and its queues, pages_lock (a spinlock) the list and the counters; num_pages and num_isolated_pages are
atomic. Retold as posted: the defects are the patch's own. What it left alone is taken from Linux 3.6; the core's side
(v9 1/5, 2/5 and 5/5) is in balloon_compaction.py and migrate_3_6.py.
"""

from __future__ import annotations

import errno

from balloonlab.drivers import linux_3_6, members
from balloonlab.drivers.balloon_compaction import (
    COMPACT_BALLOON_EVENTS,
    INTERFACE,
    PAGE_FLAGS,
    alloc_balloon_mapping,
    count_balloon_event,
)
from balloonlab.drivers.driver import Driver, routines
from balloonlab.drivers.migrate_3_6 import BALLOON_MIGRATION_RETURN
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    alloc_page,
    assign_balloon_mapping,
    atomic_add,
    atomic_dec,
    atomic_inc,
    atomic_read,
    atomic_set,
    atomic_sub,
    bug_on,
    clear_balloon_mapping,
    collect_stats,
    config_read,
    config_write,
    copy_pfns,
    del_vqs,
    get_page_unless_zero,
    init_list_head,
    init_waitqueue_head,
    kfree,
    kmalloc,
    kthread_run,
    kthread_stop,
    le32,
    list_add,
    list_del,
    list_first,
    movable_balloon_page,
    msleep,
    mutex_init,
    mutex_lock,
    mutex_unlock,
    page_count,
    put_page,
    read,
    reset,
    s64,
    set_page_pfns,
    size_t,
    spin_lock,
    spin_lock_init,
    spin_unlock,
    trylock_page,
    unlock_page,
    virtqueue_add_stats,
    virtqueue_get_buf,
    virtqueue_kick,
    wait_event,
    wake_up,
    warn_on,
    write,
)
from balloonlab.memory.zone import Migratetype

ALIASES = {
    "isolate_balloon_page": "balloon_page_isolate",
    "migrate_balloon_page": "balloon_page_migrate",
    "putback_balloon_page": "balloon_page_putback",
    "do_isolate_balloon_page": "virtballoon_isolatepage",  # through page->mapping->a_ops
    "do_putback_balloon_page": "virtballoon_putbackpage",
}


def towards_target(vb: VirtioBalloon) -> Routine:
    """How many 4 KiB pages the host wants in the balloon beyond those that are there."""
    target = le32((yield config_read(vb.config_num_pages)))
    return s64(target - (yield atomic_read(vb.num_pages)))


def update_balloon_size(vb: VirtioBalloon) -> Routine:
    """Tell the host, through config space, how much the balloon holds."""
    actual = yield atomic_read(vb.num_pages)
    yield config_write(vb.config_actual, actual)


def fill_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of inflation: up to 256 balloon pages, one message."""
    num = min(num, ARRAY_PFNS_MAX)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield alloc_page(vb.migratetype)
        if page is None:
            yield msleep(200, f"Out of puff! Can't get {num} pages")
            break
        yield set_page_pfns(slot, page)
        yield add(vb.totalram_pages, -1)
        locked = yield trylock_page(page)
        yield bug_on(not locked, "!trylock_page(page)")
        yield spin_lock(vb.pages_lock)
        yield list_add(page, vb.pages)
        yield assign_balloon_mapping(page)
        yield atomic_add(vb.pages_per_page, vb.num_pages)
        yield spin_unlock(vb.pages_lock)
        yield unlock_page(page)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (yield read(vb.num_pfns)) == 0:
        return
    yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)


def pages_at_balloon_list(vb: VirtioBalloon) -> Routine:
    """Length of the list, an int: the difference of two atomics read one after the other."""
    num_pages = yield atomic_read(vb.num_pages)
    return num_pages - (yield atomic_read(vb.num_isolated_pages))


def wait_on_isolated_pages(vb: VirtioBalloon, leak_target: int) -> Routine:
    """__wait_on_isolated_pages: entered and left with pages_lock held; sleeps without it.

    leak_target is a size_t, so C takes the difference, an int, for one too: below zero it would be plenty.
    """
    if (yield atomic_read(vb.num_isolated_pages)) == 0:
        return
    if leak_target < size_t((yield from vb.driver.pages_at_balloon_list(vb))):
        return

    def enough_came_back() -> Routine:
        if (yield atomic_read(vb.num_isolated_pages)) == 0:
            return True
        return leak_target <= size_t((yield from vb.driver.pages_at_balloon_list(vb)))

    yield spin_unlock(vb.pages_lock)
    yield from wait_event(vb.config_change, enough_came_back)
    yield spin_lock(vb.pages_lock)


def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of deflation: take pages off the list one by one, tell the host, then free them."""
    num = leak_target = min(num, ARRAY_PFNS_MAX)
    pfns: tuple[int, ...] = ()
    while len(pfns) < num:
        yield spin_lock(vb.pages_lock)
        yield from vb.driver.wait_on_isolated_pages(vb, leak_target)
        page = yield list_first(vb.pages)
        if page is not None and (yield trylock_page(page)):
            yield clear_balloon_mapping(page)
            yield list_del(page)
            first = page * vb.pages_per_page
            pfns += tuple(range(first, first + vb.pages_per_page))
            yield atomic_sub(vb.pages_per_page, vb.num_pages)
            yield unlock_page(page)
            leak_target -= 1
        yield spin_unlock(vb.pages_lock)
    yield mutex_lock(vb.balloon_lock)
    yield copy_pfns(pfns[:num])
    yield write(vb.num_pfns, len(pfns))
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield from vb.driver.release_pages_by_pfn(vb, pfns)
    yield mutex_unlock(vb.balloon_lock)


def stats_handle_request(vb: VirtioBalloon) -> Routine:
    """Answer the host's request for statistics."""
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.need_stats_update, 0)
    stats = yield collect_stats()
    if not (yield virtqueue_get_buf(vb.stats_vq)):
        return
    yield virtqueue_add_stats(vb.stats_vq, stats)
    yield virtqueue_kick(vb.stats_vq)
    yield mutex_unlock(vb.balloon_lock)


def balloon_page_isolate(vb: VirtioBalloon, page: int) -> Routine:
    """isolate_balloon_page: a reference, the page's lock, another look; then the driver gives the page away.

    It complains of a page that left the balloon between the two looks, though that is nobody's mistake.
    """
    if not (yield get_page_unless_zero(page)):
        return False
    if (yield trylock_page(page)):
        if (yield movable_balloon_page(page)) and (yield page_count(page)) == 2:  # noqa: PLR2004
            yield from vb.driver.virtballoon_isolatepage(vb, page)
            yield from count_balloon_event(vb, "compact_balloon_isolated")
            yield unlock_page(page)
            return True
        if not (yield movable_balloon_page(page)):
            yield warn_on(True, "!__is_movable_balloon_page(page)")  # noqa: FBT003
        yield unlock_page(page)
    yield put_page(page)
    return False


def virtballoon_isolatepage(vb: VirtioBalloon, page: int) -> Routine:
    """Compaction takes a page off the balloon's list. Called under the page's lock."""
    yield spin_lock(vb.pages_lock)
    yield list_del(page)
    yield atomic_inc(vb.num_isolated_pages)
    yield spin_unlock(vb.pages_lock)


def virtballoon_migratepage(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """Compaction moves an isolated page: newpage enters the balloon, page leaves it. Under both page locks."""
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, vb.pages_per_page)
    yield spin_lock(vb.pages_lock)
    yield list_add(newpage, vb.pages)
    yield assign_balloon_mapping(newpage)
    yield atomic_dec(vb.num_isolated_pages)
    yield spin_unlock(vb.pages_lock)
    yield set_page_pfns(0, newpage)
    yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield write(vb.num_pfns, vb.pages_per_page)
    yield clear_balloon_mapping(page)
    yield set_page_pfns(0, page)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    yield wake_up(vb.config_change)
    yield from count_balloon_event(vb, "compact_balloon_migrated")
    return BALLOON_MIGRATION_RETURN


def virtballoon_putbackpage(vb: VirtioBalloon, page: int) -> Routine:
    """Compaction returns an isolated page it did not move. Called under the page's lock."""
    yield spin_lock(vb.pages_lock)
    yield list_add(page, vb.pages)
    yield atomic_dec(vb.num_isolated_pages)
    yield spin_unlock(vb.pages_lock)
    yield wake_up(vb.config_change)


def virtballoon_probe(vb: VirtioBalloon) -> Routine:
    """Load the driver. If a step fails, the labels from there on undo all steps before it; C jumps there by goto."""
    if not (yield from kmalloc(vb.vb_memory, vb.fault)):
        return -errno.ENOMEM  # out:
    yield init_list_head(vb.pages)
    yield mutex_init(vb.balloon_lock)
    yield spin_lock_init(vb.pages_lock)
    yield atomic_set(vb.num_pages, 0)
    yield atomic_set(vb.num_isolated_pages, 0)
    yield init_waitqueue_head(vb.config_change)
    yield init_waitqueue_head(vb.acked)
    yield write(vb.need_stats_update, 0)
    err = -errno.ENOMEM
    vb_mapping = yield from vb.driver.alloc_balloon_mapping(vb)
    if vb_mapping:
        err = yield from vb.driver.init_vqs(vb)
        if not err:
            err = yield kthread_run(vb.vb_thread, vb.should_stop, vb.exited, vb.fault)
            if not err:
                return 0
            yield from del_vqs(vb.vqs)  # out_del_vqs:
        yield from kfree(vb.vb_mapping, vb_mapping)  # out_free_vb_mapping:
    yield from kfree(vb.vb_memory)  # out_free_vb:
    return err  # out:


def remove_common(vb: VirtioBalloon) -> Routine:
    """Empty the balloon and say so; then the device forgets the driver, and the queues go."""
    while (num_pages := size_t((yield atomic_read(vb.num_pages)))) > 0:
        yield from vb.driver.leak_balloon(vb, num_pages)
    yield from vb.driver.update_balloon_size(vb)
    yield from reset(vb.device_status)
    yield from del_vqs(vb.vqs)


def virtballoon_remove(vb: VirtioBalloon) -> Routine:
    """Unload the driver: stop the thread, empty the balloon, free what probe has allocated."""
    yield from kthread_stop(vb.vb_thread, vb.should_stop, vb.config_change, vb.exited)
    yield from vb.driver.remove_common(vb)
    yield from kfree(vb.vb_mapping)
    yield from kfree(vb.vb_memory)


DRIVER = Driver(
    name="v9",
    title="the patch under review, v9 of August 2012: movable pages, two locks, and its own mistakes",
    functions=dict(linux_3_6.DRIVER.functions)
    | INTERFACE
    | routines(
        balloon_page_isolate,
        towards_target,
        update_balloon_size,
        fill_balloon,
        pages_at_balloon_list,
        wait_on_isolated_pages,
        leak_balloon,
        stats_handle_request,
        virtballoon_isolatepage,
        virtballoon_migratepage,
        virtballoon_putbackpage,
        alloc_balloon_mapping,
        virtballoon_probe,
        remove_common,
        virtballoon_remove,
    ),
    migratetype=Migratetype.MOVABLE,
    movable=True,
    rules="3.6",
    vmstat=COMPACT_BALLOON_EVENTS,
    aliases=ALIASES,
    page_flags=PAGE_FLAGS,
    members=members.V9,
)
