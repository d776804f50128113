"""Pageblocks in which the free scanner of Linux 6.1 looks at every second page only, or at fewer (free_scanner.py).

What it captures there follows from the page states alone. It looks at every `stride`-th page from the pageblock's
start on, and captures a free block if that page heads it. On multiples of the stride a free page does: its block
either begins at a multiple, or is no longer than the stride and aligned to its size. A block of one page leaves the
scanner on multiples. The first longer one puts it on odd pages for good, where only blocks of one page begin.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from balloonlab.memory.free_blocks import BOTH_HALVES
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, PageState

_FREE = int(PageState.FREE)
_COLUMNS = np.arange(PAGEBLOCK_PAGES, dtype=np.int16)


class Sampled:
    """Some pageblocks, each looked at with one stride to its end: row by row what is captured, if nothing ends it.

    blocks: int64, the pageblock of each row. captured, free: bool (rows, 512). totals: pages captured in each row.
    """

    def __init__(self, states: np.ndarray, blocks: np.ndarray, stride: int) -> None:
        """states: uint8[pages] from PFN 0 on. blocks: pageblocks without a free block of order 9 or 10."""
        self.blocks = blocks
        self.free = free = _rows(states, blocks) == _FREE
        pairs = free.view(np.uint16) == BOTH_HALVES
        self.first, self.end = first, end = _first_larger(pairs, stride)
        late = first[:, None] <= _COLUMNS
        looked = _looked(stride)[(end - 1) % stride]
        looked &= late
        looked[:, ::stride] |= ~late[:, ::stride]
        looked &= (free.view(np.uint16) - pairs * np.uint16(BOTH_HALVES)).view(bool)  # blocks of one page
        late &= end[:, None] > _COLUMNS
        looked |= late
        self.captured = looked
        at = np.flatnonzero(self.captured)
        self._columns = (at % PAGEBLOCK_PAGES).tolist()
        counts = np.count_nonzero(self.captured, axis=1)
        self.totals: list[int] = counts.tolist()
        self._start: list[int] = (np.cumsum(counts) - counts).tolist()
        self._used: list[tuple[int, int]] = []

    def whole(self, row: int) -> None:
        """A fill goes through this row to its end."""
        self._used.append((row, PAGEBLOCK_PAGES))

    def cut(self, row: int, wanted: int) -> tuple[int, int, int]:
        """A fill ends in this row with `wanted` pages, or with those of the block that makes enough.

        Returns (pages captured, free pages up to the last of them, that one's number in the pageblock).
        """
        column = self._columns[self._start[row] + wanted - 1]
        last = column
        if self.first[row] <= column:
            last = max(column, int(self.end[row]) - 1)
        self._used.append((row, last + 1))
        return wanted + last - column, int(np.count_nonzero(self.free[row, : last + 1])), last

    def used(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(pageblock, free, captured, end of the part that fills went through) of each row that one came to."""
        rows, ends = np.array(self._used, np.int64).reshape(-1, 2).T
        return self.blocks[rows], self.free[rows], self.captured[rows], ends


def passed_over(sampled: list[Sampled], above: np.ndarray) -> np.ndarray:
    """Numbers (int64, ascending) of the targets that fills came to and did not capture; above: see Targets."""
    if not sampled:
        return np.zeros(0, np.int64)
    blocks, free, captured, ends = map(np.concatenate, zip(*(each.used() for each in sampled), strict=True))
    downward = np.argsort(-blocks)
    blocks, free, captured, ends = blocks[downward], free[downward], captured[downward], ends[downward]
    met = free & (ends[:, None] > _COLUMNS)
    counts = np.count_nonzero(met, axis=1)
    numbers = np.arange(counts.sum()) + np.repeat(above[blocks + 1] - (np.cumsum(counts) - counts), counts)
    left: np.ndarray = numbers[np.flatnonzero(~captured.reshape(-1)[np.flatnonzero(met)])]
    return left


def _rows(states: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """uint8 (len(blocks), 512): the page states of pageblocks; HOLE past the end of memory."""
    whole = len(states) // PAGEBLOCK_PAGES
    if len(blocks) and blocks.max() < whole:
        rows: np.ndarray = states[: whole * PAGEBLOCK_PAGES].reshape(whole, PAGEBLOCK_PAGES)[blocks]
        return rows
    rows = np.full((len(blocks), PAGEBLOCK_PAGES), int(PageState.HOLE), np.uint8)
    for row, block in enumerate(blocks.tolist()):
        part = states[block << PAGEBLOCK_ORDER : (block + 1) << PAGEBLOCK_ORDER]
        rows[row, : len(part)] = part
    return rows


@cache
def _looked(stride: int) -> np.ndarray:
    """Row r of (stride, 512) bools is true for the pages whose number leaves the remainder r."""
    looked: np.ndarray = _COLUMNS % stride == np.arange(stride, dtype=np.int16)[:, None]
    return looked


def _first_larger(pairs: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """First page and end, in each row, of the first block of order 1 or more on a multiple of the stride.

    pairs: bool (rows, 256), both pages free. Both are 512 in a row without one.
    """
    seen = pairs[:, :: stride // 2]
    at = seen.argmax(axis=1)
    found = np.flatnonzero(seen[np.arange(len(seen)), at])
    first = np.full(len(seen), PAGEBLOCK_PAGES)
    first[found] = at[found] * stride
    size = np.zeros(len(seen), np.int64)
    level = pairs
    for order in range(1, PAGEBLOCK_ORDER):
        if not len(found):
            break
        found = found[level[found, first[found] >> order]]
        size[found] = 1 << order
        level = level.view(np.uint16) == BOTH_HALVES
    return first.astype(np.int16), (first + size).astype(np.int16)  # numbers as _COLUMNS are: quick to compare
