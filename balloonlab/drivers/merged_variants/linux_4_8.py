"""Linux 4.8: work items and movable pages as in 6.1, allocation as in 3.8 (drivers/virtio/virtio_balloon.c, 4.8-rc8).

Like 6.1 it leaks no more than there is (M8), frees inside balloon_lock (M1) and walks the list under pages_lock (M2).
Against 6.1: pages are allocated with balloon_lock held, and the 200 ms slept (M10); the OOM notifier counts 4 KiB pages
where guest pages are asked for (M9); the target is not rounded up to whole guest pages (M17).
"""

from __future__ import annotations

from balloonlab.drivers import linux_3_6, linux_6_1, members
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import Routine, add, msleep, mutex_lock, mutex_unlock, read, set_page_pfns, write


def fill_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of inflation, all of it with balloon_lock held. Returns how many."""
    num = min(num, ARRAY_PFNS_MAX)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield from vb.driver.balloon_page_alloc(vb)
        if page is None:
            yield msleep(200, f"Out of puff! Can't get {vb.pages_per_page} pages")
            break
        yield from vb.driver.balloon_page_enqueue(vb, page)
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, vb.pages_per_page)
        yield from vb.driver.adjust_managed_page_count(vb, -1)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (allocated := (yield read(vb.num_pfns))) != 0:
        yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    return allocated


def virtballoon_oom_notify(vb: VirtioBalloon) -> Routine:
    """The kernel is out of memory: give pages back. Returns what it adds to the count of freed guest pages."""
    freed = yield from vb.driver.leak_balloon(vb, linux_6_1.OOM_NR_PAGES)
    yield from vb.driver.update_balloon_size(vb)
    return freed


DRIVER = linux_6_1.DRIVER.variant(
    "linux-4.8",
    "Linux 4.8: work items; allocation with balloon_lock held",
    linux_3_6.towards_target,
    fill_balloon,
    virtballoon_oom_notify,
    without=("virtio_balloon_oom_notify",),
    aliases={"virtio_balloon_oom_notify": "virtballoon_oom_notify"},
    members=members.LINUX_4_8,
)
