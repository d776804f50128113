"""A limit, an interrupt or a count without bound ends an exploration as "not finished", and never as a pass."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.explore import Program, Result, Verdict, explore
from balloonlab.explore.program import Shared
from balloonlab.explore.search.limits import Limits
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.foundations.interrupt import held_back
from balloonlab.kernel.primitives import Routine, read, write
from tests.explore.programs import counters, lost_update
from tests.kernel.fingerprint import fingerprint

table = import_module("balloonlab.explore.learn.table")
explorer = import_module("balloonlab.explore.explorer")


def not_finished(result: Result, word: str) -> None:
    assert result.verdict is Verdict.NOT_FINISHED
    assert not result
    assert word in result.why
    assert str(result).startswith("not finished")
    whole_so_far(result)


def whole_so_far(result: Result) -> None:
    """What was found by then hangs together."""
    graph = result.graph
    assert 0 < graph.expanded <= graph.states
    assert graph.following.max() < graph.states
    for state in range(0, graph.states, max(1, graph.states // 20)):
        assert graph.path_to(state)[0] == 0
        assert len(graph.choices_to(state)) == len(graph.path_to(state)) - 1


@pytest.mark.parametrize("search", ["plain", "vectorized", "auto"])
def test_a_limit_of_states(search: str) -> None:
    whole = explore(counters(3, 30), search="plain")
    assert whole.verdict is Verdict.HOLDS
    result = explore(counters(3, 30), most_states=2000, search=search)
    not_finished(result, "limit of 2,000 states")
    assert 2000 <= result.states < whole.states
    known = result.graph.expanded
    assert np.array_equal(result.graph.following, whole.graph.following[:known])
    assert np.array_equal(result.graph.parent, whole.graph.parent[: result.states])


@pytest.mark.parametrize("search", ["plain", "vectorized"])
def test_a_limit_of_memory(search: str) -> None:
    result = explore(counters(3, 60), most_memory=1 << 20, search=search)
    not_finished(result, "1 MiB of memory")
    assert result.states < 61**3


def test_a_limit_does_not_hide_what_was_found() -> None:
    scenario = bl.scenario("deflate-and-compact", "v11")
    whole = explore(scenario)
    result = explore(scenario, most_states=3000)
    assert result.verdict is Verdict.VIOLATED
    assert result.why
    assert str(result.findings[0]) == str(whole.findings[0])


def test_a_limit_that_is_large_enough_is_none() -> None:
    assert explore(lost_update(), most_states=13).verdict is Verdict.VIOLATED
    assert explore(counters(3, 3), most_states=65).verdict is Verdict.HOLDS


@pytest.mark.parametrize(("name", "value"), [("most_states", 0), ("most_states", 1.5), ("most_memory", 5)])
def test_what_is_no_limit_is_refused(name: str, value: object) -> None:
    with pytest.raises(BadValueError, match=name):
        explore(lost_update(), **{name: value})


def test_what_is_no_search_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="plain, vectorized"):
        explore(lost_update(), search="deep")


# -- interrupts --


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@pytest.mark.parametrize("search", ["plain", "vectorized"])
def test_an_interrupt_leaves_what_was_found(search: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    reached = Limits.reached

    def reached_and_interrupted(self: Limits, states: int, taken: int) -> str:
        if states > 5000:
            os.kill(os.getpid(), signal.SIGINT)
        return reached(self, states, taken)

    monkeypatch.setattr(Limits, "reached", reached_and_interrupted)
    result = explore(counters(5, 60), search=search)
    not_finished(result, "it was interrupted")
    assert signal.getsignal(signal.SIGINT) is before
    assert result.states < 61**5
    machine = result.subject.subject().machine
    machine.replay(bl.Schedule(tuple(f"t{i}" for i in result.graph.choices_to(result.states - 1))))
    assert machine.position == result.depth


def test_an_interrupt_at_any_moment_tears_nothing() -> None:
    scenario = bl.scenario("full-and-compact", "v9")
    whole = explore(scenario)
    start = fingerprint(scenario.machine())
    for delay in (0.0005, 0.002, 0.005, 0.01, 0.02):
        try:
            with interrupted_after(delay):
                result = explore(scenario)
        except KeyboardInterrupt:
            result = None  # it came before the search began, or after it had ended
        assert result is None or result.states <= whole.states
        assert fingerprint(scenario.machine()) == start
    assert str(explore(scenario)) == str(whole)


def test_an_interrupt_that_somebody_holds_back_is_theirs_too() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), held_back() as held:  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        result = explore(counters(3, 30))
        reached.append(result.verdict)
        assert held.asked
    assert reached == [Verdict.NOT_FINISHED]


# -- no bound --


def counts_on(shared: Shared) -> Routine:
    while True:
        seen = yield read(shared.x)
        yield write(shared.x, seen + 1)
        del seen


def remembers(shared: Shared) -> Routine:
    seen = []
    while True:
        seen.append((yield read(shared.x)))


@pytest.mark.parametrize("search", ["plain", "vectorized"])
@pytest.mark.parametrize(("routine", "word"), [(counts_on, "x has taken more than"), (remembers, "a is in more than")])
def test_a_count_without_bound(routine: object, word: str, search: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_LOCAL", 200)
    result = explore(Program("endless", {"a": routine, "b": lost_update().threads["one"]}, {"x": 0}), search=search)
    assert result.verdict is Verdict.NOT_FINISHED
    assert "more than 200 different" in result.why
    assert word in result.why or routine is counts_on  # its place tells what it has read, too
    whole_so_far(result)


def test_a_limit_ends_a_count_without_bound_as_well() -> None:
    result = explore(Program("endless", {"a": remembers}, {"x": 0}), most_states=500)
    not_finished(result, "limit of 500 states")
