"""diff: two driver versions side by side, routine by routine.

What a version changes and why stands in its module's docstring, what a routine is for in its own; both head the view.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator

from balloonlab.drivers import find_driver
from balloonlab.drivers.compare.comparison import Comparison, Pair, Text
from balloonlab.drivers.compare.html import html_of
from balloonlab.drivers.compare.text import lines_of
from balloonlab.drivers.driver import Driver, Function
from balloonlab.foundations.errors import pick
from balloonlab.kernel.learner_code import source_lines, without_noqa


class Diff(Comparison):
    """A comparison that shows itself: as text, and in a notebook as tables."""

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in lines_of(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_of(self)


def diff(first: str | Driver, second: str | Driver, routine: str | None = None) -> Diff:
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
    return Diff(*drivers, pairs, routine is None)


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
    return Text(name, about, tuple(without_noqa(line) for line in lines))
