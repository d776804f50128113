"""virtio_balloon in Linux 6.1.192 (drivers/virtio/virtio_balloon.c; Debian's linux-source-6.1).

Against 3.8: work items instead of a kernel thread; pages are allocated, and the 200 ms slept, before balloon_lock is
taken (M10), so PFNs go out in the reverse of allocation order; leak_balloon does not ask for more than there is (M8),
sends no empty message (M3), and frees inside balloon_lock, from a list of its own, in the reverse of the message's
order (M1); the target is rounded up to whole guest pages (M17); an OOM notifier deflates 256 pages.
Left out: free page hinting and reporting, page poison, managed pages by zone.
"""

from __future__ import annotations

from balloonlab.drivers import linux_3_6, members
from balloonlab.drivers.balloon_compaction_6_1 import BALLOON_COMPACTION, BALLOON_EVENTS, PAGE_FLAGS
from balloonlab.drivers.compactor import EAGAIN
from balloonlab.drivers.driver import Driver, DriverThread, routines
from balloonlab.drivers.migrate_6_1 import CORE
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    cancel_work_sync,
    collect_stats,
    config_read,
    get_page,
    msleep,
    mutex_lock,
    mutex_trylock,
    mutex_unlock,
    process_one_work,
    put_page,
    queue_work,
    read,
    set_page_pfns,
    spin_lock_irq,
    spin_lock_irqsave,
    spin_unlock_irq,
    spin_unlock_irqrestore,
    virtqueue_add_stats,
    virtqueue_get_buf,
    virtqueue_kick,
    work_done,
    write,
)
from balloonlab.kernel.primitives.compaction import count_vm_event
from balloonlab.memory.zone import Migratetype

OOM_NR_PAGES = 256  # VIRTIO_BALLOON_OOM_NR_PAGES, in 4 KiB pages
STATS = 10  # figures sent
THREADS = (
    DriverThread("balloon-worker", "the workqueue's worker that resizes the balloon", "update_balloon_size_work"),
    DriverThread("stats-worker", "the workqueue's worker that sends statistics", "update_balloon_stats_work"),
)


def update_balloon_size_work(vb: VirtioBalloon) -> Routine:
    """A worker of system_freezable_wq, as far as it concerns this work item."""
    while True:
        yield process_one_work(vb.update_balloon_size_work, vb.freezing)
        yield from vb.driver.update_balloon_size_func(vb)
        yield work_done(vb.update_balloon_size_work)


def update_balloon_stats_work(vb: VirtioBalloon) -> Routine:
    """A worker of system_freezable_wq, as far as it concerns the statistics."""
    while True:
        yield process_one_work(vb.update_balloon_stats_work, vb.freezing)
        yield from vb.driver.stats_handle_request(vb)
        yield work_done(vb.update_balloon_stats_work)


def update_balloon_size_func(vb: VirtioBalloon) -> Routine:
    """One round towards the target; asks for the next one if that did not suffice."""
    diff = yield from vb.driver.towards_target(vb)
    if diff == 0:
        return
    if diff > 0:
        diff -= yield from vb.driver.fill_balloon(vb, diff)
    else:
        diff += yield from vb.driver.leak_balloon(vb, -diff)
    yield from vb.driver.update_balloon_size(vb)
    if diff != 0:
        yield queue_work(vb.update_balloon_size_work)


