"""Small programs that several tests explore: the oldest examples of what threads do to each other."""

from __future__ import annotations

from collections.abc import Callable

from balloonlab.explore import Program
from balloonlab.explore.program import Shared
from balloonlab.kernel.primitives import (
    Routine,
    bug_on,
    finish_wait,
    msleep,
    mutex_lock,
    mutex_unlock,
    prepare_to_wait,
    read,
    schedule,
    spin_lock,
    spin_unlock,
    wake_up,
    write,
)


def adder(times: int = 1) -> Callable[[Shared], Routine]:
    """Adds one to x, not atomically."""

    def add_one(shared: Shared) -> Routine:
        for _ in range(times):
            seen = yield read(shared.x)
            yield write(shared.x, seen + 1)

    return add_one


def lost_update() -> Program:
    return Program(
        "lost update",
        {"one": adder(), "two": adder()},
        values={"x": 0},
        at_end={"both count": lambda shared: shared["x"] == len(("one", "two"))},
    )


def counters(threads: int, times: int) -> Program:
    """Threads that step through a loop and share nothing."""

    def routine(_: Shared) -> Routine:
        for _step in range(times):
            yield msleep(1)

    return Program("counters", {f"t{i}": routine for i in range(threads)})


def locker(*names: str) -> Callable[[Shared], Routine]:
    """Takes the locks in this order, and gives them back in the other."""

    def routine(shared: Shared) -> Routine:
        for name in names:
            yield mutex_lock(getattr(shared, name))
        for name in reversed(names):
            yield mutex_unlock(getattr(shared, name))

    return routine


def two_locks() -> Program:
    return Program("two locks", {"ab": locker("a", "b"), "ba": locker("b", "a")}, locks=["a", "b"])


def three_locks() -> Program:
    """Philosophers."""
    threads = {"one": locker("a", "b"), "two": locker("b", "c"), "three": locker("c", "a")}
    return Program("philosophers", threads, locks=["a", "b", "c"])


def peterson(*, swapped: bool = False, rounds: int = 1) -> Program:
    """Peterson's algorithm for two threads. swapped: gives way first and only then says that it wants to enter."""

    def side(me: int) -> Callable[[Shared], Routine]:
        def routine(shared: Shared) -> Routine:
            mine, other = (shared.wants_0, shared.wants_1)[:: 1 if me == 0 else -1]
            for _ in range(rounds):
                announce = [write(mine, 1), write(shared.turn, 1 - me)]
                yield from reversed(announce) if swapped else announce
                while (yield read(other)) and (yield read(shared.turn)) != me:
                    pass
                yield write((shared.inside_0, shared.inside_1)[me], 1)
                yield write((shared.inside_0, shared.inside_1)[me], 0)
                yield write(mine, 0)

        return routine

    return Program(
        "Peterson",
        {"zero": side(0), "one": side(1)},
        values={"wants_0": 0, "wants_1": 0, "turn": 0, "inside_0": 0, "inside_1": 0},
        always={"one at a time": lambda shared: not (shared["inside_0"] and shared["inside_1"])},
    )


def forgetful() -> Program:
    """A call that ends with its lock held, and another that wants it."""

    def keeps(shared: Shared) -> Routine:
        yield spin_lock(shared.a)

    def wants(shared: Shared) -> Routine:
        yield spin_lock(shared.a)
        yield spin_unlock(shared.a)

    return Program("forgetful", {"keeps": keeps, "wants": wants}, locks=["a"])


def lost_wake_up() -> Program:
    """Looks at the condition, then queues up: the wake-up may come in between."""

    def sleeper(shared: Shared) -> Routine:
        if not (yield read(shared.ready)):
            yield prepare_to_wait(shared.queue)
            yield schedule(shared.queue)
            yield finish_wait(shared.queue)

    def waker(shared: Shared) -> Routine:
        yield write(shared.ready, 1)
        yield wake_up(shared.queue)

    return Program("lost wake-up", {"sleeper": sleeper, "waker": waker}, values={"ready": 0}, queues=["queue"])


def one_cpu() -> Program:
    """Two threads share a CPU; one of them spins for a flag and naps, the third thread runs elsewhere."""

    def spins(shared: Shared) -> Routine:
        while not (yield read(shared.x)):
            yield msleep(1)
        yield write(shared.y, 1)

    def works(shared: Shared) -> Routine:
        yield mutex_lock(shared.a)
        yield write(shared.x, 1)
        yield mutex_unlock(shared.a)

    def elsewhere(shared: Shared) -> Routine:
        yield mutex_lock(shared.a)
        seen = yield read(shared.y)
        yield write(shared.y, seen + 2)
        yield mutex_unlock(shared.a)

    threads = {"spins": spins, "works": works, "elsewhere": elsewhere}
    return Program("one cpu", threads, values={"x": 0, "y": 0}, locks=["a"], cpu=["spins", "works"])


def stopping() -> Program:
    """A bug in the midst of things."""

    def breaks(shared: Shared) -> Routine:
        seen = yield read(shared.x)
        yield bug_on(seen > 2, "more than two")
        yield write(shared.x, seen + 5)

    def counts(shared: Shared) -> Routine:
        for number in range(5):
            yield write(shared.x, number)

    return Program("stopping", {"breaks": breaks, "counts": counts, "more": counts}, {"x": 0})


PROGRAMS = {
    program.name: program
    for program in (
        lost_update(),
        counters(3, 3),
        two_locks(),
        three_locks(),
        peterson(),
        forgetful(),
        lost_wake_up(),
        one_cpu(),
        stopping(),
    )
}
