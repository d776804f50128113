"""Sleeping and waking (Linux 3.6, include/linux/wait.h, kernel/wait.c, kernel/timer.c).

`wait_event` is the macro spelt out: test, queue up, test again, sleep, and from the top when woken.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from balloonlab.kernel.primitives.locks import mutex_lock_slowpath, mutex_trylock
from balloonlab.kernel.primitives.verb import Blocked, Primitive, primitive
from balloonlab.kernel.world import Ref, World

Routine = Generator[Primitive, Any, Any]


def _awake(world: World, thread: int, _queue: Ref) -> bool:
    return world.sleeping[thread] == 0


def _asleep(_world: World, _thread: int, queue: Ref) -> Blocked:
    return Blocked("asleep", f"a wake-up on {queue.name}")


@primitive(touches=("own sleep",))
def prepare_to_wait(world: World, thread: int, queue: Ref) -> None:
    """Queue up on a wait queue and mark this thread as about to sleep."""
    world.sleep_on(thread, queue.number)


@primitive(_awake, _asleep, touches=("own sleep",))
def schedule(_world: World, _thread: int, _queue: Ref) -> None:
    """Give the CPU away until somebody wakes the queue. At once if that has happened already."""


@primitive(touches=("own sleep",))
def finish_wait(world: World, thread: int, _queue: Ref) -> None:
    """Leave the wait queue, awake."""
    world.sleep_on(thread, None)


@primitive(touches=("all sleeps",))
def wake_up(world: World, _thread: int, queue: Ref) -> int:
    """Wake everybody on the queue. Returns how many slept."""
    return world.wake_up(queue.number)


@primitive(naps=True, prints=True)
def msleep(_world: World, _thread: int, _milliseconds: int, _said: str = "") -> None:
    """Sleep for a time; any other thread may run meanwhile. The line `said` is printed before, if not too often."""


@primitive(naps=True)
def cond_resched(_world: World, _thread: int) -> None:
    """Give the CPU to another thread that can run, if there is one."""


@primitive()
def complete(world: World, _thread: int, value: Ref) -> None:
    """Say that something has happened, once and for all."""
    world.values.set(value.number, 1)


def _completed(world: World, _thread: int, value: Ref) -> bool:
    return bool(world.values.get(value.number))


def _not_completed(_world: World, _thread: int, value: Ref) -> Blocked:
    return Blocked("asleep", value.name)


@primitive(_completed, _not_completed)
def wait_for_completion(_world: World, _thread: int, _value: Ref) -> None:
    """Sleep until that has happened."""


def _not_freezing(world: World, _thread: int, value: Ref) -> bool:
    return not world.values.get(value.number)


def _frozen(_world: World, _thread: int, _value: Ref) -> Blocked:
    return Blocked("asleep", "the end of the system's sleep")


@primitive(_not_freezing, _frozen, rests=True)
def try_to_freeze(_world: World, _thread: int, _value: Ref) -> None:
    """Stay here while the system is being suspended."""


def mutex_lock_in_condition(lock: Ref) -> Routine:
    """mutex_lock in the condition of a wait_event. The thread is about to sleep on a wait queue.

    A free mutex is taken and changes nothing. Sleeping for a held one leaves the thread running: it will not sleep on
    its wait queue then, but look at its condition again at once (later kernels warn of that).
    """
    if not (yield mutex_trylock(lock)):
        yield mutex_lock_slowpath(lock)


def wait_event(queue: Ref, condition: Callable[[], Routine]) -> Routine:
    """Sleep on `queue` until `condition()` is true. Returns what it said."""
    if answer := (yield from condition()):
        return answer
    while True:
        yield prepare_to_wait(queue)
        if answer := (yield from condition()):
            break
        yield schedule(queue)
    yield finish_wait(queue)
    return answer
