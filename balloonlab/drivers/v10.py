"""virtio_balloon with the patch's next version, "v10 3/5" (mail of 17 September 2012).

What the review of v9 changed: num_pages and num_isolated_pages are plain numbers, written and read under pages_lock,
both in 4 KiB pages, so that they can be compared (V3, V4, S1); leaking happens inside the condition of a wait_event,
under both locks, and gives up a round instead of spinning on a locked page (V5). Statistics and the target are read
under the locks too. Retold as posted: fill_balloon and stats_handle_request still return with balloon_lock held, the
condition sleeps, and on a 64 KiB guest leak_target, a size_t, wraps below zero and leak_balloon never returns.
New too: probe has one label for two steps, so without memory for the mapping it frees an error (R5).
The core's side is v9's, without the warning for a page that left the balloon between two looks.
"""

from __future__ import annotations

import errno

from balloonlab.drivers import linux_3_6, members, v9
from balloonlab.drivers.balloon_compaction import (
    COMPACT_BALLOON_EVENTS,
    INTERFACE,
    PAGE_FLAGS,
    balloon_mapping_alloc,
    balloon_mapping_free,
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
    bug_on,
    clear_balloon_mapping,
    config_read,
    config_write,
    del_vqs,
    init_list_head,
    init_waitqueue_head,
    kfree,
    kmalloc,
    kthread_run,
    kthread_stop,
    list_add,
    list_del,
    list_first,
    msleep,
    mutex_init,
    mutex_lock,
    mutex_lock_in_condition,
    mutex_unlock,
    read,
    read_pfns,
    reset,
    set_page_pfns,
    size_t,
    spin_lock,
    spin_lock_init,
    spin_unlock,
    trylock_page,
    unlock_page,
    wait_event,
    wake_up,
    write,
)
from balloonlab.memory.zone import Migratetype


def towards_target(vb: VirtioBalloon) -> Routine:
    """How many 4 KiB pages the host wants in the balloon beyond those that are there."""
    yield spin_lock(vb.pages_lock)
    actual = yield read(vb.num_pages)
    target = yield config_read(vb.config_num_pages)
    yield spin_unlock(vb.pages_lock)
    return target - actual


def update_balloon_size(vb: VirtioBalloon) -> Routine:
    """Tell the host, through config space, how much the balloon holds."""
    yield spin_lock(vb.pages_lock)
    actual = yield read(vb.num_pages)
    yield config_write(vb.config_actual, actual)
    yield spin_unlock(vb.pages_lock)


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
        yield add(vb.num_pages, vb.pages_per_page)
        yield spin_unlock(vb.pages_lock)
        yield unlock_page(page)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (yield read(vb.num_pfns)) == 0:
        return
    yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)


def do_leak_balloon(vb: VirtioBalloon, leak_target: int) -> Routine:
    """__leak_balloon: take pages off the list until one is missing or locked, tell the host, free them.

    Entered and left with balloon_lock and pages_lock held; tells and frees without the latter.
    """
    leak_target = min(leak_target, ARRAY_PFNS_MAX)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < leak_target:
        page = yield list_first(vb.pages)
        if page is None or not (yield trylock_page(page)):
            break
        yield clear_balloon_mapping(page)
        yield list_del(page)
        yield add(vb.num_pages, -vb.pages_per_page)
        yield set_page_pfns(slot, page)
        yield unlock_page(page)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (told := (yield read(vb.num_pfns))) > 0:
        yield spin_unlock(vb.pages_lock)
        yield from vb.driver.tell_host(vb, vb.deflate_vq)
        pfns = yield read_pfns(told)
        yield from vb.driver.release_pages_by_pfn(vb, pfns)
        yield spin_lock(vb.pages_lock)
    return (yield read(vb.num_pfns))


def wait_on_isolated_pages(vb: VirtioBalloon, leak_target: int) -> Routine:
    """__wait_on_isolated_pages: leak if enough pages are listed.

    Returns what is left to leak, and whether enough pages are listed for that.
    """
    leaked = 0
    yield from mutex_lock_in_condition(vb.balloon_lock)
    yield spin_lock(vb.pages_lock)
    if leak_target <= size_t((yield from vb.driver.pages_at_balloon_list(vb))):
        leaked = yield from vb.driver.do_leak_balloon(vb, leak_target)
    leak_target = size_t(leak_target - leaked)
    enough = leak_target <= size_t((yield from vb.driver.pages_at_balloon_list(vb)))
    yield spin_unlock(vb.pages_lock)
    yield mutex_unlock(vb.balloon_lock)
    return leak_target, enough


def pages_at_balloon_list(vb: VirtioBalloon) -> Routine:
    """Length of the list in 4 KiB pages: two numbers that pages_lock holds still."""
    num_pages = yield read(vb.num_pages)
    return num_pages - (yield read(vb.num_isolated_pages))


