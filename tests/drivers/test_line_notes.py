"""A note hangs at a line of a function itself: it goes where the function goes, and nowhere else."""

from __future__ import annotations

import pytest

from balloonlab.drivers import find_driver
from balloonlab.drivers.line_notes import Note, hang, notes_on
from balloonlab.foundations.errors import BadValueError

NOTE = Note("mine", "bug", "So it says.", "on a line", "Right.", "06-the-review", "Here")


def noted() -> None:
    first = 1
    second = 2
    assert first < second
    second = 3


def like_it() -> None:
    first = 1
    second = 2
    assert first < second
    second = 3


def test_a_note_hangs_at_the_first_line_that_begins_so() -> None:
    hang(noted, "second =", NOTE)
    hang(noted, "", NOTE)
    assert [at.line for at in notes_on(noted.__code__)] == [1, 3]
    assert notes_on(noted.__code__)[0].note is NOTE
    assert notes_on(like_it.__code__) == ()  # the same text, and another function


def test_a_line_that_is_not_there_is_said() -> None:
    def bare() -> None:
        pass

    hang(bare, "third =", NOTE)
    with pytest.raises(BadValueError, match="no line of bare begins with 'third ='"):
        notes_on(bare.__code__)


def test_a_function_without_its_text_shows_none() -> None:
    space: dict[str, object] = {}
    exec("def typed():\n    first = 1", space)  # noqa: S102  (as a text that is not kept)
    typed = space["typed"]
    hang(typed, "first", NOTE)
    assert notes_on(typed.__code__) == ()


def test_other_drivers_carry_them_with_v9s_very_function() -> None:
    v9, v10 = find_driver("v9"), find_driver("v10")
    edited = v9.replace(leak_balloon=find_driver("linux-3.6").leak_balloon)
    assert notes_on(edited.functions["pages_at_balloon_list"].__code__) != ()
    assert notes_on(edited.functions["leak_balloon"].__code__) == ()
    assert notes_on(v10.functions["leak_balloon"].__code__) == ()
