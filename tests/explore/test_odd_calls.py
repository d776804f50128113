"""Whatever is handed to an exploration, a program, a machine or a schedule: a sentence comes back, nothing changes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.explore import Fates, Finding, Program, Result, difference, explore, promela
from balloonlab.explore.judge.lock_order import lock_order
from balloonlab.explore.program import Shared
from balloonlab.foundations.errors import BadScheduleError, BadValueError, BalloonlabError
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Routine, read
from balloonlab.kernel.schedule import Schedule
from tests.kernel.fingerprint import fingerprint

LONGEST = 900  # characters of a sentence
WHERE = bl.scenario("inflate", "v9")


class Nasty:
    """Every question about it fails."""

    def _fail(self, *_arguments: object) -> Any:  # noqa: ANN401
        raise RuntimeError("asked")

    __repr__ = __str__ = __len__ = __iter__ = __index__ = __bool__ = __eq__ = _fail
    __hash__ = object.__hash__


PLAIN = (
    *(None, True, 0, 1, -1, 3.5, float("nan"), 10**400, 1j, "", "x", "v9", "bl1.vballoon.a1", "x" * 10_000, b"x"),
    *((), ("a",), (1, 2), range(3), ..., int, len, lambda x: x, np.int64(1), np.float64(1.5)),
)
ODD: tuple[Callable[[], Any], ...] = (
    *(lambda value=value: value for value in PLAIN),
    *(list, lambda: [1], lambda: ["a"], dict, lambda: {"a": 1}, set, lambda: iter([1]), object, Nasty),
    *(lambda: np.array("x"), lambda: np.array([1, 2]), lambda: np.zeros(0), lambda: np.zeros((2, 2))),
    *(WHERE.machine, lambda: bl.Guest(16), lambda: bl.find_driver("v9")),
    *(lambda: bl.Guest(16).vb.num_pages, lambda: read(bl.Guest(16).vb.num_pages)),
)


@functools.cache
def result() -> Result:
    return explore(WHERE)


@functools.cache
def violated() -> Result:
    return explore(bl.scenario("fill-out-of-memory", "v9"))


def nearest() -> Finding:
    return violated().findings[0]


def routine(shared: Shared) -> Routine:
    yield read(shared.x)


def program(**more: object) -> Program:
    settings = {"name": "p", "threads": {"one": routine}, "values": {"x": 0}}
    return Program(**{**settings, **more})


def explored(**more: object) -> None:
    explore(program(**more))


CALLS: dict[str, Callable[[Any], object]] = {
    "explore": explore,
    "explore, most_states": lambda x: explore(WHERE, most_states=x),
    "explore, most_memory": lambda x: explore(WHERE, most_memory=x),
    "explore, search": lambda x: explore(WHERE, search=x),
    "explore, interruption": lambda x: explore(WHERE, interruption=x),
    "difference of it": lambda x: difference(x, result()),
    "difference to it": lambda x: difference(result(), x),
    "difference, names": lambda x: difference(result(), violated(), x),
    "difference, a name": lambda x: str(difference(result(), violated(), (x, "v9"))),
    "promela": promela,
    "promela, written_out": lambda x: promela(result().graph.table, written_out=x),
    "lock_order": lock_order,
    "lock_order or it": lambda x: lock_order(result()) | x,
    "rings": lambda x: lock_order(result()).rings(tries=x),
    "Fates": Fates,
    "Fates.of": lambda x: Fates(result()).of(x),
    "Fates.next_steps": lambda x: Fates(result()).next_steps(x),
    "Fates.next_steps, running": lambda x: Fates(result()).next_steps(0, x),
    "Fates.kind_at": lambda x: Fates(result()).kind_at(x),
    "Fates.after": lambda x: Fates(result()).after(x),
    "Fates.after [it]": lambda x: Fates(result()).after([x]),
    "Fates.coverage": lambda x: Fates(result()).coverage(x),
    "Fates.coverage [it]": lambda x: Fates(result()).coverage([x]),
    "Result.finding": lambda x: result().finding(x),
    "Result.machine_at": lambda x: result().machine_at(x),
    "Finding.machine": lambda x: nearest().machine(x),
    "Program, name": lambda x: explored(name=x),
    "Program, threads": lambda x: explored(threads=x),
    "Program, a thread": lambda x: explored(threads={"one": x}),
    "Program, a thread's name": lambda x: explored(threads={x: routine}),
    "Program, values": lambda x: explored(values=x),
    "Program, a value": lambda x: explored(values={"x": x}),
    "Program, a value's name": lambda x: explored(values={"x": 0} | {x: 0}),
    "Program, locks": lambda x: explored(locks=x),
    "Program, a lock": lambda x: explored(locks=[x]),
    "Program, queues": lambda x: explored(queues=x),
    "Program, a queue": lambda x: explored(queues=[x]),
    "Program, pages": lambda x: explored(pages=x if type(x) is not int or x < 9 else 2),
    "Program, at_end": lambda x: explored(at_end=x),
    "Program, a check": lambda x: explored(at_end={"a": x}),
    "Program, a check's answer": lambda x: explored(always={"a": lambda _: x}),
    "Program, a sentence": lambda x: explored(always={x: lambda _: True}),
    "Program, always": lambda x: explored(always=x),
    "Program, goal": lambda x: explored(goal=x),
    "Program, cpu": lambda x: explored(cpu=x),
    "Program, a thread on the CPU": lambda x: explored(cpu=[x]),
    "Schedule": lambda x: Schedule(x).token,
    "Schedule of it": lambda x: Schedule((x,)).token,
    "Schedule.of": Schedule.of,
    "Schedule.from_token": Schedule.from_token,
    "replay": lambda x: bl.replay(x, "bl1.vballoon.a1"),
    "replay, token": lambda x: bl.replay(WHERE, x),
    "Scenario.after": lambda x: WHERE.after(x).machine(),
    "Scenario.aiming_at": WHERE.aiming_at,
    "scenario": bl.scenario,
    "scenario, driver": lambda x: bl.scenario("inflate", x),
}
OF_A_MACHINE: dict[str, Callable[[Machine, Any], object]] = {
    "step": Machine.step,
    "act": Machine.act,
    "act, value": lambda machine, x: machine.act("set_target", x),
    "seek": Machine.seek,
    "thread": Machine.thread,
    "choices": Machine.choices,
    "run": Machine.run,
    "run, stop": lambda machine, x: machine.run(10, stop=x),
    "run, time_passes": lambda machine, x: machine.run(10, time_passes=x),
    "walk": lambda machine, x: machine.walk(x if type(x) is not int or x < 9 else 2, 1),
    "walk, seed": lambda machine, x: machine.walk(5, x),
    "replay": Machine.replay,
}


def hashable(x: object) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True


def refusal(call: Callable[..., object], *arguments: object) -> str:
    """The sentence with which it is refused, "" if it is answered; any other error is a failure."""
    try:
        call(*arguments)
    except BalloonlabError as error:
        return str(error) or "nothing is said"
    return ""


@pytest.mark.parametrize("call", CALLS)
def test_a_call_is_answered_or_refused_in_a_sentence(call: str) -> None:
    for make in ODD:
        if hashable(x := make()) or not call.endswith(("name", "name's", "sentence")):
            assert len(refusal(CALLS[call], x)) < LONGEST


@pytest.mark.parametrize("call", OF_A_MACHINE)
def test_a_machine_that_refuses_is_as_it_was(call: str) -> None:
    machine = WHERE.machine()
    machine.run(7)
    for make in ODD:
        before = fingerprint(machine), machine.position, len(machine.timeline)
        said = refusal(OF_A_MACHINE[call], machine, make())
        assert len(said) < LONGEST
        assert not said or (fingerprint(machine), machine.position, len(machine.timeline)) == before


def test_the_sentences_say_what_is_wanted() -> None:
    with pytest.raises(BadValueError, match=r"an exploration is 'v9'; it must be what bl\.explore"):
        difference("v9", result())
    with pytest.raises(BadValueError, match=r"the table is a Result; .*result\.graph\.table"):
        promela(result())
    with pytest.raises(BadValueError, match=r"'v9'; it must be a scenario, such as bl\.scenario\('inflate'"):
        bl.replay("v9", "bl1.vballoon.a1")
    with pytest.raises(BadScheduleError, match="3 is no schedule; legal: a Schedule, or the text of its token"):
        WHERE.machine().replay(3)
    with pytest.raises(BadValueError, match=r"the check 'x is 7' fails with \{'x': 0\}: KeyError: 'y'"):
        explored(at_end={"x is 7": lambda numbers: numbers["y"] == 7})
    with pytest.raises(BadValueError, match="called without arguments; the function len"):
        explore(len)


def test_numpy_s_numbers_are_numbers_and_a_token_is_a_schedule() -> None:
    first, second = WHERE.machine(), WHERE.machine()
    assert first.walk(np.int16(5), np.int64(1)) == second.walk(5, 1)
    assert first.schedule == second.schedule
    third = WHERE.bare_guest().machine
    third.replay(first.schedule.token)
    assert third.schedule == first.schedule
    assert explore(WHERE, most_states=np.int64(10)).states == explore(WHERE, most_states=10).states
    assert Fates(result()).coverage(third.schedule).visited
