"""Linux 4.19, with a shrinker in the place of the OOM notifier, and a candidate of 5.3 (the driver, mm/).

71994620bb25 lets every reclaim shrink the balloon, that of the balloon's own allocations too (M13), and takes the pages
freed so far off what is left to free in every turn anew (M14). Left out: 5.0's free page hinting, whose blocks the
shrinker returns first. A candidate of 5.3 took each page off its list twice when it was enqueued (M16; cause
418a3ab1e778; the repair keeps the second one to the variant that enqueues a list).
"""

from __future__ import annotations

from balloonlab.drivers import balloon_compaction_6_1
from balloonlab.drivers.merged_variants import linux_4_15
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import Routine, list_del, read

UNSIGNED_LONG = 1 << 64


def virtio_balloon_shrinker_scan(vb: VirtioBalloon, nr_to_scan: int) -> Routine:
    """Give back `nr_to_scan` guest pages, 256 balloon pages a turn. Returns how many guest pages were freed.

    The second turn takes the first one's pages off what is left, the third takes both turns' off that: below zero,
    which an unsigned long has not.
    """
    pages_to_free, pages_freed = nr_to_scan * vb.pages_per_page, 0
    while (yield read(vb.num_pages)) and pages_to_free:
        pages_to_free = (pages_to_free - pages_freed) % UNSIGNED_LONG
        pages_freed += yield from vb.driver.leak_balloon(vb, pages_to_free)
    yield from vb.driver.update_balloon_size(vb)
    return pages_freed // vb.pages_per_page


def balloon_page_enqueue_one(vb: VirtioBalloon, page: int) -> Routine:
    """The candidate of 5.3: take the page off the caller's list, insert it and count it.

    fill_balloon has taken it off already (that list is its own, which no other thread sees: it is no list here).
    """
    yield list_del(page)
    yield from balloon_compaction_6_1.balloon_page_enqueue_one(vb, page)


DRIVER = linux_4_15.DRIVER.variant(
    "linux-4.19",
    "Linux 4.19: a shrinker instead of the OOM notifier",
    virtio_balloon_shrinker_scan,
    without=("virtballoon_oom_notify",),
    aliases={},
)
CANDIDATE_OF_5_3 = DRIVER.variant(
    "linux-5.3-rc", "a candidate of Linux 5.3: a page leaves its list twice", balloon_page_enqueue_one
)
