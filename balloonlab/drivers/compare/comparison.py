"""Two driver versions beside each other, as values: which routine of the one is which of the other's, and its state.

A routine is the same in two versions if its text is, whatever it is told about it.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass
from typing import NamedTuple

from balloonlab.drivers.compare.side_by_side import Row, rows
from balloonlab.drivers.driver import Driver
from balloonlab.foundations.errors import of_kind, pick

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
        of_kind("pair", pair, Pair, "one of comparison.pairs")
        return f"{pair.name}: {self.lists()[STATES.index(pair.state)][0]}"

    def said(self, pair: Pair) -> list[str]:
        """The docstrings of a routine, paragraph by paragraph; with the driver's name where they differ."""
        of_kind("pair", pair, Pair, "one of comparison.pairs")
        left, right = (text.about if text is not None else "" for text in (pair.left, pair.right))
        if left and right and left != right:
            left, right = f"{self.first.name}: {left}", f"{self.second.name}: {right}"
        return [part for about in dict.fromkeys((left, right)) for part in about.split("\n\n") if part]

    def places(self, pair: Pair) -> list[str]:
        """Where in the kernel a routine begins, in each version that has it and has a place."""
        of_kind("pair", pair, Pair, "one of comparison.pairs")
        sides = [(self.first, pair.left), (self.second, pair.right)]
        found = [(driver, driver.place(text.name)) for driver, text in sides if text is not None]
        return [f"{driver.name} has it from {place}" for driver, place in found if place.file]

    def abouts(self) -> tuple[str, str]:
        """What each version's module says of it: the kernel it retells, and what it changes and why."""
        return _about(self.first), _about(self.second)


def _about(driver: Driver) -> str:
    """The docstring of the version's module; of an edited driver, its version's, and what was edited."""
    version = driver.name.rstrip("*")
    module = sys.modules.get("balloonlab.drivers." + re.sub(r"\W", "_", version))
    about = inspect.cleandoc((module and module.__doc__) or "")
    return f"{about}\n\nEdited since then." if about and version != driver.name else about
