"""diff: two driver versions side by side, routine by routine.

What a version changes and why stands in its module's docstring, what a routine is for in its own; both head the view.
A routine is the same in two versions if its text is, whatever it is told about it.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from balloonlab.drivers import find_driver
from balloonlab.drivers.comparison_html import html_of
from balloonlab.drivers.driver import Driver, Function
from balloonlab.drivers.side_by_side import CHANGED, Piece, Row, rows
from balloonlab.errors import pick
from balloonlab.kernel.foreign import source_lines

WIDTH = 110  # columns of the text
_COLUMN = (WIDTH - 3) // 2
STATES = ("changed", "only in the first", "only in the second", "the same")


class Text(NamedTuple):
    """A routine as one driver has it: its name there, its docstring, the lines of its code without that."""

    name: str
    about: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A routine in two drivers: None where a driver has none like it."""

    left: Text | None
    right: Text | None

    @property
    def name(self) -> str:
        """What it is called; both names where a version gave it another."""
        return " / ".join(dict.fromkeys(text.name for text in (self.left, self.right) if text is not None))

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.left is None or self.right is None:
            return STATES[2 if self.left is None else 1]
        return STATES[3 if self.left.lines == self.right.lines else 0]

    def rows(self) -> list[Row]:
        """Its lines side by side."""
        return rows(self.left.lines if self.left else (), self.right.lines if self.right else ())


@dataclass(frozen=True)
class Comparison:
    """What `diff` found. pairs: every routine of either driver, or the one that was asked for."""

    first: Driver
    second: Driver
    pairs: tuple[Pair, ...]
    whole: bool

    def of_state(self, state: str) -> tuple[Pair, ...]:
        """The routines that are "changed", "only in the first", "only in the second" or "the same"."""
        pick("state of a routine", state, list(STATES))
        return tuple(pair for pair in self.pairs if pair.state == state)

    def shown(self) -> tuple[Pair, ...]:
        """The routines whose text is shown: those that changed, or the one that was asked for."""
        return self.of_state("changed") if self.whole else self.pairs

    def lists(self) -> list[tuple[str, tuple[Pair, ...]]]:
        """The routines under a heading for each state, in words of the two drivers."""
        words = ("changed", f"only in {self.first.name}", f"only in {self.second.name}", "the same in both")
        return [(word, self.of_state(state)) for word, state in zip(words, STATES, strict=True)]

    def heading(self, pair: Pair) -> str:
        """A routine's name, and in words of the two drivers its state."""
        return next(f"{pair.name}: {words}" for words, pairs in self.lists() if pair in pairs)

    def said(self, pair: Pair) -> list[str]:
        """The docstrings of a routine, paragraph by paragraph; with the driver's name where they differ."""
        left, right = (text.about if text is not None else "" for text in (pair.left, pair.right))
        if left and right and left != right:
            left, right = f"{self.first.name}: {left}", f"{self.second.name}: {right}"
        return [part for about in dict.fromkeys((left, right)) for part in about.split("\n\n") if part]

    def abouts(self) -> tuple[str, str]:
        """What each version's module says of it: the kernel it retells, and what it changes and why."""
        return _about(self.first), _about(self.second)

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self._lines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_of(self)

    def _lines(self) -> Iterator[str]:
        yield f"{self.first.name} and {self.second.name}, side by side"
        for driver, about in zip((self.first, self.second), self.abouts(), strict=True):
            yield ""
            yield from _wrapped(f"{driver.name}: {driver.title}")
            for paragraph in about.split("\n\n") if self.whole else ():
                yield from _wrapped(paragraph, "  ")
        for heading, pairs in self.lists():
            if pairs:
                yield ""
                yield from _wrapped(f"{heading} ({len(pairs)}): {', '.join(pair.name for pair in pairs)}", "", "  ")
        for pair in self.shown():
            yield from self._routine(pair)

    def _routine(self, pair: Pair) -> Iterator[str]:
        yield from ("", "-" * WIDTH, self.heading(pair))
        for paragraph in self.said(pair):
            yield from _wrapped(paragraph, "  ")
        yield ""
        yield f"{self.first.name:<{_COLUMN}}   {self.second.name}"
        for row in pair.rows():
            yield from _beside(row)


def diff(first: str | Driver, second: str | Driver, routine: str | None = None) -> Comparison:
    """Two drivers side by side: routines that only one has, that are the same, and the text of those that changed.

    first, second: names, or Drivers, edited ones too. routine: show only this one. Raises UnknownNameError, which lists
    the names there are.
    """
    drivers = find_driver(first), find_driver(second)
    pairs = tuple(_pairs(*drivers))
    if routine is not None:
        known = [text.name for pair in pairs for text in (pair.left, pair.right) if text is not None]
        known += [name for driver in drivers for name in driver.aliases]
        names = f"{drivers[0].name} or {drivers[1].name}"
        name = pick(f"routine of driver {names}", routine, list(dict.fromkeys(known)))
        wanted = {name} | {driver.aliases[name] for driver in drivers if name in driver.aliases}
        pairs = tuple(p for p in pairs if any(text is not None and text.name in wanted for text in (p.left, p.right)))
    return Comparison(*drivers, pairs, routine is None)


def _pairs(first: Driver, second: Driver) -> Iterator[Pair]:
    """Routines of the first in its order, with the second's; then those that only the second has."""
    taken = set()
    for name, function in first.functions.items():
        other = _called(name, first, second)
        taken.add(other)
        yield Pair(_text(name, function), _text(other, second.functions[other]) if other else None)
    yield from (Pair(None, _text(name, each)) for name, each in second.functions.items() if name not in taken)


def _called(name: str, here: Driver, there: Driver) -> str:
    """What another version calls a routine of this one; "" if it has none."""
    if name in there.functions:
        return name
    others = [there.aliases.get(name, ""), *(alias for alias, own in here.aliases.items() if own == name)]
    return next((other for other in others if other in there.functions and other not in here.functions), "")


def _text(name: str, function: Function) -> Text:
    about = inspect.cleandoc(function.__doc__ or "")
    text = textwrap.dedent("".join(source_lines(function)[0]))
    try:
        body = ast.parse(text).body[0]
    except (SyntaxError, IndexError):
        return Text(name, about, (f"def {name}(...):  # its text is not kept",))
    lines = text.rstrip().split("\n")
    if isinstance(body, ast.FunctionDef) and ast.get_docstring(body) is not None:
        said = body.body[0]
        del lines[said.lineno - 1 : said.end_lineno]
    return Text(name, about, tuple(re.sub(r"\s+# noqa.*", "", line) for line in lines))


def _about(driver: Driver) -> str:
    """The docstring of the version's module; of an edited driver, its version's, and what was edited."""
    version = driver.name.rstrip("*")
    module = sys.modules.get("balloonlab.drivers." + re.sub(r"\W", "_", version))
    about = inspect.cleandoc((module and module.__doc__) or "")
    return f"{about}\n\nEdited since then." if about and version != driver.name else about


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
