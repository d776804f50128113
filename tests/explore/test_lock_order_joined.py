"""Lock orders of two situations together: nothing is lost, and a ring may close that neither shows."""

from __future__ import annotations

from balloonlab.explore import Program, explore
from balloonlab.explore.judge.lock_order import LockOrder, lock_order
from balloonlab.explore.program import Shared
from balloonlab.kernel.primitives import Routine, mutex_lock, mutex_unlock


def a_first(shared: Shared) -> Routine:
    yield mutex_lock(shared.a)
    yield mutex_lock(shared.b)
    yield mutex_unlock(shared.b)
    yield mutex_unlock(shared.a)


def b_first(shared: Shared) -> Routine:
    yield mutex_lock(shared.b)
    yield mutex_lock(shared.a)
    yield mutex_unlock(shared.a)
    yield mutex_unlock(shared.b)


def order(routine: object, most_states: int = 100) -> LockOrder:
    program = Program("alone", {"one": routine}, locks=("a", "b"))  # type: ignore[dict-item]
    return lock_order(explore(program, most_states=most_states))


def test_two_orders_close_a_ring_that_neither_has() -> None:
    first, second = order(a_first), order(b_first)
    assert first.rings() == second.rings() == []
    both = first | second
    assert set(both.edges) == {*first.edges, *second.edges}
    assert sorted(both.rings()[0]) == ["a", "b"]
    assert set((second | first).edges) == set(both.edges)
    assert first | first == first


def test_with_half_an_exploration_the_whole_is_not_finished() -> None:
    half = order(b_first, most_states=2)
    assert not half.finished
    assert not (order(a_first) | half).finished
