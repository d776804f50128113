"""Pageblocks in which the free scanner of Linux 6.1 looks at every second page only, or at fewer (free_scanner.py).

What it captures there follows from the page states alone. It looks at every `stride`-th page from the pageblock's
start on, and captures a free block if that page heads it. On multiples of the stride a free page does: its block
either begins at a multiple, or is no longer than the stride and aligned to its size. A block of one page leaves the
scanner on multiples. The first longer one puts it on odd pages for good, where only blocks of one page begin.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress

import numpy as np

from balloonlab.memory.free_blocks import FreeLevels
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, PageState

_COLUMNS = np.arange(PAGEBLOCK_PAGES, dtype=np.int16)  # pages of a pageblock, by number
_GROUP = 64  # pageblocks worked on together


class Sampled:
    """Looks at pageblocks with a stride, each from its start, and remembers what was passed over.

    states: uint8[pages] from PFN 0 on. block_end(pfn): the end of the free block of order 1 to 8 that this page lies
    in. No pageblock looked at has a free block of order 9 or 10.
    """

    def __init__(self, states: np.ndarray, block_end: Callable[[int], int]) -> None:
        self.states, self.block_end = states, block_end
        self._known: dict[int, tuple[bytes, bytes]] = {}
        self.strode_over = 0  # pages not looked at, up to where fills went on
        self._met: list[tuple[int, int, int, int, int]] = []

    def _marks(self, block: int) -> tuple[bytes, bytes]:
        """Of this pageblock and its neighbours: which pairs of pages are free, which pages are free blocks."""
        group = block // _GROUP
        if group not in self._known:
            states = self.states[group * _GROUP << PAGEBLOCK_ORDER : (group + 1) * _GROUP << PAGEBLOCK_ORDER]
            _, single, pairs = _free(_whole(states))
            # Python's own bytes: numpy is slow to begin, and a pageblock is soon looked through.
            self._known[group] = pairs.tobytes(), single.tobytes()
        return self._known[group]

    def look(self, block: int, stride: int, wanted: int) -> tuple[int, int]:
        """A fill that still wants so many pages comes to this pageblock.

        Returns how many it captures there: fewer than `wanted`, if it goes through to the end, else as many, or more
        with the last free block. And the number, in the pageblock, of the last page of that block, or 511.
        """
        pairs, single = self._marks(block)
        start = block % _GROUP << PAGEBLOCK_ORDER
        pair = pairs[start // 2 : (start + PAGEBLOCK_PAGES) // 2 : stride // 2].find(1)
        first = end = PAGEBLOCK_PAGES
        if pair >= 0:
            first = pair * stride
            end = self.block_end((block << PAGEBLOCK_ORDER) + first) & (PAGEBLOCK_PAGES - 1) or PAGEBLOCK_PAGES
        single = single[start : start + PAGEBLOCK_PAGES]
        early, larger = range(0, first, stride), range(first, end)
        late = range(end + stride - 1, PAGEBLOCK_PAGES, stride)
        got, looked_at, last = 0, 0, PAGEBLOCK_PAGES - 1
        for columns in (early, larger, late):
            looked = compress(columns, single[columns.start : columns.stop : columns.step])
            captured = larger if columns is larger else list(looked)
            if got + len(captured) >= wanted:
                more = len(larger) if columns is larger else wanted - got
                got, last = got + more, captured[more - 1]
                looked_at += columns.index(last) + 1
                break
            got += len(captured)
            looked_at += len(columns)
        self.strode_over += last + 1 - looked_at
        self._met.append((block, stride, first, end, last))
        return got, last

    def free_up_to(self, block: int, last: int) -> int:
        """How many free pages the pageblock has up to its page number `last`."""
        start = block << PAGEBLOCK_ORDER
        return last + 1 - int(np.count_nonzero(self.states[start : start + last + 1]))

    def passed_over(self, above: np.ndarray) -> np.ndarray:
        """Numbers (int64, ascending) of the targets that fills came to and did not capture; above: see Targets."""
        if not self._met:
            return np.zeros(0, np.int64)
        blocks, stride, first, end, last = np.array(self._met, np.int64).T
        rows = _whole(self.states).reshape(-1, PAGEBLOCK_PAGES)[blocks]
        free, single = (each.reshape(rows.shape) for each in _free(rows.reshape(-1))[:2])
        stride, first, end, last = (each.astype(np.int16)[:, None] for each in (stride, first, end, last))
        early = first > _COLUMNS
        captured = (_COLUMNS - np.where(early, 0, end - 1)) & (stride - 1) == 0
        captured &= single
        captured |= ~early & (end > _COLUMNS)
        met = free & (last >= _COLUMNS)
        counts = np.count_nonzero(met, axis=1)
        numbers = np.arange(counts.sum()) + np.repeat(above[blocks + 1] - (np.cumsum(counts) - counts), counts)
        left: np.ndarray = numbers[np.flatnonzero(~captured.reshape(-1)[np.flatnonzero(met)])]
        return left


def _whole(states: np.ndarray) -> np.ndarray:
    """Page states up to the end of the last pageblock: HOLE past the end of memory."""
    short = -len(states) % PAGEBLOCK_PAGES
    return np.concatenate((states, np.full(short, PageState.HOLE, np.uint8))) if short else states


def _free(states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pages that are free, that are free blocks of their own; pairs of pages that are free), as bools in one row."""
    levels, pages = FreeLevels(states), len(states)
    return levels[0][:pages], levels.alone(0, 0, pages), levels[1][: pages // 2]
