"""Linux 4.15 and a release candidate of it (drivers/virtio/virtio_balloon.c).

Against 4.8: all pages of a round are allocated, and the 200 ms slept, before balloon_lock is taken (M10; c7cdff0e8647).
`DRIVER` does so as 6.1 does. The candidate counted a page in num_pfns before it wrote its PFNs to the place that
num_pfns names: the first place was never written, and the last page of a full message beyond the array (M11; found
on ppc64 in December 2017; the repair counts after the write).
"""

from __future__ import annotations

from balloonlab.drivers import linux_6_1
from balloonlab.drivers.merged_variants import linux_4_8
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import Routine, add, msleep, mutex_lock, mutex_unlock, read, set_page_pfns, write


def fill_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """The candidate's round of inflation: up to 256 balloon pages, one message. Returns how many."""
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
        yield add(vb.num_pfns, vb.pages_per_page)
        slot = yield read(vb.num_pfns)
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, vb.pages_per_page)
        yield from vb.driver.adjust_managed_page_count(vb, -1)
    if (allocated := (yield read(vb.num_pfns))) != 0:
        yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    return allocated


DRIVER = linux_4_8.DRIVER.variant(
    "linux-4.15", "Linux 4.15: allocation before the lock; a notifier that counts 4 KiB pages", linux_6_1.fill_balloon
)
CANDIDATE = DRIVER.variant("linux-4.15-rc", "a candidate of Linux 4.15: PFNs written one place too far", fill_balloon)
