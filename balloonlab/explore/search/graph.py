"""The graph of states that a search leaves behind: who can go where, and how each state was first reached."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.learn.layout import Layout, Words
from balloonlab.explore.learn.table import Table

Flags = NDArray[np.bool_]
NOWHERE = -1


@dataclass
class Graph:
    """States in breadth-first order, so that a state's number never falls with its distance from state 0.

    following: int32[expanded, threads], the state that each thread's step leads to, -1 if it cannot step there (or
    the guest has stopped at a bug). parent: int32[states], from where a state was first reached (-1 for the first).
    halted: int32, the states that a bug led to.
    packed: the states as whole numbers of the table's layout: two uint64 words each, or a list if they do not fit.
    The last ``states - expanded`` states have not been looked at: then the search was not finished.
    """

    table: Table
    following: NDArray[np.int32]
    parent: NDArray[np.int32]
    halted: NDArray[np.int32]
    packed: tuple[Words, Words] | list[int]
    _columns: dict[int, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def states(self) -> int:
        return len(self.parent)

    @property
    def expanded(self) -> int:
        return len(self.following)

    @property
    def transitions(self) -> int:
        return int(np.count_nonzero(self.following >= 0))

    def state(self, number: int) -> int:
        """A state as one whole number."""
        if isinstance(self.packed, list):
            return self.packed[number]
        low, high = self.packed
        return int(low[number]) | int(high[number]) << 64

    def column(self, field: int) -> NDArray[np.int64]:
        """The numbers in one field of every state (fields as in Table)."""
        if field not in self._columns:
            layout: Layout = self.table.layout
            if isinstance(self.packed, list):
                shift, ones = layout.shifts[field], layout.ones[field]
                numbers = np.array([state >> shift & ones for state in self.packed], np.int64)
            else:
                numbers = layout.column(field, *self.packed).astype(np.int64)
            self._columns[field] = numbers
        return self._columns[field]

    def forget_columns(self) -> None:
        """Free the memory that `column` keeps."""
        self._columns.clear()

    def resting(self, thread: int) -> Flags:
        """In which states a thread is between two rounds of its work, or has ended well."""
        rests = np.array([local.rests for local in self.table.automata[thread].states])
        flags: Flags = rests[self.column(thread)]
        return flags

    def choices_to(self, state: int) -> list[int]:
        """The threads that step, one after the other, on the way by which a state was first reached."""
        choices: list[int] = []
        while (before := int(self.parent[state])) >= 0:
            choices.append(int(np.flatnonzero(self.following[before] == state)[0]))
            state = before
        return choices[::-1]

    def path_to(self, state: int) -> list[int]:
        """The states on that way, from state 0 on."""
        path = [state]
        while (before := int(self.parent[path[-1]])) >= 0:
            path.append(before)
        return path[::-1]
