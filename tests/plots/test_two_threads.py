"""Two threads drawn as a grid of their steps."""

from __future__ import annotations

import pytest

from balloonlab import plots
from balloonlab.errors import BadValueError
from balloonlab.explore import Program, explore
from balloonlab.kernel.primitives import Routine, read, write


def adder(shared: object) -> Routine:
    seen = yield read(shared.x)  # type: ignore[attr-defined]
    yield write(shared.x, seen + 1)  # type: ignore[attr-defined]


def test_each_state_of_two_threads_has_a_place_and_its_fate() -> None:
    lost = Program("lost", {"one": adder, "two": adder}, {"x": 0}, at_end={"both counted": lambda n: n["x"] == 2})
    result = explore(lost)
    axes = plots.plot_two_threads(result, lambda machine: f"x = {machine.world.values['x']}")
    shown = [text for text in axes.texts if text.get_text()]
    assert len(shown) == result.states == 12
    assert len({text.get_position() for text in shown}) == 12
    assert sorted(text.get_text() for text in shown) == sorted(
        ["x = 0\n?"] * 3 + ["x = 0\nx"] + ["x = 1\nx"] * 2 + ["x = 1\n!"] + ["x = 1\no"] * 4 + ["x = 2\no"]
    )
    for state in range(12):  # as many rows down as steps were taken to get there
        assert shown[state].get_position()[1] == -result.machine_at(state).position


def test_what_is_no_small_program_of_two_threads_is_not_drawn() -> None:
    alone = Program("alone", {"one": adder}, {"x": 0})
    with pytest.raises(BadValueError, match=r"1 threads and 3 states.*2 threads with up to 60"):
        plots.plot_two_threads(explore(alone))
