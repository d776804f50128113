"""Complete schedules are counted as the formulas say, and as listing them says."""

from __future__ import annotations

from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.explore import Program, explore
from balloonlab.explore.program import Shared
from balloonlab.explore.search.counting import schedules
from balloonlab.explore.search.graph import Graph
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Routine, add, msleep, mutex_lock, mutex_unlock, read, write
from tests.explore.programs import counters, lost_update, peterson, three_locks, two_locks


@pytest.mark.parametrize("times", [1, 2, 3, 8, 20])
def test_three_counters(times: int) -> None:
    result = explore(counters(3, times))
    assert result.states == (times + 1) ** 3
    assert result.transitions == 3 * times * (times + 1) ** 2
    assert result.schedules == factorial(3 * times) // factorial(times) ** 3


def listed(machine: Machine) -> int:
    able = machine.runnable()
    if not able or machine.bugs:
        return 1
    count = 0
    for name in able:
        machine.step(name)
        count += listed(machine)
        machine.step_back()
    return count


@pytest.mark.parametrize("program", [lost_update(), two_locks(), three_locks(), counters(2, 3)], ids=lambda p: p.name)
def test_as_many_as_can_be_listed(program: Program) -> None:
    assert explore(program).schedules == listed(program.machine())


@given(st.lists(st.lists(st.sampled_from(["read", "write", "add", "lock"]), max_size=3), min_size=1, max_size=3))
def test_as_many_as_can_be_listed_for_any_program(threads: list[list[str]]) -> None:
    def routine_of(verbs: list[str]) -> object:
        def routine(shared: Shared) -> Routine:
            seen = 0
            for verb in verbs:
                if verb == "read":
                    seen = yield read(shared.x)
                elif verb == "lock":
                    yield mutex_lock(shared.a)
                    yield mutex_unlock(shared.a)
                else:
                    yield (add if verb == "add" else write)(shared.x, seen + 1)

        return routine

    program = Program("any", {f"t{i}": routine_of(verbs) for i, verbs in enumerate(threads)}, {"x": 0}, ["a"])
    if sum(len(verbs) + verbs.count("lock") for verbs in threads) <= len("eight..."):
        assert explore(program).schedules == listed(program.machine())


def test_where_somebody_can_go_on_for_ever_there_is_no_number() -> None:
    assert explore(peterson()).schedules is None

    def naps(_: Shared) -> Routine:
        while True:
            yield msleep(1)

    assert explore(Program("naps", {"naps": naps})).schedules is None


def test_a_driver_has_schedules_too() -> None:
    result = explore(bl.scenario("inflate", "linux-6.1"))
    machine = bl.scenario("inflate", "linux-6.1").machine()
    assert result.schedules == listed(machine)


def test_what_was_not_finished_has_no_number() -> None:
    with pytest.raises(bl.errors.BalloonlabError, match="not finished"):
        _ = explore(counters(3, 20), most_states=100).schedules


def test_the_graph_is_left_as_it_was() -> None:
    graph: Graph = explore(counters(3, 3)).graph
    assert schedules(graph) == schedules(graph) == factorial(9) // factorial(3) ** 3
