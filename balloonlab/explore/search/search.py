"""The plain search: breadth first over states that are whole numbers, with the parent of each.

Readable and exact. The vectorized search (vectorized.py) does the same thing in the same order, many states at once,
and takes over from this one where many states wait to be looked at. What is wrong in the states found is looked up
afterwards (violations.py), in the graph that a search leaves behind.
"""

from __future__ import annotations

from array import array

import numpy as np

from balloonlab.explore.learn.layout import Overflow
from balloonlab.explore.learn.table import Table
from balloonlab.explore.learn.unbounded import UnboundedError
from balloonlab.explore.search.graph import NOWHERE, Graph
from balloonlab.explore.search.limits import BYTES_A_STATE, Limits

_LOOK = 512  # states between two looks at the limits
_UNKNOWN = -1


class PlainSearch:
    """States found so far, in breadth-first order; `run` goes on until many wait, a limit, or the end."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.states = [table.initial()]
        self.numbers = {self.states[0]: 0}
        self.parent = array("i", [NOWHERE])
        self.following = array("i")
        self.halted = {0} if any(automaton.states[1].crash for automaton in table.automata) else set[int]()
        self.expanded = 0

    def run(self, limits: Limits, most_waiting: int | None = None) -> str:
        """Expand states in turn. Returns why it stopped: "" for the end, "many waiting", or a limit in words."""
        expand = self._expand_on_one_cpu if self.table.cpu else self._expand
        while self.expanded < len(self.states):
            if why := limits.reached(len(self.states), BYTES_A_STATE * len(self.states)):
                return why
            if most_waiting is not None and len(self.states) - self.expanded > most_waiting:
                return "many waiting"
            try:
                expand(min(self.expanded + _LOOK, len(self.states)))
            except Overflow:
                self._relayout()
            except UnboundedError as error:
                self._forget_half_done()
                return str(error)
        return ""

    def _forget_half_done(self) -> None:
        """Take back what the present state's steps have added so far."""
        del self.following[self.expanded * self.table.threads :]
        while self.parent[-1] == self.expanded:
            del self.numbers[self.states.pop()]
            self.halted.discard(len(self.states))
            self.parent.pop()

    def graph(self) -> Graph:
        """What was found, as a graph."""
        following = np.array(self.following, np.int32).reshape(-1, self.table.threads)
        halted = np.array(sorted(self.halted), np.int32)
        return Graph(self.table, following, np.array(self.parent, np.int32), halted, self.states)

    def _expand(self, stop: int) -> None:
        """Take the step of every thread from each state before `stop`."""
        table, states, number_of, append = self.table, self.states, self.numbers.get, self.following.append
        layout = table.layout
        threads = [
            (t, layout.shifts[t], layout.ones[t], table.masks[t], table.codes[t].get) for t in range(table.threads)
        ]
        while self.expanded < stop:
            state = states[self.expanded]
            if self.expanded in self.halted:
                self.following.extend([NOWHERE] * table.threads)
                self.expanded += 1
                continue
            for thread, shift, ones, masks, code_for in threads:
                code = code_for(state & masks[state >> shift & ones], _UNKNOWN)
                if code == _UNKNOWN:
                    table.learn(thread, state)
                    code = code_for(state & masks[state >> shift & ones], _UNKNOWN)
                if code > 0:
                    there = state ^ code
                    known = number_of(there)
                    append(self._add(there) if known is None else known)
                elif code == 0:
                    append(NOWHERE)
                else:
                    append(self._step(state, -2 - code))
            self.expanded += 1

    def _expand_on_one_cpu(self, stop: int) -> None:
        """The same where not everybody who can step may: some threads share a CPU."""
        table = self.table
        while self.expanded < stop:
            state = self.states[self.expanded]
            rows = [table.row_number(thread, state) for thread in range(table.threads)]
            may = table.allowed(state, [table.rows[row] for row in rows])
            if self.expanded in self.halted:
                may = [False] * table.threads
            steps = [self._step(state, row) if free else NOWHERE for row, free in zip(rows, may, strict=True)]
            self.following.extend(steps)
            self.expanded += 1

    def _add(self, state: int) -> int:
        number = self.numbers[state] = len(self.states)
        self.states.append(state)
        self.parent.append(self.expanded)
        return number

    def _step(self, state: int, row: int) -> int:
        """The number of the state after a step that needs care."""
        table = self.table
        there = table.after(state, row)
        known = self.numbers.get(there)
        if known is None:
            known = self._add(there)
            if table.rows[row].bug:
                self.halted.add(known)
        return known

    def _relayout(self) -> None:
        """Something new does not fit: pack everything anew. What was done of the present state is done again."""
        old, table = self.table.layout, self.table
        table.relayout()
        self.states = [table.layout.pack(old.unpack(state)) for state in self.states]
        self.numbers = {state: number for number, state in enumerate(self.states)}
        del self.following[self.expanded * table.threads :]
