"""The host's threads: one for each queue of the device, so that acknowledgements may come in any order.

What QEMU's main loop does for virtio-balloon, in the smallest steps the guest can tell apart.
"""

from __future__ import annotations

from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    host_acknowledge,
    host_acknowledge_stats,
    host_read,
    host_wants_stats,
)
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import Ref


def serve(vb: VirtioBalloon, vq: Ref) -> Routine:
    """Read each message of a queue, act on it, return it and interrupt the guest."""
    while True:
        yield host_read(vq)
        yield host_acknowledge(vq, vb.acked)


def poll_stats(vb: VirtioBalloon) -> Routine:
    """Hold the statistics buffer until somebody asks, then return it: the guest sends fresh figures."""
    request = vb.update_balloon_stats_work if vb.driver.workqueue else vb.need_stats_update
    stopped = vb.stop_update if vb.driver.workqueue else None
    wanted = (vb.stats_wanted,) if vb.vqs is None else (vb.stats_wanted, vb.vqs)
    while True:
        yield host_read(vb.stats_vq)
        yield host_wants_stats(*wanted)
        yield host_acknowledge_stats(vb.stats_vq, request, vb.config_change, stopped)


def host_threads(vb: VirtioBalloon, *, stats: bool = True) -> list[ThreadSpec]:
    """The host's side of the queues, as threads."""
    threads = [
        ThreadSpec("host-inflateq", "the host, reading inflate messages", lambda: serve(vb, vb.inflate_vq)),
        ThreadSpec("host-deflateq", "the host, reading deflate messages", lambda: serve(vb, vb.deflate_vq)),
    ]
    if stats:
        threads.append(ThreadSpec("host-statsq", "the host, polling statistics", lambda: poll_stats(vb)))
    return threads
