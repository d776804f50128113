"""Findings: their schedules lead to what they say, and no shorter or less preemptive one does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.explore import Finding, Program, Result, explore
from balloonlab.explore.judge.preemption import fewest_preemptions, preemptions
from balloonlab.explore.judge.result import NothingFoundError
from balloonlab.explore.judge.violations import _NUMBERS
from balloonlab.explore.learn.subject import Explorable
from balloonlab.explore.program import Shared
from balloonlab.explore.search.graph import Graph
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.primitives import Routine, lock_page, mutex_lock, unlock_page, write
from tests.explore.programs import forgetful, lost_update, lost_wake_up, peterson, three_locks, two_locks
from tests.explore.twin import FROM_WAYS, explored_by_hand, wrong
from tests.kernel.fingerprint import fingerprint


def twice(shared: Shared) -> Routine:
    yield mutex_lock(shared.a)
    yield write(shared.x, 1)
    yield mutex_lock(shared.a)


def keeps_page(_: Shared) -> Routine:
    yield lock_page(0)


def wants_page(_: Shared) -> Routine:
    yield lock_page(0)
    yield unlock_page(0)


SUBJECTS: dict[str, Explorable] = {
    "lost update": lost_update(),
    "two locks": two_locks(),
    "philosophers": three_locks(),
    "forgetful": forgetful(),
    "lost wake-up": lost_wake_up(),
    "Peterson, swapped": peterson(swapped=True),
    "locks twice": Program("twice", {"one": twice, "two": twice}, {"x": 0}, ["a"]),
    "keeps a page locked": Program("page", {"keeps": keeps_page, "wants": wants_page}, pages=2),
    "fill-out-of-memory, v9": bl.scenario("fill-out-of-memory", "v9"),
    "leak-64k, v9": bl.scenario("leak-64k", "v9"),
    "full-and-compact, v10": bl.scenario("full-and-compact", "v10"),
    "full-and-compact, linux-3.8": bl.scenario("full-and-compact", "linux-3.8"),
    "deflate-and-compact, v11": bl.scenario("deflate-and-compact", "v11"),
}
RESULTS = {name: explore(subject) for name, subject in SUBJECTS.items()}
FINDINGS = [(name, i) for name, result in RESULTS.items() for i in range(len(result.findings))]
STATES = [found for found in FINDINGS if RESULTS[found[0]].findings[found[1]].kind not in FROM_WAYS]


def finding_of(name: str, number: int) -> Finding:
    return RESULTS[name].findings[number]


def sorts(finding: Finding) -> str:
    """The finding's kind, and of a property its name, as the twin writes it."""
    named = finding.kind in ("invariant", "property")
    return f"{finding.kind} {finding.text.partition(':')[0]}" if named else finding.kind


def test_every_kind_is_here() -> None:
    kinds = {finding_of(*found).kind for found in FINDINGS}
    assert kinds >= {
        *("deadlock", "waits for itself", "wait cycle", "lock held by a finished call"),
        *("invariant", "property", "wild pointer", "list corruption"),
    }


@pytest.mark.parametrize(("name", "number"), STATES)
def test_the_schedule_leads_to_what_the_finding_says(name: str, number: int) -> None:
    finding = finding_of(name, number)
    subject = SUBJECTS[name].subject()
    for thread in finding.choices:
        subject.machine.step(thread)
    assert sorts(finding) in wrong(subject)
    if subject.machine.bugs:
        assert subject.machine.bugs[0].text in finding.text


@pytest.mark.parametrize(("name", "number"), FINDINGS)
def test_a_machine_stands_at_each_step_and_can_go_back(name: str, number: int) -> None:
    finding = finding_of(name, number)
    end = finding.machine()
    machine = finding.machine(0)
    start = fingerprint(machine)
    begin = machine.position
    for step, thread in enumerate(finding.choices):
        if step % 10 == 0:
            assert fingerprint(finding.machine(step)) == fingerprint(machine)
        machine.step(thread)
    assert fingerprint(machine) == fingerprint(end)
    end.seek(begin)
    assert fingerprint(end) == start


@pytest.mark.parametrize(("name", "number"), [found for found in FINDINGS if ", " in found[0] and "P" not in found[0]])
def test_a_token_replays(name: str, number: int) -> None:
    finding = finding_of(name, number)
    for schedule in (finding.schedule, finding.fewest_preemptions()):
        machine = bl.replay(SUBJECTS[name], schedule.token)
        assert machine.schedule == schedule
        if schedule is finding.schedule:
            assert fingerprint(machine) == fingerprint(finding.machine())
        assert machine.world.values.numbers == finding.machine().world.values.numbers
        assert machine.blocked().keys() == finding.machine().blocked().keys()


