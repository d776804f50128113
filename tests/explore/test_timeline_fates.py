"""What can become of each position of a timeline, against the fates looked up one by one."""

from __future__ import annotations

import pytest

import balloonlab as bl
from balloonlab.explore.judge.fate import Fate, Fates
from balloonlab.explore.judge.timeline_fates import NO_STEP, Known, TimelineFates
from balloonlab.explore.program import Shared
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Routine, bug_on, read


def fates_of(name: str = "full-and-compact", driver: str = "v9") -> Fates:
    return Fates(bl.explore(bl.scenario(name, driver)))


@pytest.fixture(scope="module")
def fates() -> Fates:
    return fates_of()


@pytest.fixture
def machine() -> Machine:
    return bl.scenario("full-and-compact", "v9").machine()


def outlook_of(machine: Machine, *graphs: Fates) -> TimelineFates:
    outlook = TimelineFates(machine)
    for graph in graphs:
        outlook.add(graph)
    outlook.follow()
    return outlook


@pytest.mark.parametrize("seed", range(6))
def test_every_position_says_what_the_fates_say_of_its_state(fates: Fates, machine: Machine, seed: int) -> None:
    machine.walk(70, seed)
    outlook = outlook_of(machine, fates)
    arrays, threads = outlook.arrays(0), len(machine.threads)
    choices = machine.choices(len(machine.timeline))
    states = fates.after(choices[2:])
    assert arrays["known"].tolist() == [Known.BEFORE] * 2 + [Known.YES] * len(states)
    for position, state in enumerate(states, 2):
        machine.seek(position)
        assert arrays["fate"][position] == fates.of(state)
        assert arrays["steps"][position] == fates.distance[state]
        steps = {step.thread: step for step in fates.next_steps(state, choices[position - 1])}
        assert not machine.bugs
        assert set(steps) == set(machine.runnable())
        for thread, name in enumerate(machine.names):
            at = position * threads + thread
            if name not in steps:
                assert arrays["next_fate"][at] == NO_STEP
                continue
            found = [int(arrays[f"next_{column}"][at]) for column in ("fate", "steps", "preemptions", "kind")]
            step = steps[name]
            kind = 1 + outlook.kinds.index(step.kind) if step.kind else 0
            assert found == [step.fate, step.steps, step.preemptions, kind]
    assert outlook.seen == [set(states)]


def test_only_what_changed_is_followed_anew(fates: Fates, machine: Machine) -> None:
    outlook = outlook_of(machine, fates)
    assert outlook.follow() == 3  # nothing new: one past the last position
    machine.step("vballoon")
    machine.step("vballoon")
    assert outlook.follow() == 3
    machine.seek(3)
    machine.step("compactor")
    assert outlook.follow() == 4
    whole = outlook_of(machine, fates)
    assert outlook.places == whole.places
    assert len(outlook.seen[0]) == 4  # the state that was left behind has been seen
    assert len(whole.seen[0]) == 3
    machine.seek(1)
    machine.forget_future()
    assert outlook.follow() == 2
    assert outlook.arrays(2)["known"].tolist() == []


def test_what_comes_from_outside_ends_it_until_it_is_explored_from_there(fates: Fates, machine: Machine) -> None:
    machine.walk(5, seed=1)
    machine.act("set_target", 1)
    machine.walk(5, seed=1)
    outlook = outlook_of(machine, fates)
    known = [place.known for place in outlook.places]
    assert known == [Known.BEFORE] * 2 + [Known.YES] * 6 + [Known.OUTSIDE] * 6
    assert "from outside" in Known.OUTSIDE.words
    later = bl.scenario("full-and-compact", "v9").after(bl.Schedule(machine.choices(10)))
    outlook.add(Fates(bl.explore(later)))
    assert outlook.follow() == 0
    assert [place.graph for place in outlook.places] == [-1, -1, *[0] * 6, -1, -1, *[1] * 4]
    assert outlook.places[10].state == 0


def test_other_first_actions_are_another_beginning(fates: Fates, machine: Machine) -> None:
    outlook = outlook_of(machine, fates)
    machine.seek(0)
    machine.act("set_target", 1)
    machine.act("compact", 0)
    assert outlook.follow() == 1
    assert [place.known for place in outlook.places] == [Known.BEFORE] * 3


def test_a_timeline_that_began_anew_is_lost(fates: Fates, machine: Machine) -> None:
    outlook = outlook_of(machine, fates)
    machine.record()
    outlook.follow()
    machine.step("vballoon")
    outlook.follow()
    assert [place.known for place in outlook.places] == [Known.LOST] * 2


def test_after_a_bug_nothing_more_is_known() -> None:
    def careless(shared: Shared) -> Routine:
        yield bug_on((yield read(shared.x)) == 0, "x == 0")

    def patient(shared: Shared) -> Routine:
        yield read(shared.x)

    program = bl.Program("a bug", {"careless": careless, "patient": patient}, values={"x": 0})
    machine = program.machine()
    for name in ("careless", "careless", "patient"):
        machine.step(name)
    outlook = outlook_of(machine, Fates(bl.explore(program)))
    assert [place.known for place in outlook.places] == [Known.YES, Known.YES, Known.YES, Known.ELSEWHERE]
    assert outlook.arrays(0)["fate"].tolist() == [Fate.UNAVOIDABLE, Fate.UNAVOIDABLE, Fate.VIOLATED, NO_STEP]
