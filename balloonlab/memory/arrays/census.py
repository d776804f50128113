"""Pages that may move and pages that are free, counted by pageblock and listed, a chunk of memory at a time."""

from __future__ import annotations

import numpy as np

from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, PageState

CHUNK = 1 << 18  # guest pages looked at together: the work stays inside the processor's cache
_FREE, _MOVABLE = int(PageState.FREE), int(PageState.MOVABLE)  # numpy is slow with an IntEnum
_EVEN_BYTES, _ONES = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0001000100010001)
_WORDS = PAGEBLOCK_PAGES // 8  # 64-bit words of a pageblock's bytes: a byte of their sum cannot overflow


class Census:
    """What compaction needs to know of page states that start at PFN 0.

    states: uint8[pages] at rest. balloon_moves: whether BALLOON pages may move, or only MOVABLE ones. fixed:
    uint8[pages], 1 for pages in use that cannot move, or None. movable, free: int64[pageblocks].
    """

    def __init__(self, states: np.ndarray, *, balloon_moves: bool, fixed: np.ndarray | None = None) -> None:
        self.states = states
        self.balloon_moves = balloon_moves
        self.fixed = fixed
        self.movable, self.free = self._count_both()

    def movable_pfns(self, high: int) -> np.ndarray:
        """int32, ascending: the pages of pageblocks ``0..high-1`` that may move."""
        found = np.empty(int(self.movable[:high].sum()), np.int32)
        end, at = min(high << PAGEBLOCK_ORDER, len(self.states)), 0
        for start in range(0, end, CHUNK):
            marked = np.flatnonzero(self._movable(start, min(start + CHUNK, end)).view(bool))
            np.add(marked, start, out=found[at : at + len(marked)], casting="unsafe")
            at += len(marked)
        return found

    def free_pfns(self, low: int, wanted: np.ndarray) -> np.ndarray:
        """int32: the free pages of the pageblocks `low` and up that are wanted (bool[pageblocks]).

        The highest pageblock comes first; inside each they are ascending: the order in which targets are captured.
        """
        found = np.empty(int(self.free[low:].sum(where=wanted[low:])), np.int32)
        refused = ~wanted & (self.free > 0)
        refused[:low] = True
        # Rows of marks stand upside down: what is found in them is the PFN, but for the complement of the row.
        blocks, at = len(wanted), 0
        rows = min(CHUNK >> PAGEBLOCK_ORDER, 1 << (blocks - 1).bit_length())
        marks = np.empty((rows, PAGEBLOCK_PAGES), bool)
        upright = marks[::-1]
        for block in range((blocks - 1) // rows * rows, low // rows * rows - 1, -rows):
            part = self.states[block << PAGEBLOCK_ORDER : (block + rows) << PAGEBLOCK_ORDER]
            whole, rest = divmod(len(part), PAGEBLOCK_PAGES)
            np.equal(part[: len(part) - rest].reshape(whole, PAGEBLOCK_PAGES), _FREE, out=upright[:whole])
            upright[whole:] = False
            if rest:
                upright[whole, :rest] = part[-rest:] == _FREE
            upright[np.flatnonzero(refused[block : block + rows])] = False
            marked = np.flatnonzero(marks)
            marked ^= (rows - 1) << PAGEBLOCK_ORDER
            np.add(marked, block << PAGEBLOCK_ORDER, out=found[at : at + len(marked)], casting="unsafe")
            at += len(marked)
        return found

    def leave(self, end: int) -> None:
        """The pages below PFN `end` that may move have moved: they are free, in `states`."""
        for start in range(0, end, CHUNK):
            stop = min(start + CHUNK, end)
            self.states[start:stop] &= self._movable(start, stop) - np.uint8(1)

    def _movable(self, low: int, high: int, out: np.ndarray | None = None) -> np.ndarray:
        """uint8 for PFNs ``low..high-1``, 1 where the page may move."""
        states = self.states[low:high]
        if self.balloon_moves:  # of the states at rest, MOVABLE and BALLOON are the odd ones
            movable: np.ndarray = np.bitwise_and(states, 1, out=out)
        else:
            movable = np.equal(states, _MOVABLE, out=None if out is None else out.view(bool)).view(np.uint8)
        if self.fixed is not None:
            np.bitwise_and(movable, self.fixed[low:high] ^ 1, out=movable)
        return movable

    def _count_both(self) -> tuple[np.ndarray, np.ndarray]:
        """int64[pageblocks]: pages that may move, and free pages."""
        pages = len(self.states)
        sums = np.zeros((2, -(-pages // PAGEBLOCK_PAGES)), np.uint64)
        size = min(CHUNK, sums.shape[1] * PAGEBLOCK_PAGES)
        marks, starts = np.empty(size, np.uint8), np.arange(0, size // 8, _WORDS)
        for low in range(0, pages, CHUNK):
            high = min(low + CHUNK, pages)
            marked = marks[: high - low]
            first, blocks = low >> PAGEBLOCK_ORDER, -(-(high - low) // PAGEBLOCK_PAGES)
            words = marks[: blocks * PAGEBLOCK_PAGES].view(np.uint64)
            marks[high - low : blocks * PAGEBLOCK_PAGES] = 0
            self._movable(low, high, marked)
            np.add.reduceat(words, starts[:blocks], out=sums[0, first : first + blocks])
            np.equal(self.states[low:high], _FREE, out=marked.view(bool))
            np.add.reduceat(words, starts[:blocks], out=sums[1, first : first + blocks])
        # The eight bytes of each are added up as four 16-bit numbers, which cannot overflow.
        halves = (sums & _EVEN_BYTES) + (sums >> np.uint64(8) & _EVEN_BYTES)
        movable, free = (halves * _ONES >> np.uint64(48)).astype(np.int64)
        return movable, free
