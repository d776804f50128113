"""What tell_host does when the buffer cannot be added to the queue: for each version, on a device that may break (M20).

Up to 3.15 it is a BUG_ON; since 3.16 nobody looks (drivers/virtio/virtio_balloon.c, 3.16 to 7.2), and the driver sleeps
for an acknowledgement that cannot come. With one request under way in a queue the add fails for one reason only: the
device is gone (vq->broken). Later kernels warn; the repair here gives up the message.
"""

from __future__ import annotations

from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.driver import Driver
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    bug_on,
    virtqueue_add_outbuf,
    virtqueue_get_buf,
    virtqueue_kick,
    wait_event,
    write,
)
from balloonlab.kernel.world import Ref

BUG_ON_ADD = ("linux-3.6", "v9", "v10", "v11", "linux-3.8", "linux-3.13")
LOOKS_AT_THE_ADD = "linux-7.2 (looks at the add)"


def tell_host(vb: VirtioBalloon, vq: Ref) -> Routine:
    """Send vb->pfns[0..num_pfns) as one message and sleep until the host has acknowledged it."""

    def acknowledged() -> Routine:
        return (yield virtqueue_get_buf(vq))

    failed = yield virtqueue_add_outbuf(vq, vb.num_pfns, vb.vq_broken)
    version = vb.driver.name.rstrip("*")
    if version in BUG_ON_ADD:
        yield bug_on(failed, "virtqueue_add_outbuf() < 0")
    if failed and version == LOOKS_AT_THE_ADD:
        return
    yield virtqueue_kick(vq)
    yield from wait_event(vb.acked, acknowledged)


def breakable(driver: Driver) -> Driver:
    """The driver on a device that may break."""
    return driver.replace(tell_host=tell_host).variant(driver.name, driver.title).sharing(vq_broken="value")


def unplug(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """The device goes away without a word."""
    yield write(vb.vq_broken, 1)


UNPLUGGER = Actor("unplugger", "somebody who pulls the device out", unplug)
