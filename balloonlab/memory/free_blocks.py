"""Free blocks derived from page states alone, by whole-array arithmetic.

The allocator merges free buddies at once, so the set of free pages decides which free blocks there are: nothing has
to be stored to know them. A block of order k + 1 is free when both its halves of order k are.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from balloonlab.memory.zone import MAX_ORDER, PageState

TOP_PAGES = 1 << (MAX_ORDER - 1)  # pages of the largest block, 1024
_FREE = int(PageState.FREE)  # a plain int: numpy compares bytes with an IntEnum ten times slower
BOTH_HALVES = 0x0101  # two true bytes seen as one uint16
_CHUNK = 1 << 18  # pages looked at together: the work stays inside the processor's cache


def counts_by_order(states: np.ndarray, first_pfn: int = 0) -> list[int]:
    """How many free blocks of each order 0..10 some page states make.

    states: uint8[pages] of PageState codes, the first being that of PFN `first_pfn` (buddies are aligned by PFN).
    Exact for every free memory but that of Linux 6.1 beside ISOLATE or RESERVE pageblocks, which do not merge.
    """
    counts = [0] * MAX_ORDER
    lead = -first_pfn % TOP_PAGES
    cuts = [0, *range(lead or _CHUNK, len(states), _CHUNK), len(states)]
    for low, high in pairwise(cuts):
        ones = [int(np.count_nonzero(level)) for level in free_levels(states[low:high], first_pfn + low)]
        for order in range(MAX_ORDER):
            counts[order] += ones[order] - (2 * ones[order + 1] if order + 1 < MAX_ORDER else 0)
    return counts


def free_levels(states: np.ndarray, first_pfn: int = 0) -> list[np.ndarray]:
    """For each order k, bool[ceil(pages / 2^k)]: whether the aligned group of 2^k pages is free as a whole.

    Entry i of level k is about PFN ``(first_pfn // 1024) * 1024 + i * 2^k``: the ends are filled up with used pages.
    """
    pages = _aligned(states, first_pfn % TOP_PAGES)
    levels = [pages.view(kind) == _FREE for kind in (np.uint8, np.uint16, np.uint32, np.uint64)]
    while len(levels) < MAX_ORDER:
        levels.append(levels[-1].view(np.uint16) == BOTH_HALVES)
    return levels


def block_heads(levels: list[np.ndarray], first_pfn: int = 0) -> list[np.ndarray]:
    """For each order, the PFNs (int64, ascending) at which a free block of that order begins."""
    return [heads_of_order(levels, order, first_pfn) for order in range(len(levels))]


def heads_of_order(levels: list[np.ndarray], order: int, first_pfn: int = 0) -> np.ndarray:
    """The PFNs (int64, ascending) at which a free block of exactly `order` begins."""
    heads: np.ndarray = np.flatnonzero(unmerged(levels, order))
    heads <<= order
    heads += first_pfn - first_pfn % TOP_PAGES
    return heads


def unmerged(levels: list[np.ndarray], order: int) -> np.ndarray:
    """bool, like ``levels[order]``: whether the group is a free block of its own, no part of a larger one."""
    alone = levels[order]
    if order + 1 < len(levels):
        halves = levels[order + 1] * np.uint16(BOTH_HALVES)
        alone = np.subtract(alone.view(np.uint16), halves, out=halves).view(bool)
    return alone


def _aligned(states: np.ndarray, lead: int) -> np.ndarray:
    """`states` as contiguous bytes from one multiple of 1024 PFNs to another; what is added is not free."""
    rest = -(lead + len(states)) % TOP_PAGES
    if not lead and not rest:
        return np.ascontiguousarray(states)
    whole = np.full(lead + len(states) + rest, PageState.HOLE, np.uint8)
    whole[lead : lead + len(states)] = states
    return whole
