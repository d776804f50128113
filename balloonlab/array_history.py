"""Whole operations of a guest of arrays, taken back exactly, or looked at in their midst.

An operation changes page states unit by unit: a page that is taken or given back, or a pair of compaction. The pages of
each unit and what they were before are enough to go back to any moment of it: changes are taken back newest first, and
where a page changed twice the older one is written last. The rest is small, or kept as a reference to arrays that
nobody writes to again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from balloonlab.errors import BadValueError, whole_number
from balloonlab.host import Host
from balloonlab.journal import Values
from balloonlab.memory.arrays import ArrayZone
from balloonlab.memory.arrays.list_order import Mark

_MOST_BYTES = 1 << 28  # of what is kept for older operations; the last one is kept whatever it takes
_States = NDArray[np.uint8]


class Guest(Protocol):
    """What is remembered of: a guest of arrays (array_guest.py). Nobody writes into its `stack`."""

    zone: ArrayZone
    host: Host
    values: Values
    stack: NDArray[np.int32]
    fixed: _States | None


@dataclass
class Operation:
    """One whole operation. text: what it was, in words. units: pages, or pairs, that changed one after the other."""

    text: str
    block_types: _States
    stack: NDArray[np.int32]
    numbers: Sequence[int]
    messages: int
    believed: _States  # bits
    given_back: _States  # bits
    again: Callable[[], object]
    fixed: _States | None
    order: Mark
    pages: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 1), np.int32))
    old: _States = field(default_factory=lambda: np.zeros((0, 1), np.uint8))
    all_states: _States | None = None

    def changed(self, pages: NDArray[Any], old: NDArray[Any] | int) -> None:
        """Note the changed pages, int32 (units, pages of a unit) in order, and their states before, of that shape."""
        self.pages, self.old = pages.astype(np.int32, copy=False), np.broadcast_to(old, pages.shape).astype(np.uint8)

    @property
    def units(self) -> int:
        return len(self.pages) if self.all_states is None else 1

    @property
    def nbytes(self) -> int:
        arrays = (self.pages, self.old, self.stack, self.believed, self.given_back, self.fixed, self.all_states)
        return sum(each.nbytes for each in arrays if each is not None) + self.order.nbytes

    def take_back(self, states: _States, unit: int = 0) -> None:
        """Put page states as they are after the operation back to where they were before this unit."""
        if self.all_states is not None and unit == 0:
            states[:] = self.all_states
        # A page that changed twice is listed twice: the older state comes later, and stays.
        states[self.pages[unit:].reshape(-1)[::-1]] = self.old[unit:].reshape(-1)[::-1]


class ArrayHistory:
    """The last whole operations of a guest, oldest first, and what can do those again that were taken back."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.operations: deque[Operation] = deque()
        self._undone: list[Operation] = []

    @contextmanager
    def operation(self, text: str, again: Callable[[], object]) -> Iterator[Operation]:
        """Note what happens inside as one operation; nothing is noted if it raises: then nothing has changed.

        again: does it once more, from where the guest stands now.
        """
        guest, host = self.guest, self.guest.host
        now = Operation(
            text,
            guest.zone.block_types.copy(),
            guest.stack,
            tuple(guest.values.numbers),
            len(host.messages),
            np.packbits(host.believed),
            np.packbits(host.given_back),
            again,
            None if guest.fixed is None else guest.fixed.copy(),
            guest.zone.order.mark(),
        )
        try:
            yield now
        except BaseException:
            guest.zone.order.leave(now.order, self._mark())
            raise
        self._undone.clear()
        self.operations.append(now)
        while len(self.operations) > 1 and sum(each.nbytes for each in self.operations) > _MOST_BYTES:
            self.operations.popleft()

    def _mark(self) -> Mark | None:
        return self.operations[-1].order if self.operations else None

    def last(self) -> Operation:
        """The last operation; BadValueError if there is none."""
        if not self.operations:
            raise BadValueError(
                "there is no whole operation to take back: none was done yet, all were taken back, or they were too "
                f"long ago (what is kept of older ones is limited to {_MOST_BYTES >> 20} MiB)."
            )
        return self.operations[-1]

    def undo(self) -> Operation:
        """Take the last operation back."""
        last, guest = self.last(), self.guest
        self.operations.pop()
        last.take_back(guest.zone.states)
        guest.zone.block_types[:] = last.block_types
        guest.zone.order.back_to(last.order, self._mark())
        guest.stack = last.stack
        guest.fixed = last.fixed
        guest.values.numbers[:] = last.numbers
        host = guest.host
        host.messages.cut(last.messages)
        host.believed[:] = np.unpackbits(last.believed, count=len(host.believed))
        host.given_back[:] = np.unpackbits(last.given_back, count=len(host.given_back))
        self._undone.append(last)
        return last

    def redo(self) -> Operation:
        """Do the operation again that was taken back last; BadValueError if another was done since, or none."""
        if not self._undone:
            raise BadValueError("there is no whole operation to do again: none was taken back since the last one done.")
        operation, *others = self._undone[::-1]
        operation.again()
        self._undone = others[::-1]
        return operation

    def states_at(self, unit: int) -> _States:
        """A copy of the page states at one moment of the last operation: before its unit of this number."""
        last = self.last()
        unit = whole_number(
            "moment", unit, 0, last.units, "pages or pairs", f"The last operation ({last.text}) has no more."
        )
        states = self.guest.zone.states.copy()
        last.take_back(states, unit)
        return states
