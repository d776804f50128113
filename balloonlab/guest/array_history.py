"""Whole operations of a guest of arrays, taken back exactly, or looked at in their midst.

An operation changes page states unit by unit: a page that is taken or given back, or a pair of compaction. The pages of
each unit and what they were before are enough to go back to any moment of it: changes are taken back newest first, and
where a page changed twice the older one is written last. The rest is small, or kept as a reference to arrays that
nobody writes to again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import BadValueError, whole_number
from balloonlab.foundations.journal import Values
from balloonlab.host.host import Host
from balloonlab.memory.arrays import ArrayZone
from balloonlab.memory.arrays.list_order import Mark

_MOST_BYTES = 1 << 28  # of what is kept for older operations; the last one is kept whatever it takes
_OBJECT = 128  # bytes of an array beside its numbers, about
_States = NDArray[np.uint8]


class Remembered(Protocol):
    """What is remembered of: a guest of arrays (array_guest.py). Nobody writes into its `stack`."""

    zone: ArrayZone
    host: Host
    values: Values
    stack: NDArray[np.int32]
    fixed: _States | None


@dataclass
class Operation:
    """One whole operation. text: what it was, in words. units: pages, or pairs, that changed one after the other.

    all_states: the map before it, until `changed` says what changed; of a workload it is kept.
    """

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
    all_states: _States | None
    pages: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 1), np.int32))
    old: _States = field(default_factory=lambda: np.zeros((0, 1), np.uint8))

    def changed(self, pages: NDArray[Any], old: NDArray[Any] | int) -> None:
        """Note the changed pages, int32 (units, pages of a unit) in order, and their states before, of that shape."""
        self.pages, self.old = pages.astype(np.int32, copy=False), np.broadcast_to(old, pages.shape).astype(np.uint8)
        self.all_states = None

    @property
    def units(self) -> int:
        return len(self.pages) if self.all_states is None else 1

    def arrays(self) -> list[NDArray[Any]]:
        """All arrays that are kept for it; some are others' too."""
        own: list[NDArray[Any]] = [self.pages, self.old, self.stack, self.believed, self.given_back, self.block_types]
        mark = self.order
        maybe = [self.fixed, self.all_states, mark.numbers, mark.kinds]
        written = [array for _, where, old in mark.written for array in (where, old)]
        return [*own, *(array for array in maybe if array is not None), *mark.given, *written]

    def take_back(self, states: _States, unit: int = 0) -> None:
        """Put page states as they are after the operation back to where they were before this unit."""
        if self.all_states is not None and unit == 0:
            states[:] = self.all_states
        # A page that changed twice is listed twice: the older state comes later, and stays.
        states[self.pages[unit:].reshape(-1)[::-1]] = self.old[unit:].reshape(-1)[::-1]


class _Shared:
    """How many bytes some arrays take together, each counted once however often it is added."""

    def __init__(self) -> None:
        self.nbytes = 0
        self._times: Counter[int] = Counter()

    def __contains__(self, array: NDArray[Any]) -> bool:
        return id(array) in self._times

    def add(self, arrays: Iterable[NDArray[Any]]) -> None:
        """They must live until they are removed."""
        for array in arrays:
            if array not in self:
                self.nbytes += array.nbytes + _OBJECT
            self._times[id(array)] += 1

    def remove(self, arrays: Iterable[NDArray[Any]]) -> None:
        for array in arrays:
            self._times[id(array)] -= 1
            if not self._times[id(array)]:
                del self._times[id(array)]
                self.nbytes -= array.nbytes + _OBJECT


class ArrayHistory:
    """The last whole operations of a guest, oldest first, and what can do those again that were taken back."""

    def __init__(self, guest: Remembered) -> None:
        self.guest = guest
        self.operations: deque[Operation] = deque()
        self._older = _Shared()  # arrays of all operations but the last, to which list order may still add some
        self._undone: list[tuple[str, Callable[[], object]]] = []

    @contextmanager
    def operation(self, text: str, again: Callable[[], object]) -> Iterator[Operation]:
        """Note what happens inside as one operation. If it raises, all is put back, and nothing noted.

        again: does it once more, from where the guest stands now.
        """
        guest, host = self.guest, self.guest.host
        before = guest.zone.states.copy()
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
            before,
        )
        try:
            yield now
        except BaseException:
            guest.zone.states[:] = before
            self._put_back(now)
            raise
        del before  # a large array: not kept for an operation that does without it
        self._undone.clear()
        if self.operations:
            self._older.add(self.operations[-1].arrays())
        self.operations.append(now)
        while len(self.operations) > 1 and self._held() > _MOST_BYTES:
            self._older.remove(self.operations.popleft().arrays())

    def forget(self) -> None:
        """Begin here: nothing that was done can be taken back."""
        self.operations.clear()
        self._older = _Shared()

    def _held(self) -> int:
        """Bytes that would be free without the operations. What it costs does not depend on how many there are."""
        guest = self.guest
        in_use = {id(each): each for each in (guest.stack, guest.zone.order.numbers, guest.zone.order.kinds)}
        last = {id(array): array.nbytes + _OBJECT for array in self.operations[-1].arrays() if array not in self._older}
        shared = sum(each.nbytes + _OBJECT for each in in_use.values() if each is not None and each in self._older)
        return self._older.nbytes - shared + sum(nbytes for key, nbytes in last.items() if key not in in_use)

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
        last = self.last()
        self.operations.pop()
        if self.operations:
            self._older.remove(self.operations[-1].arrays())
        last.take_back(self.guest.zone.states)
        self._put_back(last)
        self._undone.append((last.text, last.again))
        return last

    def _put_back(self, last: Operation) -> None:
        """Everything but the page map, as it was before an operation; it is the last no more."""
        guest = self.guest
        guest.zone.block_types[:] = last.block_types
        guest.zone.order.back_to(last.order, self._mark())
        guest.stack = last.stack
        guest.fixed = last.fixed
        guest.values.numbers[:] = last.numbers
        host = guest.host
        host.messages.cut(last.messages)
        host.believed[:] = np.unpackbits(last.believed, count=len(host.believed))
        host.given_back[:] = np.unpackbits(last.given_back, count=len(host.given_back))

    def redo(self) -> str:
        """Do the operation again that was taken back last, and say which; BadValueError if another was done since."""
        if not self._undone:
            raise BadValueError("there is no whole operation to do again: none was taken back since the last one done.")
        *others, (text, again) = self._undone
        again()
        self._undone = others
        return text

    def states_at(self, unit: int) -> _States:
        """A copy of the page states at one moment of the last operation: before its unit of this number."""
        last = self.last()
        unit = whole_number(
            "moment", unit, 0, last.units, "pages or pairs", f"The last operation ({last.text}) has no more."
        )
        states = self.guest.zone.states.copy()
        last.take_back(states, unit)
        return states
