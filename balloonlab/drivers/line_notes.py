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


def notes_on(code: CodeType) -> tuple[NoteAt, ...]:
    """The notes on a function's lines, in the order of the lines, and those of a line in the order of hanging.

    None for a function whose text is not at hand. Raises BadValueError if one hangs at a line that is not there.
    """
    hung = _HUNG.get(code, ())
    lines = [line.strip() for line in source_lines(code)[0]] if hung else []
    found = [NoteAt(_line(code, lines, begins), note) for begins, note in hung] if lines else []
    return tuple(sorted(found, key=lambda at: at.line))


def _line(code: CodeType, lines: list[str], begins: str) -> int:
    for number, line in enumerate(lines, start=1):
        if line.startswith(begins):
            return number
    raise BadValueError(f"no line of {code.co_name} begins with {shown(begins)}, so no note can hang there.")
