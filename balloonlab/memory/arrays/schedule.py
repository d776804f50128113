"""A run of compaction as its batches and its fills, and the page pairs that follow from them.

The pages that move are numbered 0, 1, 2, ... in the order in which the migrate scanner meets them; targets likewise in
the order in which the free scanner captures them. A *batch* is a range of the first, migrated from its end (the
highest PFN) down; a *fill* is a range of the second, put on the private list while that is empty, and used from its
end too. So once the borders of batches and fills are known, the pairs are index arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from balloonlab.memory.zone import PAGEBLOCK_PAGES

_SPARE = 4 * PAGEBLOCK_PAGES  # targets beyond those that the batches need: the last fill's


@dataclass
class Schedule:
    """Batches and fills of a run, in page numbers as above.

    batch_ends: end of each batch that isolated pages; they follow one another from 0. fill_ends: likewise of fills.
    moved: pages migrated; less than the last batch's end if no target was left.
    rounds, blocks_moved, migrate_scanned, free_scanned: as in CompactResult. complete: the scanners met.
    resume: None, or (migrate_pfn, free_pfn) from where on the run must be gone through page by page.
    """

    batch_ends: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    fill_ends: list[int] = field(default_factory=list)
    moved: int = 0
    rounds: int = 0
    blocks_moved: int = 0
    migrate_scanned: int = 0
    free_scanned: int = 0
    complete: bool = True
    resume: tuple[int, int] | None = None

    @property
    def captured(self) -> int:
        """Pages captured in all fills."""
        return self.fill_ends[-1] if self.fill_ends else 0

    @property
    def isolated(self) -> int:
        """Pages isolated in all batches."""
        return int(self.batch_ends[-1]) if len(self.batch_ends) else 0


class Targets:
    """Free pages in the order of their capture: pageblocks downward, ascending inside each.

    offered: int64[pageblocks], pages that each gives when the free scanner goes through all of it.
    above[b]: pages that the pageblocks ``b..`` give. PFNs of the pages: `pfns`, ascending, of pageblocks `low` and up.
    """

    def __init__(self, offered: np.ndarray) -> None:
        self.offered = offered
        self.above = np.append(np.cumsum(offered[::-1])[::-1], 0)
        self.passed_over = np.zeros(0, np.int64)

    def place(self, pfns: np.ndarray, free: np.ndarray, low: int) -> None:
        """Note the free pages of pageblocks `low` and up (int64, ascending); free: int64[pageblocks] counts them."""
        self.pfns = pfns
        self.low = low
        self.first = np.cumsum(free[low:]) - free[low:]  # index in pfns of each pageblock's first free page

    def pass_over(self, numbers: np.ndarray) -> None:
        """These targets (int64, ascending) are captured by no fill: others are numbered as if they were not there."""
        self.passed_over = numbers

    def captured_whole(self, free: np.ndarray, captured: int) -> np.ndarray:
        """Which pageblocks (bools) lie in free blocks of order 9 or 10 that were captured; free: as in `place`.

        captured: pages captured in all. 3.6 makes these pageblocks MOVABLE.
        """
        taken: np.ndarray = (self.above[:-1] <= captured) & (self.offered > 0) & (free == PAGEBLOCK_PAGES)
        taken[1:] |= taken[:-1] & (self.offered[:-1] > PAGEBLOCK_PAGES)
        return taken

    def order(self, fill_ends: list[int]) -> Downward:
        """Indices of `pfns` in the order in which the fills' pages are taken from the private list, all of them.

        fill_ends: of the pages captured.
        """
        ends = np.array(fill_ends, np.int64)
        if not len(ends):
            return Downward(ends, ends)
        passed = self.passed_over
        gaps = np.flatnonzero(np.diff(passed, prepend=-2) != 1)  # first of each run of pages passed over
        gap_at = passed[gaps] - gaps  # pages captured before it
        gap_sum = np.append(gaps, len(passed))  # pages passed over before it
        blocks = np.flatnonzero(self.offered[self.low :])[::-1] + self.low
        block_ends = self.above[blocks]
        block_ends = block_ends - np.searchsorted(passed, block_ends)
        # Fills cut by pageblocks and gaps: each piece is a run of indices upward, and is used downward.
        stops = np.sort(np.concatenate((ends, block_ends, gap_at)))
        stops = stops[: np.searchsorted(stops, ends[-1], "right")]
        stops = stops[np.flatnonzero(np.diff(stops, prepend=0))]
        starts = np.append(0, stops[:-1])
        block = blocks[np.searchsorted(block_ends, starts, "right")]
        fill = np.searchsorted(ends, starts, "right")
        place = ends[fill] + np.append(0, ends)[fill] - stops  # how many are used before the piece's last page
        by_place = np.argsort(place, kind="stable")
        last = stops - 1 + gap_sum[np.searchsorted(gap_at, starts, "right")]
        last += self.first[block - self.low] - self.above[block + 1]
        return Downward(last[by_place], (stops - starts)[by_place])


def reach(movable: np.ndarray, above: np.ndarray, listed: float) -> tuple[int, int, np.ndarray]:
    """(pageblocks that may be scanned for pages, lowest that may give targets, pages below each pageblock).

    listed: targets for each page that moves; above: see Targets.
    """
    below = np.concatenate(([0], np.cumsum(movable)))
    high = int(np.count_nonzero(below[:-1] <= above[1:]))  # both are monotone: all moved pages found a target above
    enough = int(below[high] * listed) + _SPARE
    low = int(np.count_nonzero(above >= enough)) - 1
    return high, max(low, 0), below


def migration_order(batch_ends: np.ndarray) -> Downward:
    """Numbers of the movable pages in the order in which they migrate: batches in turn, each from its end."""
    return Downward(batch_ends - 1, np.diff(batch_ends, prepend=0))


class Downward:
    """Whole numbers in runs downward, made a chunk at a time: ``first[0], first[0] - 1, ...``, sizes[0] of them, ...

    first, sizes: int64, sizes above 0. `next(count)` gives the next `count` numbers as int64.
    """

    def __init__(self, first: np.ndarray, sizes: np.ndarray) -> None:
        self.total = int(sizes.sum())
        self._steps = np.full(self.total, -1, np.int32)  # numbers of pages: they fit
        last = first - (sizes - 1)
        self._steps[np.cumsum(sizes) - sizes] = first - np.concatenate(([0], last))[: len(last)]
        self._at = 0
        self._last = 0

    def next(self, count: int, room: np.ndarray | None = None) -> np.ndarray:
        """The next `count` numbers; room: int64 array to put them into, at least as long, or a new one."""
        steps = self._steps[self._at : self._at + count]
        self._at += count
        numbers = np.empty(len(steps), np.int64) if room is None else room[: len(steps)]
        np.cumsum(steps, out=steps)  # they are asked for once
        np.add(steps, self._last, out=numbers)
        if len(numbers):
            self._last = int(numbers[-1])
        return numbers

    def rest(self) -> np.ndarray:
        """All the numbers that are left."""
        return self.next(self.total - self._at)
