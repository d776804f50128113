"""What is no primitive ends the thread; the sentence names the line and the mend."""

# ruff: noqa: ANN001, ANN201, ANN202, ARG001  (a learner's routine is as short as it can be)
from __future__ import annotations

import pytest

import balloonlab as bl
from balloonlab.kernel.primitives import mutex_lock, read, write

build = {"lock": mutex_lock}


def inner(shared):
    yield read(shared.x)


def routine_itself(shared):
    enter = {"inner": inner}["inner"]
    yield enter(shared)


def primitive_apart(shared):
    yield from build["lock"](shared.lock)


def no_call(shared):
    yield mutex_lock


def no_call_of_a_routine(shared):
    yield inner


def nothing(shared):
    yield


def answer(shared):
    seen = yield read(shared.x)
    yield seen == 1


def two_at_once(shared):
    yield read(shared.x), write(shared.x, 1)


def number(shared):
    yield 3


CASES = {
    routine_itself: "yields the routine inner itself; enter a routine by `yield from inner(...)`.",
    primitive_apart: "primitive mutex_lock apart; `yield from` is for routines, write `yield mutex_lock(...)`.",
    no_call: "`yield mutex_lock` yields mutex_lock without its arguments; write `yield mutex_lock(lock)`.",
    no_call_of_a_routine: "yields the function inner without calling it",
    nothing: "`yield` yields None; a yield stands before a primitive",
    answer: "yields False, the answer of a comparison",
    two_at_once: "yields 2 things at once; a yield is one step, so give each primitive its own.",
    number: "`yield 3` yields 3; a yield stands before a primitive, such as `yield read(vb.num_pages)`.",
}


@pytest.mark.parametrize("routine", CASES, ids=lambda routine: routine.__name__)
@pytest.mark.parametrize("first", [True, False])
def test_the_sentence_names_the_line_and_the_mend(routine, first: bool) -> None:  # noqa: FBT001
    def late(shared):
        yield read(shared.x)
        yield from routine(shared)

    program = bl.Program("wrong", {"one": routine if first else late}, values={"x": 0}, locks=["lock"])
    machine = program.machine()
    machine.run()
    crash = machine.threads[0].crash
    last = routine.__code__.co_firstlineno + (2 if routine in (routine_itself, answer) else 1)
    assert crash.kind == "not a primitive"
    assert str(crash).startswith(f"line {last}, in {routine.__name__}: `yield")
    assert CASES[routine] in str(crash)
    assert bl.explore(program).finding("not a primitive").text == f"one: {crash}"


def test_an_exception_names_the_line() -> None:
    def divides(shared):
        seen = yield read(shared.x)
        yield write(shared.x, 1 // seen)

    result = bl.explore(bl.Program("wrong", {"one": divides}, values={"x": 0}))
    line = divides.__code__.co_firstlineno + 2
    assert result.finding("exception").text == (
        f"one: line {line}, in divides: `yield write(shared.x, 1 // seen)`: "
        "ZeroDivisionError: integer division or modulo by zero"
    )
