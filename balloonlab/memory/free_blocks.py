"""Free blocks derived from page states alone, by whole-array arithmetic.

The allocator merges free buddies at once, so the set of free pages decides which free blocks there are: nothing has
to be stored to know them. A block of order k + 1 is free when both its halves of order k are.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from balloonlab.memory.zone import MAX_ORDER, PageState

TOP_PAGES = 1 << (MAX_ORDER - 1)  # pages of the largest block, 1024
_FREE = int(PageState.FREE)  # a plain int: numpy compares bytes with an IntEnum ten times slower
BOTH_HALVES = 0x0101  # two true bytes seen as one uint16
_WORDS = (np.uint8, np.uint16, np.uint32, np.uint64)  # 1, 2, 4, 8 states at once
CHUNK = 1 << 18  # pages looked at together: the work stays inside the processor's cache


def counts_by_order(states: np.ndarray, first_pfn: int = 0) -> list[int]:
    """How many free blocks of each order 0..10 some page states make.

    states: uint8[pages] of PageState codes, the first being that of PFN `first_pfn` (buddies are aligned by PFN).
    Exact for every free memory but that of Linux 6.1 beside ISOLATE or RESERVE pageblocks, which do not merge.
    """
    pages = _aligned(states, first_pfn % TOP_PAGES)
    ones = [0] * MAX_ORDER  # groups that are free as a whole
    size = min(CHUNK, len(pages))
    twos, fours = np.empty(size // 2, bool), np.empty(size // 4, bool)  # used again: fresh memory is slow
    eights = np.empty(len(pages) // 8, bool)
    for low in range(0, len(pages), CHUNK):
        part = pages[low : low + CHUNK]
        two, four = twos[: len(part) // 2], fours[: len(part) // 4]
        ones[0] += len(part) - int(np.count_nonzero(part))  # FREE is 0
        np.equal(part.view(np.uint16), _FREE, out=two)
        ones[1] += int(np.count_nonzero(two))
        np.equal(two.view(np.uint16), BOTH_HALVES, out=four)
        ones[2] += int(np.count_nonzero(four))
        np.equal(four.view(np.uint16), BOTH_HALVES, out=eights[low // 8 : (low + len(part)) // 8])
    level = eights
    for order in range(3, MAX_ORDER):
        ones[order] = int(np.count_nonzero(level))
        level = level.view(np.uint16) == BOTH_HALVES if len(level) % 2 == 0 else level[:0]
    return [free - 2 * larger for free, larger in pairwise([*ones, 0])]


class FreeLevels:
    """Level by level, which aligned groups of pages are free as a whole; each level is made when it is first needed.

    ``levels[k]``: bool[groups of 2^k pages]. Group i begins at PFN ``base + i * 2^k``, where `base` is `first_pfn`
    rounded down to a multiple of 1024: the ends are filled up with used pages.
    """

    def __init__(self, states: np.ndarray, first_pfn: int = 0) -> None:
        """states: uint8[pages] of PageState codes, not changed; the first being that of PFN `first_pfn`."""
        self.base = first_pfn - first_pfn % TOP_PAGES
        self._pages = _aligned(states, first_pfn % TOP_PAGES)
        self._made: dict[int, np.ndarray] = {}

    def __getitem__(self, order: int) -> np.ndarray:
        if order not in self._made:
            if order < len(_WORDS):
                self._made[order] = self._pages.view(_WORDS[order]) == _FREE
            else:
                self._made[order] = self[order - 1].view(np.uint16) == BOTH_HALVES
        return self._made[order]

    def heads(self, order: int, kind: type[np.signedinteger[Any]] = np.int64, *, most: int | None = None) -> np.ndarray:
        """The PFNs (of type `kind`, ascending) at which a free block of exactly `order` begins.

        most: how many are needed; there may be more. None: all.
        """
        groups = len(self._pages) >> order
        found = np.empty(groups, kind)  # as many at most; what is never written takes no memory
        at = 0
        for low in range(0, groups, CHUNK):
            if most is not None and at >= most:
                break
            heads = np.flatnonzero(self.alone(order, low, low + CHUNK))
            if order:
                heads <<= order
            np.add(heads, self.base + (low << order), out=found[at : at + len(heads)], casting="unsafe")
            at += len(heads)
        return found[:at]

    def alone(self, order: int, low: int, high: int) -> np.ndarray:
        """Bool for groups ``low..high-1`` of 2^order pages: a free block of its own, no part of a larger one.

        low, high: even; what lies past the end is left out.
        """
        # All of the lowest level would be as large as memory itself.
        alone = self[order][low:high] if order or order in self._made else self._pages[low:high] == _FREE
        if order + 1 == MAX_ORDER:
            return alone
        halves = self[order + 1][low // 2 : high // 2] * np.uint16(BOTH_HALVES)
        return np.subtract(alone.view(np.uint16), halves, out=halves).view(bool)


def _aligned(states: np.ndarray, lead: int) -> np.ndarray:
    """`states` as contiguous bytes from one multiple of 1024 PFNs to another; what is added is not free."""
    rest = -(lead + len(states)) % TOP_PAGES
    if not lead and not rest:
        return np.ascontiguousarray(states)
    whole = np.full(lead + len(states) + rest, PageState.HOLE, np.uint8)
    whole[lead : lead + len(states)] = states
    return whole
