"""How a state becomes one whole number: a bit field for each thread and register, in two 64-bit words if they fit.

Fields hold small numbers (of local states, of register values). The plain search handles the number as a whole; the
vectorized one as its two words, so no field lies across their border and the threads' fields lie in the upper word.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WORD = 64
Words = NDArray[np.uint64]
LOW = (1 << WORD) - 1


class Overflow(Exception):  # noqa: N818  (no error: the search goes on with wider fields)
    """A number does not fit its field."""


class Layout:
    """Positions of fields. widths: bits of each; the first `threads` of them are the threads'.

    wide: the fields do not fit into two words; then only the plain search can use them.
    """

    def __init__(self, widths: Sequence[int], threads: int) -> None:
        self.widths = tuple(widths)
        self.threads = threads
        self.shifts = [0] * len(self.widths)
        self.wide = not self._two_words()
        if self.wide:
            at = 0
            for field, width in enumerate(self.widths):
                self.shifts[field] = at
                at += width
        self.ones = [(1 << width) - 1 for width in self.widths]
        self.masks = [ones << shift for ones, shift in zip(self.ones, self.shifts, strict=True)]

    def _two_words(self) -> bool:
        ends = [0, WORD]
        for field in range(self.threads):
            self.shifts[field] = ends[1]
            ends[1] += self.widths[field]
        rest = sorted(range(self.threads, len(self.widths)), key=lambda field: -self.widths[field])
        for field in rest:
            word = 0 if ends[0] + self.widths[field] <= WORD else 1
            self.shifts[field] = ends[word]
            ends[word] += self.widths[field]
        return ends[1] <= 2 * WORD

    def pack(self, numbers: Sequence[int]) -> int:
        """The state whose fields hold these numbers; raises Overflow."""
        state = 0
        for number, shift, ones in zip(numbers, self.shifts, self.ones, strict=True):
            if number > ones:
                raise Overflow
            state |= number << shift
        return state

    def unpack(self, state: int) -> list[int]:
        """The numbers in the fields of a state."""
        return [state >> shift & ones for shift, ones in zip(self.shifts, self.ones, strict=True)]

    def mask(self, fields: Sequence[int]) -> int:
        """All bits of these fields."""
        bits = 0
        for field in fields:
            bits |= self.masks[field]
        return bits

    def column(self, field: int, low: Words, high: Words) -> Words:
        """The numbers in one field of many states."""
        shift = self.shifts[field]
        word, shift = (low, shift) if shift < WORD else (high, shift - WORD)
        return word >> np.uint64(shift) & np.uint64(self.ones[field])

    def move(self, low: Words, high: Words, old: Layout) -> tuple[Words, Words]:
        """States packed by `old`, packed by this layout."""
        words = [np.zeros_like(low), np.zeros_like(low)]
        for field, shift in enumerate(self.shifts):
            words[shift >= WORD] |= old.column(field, low, high) << np.uint64(shift % WORD)
        return words[0], words[1]


def split(number: int) -> tuple[int, int]:
    """A packed state as its lower and upper word."""
    return number & LOW, number >> WORD


def fitting(counts: Sequence[int], threads: int) -> Layout:
    """A layout for fields that hold numbers below `counts`, with room to grow where there is room."""
    for slack in (3, 2, 1, 0):
        widths = [_bits(count) + (slack if count > 1 else 0) for count in counts]
        layout = Layout(widths, threads)
        if not layout.wide:
            return layout
    return Layout([_bits(count) + 2 for count in counts], threads)


def _bits(count: int) -> int:
    return max(1, (count - 1).bit_length())