def towards_target(vb: VirtioBalloon) -> Routine:
    """How many 4 KiB pages the host wants in the balloon beyond those that are there, in whole guest pages."""
    num_pages = yield config_read(vb.config_num_pages)
    target = -(-num_pages // vb.pages_per_page) * vb.pages_per_page
    return target - (yield read(vb.num_pages))


def fill_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of inflation: up to 256 balloon pages, one message. Returns how many."""
    num = min(num, ARRAY_PFNS_MAX)
    pages: list[int] = []  # head first
    while len(pages) * vb.pages_per_page < num:
        page = yield from vb.driver.balloon_page_alloc(vb)
        if page is None:
            yield msleep(200, f"Out of puff! Can't get {vb.pages_per_page} pages")
            break
        pages.insert(0, page)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    for page in pages:
        yield from vb.driver.balloon_page_enqueue(vb, page)
        slot = yield read(vb.num_pfns)
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, vb.pages_per_page)
        yield from vb.driver.adjust_managed_page_count(vb, -1)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (allocated := (yield read(vb.num_pfns))) != 0:
        yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    return allocated


def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of deflation: take what pages there are, tell the host, free them. Returns how many."""
    num = min(num, ARRAY_PFNS_MAX)
    pages: list[int] = []  # head first
    yield mutex_lock(vb.balloon_lock)
    num = min(num, (yield read(vb.num_pages)))
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield from vb.driver.balloon_page_dequeue(vb)
        if page is None:
            break
        yield set_page_pfns(slot, page)
        pages.insert(0, page)
        yield add(vb.num_pages, -vb.pages_per_page)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (freed := (yield read(vb.num_pfns))) != 0:
        yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield from vb.driver.release_pages_balloon(vb, pages)
    yield mutex_unlock(vb.balloon_lock)
    return freed


def release_pages_balloon(vb: VirtioBalloon, pages: list[int]) -> Routine:
    """Drop the balloon's reference of each page of a private list, from its head on."""
    for page in pages:
        yield from vb.driver.adjust_managed_page_count(vb, 1)
        yield put_page(page)


def adjust_managed_page_count(vb: VirtioBalloon, count: int) -> Routine:
    """Count pages of the balloon out of, or into, what the kernel has to manage; not with DEFLATE_ON_OOM."""
    if not vb.deflate_on_oom:
        yield add(vb.totalram_pages, count)


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
    yield write(vb.num_pfns, vb.pages_per_page)
    yield set_page_pfns(0, page)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    yield from vb.driver.balloon_page_finalize(vb, page)
    yield put_page(page)
    return 0


def stats_handle_request(vb: VirtioBalloon) -> Routine:
    """Answer the host's request for statistics."""
    stats = yield collect_stats(STATS)
    if not (yield virtqueue_get_buf(vb.stats_vq)):
        return
    yield virtqueue_add_stats(vb.stats_vq, stats)
    yield virtqueue_kick(vb.stats_vq)


def virtio_balloon_oom_notify(vb: VirtioBalloon) -> Routine:
    """The kernel is out of memory: give pages back. Returns how many guest pages were freed."""
    freed = yield from vb.driver.leak_balloon(vb, OOM_NR_PAGES)
    yield from vb.driver.update_balloon_size(vb)
    return freed // vb.pages_per_page


def virtballoon_changed(vb: VirtioBalloon) -> Routine:
    """The target may be another one: ask for the work, unless the driver is being unloaded."""
    yield spin_lock_irqsave(vb.stop_update_lock)
    if not (yield read(vb.stop_update)):
        yield queue_work(vb.update_balloon_size_work)
    yield spin_unlock_irqrestore(vb.stop_update_lock)


def virtballoon_remove(vb: VirtioBalloon) -> Routine:
    """Unload the driver: let no more work be asked for, wait for what is under way, empty the balloon."""
    yield spin_lock_irq(vb.stop_update_lock)
    yield write(vb.stop_update, 1)
    yield spin_unlock_irq(vb.stop_update_lock)
    yield from cancel_work_sync(vb.update_balloon_size_work)
    yield from cancel_work_sync(vb.update_balloon_stats_work)
    yield from vb.driver.remove_common(vb)


def virtballoon_restore(vb: VirtioBalloon) -> Routine:
    """Resume: ask for the work if there is any; the worker does it."""
    if err := (yield from vb.driver.init_vqs(vb)):
        return err
    if (yield from vb.driver.towards_target(vb)) != 0:
        yield from vb.driver.virtballoon_changed(vb)
    yield from vb.driver.update_balloon_size(vb)
    return 0


DRIVER = Driver(
    name="linux-6.1",
    title="Linux 6.1: work items, allocation before the lock, movable operations, an OOM notifier",
    functions=CORE
    | BALLOON_COMPACTION
    | routines(
        update_balloon_size_work,
        update_balloon_stats_work,
        update_balloon_size_func,
        towards_target,
        linux_3_6.update_balloon_size,
        fill_balloon,
        leak_balloon,
        release_pages_balloon,
        adjust_managed_page_count,
        linux_3_6.tell_host,
        virtballoon_migratepage,
        stats_handle_request,
        virtio_balloon_oom_notify,
        virtballoon_changed,
        linux_3_6.init_vqs,
        linux_3_6.remove_common,
        virtballoon_remove,
        linux_3_6.virtballoon_freeze,
        virtballoon_restore,
    ),
    migratetype=Migratetype.MOVABLE,
    movable=True,
    rules="6.1",
    vmstat=BALLOON_EVENTS,
    page_flags=PAGE_FLAGS,
    isolated_counter=("isolated_pages", "guest pages"),
    threads=THREADS,
    workqueue=True,
    members=members.LINUX_6_1,
)
