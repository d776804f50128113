"""The locks held inside a routine, against a walk that stands in every state and looks."""

from __future__ import annotations

from collections import Counter

import pytest

import balloonlab as bl
from balloonlab.explore import Result, locks_held
from balloonlab.explore.judge.lock_order import PAGE_LOCK
from balloonlab.explore.program import Shared
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.kernel.primitives import Routine, mutex_lock, mutex_unlock


def looked_up(result: Result, routine: str) -> tuple[int, dict[str, int], dict[str, int]]:
    """States in which somebody is in the routine; fewest and most locks of each name there."""
    seen: list[Counter[str]] = []
    for state in range(result.states):
        machine = result.machine_at(state)
        world = machine.world
        for number, thread in enumerate(machine.threads):
            if routine in thread.calls:
                held = Counter(
                    name for name, who in zip(world.lock_names, world.lock_holders, strict=True) if who == number
                )
                held[PAGE_LOCK] = sum(who == number for who in world.page_locks.values())
                seen.append(+held)
    names = {name for held in seen for name in held}
    return (
        len(seen),
        {name: min(held[name] for held in seen) for name in names},
        {name: max(held[name] for held in seen) for name in names},
    )


@pytest.mark.parametrize(
    ("name", "driver", "routine"),
    [
        ("compact-without-room", "v9", "virtballoon_isolatepage"),
        ("compact-without-room", "v9", "virtballoon_putbackpage"),
        ("compact-one", "v9", "virtballoon_migratepage"),
        ("compact-one", "linux-7.2", "tell_host"),
        ("fill-out-of-memory", "v9", "fill_balloon"),
        ("deflate", "v10", "balloon"),
    ],
)
def test_what_is_held_is_what_a_walk_finds(name: str, driver: str, routine: str) -> None:
    result = bl.explore(bl.scenario(name, driver))
    held = locks_held(result, routine)
    assert (held.states, dict(held.fewest), dict(held.most)) == looked_up(result, routine)


def test_compaction_has_the_locks_of_both_pages_while_it_moves_one() -> None:
    held = locks_held(bl.explore(bl.scenario("compact-one", "v9")), "virtballoon_migratepage")
    assert held.threads == ("compactor",)
    assert (held.always, held.fewest[PAGE_LOCK]) == ((PAGE_LOCK,), 2)
    assert str(held).splitlines()[1:] == ["  always: 2 page locks", "  at times: balloon_lock, pages_lock"]


def test_two_threads_in_one_routine_are_asked_together() -> None:
    def work(shared: Shared) -> Routine:
        yield mutex_lock(shared.a)
        yield mutex_unlock(shared.a)

    def one(shared: Shared) -> Routine:
        yield mutex_lock(shared.b)
        yield from work(shared)
        yield mutex_unlock(shared.b)

    def two(shared: Shared) -> Routine:
        yield from work(shared)

    result = bl.explore(bl.Program("both", {"one": one, "two": two}, locks=("a", "b")))
    held = locks_held(result, "work")
    assert (held.threads, held.always) == (("one", "two"), ())
    assert held.most == {"a": 1, "b": 1}


def test_a_routine_that_nobody_was_in_and_half_an_exploration_are_said() -> None:
    result = bl.explore(bl.scenario("inflate", "v9"), most_states=30)
    assert str(locks_held(result, "fill_balloon")).endswith("not every state was looked at: there may be more")
    with pytest.raises(UnknownNameError, match="Somebody was in each of these"):
        locks_held(result, "virtballoon_putbackpage")
    with pytest.raises(BadValueError, match=r"what bl\.explore"):
        locks_held("inflate", "fill_balloon")  # type: ignore[arg-type]
