"""Loops that never yield end with a sentence, wherever they run, and nobody else's tracing is lost."""

# ruff: noqa: ANN001, ANN201, ANN202, ARG001  (a learner's routine is as short as it can be)
from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import balloonlab as bl
from balloonlab.drivers.v9 import DRIVER as V9
from balloonlab.kernel import guard
from balloonlab.kernel.primitives import Routine, mutex_lock, mutex_unlock, read

ENDLESS = "loops without yielding, 100,000 times by now"


def spins(vb, num):
    yield mutex_lock(vb.balloon_lock)
    while True:
        pass


def never_looks_again(vb, num):
    wanted = yield read(vb.num_pages)
    while wanted:
        wanted = wanted  # noqa: PLW0127
    yield read(vb.num_pages)


def catches_everything(vb, num):
    yield read(vb.num_pages)
    while True:
        try:  # noqa: SIM105
            num += 1
        except Exception:  # noqa: BLE001, S110
            pass


def for_ever():
    for _ in iter(int, 1):
        pass


class Waiter:
    def wait(self):
        while self:
            continue


waiter = Waiter()


def asks_a_helper(vb, num):
    yield read(vb.num_pages)
    for_ever()


def asks_an_object(vb, num):
    yield read(vb.num_pages)
    waiter.wait()


def loops_in_finally(vb, num):
    try:
        yield read(vb.num_pages)
        yield mutex_unlock(vb.balloon_lock)
    finally:
        while True:
            pass


def loops_in_a_loop(vb, num):
    yield read(vb.num_pages)
    for _ in range(num):
        while True:
            num += 1


LOOPS = [spins, never_looks_again, catches_everything, asks_a_helper, asks_an_object]


def deflating(routine: Callable[..., Routine]) -> bl.Scenario:
    return bl.scenario("deflate", V9.replace(leak_balloon=routine))


@pytest.mark.parametrize("routine", LOOPS, ids=lambda routine: routine.__name__)
def test_a_run_ends_with_the_line(routine: Callable[..., Routine]) -> None:
    machine = deflating(routine).machine()
    assert machine.run().reason == "bug"
    (bug,) = machine.bugs
    assert (bug.kind, bug.thread) == ("endless loop", "vballoon")
    assert ENDLESS in bug.text
    assert bug.text.startswith("line ")
    machine.step_back()
    assert machine.bugs == ()
    machine.run()
    assert machine.bugs == (bug,)


def test_the_sentence_names_the_line_of_the_loop() -> None:
    machine = deflating(asks_a_helper).machine()
    machine.run()
    line = for_ever.__code__.co_firstlineno + 1
    assert f"line {line}, in for_ever: `for _ in iter(int, 1):` {ENDLESS}" in machine.bugs[0].text


def test_of_loops_in_loops_the_sentence_names_the_innermost() -> None:
    machine = deflating(loops_in_a_loop).machine()
    machine.run()
    line = loops_in_a_loop.__code__.co_firstlineno + 3
    assert f"line {line}, in loops_in_a_loop: `while True:` {ENDLESS}" in machine.bugs[0].text


def test_a_loop_in_a_finally_clause_does_not_hang_the_end_of_a_thread() -> None:
    machine = deflating(loops_in_finally).machine()
    machine.run()
    assert [bug.thread for bug in machine.bugs] == ["vballoon"]


@pytest.mark.parametrize("routine", LOOPS, ids=lambda routine: routine.__name__)
def test_the_explorer_ends_too(routine: Callable[..., Routine]) -> None:
    result = bl.explore(deflating(routine))
    assert ENDLESS in result.finding("endless loop").text
    assert result.finding("endless loop").machine().bugs[-1].kind == "endless loop"


def test_on_another_thread_too() -> None:
    machine = deflating(spins).machine()
    other = threading.Thread(target=machine.run, daemon=True)
    other.start()
    other.join(60)
    assert ENDLESS in machine.bugs[0].text


def test_a_long_loop_that_ends_is_nobody_s_mistake() -> None:
    def counts(shared):
        for _ in range(3):
            number = 0
            while number < 30_000:
                number += 1
            yield read(shared.x)

    machine = bl.Program("busy", {"one": counts}, values={"x": 0}).machine()
    assert machine.run().steps == 3
    assert machine.bugs == ()


def test_outside_of_a_machine_the_same_functions_may_loop_as_long_as_they_like() -> None:
    def busy(number):
        while number:
            number -= 1

    def routine(shared):
        busy(3)
        yield read(shared.x)

    bl.Program("busy", {"one": routine}, values={"x": 0}).machine().run()
    busy(2 * guard.MOST)


@pytest.fixture
def traced() -> Any:  # noqa: ANN401
    """A debugger's trace function, which notes the lines it sees."""
    lines: list[str] = []

    def trace(frame: FrameType, event: str, _arg: object) -> Any:  # noqa: ANN401
        if event == "line" and frame.f_code.co_name == "spins":
            lines.append(frame.f_code.co_name)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    yield trace, lines
    sys.settrace(before)


def test_a_debugger_goes_on_seeing_lines_and_has_its_place_again(traced: Any) -> None:  # noqa: ANN401
    trace, lines = traced
    machine = deflating(spins).machine()
    machine.run()
    assert sys.gettrace() is trace
    assert ENDLESS in machine.bugs[0].text
    assert lines


def test_without_a_number_of_sys_monitoring_lines_are_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_monitor", guard._Monitor())
    monkeypatch.setattr(guard._monitor, "_asked", True)
    machine = deflating(asks_a_helper).machine()
    machine.run()
    assert ENDLESS in machine.bugs[0].text
    assert sys.gettrace() is None or "coverage" in type(sys.gettrace()).__module__


def test_the_package_s_own_text_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(guard, "guarded", never)
    guest = bl.Guest(64, "v9")
    assert guest.inflate(32).after == 32
    assert bl.explore(bl.scenario("inflate", "v9")).states > 1


def test_a_guarded_step_is_quick() -> None:
    started = time.perf_counter()
    deflating(spins).machine().run()
    assert time.perf_counter() - started < 30
