"""An exact hash table of 128-bit keys, for many keys at a time: which are known, which are new.

Open addressing over arrays. Keys are numbered in the order of their first occurrence, as a Python dict would number
them one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.learn.layout import Words

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
        """Numbers of many keys (int32), and where in `low` each new one stands first, in order.

        New keys are written behind the known ones at once, all of them, so that a claimed slot can be compared with;
        those that stood there already, or several times, are closed up afterwards.
        """
        many = len(low)
        self._make_room(many)
        first = self._count
        self.low[first : first + many] = low
        self.high[first : first + many] = high
        numbers, claims = self._settle(low, high)
        given = np.flatnonzero(numbers >= first)
        if not len(given):
            return numbers, given
        closed_up = np.full(many, _EMPTY, np.int32)  # for a while the slot that each new key got
        for claimers, slots in claims:
            closed_up[claimers] = slots
        new = np.flatnonzero(closed_up >= 0)
        self._count = first + len(new)
        fresh = np.arange(first, self._count, dtype=np.int32)
        self._slots[closed_up.take(new)] = fresh
        closed_up[new] = fresh
        numbers[given] = closed_up.take(numbers.take(given) - first)
        self.low[first : self._count] = low.take(new)
        self.high[first : self._count] = high.take(new)
        return numbers, new

    def _settle(self, low: Words, high: Words) -> tuple[Numbers, list[tuple[Places, Places]]]:
        """For each key its number, or that of its first occurrence here; and who got which empty slots."""
        first, slots, last = self._count, self._slots, len(self._slots) - 1
        at = self._hash(low, high)
        numbers = slots.take(at)
        claims = []
        left = None  # all of them
        while True:
            held = numbers if left is None else slots.take(at)
            empty = np.flatnonzero(held < 0)
            if len(empty):
                claimed, claimers = at.take(empty), empty if left is None else left.take(empty)
                slots[claimed[::-1]] = claimers[::-1] + first  # of several writes the last stays: the first claimer's
                held[empty] = got = slots.take(claimed)
                won = np.flatnonzero(got == claimers + first)
                claims.append((claimers.take(won), claimed.take(won)))
            if left is not None:
                numbers[left] = held
            going = np.flatnonzero(self._other(held, low, high))
            if not len(going):
                return numbers, claims
            left = going if left is None else left.take(going)
            low, high, at = low.take(going), high.take(going), (at.take(going) + 1) & last

    def _other(self, numbers: Numbers, low: Words, high: Words) -> NDArray[np.bool_]:
        """Where the key with that number is another one."""
        index = numbers.astype(np.intp)
        other: NDArray[np.bool_] = self.low.take(index) != low
        other |= self.high.take(index) != high
        return other

    def _hash(self, low: Words, high: Words) -> Places:
        mixed = low * _A
        mixed += high * _B
        mixed ^= mixed >> _FOLD
        mixed *= _C
        mixed >>= np.uint64(65 - len(self._slots).bit_length())
        return mixed.view(np.intp)

    def _make_room(self, many: int) -> None:
        """Room for that many more keys, with most of the slots empty."""
        wanted = self._count + many
        if wanted > len(self.low):
            size = max(wanted, len(self.low) * 3 // 2)
            self.low = np.concatenate((self.low[: self._count], np.zeros(size - self._count, np.uint64)))
            self.high = np.concatenate((self.high[: self._count], np.zeros(size - self._count, np.uint64)))
        if (8 if wanted < _MANY else 3) * wanted > len(self._slots):
            share = 32 if wanted < _MANY else 3
            self._slots = np.full(1 << (share * wanted).bit_length(), _EMPTY, np.int32)
            count, self._count = self._count, 0
            self._settle(self.low[:count].copy(), self.high[:count].copy())
            self._count = count
