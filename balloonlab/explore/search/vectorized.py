"""The vectorized search: the same breadth-first search, thousands of states at a time in numpy.

The same packing, the same rows, the same order, so the same numbers of states. For a chunk of states and every thread:
look the row up, flip bits; then look the new states up. Python runs only for rows that are new.

A step changes little, so most rows of a new state are those of the state before: a row is looked up only for the thread
that stepped, and for threads whose row reads something that the step wrote.
"""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.learn.keytable import KeyTable
from balloonlab.explore.learn.layout import Layout, Overflow, Words, split
from balloonlab.explore.learn.table import BUG, NAPS, STEP
from balloonlab.explore.learn.unbounded import UnboundedError
from balloonlab.explore.search.graph import NOWHERE, Flags, Graph
from balloonlab.explore.search.limits import Limits
from balloonlab.explore.search.search import PlainSearch

_CHUNK = 8192  # states expanded at a time
_UNKNOWN = -1  # a row that is to be looked up


class _Column:
    """A growing array."""

    def __init__(self, dtype: type, width: int = 0) -> None:
        self._rows: NDArray[Any] = np.zeros((64, width) if width else 64, dtype)
        self.count = 0

    def append(self, rows: NDArray[Any]) -> None:
        wanted = self.count + len(rows)
        if wanted > len(self._rows):
            more = max(wanted, len(self._rows) * 3 // 2) - len(self._rows)
            self._rows = np.concatenate((self._rows, np.zeros((more, *self._rows.shape[1:]), self._rows.dtype)))
        self._rows[self.count : wanted] = rows
        self.count = wanted

    @property
    def array(self) -> NDArray[Any]:
        return self._rows[: self.count]

    @property
    def nbytes(self) -> int:
        return self._rows.nbytes


class VectorizedSearch:
    """Takes over where a plain search stands, and goes on to the end or to a limit."""

    def __init__(self, plain: PlainSearch) -> None:
        self.table = plain.table
        self.states = KeyTable()
        self.states.find_or_add(*_words(plain.states))
        self._parent, self._halted = _Column(np.int32), _Column(np.bool_)
        self._following = _Column(np.int32, self.table.threads)
        self._parent.append(np.array(plain.parent, np.int32))
        halted = np.zeros(len(plain.states), np.bool_)
        halted[list(plain.halted)] = True
        self._halted.append(halted)
        self._following.append(np.array(plain.following, np.int32).reshape(-1, self.table.threads))
        self._expanded = self._following.count
        waiting = len(plain.states) - self._expanded
        self._following.append(np.full((waiting, self.table.threads), _UNKNOWN, np.int32))
        self._relaid()

    def run(self, limits: Limits) -> str:
        """Expand states in turn. Returns why it stopped: "" for the end, else the limit in words."""
        while (start := self._expanded) < len(self.states):
            if why := limits.reached(len(self.states), self._memory()):
                return why
            stop = min(start + _CHUNK, len(self.states))
            try:
                self._expand(start, stop)
            except Overflow:
                self._relayout()
            except UnboundedError as error:
                return str(error)
        return ""

    def graph(self) -> Graph:
        """What was found, as a graph."""
        halted = np.flatnonzero(self._halted.array).astype(np.int32)
        following, parent = self._following.array[: self._expanded], self._parent.array
        return Graph(self.table, following, parent, halted, self.states.words)

    def _memory(self) -> int:
        return self.states.nbytes + self._parent.nbytes + self._following.nbytes + self._halted.nbytes

    # -- tables as arrays --

    def _relaid(self) -> None:
        """Make arrays of the table as it is packed now."""
        table, layout = self.table, self.table.layout
        threads = range(table.threads)
        self._thread_shift = np.array([layout.shifts[t] - 64 for t in threads], np.uint64)
        self._thread_ones = np.array([layout.ones[t] for t in threads], np.uint64)
        most = max(layout.ones[t] for t in threads) + 1
        self._first_local = np.arange(table.threads, dtype=np.intp) * most
        self._mask_low = np.zeros(table.threads * most, np.uint64)
        self._mask_high = np.zeros(table.threads * most, np.uint64)
        self._masks_seen = [0] * table.threads
        self._keys = KeyTable()
        self._take_masks()
        self._take_rows()
        if len(table.columns):
            self._keys.find_or_add(self._row_key_low, self._row_key_high)

    def _take_masks(self) -> None:
        """Take over what newly known local states look at."""
        for thread, masks in enumerate(self.table.masks):
            count = len(self.table.automata[thread])
            for local in range(self._masks_seen[thread], count):
                at = self._first_local[thread] + local
                self._mask_low[at], self._mask_high[at] = split(masks[local])
            self._masks_seen[thread] = count

    def _take_rows(self) -> None:
        """Take over the table's rows as arrays."""
        columns = self.table.columns
        self._row_key_low, self._row_key_high = _array(columns.key_low), _array(columns.key_high)
        self._flips_low, self._flips_high = _array(columns.flips_low), _array(columns.flips_high)
        self._reads, self._writes = _array(columns.reads), _array(columns.writes)
        self._kind, self._thread = _array(columns.kind), _array(columns.thread)

    def _relayout(self) -> None:
        old: Layout = self.table.layout
        low, high = self.states.words
        self.table.relayout()
        if self.table.layout.wide:
            raise TooWideError
        low, high = self.table.layout.move(low, high, old)
        self.states = KeyTable()
        self.states.find_or_add(low, high)
        self._relaid()

    # -- one chunk --

    def _expand(self, start: int, stop: int) -> None:
        low, high = self.states.low[start:stop], self.states.high[start:stop]
        rows = self._following.array[start:stop].copy()
        self._look_up(rows, low, high)
        kind = self._kind.take(rows)
        may = (kind & STEP).view(np.bool_)
        halted = self._halted.array[start:stop]
        if halted.any():
            may &= ~halted[:, None]
        if self.table.cpu:
            may &= self._allowed(rows, kind, low, high)
        at = np.flatnonzero(may)
        row = rows.ravel().take(at)
        source = at // self.table.threads
        there_low = low.take(source) ^ self._flips_low.take(row)
        there_high = high.take(source) ^ self._flips_high.take(row)
        if self.table.cpu:
            there_low, there_high = self._take_cpu(there_low, there_high, at % self.table.threads)
        numbers, new = self.states.find_or_add(there_low, there_high)
        row, source = row.take(new), source.take(new)
        self._parent.append((start + source).astype(np.int32))
        self._halted.append((self._kind.take(row) & BUG).astype(np.bool_))
        self._following.append(self._rows_after(rows.take(source, axis=0), row))
        following = np.full(may.size, NOWHERE, np.int32)
        following[at] = numbers
        self._following.array[start:stop] = following.reshape(may.shape)
        self._expanded = stop

    def _rows_after(self, rows: NDArray[np.int32], row: NDArray[np.int32]) -> NDArray[np.int32]:
        """The rows of states after a step, as far as they are those of the states before."""
        reads, wrote = self._reads.take(rows), self._writes.take(row)
        rows[(reads & wrote[:, None]).view(np.int64) != 0] = _UNKNOWN
        rows[np.arange(len(row)), self._thread.take(row)] = _UNKNOWN
        return rows

    def _look_up(self, rows: NDArray[np.int32], low: Words, high: Words) -> None:
        """Fill in the rows that are not known, a row for every thread in every state; learns those that are missing."""
        threads = self.table.threads
        places = np.flatnonzero(rows < 0)
        state, thread = places // threads, places % threads
        low, high = low.take(state), high.take(state)
        local = (high >> self._thread_shift.take(thread) & self._thread_ones.take(thread)).view(np.intp)
        local += self._first_local.take(thread)
        numbers, new = self._keys.find_or_add(self._mask_low.take(local) & low, self._mask_high.take(local) & high)
        if len(new):
            states = [(int(thread[i]), int(low[i]) | int(high[i]) << 64) for i in new.tolist()]
            for where in states:
                self.table.learn(*where)
            self._take_masks()
            self._take_rows()
        rows.ravel()[places] = numbers

    def _allowed(self, rows: NDArray[np.int32], kind: NDArray[np.uint8], low: Words, high: Words) -> Flags:
        """On a shared CPU only its thread may step, unless it waits or lets time pass."""
        table = self.table
        may = np.ones(rows.shape, np.bool_)
        running = table.layout.column(table.fields - 1, low, high).astype(np.intp) - 1
        states = np.flatnonzero(running >= 0)
        held = running[states]
        goes_on = kind[states, held] & (STEP | NAPS) == STEP
        states, held = states[goes_on], held[goes_on]
        for thread in table.cpu:
            may[states, thread] = held == thread
        return may

    def _take_cpu(self, low: Words, high: Words, thread: NDArray[np.intp]) -> tuple[Words, Words]:
        """Note which of the threads that share a CPU has made each step."""
        table = self.table
        clear_low, clear_high = split(~table.layout.masks[-1] & (1 << 128) - 1)
        given = [split(table.on_cpu(0, t)) for t in range(table.threads)]
        give_low, give_high = (np.array([words[i] for words in given], np.uint64)[thread] for i in (0, 1))
        takes = np.isin(thread, list(table.cpu))
        low = np.where(takes, low & np.uint64(clear_low) | give_low, low)
        return low, np.where(takes, high & np.uint64(clear_high) | give_high, high)


class TooWideError(Exception):
    """The states do not fit two words any more: only the plain search can go on."""


def _words(numbers: list[int]) -> tuple[Words, Words]:
    words = np.array([split(number) for number in numbers], np.uint64).reshape(-1, 2)
    return words[:, 0].copy(), words[:, 1].copy()


def _array(column: array[int]) -> NDArray[Any]:
    """A copy of a typed array (a view would keep it from growing)."""
    return np.array(column, column.typecode)
