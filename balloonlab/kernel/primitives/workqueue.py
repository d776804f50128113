"""Work items: asked for by anybody, done by one worker at a time (Linux 6.1, kernel/workqueue.c).

A work item is one shared number: bit 0 pending, bit 1 running, bit 2 being cancelled. It is not re-entrant: queued
while it runs, it runs again afterwards. The queue is freezable: while the system is being suspended none begins.
"""

from __future__ import annotations

from balloonlab.kernel.primitives.verb import Blocked, primitive
from balloonlab.kernel.primitives.waiting import Routine
from balloonlab.kernel.world import Ref, World

PENDING, RUNNING, CANCELING = 1, 2, 4


def _to_do(world: World, _thread: int, work: Ref, freezing: Ref) -> bool:
    return world.values.get(work.number) == PENDING and not world.values.get(freezing.number)


def _nothing_to_do(world: World, _thread: int, work: Ref, freezing: Ref) -> Blocked:
    if world.values.get(freezing.number):
        return Blocked("asleep", "the end of the system's sleep")
    return Blocked("idle", f"somebody to queue {work.name}")


def _not_running(world: World, _thread: int, work: Ref) -> bool:
    return not world.values.get(work.number) & RUNNING


def _still_running(_world: World, _thread: int, work: Ref) -> Blocked:
    return Blocked("asleep", f"the end of {work.name}")


@primitive()
def queue_work(world: World, _thread: int, work: Ref) -> bool:
    """Ask for the work to be done. Returns False if it was asked for already, or is being cancelled."""
    state = world.values.get(work.number)
    if state & (PENDING | CANCELING):
        return False
    world.values.set(work.number, state | PENDING)
    return True


@primitive(_to_do, _nothing_to_do, rests=True)
def process_one_work(world: World, _thread: int, work: Ref, _freezing: Ref) -> None:
    """Begin the work: from here on it may be queued again."""
    world.values.set(work.number, RUNNING)


@primitive()
def work_done(world: World, _thread: int, work: Ref) -> None:
    """The work's function has returned."""
    world.values.set(work.number, world.values.get(work.number) & ~RUNNING)


@primitive()
def cancel_work(world: World, _thread: int, work: Ref) -> None:
    """Take the work off the queue. Nobody can queue it until flush_work is done."""
    world.values.set(work.number, world.values.get(work.number) & ~PENDING | CANCELING)


@primitive(_not_running, _still_running)
def flush_work(world: World, _thread: int, work: Ref) -> None:
    """Sleep until the work is not being done."""
    world.values.set(work.number, world.values.get(work.number) & ~CANCELING)


def cancel_work_sync(work: Ref) -> Routine:
    """Take the work off the queue. Waits for it if it is being done."""
    yield cancel_work(work)
    yield flush_work(work)
