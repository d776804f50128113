"""Pages that may move and pages that are free, counted by pageblock and listed, a chunk of memory at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, PageState

CHUNK = 1 << 18  # guest pages looked at together: the work stays inside the processor's cache
_FREE, _MOVABLE = int(PageState.FREE), int(PageState.MOVABLE)  # numpy is slow with an IntEnum
_EVEN_BYTES, _ONES = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0001000100010001)
_WORDS = PAGEBLOCK_PAGES // 8  # 64-bit words of a pageblock's bytes: a byte of their sum cannot overflow


Marks = Callable[[int, int], np.ndarray]


class Census:
    """What compaction needs to know of page states that start at PFN 0.

    states: uint8[pages] at rest. balloon_moves: whether BALLOON pages may move, or only MOVABLE ones. fixed:
    uint8[pages], 1 for pages that cannot move whatever their state, or None. movable, free: int64[pageblocks].
    """

    def __init__(self, states: np.ndarray, *, balloon_moves: bool, fixed: np.ndarray | None = None) -> None:
        self.states = states
        self.balloon_moves = balloon_moves
        self.fixed = fixed
        self.movable = self._count(self._movable)
        self.free = self._count(self._free)

    def movable_pfns(self, low: int, high: int) -> np.ndarray:
        """int64, ascending: the pages of pageblocks ``low..high-1`` that may move."""
        return self._list(self._movable, self.movable, low, high)

    def free_pfns(self, low: int, high: int) -> np.ndarray:
        """int64, ascending: the free pages of pageblocks ``low..high-1``."""
        return self._list(self._free, self.free, low, high)

    def _movable(self, low: int, high: int) -> np.ndarray:
        """uint8 for PFNs ``low..high-1``, 1 where the page may move."""
        states = self.states[low:high]
        # Of the states at rest, MOVABLE and BALLOON are the odd ones.
        movable: np.ndarray = states & 1 if self.balloon_moves else (states == _MOVABLE).view(np.uint8)
        if self.fixed is not None:
            np.bitwise_and(movable, self.fixed[low:high] ^ 1, out=movable)
        return movable

    def _free(self, low: int, high: int) -> np.ndarray:
        free: np.ndarray = (self.states[low:high] == _FREE).view(np.uint8)
        return free

    def _count(self, marks: Marks) -> np.ndarray:
        pages = len(self.states)
        sums = np.zeros(-(-pages // PAGEBLOCK_PAGES), np.uint64)
        for low in range(0, pages, CHUNK):
            marked = marks(low, min(low + CHUNK, pages))
            short = -len(marked) % PAGEBLOCK_PAGES
            if short:
                marked = np.concatenate((marked, np.zeros(short, np.uint8)))
            block = low >> PAGEBLOCK_ORDER
            part = marked.view(np.uint64).reshape(-1, _WORDS)
            np.sum(part, axis=1, out=sums[block : block + len(part)])
        # The eight bytes of each are added up as four 16-bit numbers, which cannot overflow.
        halves = (sums & _EVEN_BYTES) + (sums >> np.uint64(8) & _EVEN_BYTES)
        return (halves * _ONES >> np.uint64(48)).astype(np.int64)

    def _list(self, marks: Marks, counts: np.ndarray, low: int, high: int) -> np.ndarray:
        found = np.empty(int(counts[low:high].sum()), np.int64)
        first, end, at = low << PAGEBLOCK_ORDER, min(high << PAGEBLOCK_ORDER, len(self.states)), 0
        for start in range(first, end, CHUNK):
            marked = np.flatnonzero(marks(start, min(start + CHUNK, end)).view(bool))
            np.add(marked, start, out=found[at : at + len(marked)])
            at += len(marked)
        return found
