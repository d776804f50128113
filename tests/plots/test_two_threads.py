from __future__ import annotations

import pytest

from balloonlab import plots
from balloonlab.explore import Program, explore
from balloonlab.explore.judge.fate import Fates
from balloonlab.explore.judge.fate_legend import LOOKS
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.machine import Machine
from tests.explore.programs import lost_update, three_locks, two_locks


def x_of(machine: Machine) -> str:
    return f"x = {machine.world.values['x']}"


def test_each_state_has_a_place_of_its_own_and_its_fate() -> None:
    result = explore(lost_update())
    axes = plots.plot_two_threads(result, x_of)
    shown = [text for text in axes.texts if text.get_text()]
    assert len(shown) == result.states == 12
    assert len({text.get_position() for text in shown}) == 12
    fates = Fates(result)
    for state in range(12):
        machine = result.machine_at(state)
        assert shown[state].get_text() == f"{x_of(machine)}\n{LOOKS[fates.of(state)].glyph}"
        assert shown[state].get_position()[1] == -machine.position  # a row for each step
    arrows = [text for text in axes.texts if not text.get_text()]
    assert len(arrows) == result.transitions


def test_the_text_says_the_same() -> None:
    result = explore(lost_update())
    lines = plots.two_threads_text(result, x_of).splitlines()
    assert len(lines) == 9
    assert sum(line.count("x = ") for line in lines) == 12
    assert lines[0].endswith(f": x = 0 ({LOOKS[Fates(result).of(0)].word})")
    assert [line.count(" | ") for line in lines] == [0] * 6 + [1] * 3


def test_where_all_is_safe_there_are_no_marks() -> None:
    harmless = Program("harmless", lost_update().threads, {"x": 0})
    axes = plots.plot_two_threads(explore(harmless), x_of)
    assert {text.get_text() for text in axes.texts} == {"", "x = 0", "x = 1", "x = 2"}
    assert len(axes.get_legend().get_texts()) == 2


def test_without_labels_there_are_marks() -> None:
    axes = plots.plot_two_threads(explore(two_locks()))
    assert {text.get_text() for text in axes.texts} >= {look.glyph for look in LOOKS if look.word != "will go wrong"}


def test_what_is_no_small_program_of_two_threads_is_not_drawn() -> None:
    for draw in (plots.plot_two_threads, plots.two_threads_text):
        with pytest.raises(BadValueError, match=r"3 threads.*2 threads with up to 60"):
            draw(explore(three_locks()))
