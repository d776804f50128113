"""Pageblocks in which the free scanner of Linux 6.1 looks at every second page only, or at fewer (free_scanner.py).

What it captures there follows from the page states alone. It looks at every `stride`-th page from the pageblock's
start on, and captures a free block if that page heads it. On multiples of the stride a free page does: its block
either begins at a multiple, or is no longer than the stride and aligned to its size. A block of one page leaves the
scanner on multiples. The first longer one puts it on odd pages for good, where only blocks of one page begin.

A pageblock is one Python number here, a bit a page from the lowest on: numpy is slow to begin on so few.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from balloonlab.memory.free_scanner import MOST_STRIDE
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, PageState

_IS_FREE = bytes(ord("1" if code == PageState.FREE else "0") for code in range(256))
_BYTES = PAGEBLOCK_PAGES // 8
_ALL = (1 << PAGEBLOCK_PAGES) - 1
_EVERY = {1 << order: _ALL // ((1 << (1 << order)) - 1) for order in range(1, MOST_STRIDE.bit_length())}


class Sampled:
    """Looks at pageblocks with a stride, each from its start, and remembers what was passed over.

    states: uint8[pages] from PFN 0 on. block_end(pfn): the end of the free block of order 1 to 8 that this page lies
    in. No pageblock looked at has a free block of order 9 or 10.
    """

    def __init__(self, states: np.ndarray, block_end: Callable[[int], int]) -> None:
        self._states, self._block_end = states.data, block_end
        self._blocks: list[int] = []
        self._left: list[bytes] = []  # pages of these that were passed over
        self._free: list[bytes] = []  # and all of their free pages
        self.strode_over = 0  # pages not looked at, up to where fills went on

    def look(self, block: int, stride: int, wanted: int) -> tuple[int, int, int]:
        """A fill that still wants so many pages comes to this pageblock.

        Returns how many it captures there: fewer than `wanted`, if it goes through to the end, else as many, or more
        with the last free block. The number, in the pageblock, of the last page of that block, or 511. And how many
        free pages the pageblock has up to that one.
        """
        start = block << PAGEBLOCK_ORDER
        states = bytes(self._states[start : start + PAGEBLOCK_PAGES])
        free = int(states.translate(_IS_FREE)[::-1], 2)
        pairs = free & free >> 1 & _EVERY[2]  # two that are no blocks of their own
        looked_at = _EVERY[stride]
        captured = looked_at & free & ~(pairs | pairs << 1)
        longer = looked_at & pairs
        if longer:
            first = (longer & -longer).bit_length() - 1
            end = self._block_end(start + first) & (PAGEBLOCK_PAGES - 1) or PAGEBLOCK_PAGES
            late = looked_at << end + stride - 1 & _ALL
            whole = (1 << end) - (1 << first)
            looked_at = looked_at & (1 << first) - 1 | whole | late
            captured = looked_at & (free & ~(pairs | pairs << 1) | whole)
        got, last = captured.bit_count(), PAGEBLOCK_PAGES - 1
        if got >= wanted:
            last = _nth(captured, wanted)
            if longer and first <= last < end:
                last = end - 1
            met = (2 << last) - 1
            captured, looked_at, free = captured & met, looked_at & met, free & met
            got = captured.bit_count()
        self.strode_over += last + 1 - looked_at.bit_count()
        self._blocks.append(block)
        self._left.append((free ^ captured).to_bytes(_BYTES, "little"))
        self._free.append(free.to_bytes(_BYTES, "little"))
        return got, last, free.bit_count()

    def passed_over(self, above: np.ndarray) -> np.ndarray:
        """Numbers (int64, ascending) of the targets that fills came to and did not capture; above: see Targets."""
        if not self._blocks:
            return np.zeros(0, np.int64)
        free = np.flatnonzero(_bits(self._free))
        left = np.flatnonzero(_bits(self._left)[free])
        first = np.searchsorted(free, np.arange(len(self._blocks)) << PAGEBLOCK_ORDER)  # free page of each pageblock
        shift = above[np.array(self._blocks) + 1] - first
        left += shift[free[left] >> PAGEBLOCK_ORDER]
        return left


def _nth(bits: int, number: int) -> int:
    """Where the bit of this number is, counted from 1 on, among those that are set."""
    low, high = 0, PAGEBLOCK_PAGES
    while high - low > 1:
        middle = (low + high) // 2
        if (bits & (1 << middle) - 1).bit_count() < number:
            low = middle
        else:
            high = middle
    return low


def _bits(numbers: list[bytes]) -> np.ndarray:
    """bool[512 for each]."""
    return np.unpackbits(np.frombuffer(b"".join(numbers), np.uint8), bitorder="little").view(bool)
