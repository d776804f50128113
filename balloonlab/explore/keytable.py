"""An exact hash table of 128-bit keys, for many keys at a time: which are known, which are new.

Open addressing over arrays. Keys are numbered in the order of their first occurrence, as a Python dict would number
them one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.layout import Words

Numbers = NDArray[np.int32]
Places = NDArray[np.intp]

_A, _B, _C = (np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93))
_FOLD = np.uint64(32)
_EMPTY = -1
_MANY = 1 << 20


class KeyTable:
    """Keys as two uint64 words each; `len()` of them, `low[:len]` and `high[:len]` in order."""

    def __init__(self) -> None:
        self._count = 0
        self.low = np.zeros(1024, np.uint64)
        self.high = np.zeros(1024, np.uint64)
        self._slots = np.full(4096, _EMPTY, np.int32)

    def __len__(self) -> int:
        return self._count

    @property
    def words(self) -> tuple[Words, Words]:
        """The keys, in order."""
        return self.low[: self._count], self.high[: self._count]

    @property
    def nbytes(self) -> int:
        return self.low.nbytes + self.high.nbytes + self._slots.nbytes

    def find_or_add(self, low: Words, high: Words) -> tuple[Numbers, Places]:
        """Numbers of many keys (int32), and where in `low` each new one stands first, in order."""
        numbers = self._find(low, high)
        missing = np.flatnonzero(numbers < 0)
        if not len(missing):
            return numbers, missing
        added, new = self._add(low.take(missing), high.take(missing))
        numbers[missing] = added
        return numbers, missing.take(new)

    def _find(self, low: Words, high: Words) -> Numbers:
        """Numbers of keys, -1 for those that are not known."""
        slots, last = self._slots, len(self._slots) - 1
        at = self._hash(low, high)
        numbers = slots.take(at)
        left = np.flatnonzero(self._other(numbers, low, high))
        left = left[numbers[left] >= 0]
        at = at[left]
        while len(left):
            at = (at + 1) & last
            held = slots.take(at)
            numbers[left] = held
            going = np.flatnonzero(self._other(held, low.take(left), high.take(left)) & (held >= 0))
            left, at = left.take(going), at.take(going)
        return numbers

    def _other(self, numbers: Numbers, low: Words, high: Words) -> NDArray[np.bool_]:
        """Where the key with that number (any, for -1) is another one."""
        index = numbers.astype(np.intp)
        other: NDArray[np.bool_] = self.low.take(index) != low
        other |= self.high.take(index) != high
        return other

    def _add(self, low: Words, high: Words) -> tuple[Numbers, Places]:
        """Numbers for keys that are not known yet, some of them several times; and where each stands first."""
        many = len(low)
        self._make_room(many)
        first = self._count
        self.low[first : first + many] = low
        self.high[first : first + many] = high
        numbers, position = self._claim(low, high)
        new = np.flatnonzero(numbers == np.arange(first, first + many, dtype=np.int32))
        if len(new) < many:
            renumbered = np.zeros(many, np.int32)
            renumbered[new] = given = np.arange(first, first + len(new), dtype=np.int32)
            numbers = renumbered.take(numbers - first)
            self._slots[position.take(new)] = given
            self.low[first : first + len(new)] = low.take(new)
            self.high[first : first + len(new)] = high.take(new)
        self._count = first + len(new)
        return numbers, new

    def _claim(self, low: Words, high: Words) -> tuple[Numbers, Places]:
        """Slots for new keys. A key has the number of its first occurrence, counted on from the known ones."""
        first, slots, last = np.int32(self._count), self._slots, len(self._slots) - 1
        at = self._hash(low, high)
        numbers = np.empty(len(low), np.int32)
        position = np.zeros(len(low), np.intp)
        left = np.arange(len(low), dtype=np.int32)
        while len(left):
            empty = np.flatnonzero(slots.take(at) < 0)
            claimed, claimers = at.take(empty), left.take(empty)
            slots[claimed[::-1]] = first + claimers[::-1]  # of several writes the last stays: the first claimer's
            position[claimers] = claimed
            held = slots.take(at)
            numbers[left] = held
            going = np.flatnonzero(self._other(held, low, high))
            left, low, high = left.take(going), low.take(going), high.take(going)
            at = (at.take(going) + 1) & last
        return numbers, position

    def _hash(self, low: Words, high: Words) -> Places:
        mixed = low * _A
        mixed += high * _B
        mixed ^= mixed >> _FOLD
        mixed *= _C
        mixed >>= np.uint64(65 - len(self._slots).bit_length())
        return mixed.view(np.intp)

    def _make_room(self, many: int) -> None:
        """Room for that many more keys, with at most a quarter of the slots taken."""
        wanted = self._count + many
        if wanted > len(self.low):
            size = max(wanted, len(self.low) * 3 // 2)
            self.low = np.concatenate((self.low[: self._count], np.zeros(size - self._count, np.uint64)))
            self.high = np.concatenate((self.high[: self._count], np.zeros(size - self._count, np.uint64)))
        if 4 * wanted > len(self._slots):
            share = 16 if wanted < _MANY else 4
            self._slots = np.full(1 << (share * wanted).bit_length(), _EMPTY, np.int32)
            count, self._count = self._count, 0
            self._claim(self.low[:count].copy(), self.high[:count].copy())
            self._count = count