def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of deflation, or a sleep until enough isolated pages have come back for it."""
    leak_target = min(num, ARRAY_PFNS_MAX)

    def enough_pages() -> Routine:
        nonlocal leak_target
        leak_target, enough = yield from vb.driver.wait_on_isolated_pages(vb, leak_target)
        return enough

    yield from wait_event(vb.config_change, enough_pages)


def virtballoon_isolatepage(vb: VirtioBalloon, page: int) -> Routine:
    """Compaction takes a page off the balloon's list. Called under the page's lock."""
    yield spin_lock(vb.pages_lock)
    yield list_del(page)
    yield add(vb.num_isolated_pages, vb.pages_per_page)
    yield spin_unlock(vb.pages_lock)


def virtballoon_migratepage(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """Compaction moves an isolated page: newpage enters the balloon, page leaves it. Under both page locks."""
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, vb.pages_per_page)
    yield spin_lock(vb.pages_lock)
    yield list_add(newpage, vb.pages)
    yield assign_balloon_mapping(newpage)
    yield add(vb.num_isolated_pages, -vb.pages_per_page)
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
    yield add(vb.num_isolated_pages, -vb.pages_per_page)
    yield spin_unlock(vb.pages_lock)
    yield wake_up(vb.config_change)


def virtballoon_probe(vb: VirtioBalloon) -> Routine:
    """Load the driver. One label fewer than v9's: where the mapping is an error, that is freed."""
    if not (yield from kmalloc(vb.vb_memory, vb.fault)):
        return -errno.ENOMEM  # out:
    yield init_list_head(vb.pages)
    yield mutex_init(vb.balloon_lock)
    yield spin_lock_init(vb.pages_lock)
    yield write(vb.num_pages, 0)
    yield write(vb.num_isolated_pages, 0)
    yield init_waitqueue_head(vb.config_change)
    yield init_waitqueue_head(vb.acked)
    yield write(vb.need_stats_update, 0)
    vb_mapping = yield from vb.driver.alloc_balloon_mapping(vb)
    err = min(vb_mapping, 0)
    if err in (0, -errno.EOPNOTSUPP):
        err = yield from vb.driver.init_vqs(vb)
        if not err:
            err = yield kthread_run(vb.vb_thread, vb.should_stop, vb.exited, vb.fault)
            if not err:
                return 0
            yield from del_vqs(vb.vqs)  # out_del_vqs:
    yield from vb.driver.free_balloon_mapping(vb, vb_mapping)  # out_free_vb:
    yield from kfree(vb.vb_memory)  # out_free_vb:
    return err  # out:


def get_num_pages(vb: VirtioBalloon) -> Routine:
    """__get_num_pages: the size of the balloon in 4 KiB pages, read under pages_lock."""
    yield spin_lock(vb.pages_lock)
    num_pages = yield read(vb.num_pages)
    yield spin_unlock(vb.pages_lock)
    return num_pages


def remove_common(vb: VirtioBalloon) -> Routine:
    """Empty the balloon and say so; then the device forgets the driver, and the queues go."""
    while num_pages := (yield from vb.driver.get_num_pages(vb)):
        yield from vb.driver.leak_balloon(vb, num_pages)
    yield from vb.driver.update_balloon_size(vb)
    yield from reset(vb.device_status)
    yield from del_vqs(vb.vqs)


def virtballoon_remove(vb: VirtioBalloon) -> Routine:
    """Unload the driver: stop the thread, empty the balloon, free what probe has allocated."""
    yield from kthread_stop(vb.vb_thread, vb.should_stop, vb.config_change, vb.exited)
    yield from vb.driver.remove_common(vb)
    yield from vb.driver.free_balloon_mapping(vb, 1)
    yield from kfree(vb.vb_memory)


DRIVER = Driver(
    name="v10",
    title="the patch after that review, v10 of September 2012: plain numbers, and a wait that leaks and sleeps",
    functions=dict(linux_3_6.DRIVER.functions)
    | INTERFACE
    | routines(
        towards_target,
        update_balloon_size,
        fill_balloon,
        do_leak_balloon,
        wait_on_isolated_pages,
        pages_at_balloon_list,
        leak_balloon,
        v9.stats_handle_request,
        virtballoon_isolatepage,
        virtballoon_migratepage,
        virtballoon_putbackpage,
        balloon_mapping_alloc,
        balloon_mapping_free,
        virtballoon_probe,
        get_num_pages,
        remove_common,
        virtballoon_remove,
    ),
    migratetype=Migratetype.MOVABLE,
    movable=True,
    rules="3.6",
    vmstat=COMPACT_BALLOON_EVENTS,
    aliases=v9.ALIASES
    | {"alloc_balloon_mapping": "balloon_mapping_alloc", "free_balloon_mapping": "balloon_mapping_free"},
    page_flags=PAGE_FLAGS,
    isolated_counter=("num_isolated_pages", "4 KiB pages"),
    members=members.V10,
)
