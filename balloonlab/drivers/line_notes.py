"""Notes on single lines of a driver's text: hung there by who knows of them, shown by who shows the text.

A note belongs to a function itself, not to its name: wherever that text runs, in another version or an edited driver
too, it carries the note, and what replaces the function does not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.words import shown
from balloonlab.kernel.learner_code import source_lines


class Note(NamedTuple):
    """What there is to say of a line.

    name: how it is asked for. kind: of what kind, in a word. says: the words that were said. about: of what in the
    kernel's own text. verdict: what came of it. lesson, section: the notebook, by its name, and the heading in it that
    puts it to the test.
    """

    name: str
    kind: str
    says: str
    about: str
    verdict: str
    lesson: str
    section: str


class NoteAt(NamedTuple):
    """A note, and its line in the function's text, counted from 1."""

    line: int
    note: Note


_HUNG: dict[CodeType, list[tuple[str, Note]]] = {}


def hang(function: Callable[..., Any], begins: str, note: Note) -> None:
    """Hang a note at the first line of a function that begins so, indentation aside; "" is its very first."""
    code: CodeType = inspect.unwrap(function).__code__
    _HUNG.setdefault(code, []).append((begins, note))


def line_beginning(function: Callable[..., Any] | CodeType, begins: str) -> tuple[int, str]:
    """The first line of a function's text that begins so, indentation aside: its number from 1, and its text.

    Raises BadValueError if there is none.
    """
    for number, line in enumerate(source_lines(function)[0], start=1):
        if line.strip().startswith(begins):
            return number, line.strip()
    name = function.co_name if isinstance(function, CodeType) else function.__name__
    raise BadValueError(f"no line of {name} begins with {shown(begins)}.")


def notes_on(code: CodeType) -> tuple[NoteAt, ...]:
    """The notes on a function's lines, in the order of the lines, and those of a line in the order of hanging.

    None for a function whose text is not at hand. Raises BadValueError if one hangs at a line that is not there.
    """
    hung = _HUNG.get(code, ())
    if not hung or not source_lines(code)[0]:
        return ()
    found = [NoteAt(line_beginning(code, begins)[0], note) for begins, note in hung]
    return tuple(sorted(found, key=lambda at: at.line))
