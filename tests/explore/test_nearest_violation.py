"""The nearest violation of every state at once, against the search for one state."""

from __future__ import annotations

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.explore.judge.fate import Fates
from balloonlab.explore.judge.preemption import search
from balloonlab.explore.judge.result import Result
from balloonlab.explore.program import Shared
from balloonlab.kernel.primitives import Routine, mutex_lock

CASES = [
    ("fill-out-of-memory", "v9"),
    ("leak-64k", "v9"),
    ("full-and-compact", "v9"),
    ("full-and-compact", "linux-3.8"),
]


@pytest.fixture(params=CASES, ids="-".join, scope="module")
def result(request: pytest.FixtureRequest) -> Result:
    return bl.explore(bl.scenario(*request.param))


def test_every_violated_state_has_a_kind_that_a_finding_has(result: Result) -> None:
    assert set(result.kinds) == {finding.kind for finding in result.findings}
    for finding in result.findings:
        assert result.violated[finding.state]
        assert result.kinds[result.wrong[finding.state] - 1] in {
            each.kind for each in result.findings if each.state <= finding.state
        }
    assert result.finding(result.kinds[result.wrong[result.findings[0].state] - 1]) is result.findings[0]


def test_the_fewest_preemptions_are_those_of_the_search(result: Result) -> None:
    fates, graph = Fates(result), result.graph
    pick = np.random.default_rng(5)
    states = pick.choice(graph.states, min(60, graph.states), replace=False)
    for state in states.tolist():
        for thread in range(graph.table.threads):
            found = search(graph, state, fates.violated.__getitem__, running=thread)
            assert fates.preemptions[state, thread] == (found[0] if found else -1)


def test_the_kind_ahead_is_that_of_a_violation_as_near_as_any(result: Result) -> None:
    fates, graph = Fates(result), result.graph
    for state in range(graph.states):
        here = state
        while fates.distance[here] > 0:
            here = next(there for there in graph.following[here].tolist() if there >= 0 and nearer(fates, here, there))
        assert fates.kinds[state] == (result.wrong[here] if fates.distance[state] >= 0 else 0)


def nearer(fates: Fates, here: int, there: int) -> bool:
    return bool(fates.distance[there] == fates.distance[here] - 1)


def test_a_next_step_names_the_violation_it_leads_to() -> None:
    fates = Fates(bl.explore(bl.scenario("fill-out-of-memory", "v9")))
    (step,) = fates.next_steps(0)
    assert (step.thread, step.steps, step.preemptions) == ("vballoon", 17, 0)
    assert step.kind == "lock held by a finished call"
    assert fates.kind_at(0) == step.kind
    assert str(step).endswith("the nearest is 17 steps away, or 0 preemptions")
    (last,) = fates.next_steps(fates.after(["vballoon"] * 16)[-1])
    assert str(last).endswith("the nearest is 1 step away, or 0 preemptions")


def test_a_ring_of_one_and_a_ring_of_two_are_told_apart() -> None:
    def ab(shared: Shared) -> Routine:
        yield mutex_lock(shared.a)
        yield mutex_lock(shared.b)

    def ba(shared: Shared) -> Routine:
        yield mutex_lock(shared.b)
        yield mutex_lock(shared.a)
        yield mutex_lock(shared.a)

    result = bl.explore(bl.Program("rings", {"one": ab, "two": ba}, locks=("a", "b")))
    wrong = {kind: np.flatnonzero(result.wrong == i + 1) for i, kind in enumerate(result.kinds)}
    assert {"waits for itself", "wait cycle"} <= set(wrong)
    assert result.finding("wait cycle").state in wrong["wait cycle"]
    assert result.finding("waits for itself").state in wrong["waits for itself"]
