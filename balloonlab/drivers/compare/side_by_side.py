"""Two texts side by side: which line of the one stands beside which of the other, and which words of it differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

SAME, CHANGED, LEFT, RIGHT = " ", "|", "<", ">"
_ALIKE = 0.4  # how much two lines must have in common to be one line that was changed
_WORD = re.compile(r"\w+|\s+|.")
_NAME = re.compile(r"\w+")
Piece = tuple[str, bool]  # a part of a line, and whether the other line has something else there


class Row(NamedTuple):
    """A line of each text, in pieces; None where a text has no such line. mark: SAME, CHANGED, LEFT or RIGHT only."""

    mark: str
    left: tuple[Piece, ...] | None
    right: tuple[Piece, ...] | None


def rows(left: Sequence[str], right: Sequence[str]) -> list[Row]:
    """The lines of two texts, paired in order."""
    found: list[Row] = []
    for tag, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [Row(SAME, ((line, False),), ((line, False),)) for line in left[a:b]]
        else:
            found += _paired(left[a:b], right[c:d])
    return found


def _paired(left: Sequence[str], right: Sequence[str]) -> list[Row]:
    """Lines of which none is the same: the pairs that have most in common, and the rest alone."""
    likeness = [[_likeness(one, other) for other in right] for one in left]
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], likeness[i][j] and likeness[i][j] + best[i + 1][j + 1])
    found, i, j = [], 0, 0
    while i < len(left) or j < len(right):
        both = i < len(left) and j < len(right)
        if both and likeness[i][j] and best[i][j] == likeness[i][j] + best[i + 1][j + 1]:
            found.append(Row(CHANGED, *_words(left[i], right[j])))
            i, j = i + 1, j + 1
        elif i < len(left) and (not both or best[i][j] == best[i + 1][j]):
            found.append(Row(LEFT, ((left[i], True),), None))
            i += 1
        else:
            found.append(Row(RIGHT, None, ((right[j], True),)))
            j += 1
    return found


def _likeness(one: str, other: str) -> float:
    """How much two lines have in common, 0 if it is too little."""
    ratio = SequenceMatcher(None, _NAME.findall(one), _NAME.findall(other), autojunk=False).ratio()
    return ratio if ratio >= _ALIKE else 0.0


def _words(one: str, other: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Two lines cut where they begin and cease to differ."""
    words = _WORD.findall(one), _WORD.findall(other)
    pieces: tuple[list[Piece], list[Piece]] = ([], [])
    for tag, a, b, c, d in SequenceMatcher(None, *words, autojunk=False).get_opcodes():
        for side, start, stop in ((0, a, b), (1, c, d)):
            if stop > start:
                pieces[side].append(("".join(words[side][start:stop]), tag != "equal"))
    return tuple(pieces[0]), tuple(pieces[1])
