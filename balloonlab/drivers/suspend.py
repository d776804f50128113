"""Suspend and resume, as far as the driver takes part (kernel/power/process.c, kernel/freezer.c, Linux 3.6).

First every freezable thread and workqueue is brought to a stop, then the driver's freeze empties the balloon and gives
up its queues; on the way back the driver's restore makes them anew, and at last the threads go on.
"""

from __future__ import annotations

from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.driver import Driver
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    complete,
    flush_work,
    read,
    try_to_freeze,
    wait_event,
    wait_for_completion,
    wake_up,
    write,
)


def balloon(vb: VirtioBalloon) -> Routine:
    """The kernel thread as in Linux 3.6, with what linux_3_6.py leaves out of it: it wakes up to be frozen."""
    driver = vb.driver

    def something_to_do() -> Routine:
        diff = yield from driver.towards_target(vb)
        stats = yield read(vb.need_stats_update)
        stop = yield read(vb.should_stop)
        freezing = yield read(vb.freezing)
        return (diff,) if diff or stats or stop or freezing else None

    while not (yield read(vb.should_stop)):
        if (yield read(vb.freezing)):
            yield complete(vb.frozen)
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


def freezable(driver: Driver) -> Driver:
    """The driver with a kernel thread that can be frozen while it sleeps; a workqueue can be as it is."""
    return driver if driver.workqueue else driver.replace(balloon=balloon).sharing(frozen="gate")


def suspend(vb: VirtioBalloon) -> Routine:
    """Freeze the threads, then the driver. `vb.frozen` is for one time."""
    yield write(vb.freezing, 1)
    if vb.driver.workqueue:
        yield flush_work(vb.update_balloon_size_work)
        yield flush_work(vb.update_balloon_stats_work)
    else:
        yield wake_up(vb.config_change)
        yield wait_for_completion(vb.frozen)
    yield from vb.driver.virtballoon_freeze(vb)


def suspend_and_resume(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """Suspend; then the driver goes on, and at last the threads."""
    yield from suspend(vb)
    yield from vb.driver.virtballoon_restore(vb)
    yield write(vb.freezing, 0)


SLEEPER = Actor("suspend", "somebody closes the lid, and opens it again", suspend_and_resume)
