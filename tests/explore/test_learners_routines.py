"""What a learner's routine may do to an exploration: count without end, keep books outside, be another each time."""

# ruff: noqa: ANN001, ANN202  (a learner's routine is as short as it can be)
from __future__ import annotations

import linecache
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

import balloonlab as bl
from balloonlab.drivers.v9 import DRIVER as V9
from balloonlab.explore.judge.result import Verdict
from balloonlab.explore.learn.automaton import NotDeterministicError
from balloonlab.kernel.primitives import Routine, add, read, write


def explored(routine: Callable[..., Routine]) -> bl.explore.__class__:
    return bl.explore(bl.Program("a learner's", {"one": routine}, values={"x": 0, "y": 0}))


def test_a_local_variable_that_only_grows_is_named_with_its_line() -> None:
    def counts(shared):
        rounds = 0
        while True:
            yield read(shared.x)
            rounds += 1

    result = explored(counts)
    line = counts.__code__.co_firstlineno + 4
    assert result.verdict is Verdict.NOT_FINISHED
    assert result.why == (
        "one in counts: its local variable `rounds` has taken 5,000 different values "
        f"(line {line}: `rounds += 1`). With ever new values the states never end: bound it, or leave it out."
    )


def test_a_list_that_only_grows_too() -> None:
    def remembers(shared):
        answers = []
        while True:
            answers.append((yield read(shared.x)))

    assert "its local variable `answers` has taken 1,000 different lengths" in explored(remembers).why


def test_a_shared_number_that_only_grows_is_named() -> None:
    def counts(shared):
        while True:
            yield add(shared.x, 1)

    result = explored(counts)
    line = counts.__code__.co_firstlineno + 2
    assert not result
    assert result.verdict is Verdict.NOT_FINISHED
    assert result.why.startswith(
        f"the shared number `x` has taken 5,000 different values, the last by one (line {line}, in counts: `yield add"
    )


def test_many_local_states_of_bounded_variables_are_no_mistake() -> None:
    def walks(shared):
        for a in range(20):
            for b in range(20):
                for c in range(20):
                    yield write(shared.x, a ^ b ^ c)

    result = explored(walks)
    assert (result.verdict, result.states) == (Verdict.HOLDS, 8001)


box = SimpleNamespace(count=0)


def test_books_kept_outside_are_named_with_the_line() -> None:
    def note(where):
        where.count += 1  # its parameter may be anything: reading the text cannot tell

    def keeps(shared):
        yield read(shared.x)
        note(box)
        yield write(shared.x, box.count)

    found = explored(keeps).finding("hidden state")
    line = keeps.__code__.co_firstlineno + 2
    assert f"one: line {line}, in keeps: `note(box)`" in found.text
    assert "uses `box`, which lives outside the routine" in found.text
    assert found.steps == 1


def test_a_routine_that_is_another_each_time_is_not_passed() -> None:
    def varies(shared):
        yield read(shared.x)
        yield write(shared.x, time.perf_counter_ns() % 2**30)
        yield read(shared.y)

    line = varies.__code__.co_firstlineno + 2
    with pytest.raises(NotDeterministicError, match=rf"came to write\(x, \d+\) \(line {line}, in varies"):
        explored(varies)


CELL = """\
from balloonlab.kernel.primitives import list_first, read, write


def leak_balloon(vb, num):
    page = yield list_first(vb.pages)
    yield write(vb.num_pfns, 256)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    x = 1 // (yield read(vb.num_isolated_pages))
"""


def typed_in_a_cell(text: str) -> dict[str, Callable[..., Routine]]:
    """What a notebook makes of a cell: its source is kept in linecache under a name of its own."""
    name = "<ipython-input-7-balloonlab>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Callable[..., Routine]] = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), names)  # noqa: S102
    return names


def test_a_cell_s_function_is_stepped_drawn_and_explored_with_its_lines() -> None:
    edited = V9.replace(leak_balloon=typed_in_a_cell(CELL)["leak_balloon"])
    where = bl.scenario("deflate", edited)
    machine = where.machine()
    while "leak_balloon" not in machine.thread("vballoon").calls:
        machine.step("vballoon")
    from balloonlab.widgets import panels  # noqa: PLC0415

    assert "page = yield list_first(vb.pages)" in panels.threads(machine)
    assert "notebook" in {function.module for function in machine.timeline.functions}
    result = bl.explore(where)
    finding = result.finding("exception")
    assert "line 8, in leak_balloon: `x = 1 // (yield read(vb.num_isolated_pages))`: ZeroDivisionError" in finding.text
    assert finding.machine().bugs[-1].text in finding.text
    with pytest.raises(bl.errors.BadValueError, match="line 5, in leak_balloon: `page = list_first"):
        V9.replace(leak_balloon=typed_in_a_cell(CELL.replace("yield list_first", "list_first"))["leak_balloon"])
    with pytest.raises(bl.errors.UnknownNameError, match="routine of driver v9 'helper'"):
        V9.replace(helper=typed_in_a_cell(CELL)["leak_balloon"])
