"""A check that was never looked at is no pass: whoever asks is told that no end was reached."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest

import balloonlab as bl
from balloonlab.__main__ import main
from balloonlab.course.exercises import Repair
from balloonlab.explore.judge.fate import Fates
from balloonlab.explore.judge.result import Verdict
from balloonlab.explore.learn.subject import Property, Subject
from balloonlab.explore.program import Shared
from balloonlab.kernel.primitives import Routine, read, write
from balloonlab.widgets.foresight import Foresight

NO_END = "no end was reached, so this was never looked at: x is 7"


def endless(shared: Shared) -> Routine:
    while True:
        yield write(shared.x, 1 - (yield read(shared.x)))


def program(goal: str = "") -> bl.Program:
    at_end = {"x is 7": lambda numbers: numbers["x"] == 7}
    return bl.Program("endless", {"one": endless}, {"x": 0}, at_end=at_end, goal=goal)


def test_a_program_without_an_end_does_not_pass_what_must_hold_there() -> None:
    result = bl.explore(program())
    assert result.verdict is Verdict.NOT_TESTED
    assert not result
    assert str(result) == f"not tested: 4 states, 4 transitions; {NO_END}"
    assert result.doubt == NO_END
    assert [each.name for each in result.unseen] == ["x is 7"]
    assert str(Fates(result)).endswith(NO_END)
    assert not result.why, "every state was looked at"


def test_what_must_always_hold_is_looked_at() -> None:
    always = {"x is small": lambda numbers: numbers["x"] < 2}
    result = bl.explore(bl.Program("endless", {"one": endless}, {"x": 0}, always=always))
    assert (str(result), result.verdict) == ("holds: 4 states, 4 transitions", Verdict.HOLDS)


def test_an_end_is_looked_at() -> None:
    def ends(shared: Shared) -> Routine:
        yield write(shared.x, 7)

    at_end = {"x is 7": lambda numbers: numbers["x"] == 7}
    result = bl.explore(bl.Program("ends", {"one": ends}, {"x": 0}, at_end=at_end))
    assert (str(result), result.unseen) == ("holds: 2 states, 1 transitions", ())


def test_between_rounds_that_never_come() -> None:
    def subject() -> Subject:
        def check() -> None:
            raise AssertionError

        machine = bl.Program("endless", {"one": endless}, {"x": 0}).machine()
        return Subject(machine, (Property("P", "property", "between rounds", (), check),), goal="")

    assert (
        bl.explore(SimpleNamespace(subject=subject)).doubt
        == "no moment between two rounds was reached, so this was never looked at: P"
    )


def test_where_threads_go_on_for_ever_on_purpose_it_holds_and_says_so() -> None:
    result = bl.explore(bl.scenario("fill-out-of-memory", "linux-3.6"))
    assert result.verdict is Verdict.HOLDS
    assert str(result).startswith("holds: 21 states")
    assert str(result).endswith("; no end was reached, so this was never looked at: target")


def test_nothing_is_said_of_it_where_something_is_wrong_or_not_all_is_known() -> None:
    violated = bl.explore(program("rest"))
    assert violated.verdict is Verdict.VIOLATED
    assert "no end" not in str(violated)
    stopped = bl.explore(program(), most_states=2)
    assert stopped.verdict is Verdict.NOT_FINISHED
    assert "no end" not in str(stopped)


def test_an_exercise_does_not_praise_it() -> None:
    situations = (partial(bl.scenario, "fill-out-of-memory"),)
    task = Repair("endless", "?", "linux-3.6", "fill_balloon", situations, "because")
    answer = task.check(bl.find_driver("linux-3.6").fill_balloon)
    assert not answer.solved
    no_end = "no end was reached, so this was never looked at: target"
    assert (
        " ".join(str(answer).split())
        == f'Not solved yet: "fill-out-of-memory" was not tested, so nobody knows: {no_end}.'
    )


def test_a_lab_s_foresight_says_it() -> None:
    where = program()
    machine = where.machine()
    foresight = Foresight(machine, where, lambda: None)
    foresight.show(wait=True)
    content, _ = foresight.message(whole=True)
    assert content["text"] == f"Safe as far as it was looked at: {NO_END}."
    assert foresight.lines(0)[-1] == content["text"]


def test_the_command_line_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "fill-out-of-memory", "--driver", "linux-3.6"]) == 0
    assert "no end was reached, so this was never looked at: target" in capsys.readouterr().out
