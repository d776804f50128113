"""virtio_balloon as in Linux 3.6, before the patch (drivers/virtio/virtio_balloon.c).

No locks: only the kernel thread "vballoon" touches the balloon, or whoever has stopped it. Pages are GFP_HIGHUSER,
not movable, and compaction does not know them. The host is told before a page is given back to the allocator.
"""

from __future__ import annotations

import errno

from balloonlab.drivers import members
from balloonlab.drivers.driver import Driver, routines
from balloonlab.drivers.migrate_3_6 import CORE
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    alloc_page,
    collect_stats,
    complete,
    config_read,
    config_write,
    del_vqs,
    find_vqs,
    free_page,
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
    msleep,
    prime_stats,
    read,
    read_pfns,
    reset,
    s64,
    set_page_pfns,
    try_to_freeze,
    unsigned_int,
    virtqueue_add,
    virtqueue_add_stats,
    virtqueue_get_buf,
    virtqueue_kick,
    wait_event,
    write,
)
from balloonlab.kernel.world import Ref
from balloonlab.memory.zone import Migratetype


def balloon(vb: VirtioBalloon) -> Routine:
    """The kernel thread "vballoon": sleep until there is work, do one round of it."""
    driver = vb.driver

    def something_to_do() -> Routine:
        diff = yield from driver.towards_target(vb)
        stats = yield read(vb.need_stats_update)
        stop = yield read(vb.should_stop)
        return (diff,) if diff or stats or stop else None

    while not (yield read(vb.should_stop)):
        yield try_to_freeze(vb.freezing)
        (diff,) = yield from wait_event(vb.config_change, something_to_do)
        if (yield read(vb.need_stats_update)):
            yield from driver.stats_handle_request(vb)
        if diff > 0:
            yield from driver.fill_balloon(vb, diff)
        elif diff < 0:
            yield from driver.leak_balloon(vb, -diff)
        yield from driver.update_balloon_size(vb)
    yield complete(vb.exited)


def towards_target(vb: VirtioBalloon) -> Routine:
    """How many 4 KiB pages the host wants in the balloon beyond those that are there."""
    target = le32((yield config_read(vb.config_num_pages)))
    return s64(target - unsigned_int((yield read(vb.num_pages))))


def update_balloon_size(vb: VirtioBalloon) -> Routine:
    """Tell the host, through config space, how much the balloon holds."""
    actual = yield read(vb.num_pages)
    yield config_write(vb.config_actual, actual)


def fill_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of inflation: up to 256 balloon pages, one message."""
    num = min(num, ARRAY_PFNS_MAX)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield alloc_page(vb.migratetype)
        if page is None:
            yield msleep(200, f"Out of puff! Can't get {num} pages")
            break
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, vb.pages_per_page)
        yield add(vb.totalram_pages, -1)
        yield list_add(page, vb.pages)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (yield read(vb.num_pfns)) == 0:
        return
    yield from vb.driver.tell_host(vb, vb.inflate_vq)


def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of deflation: take pages off the list, tell the host, then free them."""
    num = min(num, ARRAY_PFNS_MAX)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield list_first(vb.pages)
        yield list_del(page)
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, -vb.pages_per_page)
        yield add(vb.num_pfns, vb.pages_per_page)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    told = yield read(vb.num_pfns)
    pfns = yield read_pfns(told)
    yield from vb.driver.release_pages_by_pfn(vb, pfns)


def tell_host(vb: VirtioBalloon, vq: Ref) -> Routine:
    """Send vb->pfns[0..num_pfns) as one message and sleep until the host has acknowledged it."""

    def acknowledged() -> Routine:
        return (yield virtqueue_get_buf(vq))

    yield virtqueue_add(vq, vb.num_pfns)
    yield virtqueue_kick(vq)
    yield from wait_event(vb.acked, acknowledged)


def release_pages_by_pfn(vb: VirtioBalloon, pfns: tuple[int, ...]) -> Routine:
    """Give pages back to the allocator, in the order of the array."""
    for pfn in pfns[:: vb.pages_per_page]:
        yield free_page(pfn // vb.pages_per_page)
        yield add(vb.totalram_pages, 1)


def stats_handle_request(vb: VirtioBalloon) -> Routine:
    """Answer the host's request for statistics."""
    yield write(vb.need_stats_update, 0)
    stats = yield collect_stats()
    if not (yield virtqueue_get_buf(vb.stats_vq)):
        return
    yield virtqueue_add_stats(vb.stats_vq, stats)
    yield virtqueue_kick(vb.stats_vq)


def init_vqs(vb: VirtioBalloon) -> Routine:
    """Find the device's queues, and give the host a buffer with which it can ask for statistics."""
    if err := (yield from find_vqs(vb.vqs, vb.fault)):
        return err
    yield prime_stats(vb.stats_vq)
    return 0


def virtballoon_probe(vb: VirtioBalloon) -> Routine:
    """Load the driver. If a step fails, the labels from there on undo all steps before it; C jumps there by goto."""
    if not (yield from kmalloc(vb.vb_memory, vb.fault)):
        return -errno.ENOMEM  # out:
    yield init_list_head(vb.pages)
    yield write(vb.num_pages, 0)
    yield init_waitqueue_head(vb.config_change)
    yield init_waitqueue_head(vb.acked)
    yield write(vb.need_stats_update, 0)
    err = yield from vb.driver.init_vqs(vb)
    if not err:
        err = yield kthread_run(vb.vb_thread, vb.should_stop, vb.exited, vb.fault)
        if not err:
            return 0
        yield from del_vqs(vb.vqs)  # out_del_vqs:
    yield from kfree(vb.vb_memory)  # out_free_vb:
    return err  # out:


def remove_common(vb: VirtioBalloon) -> Routine:
    """Empty the balloon and say so; then the device forgets the driver, and the queues go."""
    while num_pages := (yield read(vb.num_pages)):
        yield from vb.driver.leak_balloon(vb, num_pages)
    yield from vb.driver.update_balloon_size(vb)
    yield from reset(vb.device_status)
    yield from del_vqs(vb.vqs)


def virtballoon_remove(vb: VirtioBalloon) -> Routine:
    """Unload the driver: stop the thread, empty the balloon, free what probe has allocated."""
    yield from kthread_stop(vb.vb_thread, vb.should_stop, vb.config_change, vb.exited)
    yield from vb.driver.remove_common(vb)
    yield from kfree(vb.vb_memory)


def virtballoon_freeze(vb: VirtioBalloon) -> Routine:
    """Suspend: the thread is frozen already; empty the balloon."""
    yield from vb.driver.remove_common(vb)


def virtballoon_restore(vb: VirtioBalloon) -> Routine:
    """Resume: one round towards the target, even if there is nothing to do; the thread does the rest."""
    if err := (yield from vb.driver.init_vqs(vb)):
        return err
    diff = yield from vb.driver.towards_target(vb)
    yield from vb.driver.fill_balloon(vb, diff)
    yield from vb.driver.update_balloon_size(vb)
    return 0


DRIVER = Driver(
    name="linux-3.6",
    title="Linux 3.6, before the patch: one thread, no locks, pages that cannot move",
    functions=CORE
    | routines(
        balloon,
        towards_target,
        update_balloon_size,
        fill_balloon,
        leak_balloon,
        tell_host,
        release_pages_by_pfn,
        stats_handle_request,
        init_vqs,
        virtballoon_probe,
        remove_common,
        virtballoon_remove,
        virtballoon_freeze,
        virtballoon_restore,
    ),
    migratetype=Migratetype.UNMOVABLE,
    movable=False,
    rules="3.6",
    members=members.LINUX_3_6,
)
