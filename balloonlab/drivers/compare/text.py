"""The text of a comparison: each routine in two columns, with carets under the words that differ."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from balloonlab.drivers.compare.comparison import Comparison, Pair
from balloonlab.drivers.compare.side_by_side import CHANGED, Piece, Row

WIDTH = 110  # columns
_COLUMN = (WIDTH - 3) // 2


def lines_of(comparison: Comparison) -> Iterator[str]:
    """The whole view, line by line."""
    yield f"{comparison.first.name} and {comparison.second.name}, side by side"
    for driver, about in zip((comparison.first, comparison.second), comparison.abouts(), strict=True):
        yield ""
        yield from _wrapped(f"{driver.name}: {driver.title}")
        for paragraph in about.split("\n\n") if comparison.whole else ():
            yield from _wrapped(paragraph, "  ")
    for heading, pairs in comparison.lists():
        if pairs:
            yield ""
            yield from _wrapped(f"{heading} ({len(pairs)}): {', '.join(pair.name for pair in pairs)}", "", "  ")
    for pair in comparison.shown():
        yield from _routine(comparison, pair)


def _routine(comparison: Comparison, pair: Pair) -> Iterator[str]:
    yield from ("", "-" * WIDTH, comparison.heading(pair))
    for paragraph in comparison.said(pair):
        yield from _wrapped(paragraph, "  ")
    for place in comparison.places(pair):
        yield from _wrapped(place, "  ", "    ")
    yield ""
    yield f"{comparison.first.name:<{_COLUMN}}   {comparison.second.name}"
    for row in pair.rows():
        yield from _beside(row)


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    later = first if rest is None else rest
    words = " ".join(text.split())
    return textwrap.wrap(words, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


def _beside(row: Row) -> Iterator[str]:
    """A row as lines of text; under a changed one, carets under the words that differ."""
    left, right = (_folded(pieces, carets=row.mark == CHANGED) for pieces in (row.left, row.right))
    for i in range(max(len(left), len(right))):
        one, under_one = left[i] if i < len(left) else ("", "")
        other, under_other = right[i] if i < len(right) else ("", "")
        yield f"{one:<{_COLUMN}} {row.mark} {other}"
        if under_one.strip() or under_other.strip():
            yield f"{under_one:<{_COLUMN}}   {under_other}"


def _folded(pieces: tuple[Piece, ...] | None, *, carets: bool) -> list[tuple[str, str]]:
    """A line of code in parts that fit a column, each with the carets that belong under it."""
    text = "".join(piece for piece, _ in pieces or ())
    under = "".join(("^" if new and carets else " ") * len(piece) for piece, new in pieces or ())
    indent = " " * (len(text) - len(text.lstrip()) + 6)
    parts = []
    while len(text) > _COLUMN:
        cut = text.rfind(" ", len(indent) + 1, _COLUMN) + 1 or _COLUMN
        parts.append((text[:cut], under[:cut]))
        text, under = indent + text[cut:], indent + under[cut:]
    return [*parts, (text, under)]
