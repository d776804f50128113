"""A run of compaction as its batches and its fills, and the page pairs that follow from them.

The pages that move are numbered 0, 1, 2, ... in the order in which the migrate scanner meets them; targets likewise in
the order in which the free scanner captures them. A *batch* is a range of the first, migrated from its end (the
highest PFN) down; a *fill* is a range of the second, put on the private list while that is empty, and used from its
end too. So once the borders of batches and fills are known, the pairs are index arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Schedule:
    """Batches and fills of a run, in page numbers as above.

    batch_ends: end of each batch that isolated pages; they follow one another from 0. fill_ends: likewise of fills.
    moved: pages migrated; less than the last batch's end if no target was left. captured: end of the last fill.
    rounds, blocks_moved: as in CompactResult. complete: the scanners met.
    pieces: ranges of target numbers captured, in order; a fill is one or more of them, and some numbers may be in none
    (the free scanner passed over their pages).
    resume: None, or (migrate_pfn, free_pfn) from where on the run must be gone through page by page.
    """

    batch_ends: list[int] = field(default_factory=list)
    fill_ends: list[int] = field(default_factory=list)
    moved: int = 0
    captured: int = 0
    rounds: int = 0
    blocks_moved: int = 0
    complete: bool = True
    resume: tuple[int, int] | None = None
    pieces: list[tuple[int, int]] = field(default_factory=list)

    @property
    def isolated(self) -> int:
        """Pages isolated in all batches."""
        return self.batch_ends[-1] if self.batch_ends else 0


class Targets:
    """Free pages in the order of their capture: pageblocks downward, ascending inside each.

    offered: int64[pageblocks], pages that each gives when the free scanner goes through all of it.
    above[b]: pages that the pageblocks ``b..`` give. PFNs of the pages: `pfns`, ascending, of pageblocks `low` and up.
    """

    def __init__(self, offered: np.ndarray) -> None:
        self.offered = offered
        self.above = np.concatenate((np.cumsum(offered[::-1])[::-1], [0]))

    def place(self, pfns: np.ndarray, free: np.ndarray, low: int) -> None:
        """Note the free pages of pageblocks `low` and up (int32, ascending); free: int64[pageblocks] counts them."""
        self.pfns = pfns
        self.low = low
        self.first = np.cumsum(free[low:]) - free[low:]  # index in pfns of each pageblock's first free page

    def order(self, fill_ends: list[int], pieces: list[tuple[int, int]]) -> Downward:
        """Indices of `pfns` in the order in which the fills' pages are taken from the private list, all of them.

        fill_ends: of the pages captured. pieces: see Schedule.
        """
        ends = np.array(fill_ends, np.int64)
        first, end = np.array(pieces, np.int64).reshape(-1, 2).T
        captured = np.cumsum(end - first) - (end - first)  # pages captured before each piece
        blocks = np.flatnonzero(self.offered[self.low :])[::-1]
        block_ends = self.above[self.low + blocks]
        cuts = np.unique(np.concatenate((first, end, block_ends)))
        piece = np.searchsorted(first, cuts, "right") - 1
        inside = np.flatnonzero((piece >= 0) & (cuts < np.concatenate((end, [0]))[piece]))
        starts, stops, piece = cuts[inside], np.concatenate((cuts, [0]))[inside + 1], piece[inside]
        of_block = np.searchsorted(block_ends, starts, "right")
        shift = self.first[blocks[of_block]] - self.above[self.low + blocks[of_block] + 1]
        before = captured[piece] + starts - first[piece]
        of_fill = np.searchsorted(ends, before, "right")
        last = before + (stops - starts)
        place = ends[of_fill] + np.concatenate(([0], ends))[of_fill] - last  # when the last page of the cut is taken
        by_place = np.argsort(place)
        return Downward((stops - 1 + shift)[by_place], (stops - starts)[by_place])


def migration_order(batch_ends: list[int]) -> Downward:
    """Numbers of the movable pages in the order in which they migrate: batches in turn, each from its end."""
    ends = np.array(batch_ends, np.int64)
    return Downward(ends - 1, np.diff(ends, prepend=0))


class Downward:
    """Whole numbers in runs downward, made a chunk at a time: ``first[0], first[0] - 1, ...``, sizes[0] of them, ...

    first, sizes: int64, sizes above 0. `next(count)` gives the next `count` numbers as int64.
    """

    def __init__(self, first: np.ndarray, sizes: np.ndarray) -> None:
        self.total = int(sizes.sum())
        self._steps = np.full(self.total, -1, np.int32)
        last = first - (sizes - 1)
        self._steps[np.cumsum(sizes) - sizes] = first - np.concatenate(([0], last))[: len(last)]
        self._at = 0
        self._last = 0

    def next(self, count: int) -> np.ndarray:
        steps = self._steps[self._at : self._at + count]
        self._at += count
        numbers = np.cumsum(steps, dtype=np.int64)
        numbers += self._last
        if len(numbers):
            self._last = int(numbers[-1])
        return numbers

    def rest(self) -> np.ndarray:
        """All the numbers that are left."""
        return self.next(self.total - self._at)
