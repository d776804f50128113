"""virtio_balloon with the patch's version that MST acked, "v11 5/7" (mail of 7 November 2012, quoted in his answer).

The list of pages, its lock and the count of isolated pages move into the core (balloon_compaction.py), which skips
locked pages; the driver keeps balloon_lock. Nobody waits for isolated pages any more: leak_balloon takes what is there
(V7), so it may tell the host of no page at all (M3). Migration only tries balloon_lock (V15, V16). pages_lock is taken
with interrupts off (V9). Pages are freed after balloon_lock is given back, by an array that is no longer ours (M1).
fill_balloon still returns with balloon_lock held when it got no page (V1); statistics take no lock again (V2).
"""

from __future__ import annotations

import errno

from balloonlab.drivers import linux_3_6, members
from balloonlab.drivers.balloon_compaction import (
    COMPACT_BALLOON_EVENTS,
    INTERFACE,
    PAGE_FLAGS,
    PAGE_LIST,
    count_balloon_event,
)
from balloonlab.drivers.compactor import EAGAIN
from balloonlab.drivers.driver import Driver, routines
from balloonlab.drivers.migrate_3_6 import MIGRATEPAGE_BALLOON_SUCCESS
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    assign_balloon_mapping,
    del_vqs,
    free_page,
    init_waitqueue_head,
    kfree,
    kmalloc,
    kthread_run,
    kthread_stop,
    list_add,
    msleep,
    mutex_init,
    mutex_lock,
    mutex_trylock,
    mutex_unlock,
    read,
    read_pfn,
    set_page_pfns,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    write,
)
from balloonlab.memory.zone import Migratetype


def fill_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of inflation: up to 256 balloon pages, one message."""
    num = min(num, ARRAY_PFNS_MAX)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield from vb.driver.balloon_page_enqueue(vb)
        if page is None:
            yield msleep(200, f"Out of puff! Can't get {vb.pages_per_page} pages")
            break
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, vb.pages_per_page)
        yield add(vb.totalram_pages, -1)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (yield read(vb.num_pfns)) == 0:
        return
    yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)


def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of deflation: take what pages there are off the list, tell the host, then free them."""
    num = min(num, ARRAY_PFNS_MAX)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield from vb.driver.balloon_page_dequeue(vb)
        if page is None:
            break
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, -vb.pages_per_page)
        yield add(vb.num_pfns, vb.pages_per_page)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    num_pfns = yield read(vb.num_pfns)
    yield from vb.driver.release_pages_by_pfn(vb, num_pfns)


def release_pages_by_pfn(vb: VirtioBalloon, num: int) -> Routine:
    """Give `num` entries of vb->pfns back to the allocator, in its order, as the array is when each is read."""
    for i in range(0, num, vb.pages_per_page):
        pfn = yield read_pfn(i)
        yield free_page(pfn // vb.pages_per_page)
        yield add(vb.totalram_pages, 1)


def balloon_page_insert(vb: VirtioBalloon, page: int) -> Routine:
    """Put the page at the head of the list, then mark it. Under the page's lock and pages_lock."""
    yield list_add(page, vb.pages)
    yield assign_balloon_mapping(page)


def virtballoon_migratepage(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """Compaction moves an isolated page: newpage enters the balloon, page leaves it. Under both page locks."""
    if not (yield mutex_trylock(vb.balloon_lock)):
        return EAGAIN
    yield spin_lock_irqsave(vb.pages_lock)
    yield from vb.driver.balloon_page_insert(vb, newpage)
    yield add(vb.isolated_pages, -1)
    yield spin_unlock_irqrestore(vb.pages_lock)
    yield write(vb.num_pfns, vb.pages_per_page)
    yield set_page_pfns(0, newpage)
    yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield from vb.driver.balloon_page_delete(vb, page)
    yield write(vb.num_pfns, vb.pages_per_page)
    yield set_page_pfns(0, page)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    yield from count_balloon_event(vb, "compact_balloon_migrated")
    return MIGRATEPAGE_BALLOON_SUCCESS


def virtballoon_probe(vb: VirtioBalloon) -> Routine:
    """Load the driver. If a step fails, the labels from there on undo all steps before it; C jumps there by goto."""
    if not (yield from kmalloc(vb.vb_memory, vb.fault)):
        return -errno.ENOMEM  # out:
    yield write(vb.num_pages, 0)
    yield mutex_init(vb.balloon_lock)
    yield init_waitqueue_head(vb.config_change)
    yield init_waitqueue_head(vb.acked)
    yield write(vb.need_stats_update, 0)
    vb_devinfo = yield from vb.driver.balloon_devinfo_alloc(vb)
    err = min(vb_devinfo, 0)
    if not err:
        vb_mapping = yield from vb.driver.balloon_mapping_alloc(vb)
        err = min(vb_mapping, 0)
        if err in (0, -errno.EOPNOTSUPP):
            err = yield from vb.driver.init_vqs(vb)
            if not err:
                err = yield kthread_run(vb.vb_thread, vb.should_stop, vb.exited, vb.fault)
                if not err:
                    return 0
                yield from del_vqs(vb.vqs)  # out_del_vqs:
            yield from vb.driver.balloon_mapping_free(vb, vb_mapping)  # out_free_vb_mapping:
        yield from vb.driver.balloon_devinfo_free(vb, vb_devinfo)  # out_free_vb_devinfo:
    yield from kfree(vb.vb_memory)  # out_free_vb:
    return err  # out:


def virtballoon_remove(vb: VirtioBalloon) -> Routine:
    """Unload the driver: stop the thread, empty the balloon, free what probe has allocated."""
    yield from kthread_stop(vb.vb_thread, vb.should_stop, vb.config_change, vb.exited)
    yield from vb.driver.remove_common(vb)
    yield from vb.driver.balloon_mapping_free(vb, 1)
    yield from vb.driver.balloon_devinfo_free(vb, 1)
    yield from kfree(vb.vb_memory)


DRIVER = Driver(
    name="v11",
    title="the patch that was acked, v11 of November 2012: the list in the core, nobody waits, migration only tries",
    functions=dict(linux_3_6.DRIVER.functions)
    | INTERFACE
    | PAGE_LIST
    | routines(
        fill_balloon,
        leak_balloon,
        release_pages_by_pfn,
        balloon_page_insert,
        virtballoon_migratepage,
        virtballoon_probe,
        virtballoon_remove,
    ),
    migratetype=Migratetype.MOVABLE,
    movable=True,
    rules="3.6",
    vmstat=COMPACT_BALLOON_EVENTS,
    page_flags=PAGE_FLAGS,
    isolated_counter=("isolated_pages", "guest pages"),
    members=members.V11,
)
