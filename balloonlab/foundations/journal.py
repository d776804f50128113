"""The journal: every change of shared state, as (kind, key, old, new) in typed arrays.

All mutable state of a guest (page states, list links, locks, counters, what the host believes) changes through a
setter that notes the change here. That one record serves three readers: undo and redo (seek anywhere without
snapshots), the browser (the same arrays cross the wire), and tests (what did this step change?).

An entry is 13 bytes. While `recording` is False nothing is noted and setters cost only their own work.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable
from enum import IntEnum


class Kind(IntEnum):
    """What an entry is about; `key` and the values are read accordingly (all are signed 32-bit)."""

    STATE = 0  # key: PFN of a guest page; values: PageState codes
    LINK = 1  # key: PFN; values: the node it follows on its list (a PFN or a list head), -1 on no list
    ORDER = 2  # key: PFN; values: order of the free block headed there, -1 none
    BLOCK_TYPE = 3  # key: pageblock number; values: Migratetype codes
    VALUE = 4  # key: slot in Values; values: the number (unit: the slot's)
    LOCK = 5  # key: lock number; values: thread number of the holder, -1 free
    PAGE_LOCK = 6  # key: PFN; values: thread number of the holder, -1 free
    REFCOUNT = 7  # key: PFN; values: references
    PAGE_FLAGS = 8  # key: PFN; values: PageFlag bits of kernel/primitives/marks.py
    SLOT = 9  # key: index into the driver's pfns array; values: 4 KiB PFN
    HOST_PAGE = 10  # key: 4 KiB PFN; values: 1 if the host believes it ballooned, else 0
    BACKING = 11  # key: backing page number of the host; values: 1 given back to the host, else 0
    MESSAGE = 12  # key: message number; values: MessageStatus of host.py, -1 before it exists
    SLEEP = 13  # key: thread number; values: 0 awake, else 1 + number of the wait queue it is asleep on
    THREAD_AT = 14  # key: thread number; values: location number in the timeline's table
    WAIT = 15  # key: thread number; values: wait number in the timeline's table, 0 runnable
    MESSAGE_PFN = 16  # key: index into the log's pfns; values: 4 KiB PFN (a message overwritten on its way)


Setter = Callable[[int, int], None]


class Journal:
    """Append-only log of changes, with undo and redo through one raw setter per kind."""

    def __init__(self) -> None:
        self.recording = False
        self.kinds = array("B")
        self.keys = array("i")
        self.old = array("i")
        self.new = array("i")
        self._setters: dict[int, Setter] = {}

    def __len__(self) -> int:
        return len(self.kinds)

    def owns(self, kind: Kind, setter: Setter) -> None:
        """Name the raw setter ``(key, value) -> None`` that undo and redo use for `kind`. It must not note."""
        self._setters[int(kind)] = setter

    def note(self, kind: int, key: int, old: int, new: int) -> None:
        """Append one change, or none: what does not fit 32 bits raises and leaves the journal as it was."""
        try:
            self.keys.append(key)
            self.old.append(old)
            self.new.append(new)
            self.kinds.append(kind)
        except (OverflowError, TypeError):
            self.truncate(len(self.kinds))
            raise

    def undo(self, start: int, stop: int) -> None:
        """Take back entries ``start..stop-1``, newest first; the entries stay for redo."""
        setters, kinds, keys, old = self._setters, self.kinds, self.keys, self.old
        for i in range(stop - 1, start - 1, -1):
            setters[kinds[i]](keys[i], old[i])

    def redo(self, start: int, stop: int) -> None:
        """Do entries ``start..stop-1`` again, oldest first."""
        setters, kinds, keys, new = self._setters, self.kinds, self.keys, self.new
        for i in range(start, stop):
            setters[kinds[i]](keys[i], new[i])

    def truncate(self, length: int) -> None:
        """Forget every entry from `length` on (a new future replaces them)."""
        del self.kinds[length:], self.keys[length:], self.old[length:], self.new[length:]

    def cut(self, start: int, stop: int | None = None) -> None:
        """Forget entries ``start..stop-1``, to the end by default: nobody goes back to them."""
        del self.kinds[start:stop], self.keys[start:stop], self.old[start:stop], self.new[start:stop]


class Values:
    """Named whole numbers whose changes are journaled: counters, atomics, scanner positions, config fields."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.names: list[str] = []
        self.units: list[str] = []
        self.numbers: list[int] = []
        self._slots: dict[str, int] = {}
        journal.owns(Kind.VALUE, self._put)

    def _put(self, slot: int, number: int) -> None:
        self.numbers[slot] = number

    def declare(self, name: str, number: int = 0, unit: str = "") -> int:
        """The slot of `name`, made with `number` and `unit` if it is new."""
        if name not in self._slots:
            self._slots[name] = len(self.names)
            self.names.append(name)
            self.units.append(unit)
            self.numbers.append(number)
        return self._slots[name]

    def get(self, slot: int) -> int:
        return self.numbers[slot]

    def set(self, slot: int, number: int) -> None:
        if type(number) is not int:  # True is 1 here, as in the kernel
            number = int(operator.index(number))
        old = self.numbers[slot]
        if number != old:
            if self.journal.recording:
                self.journal.note(Kind.VALUE, slot, old, number)
            self.numbers[slot] = number

    def __getitem__(self, name: str) -> int:
        return self.numbers[self._slots[name]]

    def __setitem__(self, name: str, number: int) -> None:
        self.set(self._slots[name], number)

    def __contains__(self, name: str) -> bool:
        return name in self._slots
