"""Linux 7.2 with what it has not got yet: our own repairs of M20 and M23, to show that they would be enough.

M23: update_balloon_size reads num_pages and writes it to the config field `actual`; the worker and the OOM notifier
both do, after they have given balloon_lock back. Who read first may write last, and the host keeps an older number
until the balloon changes again (Linux 3.19 to 7.2, drivers/virtio/virtio_balloon.c).
"""

from __future__ import annotations

from balloonlab.drivers import linux_7_2
from balloonlab.drivers.merged_variants.broken_device import LOOKS_AT_THE_ADD
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import Routine, config_write, mutex_lock, mutex_unlock, read


def update_balloon_size(vb: VirtioBalloon) -> Routine:
    """Tell the host, through config space, how much the balloon holds: read and written inside balloon_lock."""
    yield mutex_lock(vb.balloon_lock)
    actual = yield read(vb.num_pages)
    yield config_write(vb.config_actual, actual)
    yield mutex_unlock(vb.balloon_lock)


SIZE_UNDER_LOCK = linux_7_2.DRIVER.variant(
    "linux-7.2 (size under the lock)", "Linux 7.2, which writes `actual` inside balloon_lock", update_balloon_size
)
ADD_LOOKED_AT = linux_7_2.DRIVER.variant(
    LOOKS_AT_THE_ADD, "Linux 7.2, with a tell_host that does not wait for a lost message"
)
