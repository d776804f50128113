"""virtio_balloon in Linux 7.2 (drivers/virtio/virtio_balloon.c, mm/balloon.c, mm/migrate.c).

Against 6.1: the driver's part of a migration is only the two messages; the list, the counts and the references are the
core's, after both acknowledgements (balloon_7_2.py), under one global lock and without page locks. Managed pages are
counted by the core: back in as soon as a page leaves the list, before the host has heard of it. Sixteen statistics.
Left out, as in 6.1: free page hinting and reporting, page poison; and what keeps the system awake meanwhile.
"""

from __future__ import annotations

from balloonlab.drivers import balloon_compaction_6_1 as since_6_1
from balloonlab.drivers import linux_3_6, linux_6_1, members
from balloonlab.drivers.balloon_7_2 import BALLOON, BALLOON_EVENTS, PAGE_FLAGS
from balloonlab.drivers.compactor import EAGAIN
from balloonlab.drivers.driver import Driver, routines
from balloonlab.drivers.migrate_7_2 import CORE
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    collect_stats,
    msleep,
    mutex_lock,
    mutex_trylock,
    mutex_unlock,
    put_page,
    read,
    set_page_pfns,
    virtqueue_add_stats,
    virtqueue_get_buf,
    virtqueue_kick,
    write,
)
from balloonlab.memory.zone import Migratetype

STATS = 16  # figures sent


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
        yield add(vb.num_pfns, vb.pages_per_page)
    if (allocated := (yield read(vb.num_pfns))) != 0:
        yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    return allocated


def release_pages_balloon(_vb: VirtioBalloon, pages: list[int]) -> Routine:
    """Drop the balloon's reference of each page of a private list, from its head on."""
    for page in pages:
        yield put_page(page)


def virtballoon_migratepage(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """Tell the host of the two pages of a migration: newpage enters, page leaves. Under both page locks."""
    if not (yield mutex_trylock(vb.balloon_lock)):
        return EAGAIN
    yield write(vb.num_pfns, vb.pages_per_page)
    yield set_page_pfns(0, newpage)
    yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield write(vb.num_pfns, vb.pages_per_page)
    yield set_page_pfns(0, page)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    return 0


def stats_handle_request(vb: VirtioBalloon) -> Routine:
    """Answer the host's request for statistics."""
    stats = yield collect_stats(STATS)
    if not (yield virtqueue_get_buf(vb.stats_vq)):
        return
    yield virtqueue_add_stats(vb.stats_vq, stats)
    yield virtqueue_kick(vb.stats_vq)


DRIVER = Driver(
    name="linux-7.2",
    title="Linux 7.2: one global lock for the pages, no page locks, the list changed after both acknowledgements",
    functions=CORE
    | BALLOON
    | routines(
        since_6_1.balloon_page_alloc,
        since_6_1.balloon_page_enqueue,
        since_6_1.balloon_page_dequeue,
        linux_6_1.update_balloon_size_work,
        linux_6_1.update_balloon_stats_work,
        linux_6_1.update_balloon_size_func,
        linux_6_1.towards_target,
        linux_3_6.update_balloon_size,
        fill_balloon,
        linux_6_1.leak_balloon,
        release_pages_balloon,
        linux_6_1.adjust_managed_page_count,
        linux_3_6.tell_host,
        virtballoon_migratepage,
        stats_handle_request,
        linux_6_1.virtio_balloon_oom_notify,
        linux_6_1.virtballoon_changed,
        linux_3_6.init_vqs,
        linux_3_6.remove_common,
        linux_6_1.virtballoon_remove,
        linux_3_6.virtballoon_freeze,
        linux_6_1.virtballoon_restore,
    ),
    migratetype=Migratetype.MOVABLE,
    movable=True,
    rules="6.1",
    vmstat=BALLOON_EVENTS,
    aliases={"isolate_movable_page": "isolate_movable_ops_page"},
    page_flags=PAGE_FLAGS,
    pages_lock="balloon_pages_lock",
    isolated_counter=("isolated_pages", "guest pages"),
    threads=linux_6_1.THREADS,
    workqueue=True,
    members=members.LINUX_7_2,
)
