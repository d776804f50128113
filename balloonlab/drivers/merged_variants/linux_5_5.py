"""Linux 5.5: the shrinker with its sum put right (drivers/virtio/virtio_balloon.c, shrink_balloon_pages).

Against 4.19: what is left to free is what was asked for less what has been freed (M14, November 2019). Reclaim still
deflates the balloon that is being inflated (M13); in 5.8 the OOM notifier came back instead, as in 6.1.
"""

from __future__ import annotations

from balloonlab.drivers.merged_variants import linux_4_19
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import Routine, read


def virtio_balloon_shrinker_scan(vb: VirtioBalloon, nr_to_scan: int) -> Routine:
    """Give back `nr_to_scan` guest pages, 256 balloon pages a turn. Returns how many guest pages were freed."""
    pages_to_free, pages_freed = nr_to_scan * vb.pages_per_page, 0
    while (yield read(vb.num_pages)) and pages_freed < pages_to_free:
        pages_freed += yield from vb.driver.leak_balloon(vb, pages_to_free - pages_freed)
    yield from vb.driver.update_balloon_size(vb)
    return pages_freed // vb.pages_per_page


DRIVER = linux_4_19.DRIVER.variant(
    "linux-5.5", "Linux 5.5: a shrinker that frees what it is asked for", virtio_balloon_shrinker_scan
)