@pytest.mark.parametrize("name", [name for name in SUBJECTS if "compact" not in name])
def test_no_schedule_is_shorter(name: str) -> None:
    nearest = explored_by_hand(SUBJECTS[name]).nearest
    shown = {sorts(finding): finding.steps for finding in reversed(RESULTS[name].findings)}
    assert {kind: steps for kind, steps in shown.items() if kind not in FROM_WAYS} == nearest


def test_one_of_each_sort_nearest_first() -> None:
    for result in RESULTS.values():
        assert all(one.state <= other.state for one, other in pairwise(result.findings))
        assert len({str(finding) for finding in result.findings}) == len(result.findings)


def test_what_was_not_found_is_said() -> None:
    with pytest.raises(NothingFoundError, match="found: property"):
        RESULTS["lost update"].finding("deadlock")


def test_a_step_outside_the_schedule_is_refused() -> None:
    with pytest.raises(bl.errors.BadValueError, match="step"):
        RESULTS["lost update"].findings[0].machine(5)


# -- preemptions --


def every_way(graph: Graph, goal: int) -> Iterator[list[int]]:
    """Every schedule to a state that visits no state twice."""
    stack: list[tuple[int, list[int], frozenset[int]]] = [(0, [], frozenset((0,)))]
    while stack:
        state, choices, been = stack.pop()
        if state == goal:
            yield choices
            continue
        for thread in np.flatnonzero(graph.following[state] >= 0).tolist():
            there = int(graph.following[state, thread])
            if there not in been:
                stack.append((there, [*choices, thread], been | {there}))


def counted_by_hand(subject: Explorable, choices: list[str]) -> int:
    machine = subject.subject().machine
    count = 0
    for before, after in pairwise(["", *choices]):
        count += before not in ("", after) and before in machine.runnable()
        machine.step(after)
    return count


@pytest.mark.parametrize("name", ["lost update", "two locks", "forgetful", "lost wake-up", "locks twice"])
def test_fewest_preemptions_against_all_ways(name: str) -> None:
    result: Result = RESULTS[name]
    graph, names = result.graph, result.graph.table.names
    for goal in range(result.states):
        best = min(
            (counted_by_hand(SUBJECTS[name], [names[t] for t in way]), len(way)) for way in every_way(graph, goal)
        )
        found = fewest_preemptions(graph, goal)
        assert (preemptions(graph, found), len(found)) == best
        assert preemptions(graph, found) == counted_by_hand(SUBJECTS[name], [names[t] for t in found])
        assert follow(graph, found) == goal


def follow(graph: Graph, choices: list[int]) -> int:
    state = 0
    for thread in choices:
        state = int(graph.following[state, thread])
    return state


@pytest.mark.parametrize(("name", "number"), FINDINGS)
def test_a_schedule_with_few_preemptions_leads_to_the_same_state(name: str, number: int) -> None:
    finding = finding_of(name, number)
    graph, names = finding.result.graph, finding.result.graph.table.names
    schedule = finding.fewest_preemptions()
    own = schedule.choices[len(finding.result.actions) :]
    choices = [names.index(thread) for thread in own]
    assert follow(graph, choices) == finding.state
    assert preemptions(graph, choices) <= finding.preemptions
    assert preemptions(graph, choices) == counted_by_hand(SUBJECTS[name], list(own))
    assert finding.preemptions == counted_by_hand(SUBJECTS[name], list(finding.choices))


def test_a_machine_stands_at_any_state() -> None:
    result = explore(lost_update())
    for state in range(result.states):
        machine = result.machine_at(state)
        assert machine.position == len(result.graph.choices_to(state))
    finding = result.findings[0]
    assert fingerprint(result.machine_at(finding.state)) == fingerprint(finding.machine())
    with pytest.raises(BadValueError, match="0 to 11"):
        result.machine_at(12)


def test_one_and_several_of_a_thing_are_one_sort_of_finding() -> None:
    key = partial(_NUMBERS.sub, "")
    assert key("the host believes 1 page") == key("the host believes 2,048 pages")
    assert key("1 batch is left") == key("3 batches is left")
    assert key("lock_a is held") != key("lock_b is held")
