"""A run of compaction as its batches and its fills, and the page pairs that follow from them.

The pages that move are numbered 0, 1, 2, ... in the order in which the migrate scanner meets them; targets likewise in
the order in which the free scanner captures them. A *batch* is a range of the first, migrated from its end (the
highest PFN) down; a *fill* is a range of the second, put on the private list while that is empty, and used from its
end too. So once the borders of batches and fills are known, the pairs are index arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from balloonlab.memory.arrays.census import Census
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES

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
    above[b]: pages that the pageblocks ``b..`` give, and so the number of the first target below them. PFNs of the
    targets by number: `pfns` (int32), of pageblocks `low` and up.
    """

    def __init__(self, offered: np.ndarray) -> None:
        self.offered = offered
        self.above = np.append(np.cumsum(offered[::-1])[::-1], 0)
        self.passed_over = np.zeros(0, np.int64)

    def list_from(self, low: int, census: Census) -> None:
        """List the PFNs of the targets of pageblocks `low` and up."""
        ten = self.offered > PAGEBLOCK_PAGES  # first pageblock of a free block of order 10, which is captured whole
        wanted = self.offered > 0
        wanted[1:] |= ten[:-1]
        self.pfns = census.free_pfns(low, wanted)
        self.low = low
        for block in (np.flatnonzero(ten[low:]) + low).tolist():
            number, pfn = int(self.above[block + 1]), block << PAGEBLOCK_ORDER
            self.pfns[number : number + 2 * PAGEBLOCK_PAGES] = np.arange(pfn, pfn + 2 * PAGEBLOCK_PAGES)

    def pass_over(self, numbers: np.ndarray) -> None:
        """These targets (int64, ascending) are captured by no fill: others are numbered as if they were not there."""
        self.passed_over = numbers

    def captured_whole(self, free: np.ndarray, captured: int) -> np.ndarray:
        """Which pageblocks (bools) lie in free blocks of order 9 or 10 that were captured.

        free: int64[pageblocks], free pages. captured: pages captured in all. 3.6 makes these pageblocks MOVABLE.
        """
        taken: np.ndarray = (self.above[:-1] <= captured) & (self.offered > 0) & (free == PAGEBLOCK_PAGES)
        taken[1:] |= taken[:-1] & (self.offered[:-1] > PAGEBLOCK_PAGES)
        return taken

    def used(self, fill_ends: list[int]) -> Downward:
        """PFNs in the order in which the fills' pages are taken from the private list, all of them.

        fill_ends: of the pages captured.
        """
        ends = np.array(fill_ends, np.int64)
        passed = self.passed_over
        if not len(passed) or not len(ends):
            return Downward(self.pfns, ends - 1, np.diff(ends, prepend=0))
        gaps = np.flatnonzero(np.diff(passed, prepend=-2) != 1)  # first of each run of pages passed over
        gap_at = passed[gaps] - gaps  # pages captured before it
        gap_sum = np.append(gaps, len(passed))  # pages passed over before it
        # Fills cut by gaps: each piece is a run of numbers upward, and is used downward.
        stops = np.sort(np.concatenate((ends, gap_at)))
        stops = stops[: np.searchsorted(stops, ends[-1], "right")]
        stops = stops[np.flatnonzero(np.diff(stops, prepend=0))]
        starts = np.append(0, stops[:-1])
        fill = np.searchsorted(ends, starts, "right")
        place = ends[fill] + np.append(0, ends)[fill] - stops  # how many are used before the piece's last page
        by_place = np.argsort(place, kind="stable")
        last = stops - 1 + gap_sum[np.searchsorted(gap_at, starts, "right")]
        return Downward(self.pfns, last[by_place], (stops - starts)[by_place])


def reach(movable: np.ndarray, above: np.ndarray, listed: float) -> tuple[int, int, np.ndarray]:
    """(pageblocks that may be scanned for pages, lowest that may give targets, pages below each pageblock).

    listed: targets for each page that moves, at least 1; above: see Targets.
    """
    below = np.concatenate(([0], np.cumsum(movable)))
    high = int(np.count_nonzero(below[:-1] <= above[1:]))  # both are monotone: all moved pages found a target above
    # By the time when all targets of this pageblock and up are used, the other scanner is past it.
    low = int(np.count_nonzero(below * listed + _SPARE <= above)) - 1
    return high, max(low, 0), below


def migrating(movable: np.ndarray, batch_ends: np.ndarray) -> Downward:
    """PFNs of the movable pages (int32, ascending) in the order in which they migrate: each batch from its end."""
    return Downward(movable, batch_ends - 1, np.diff(batch_ends, prepend=0))


class Downward:
    """Entries of a list in runs downward, taken a chunk at a time: of ``first[0], first[0] - 1, ...``, and so on.

    listed: integers. first, sizes: int64, sizes above 0; the numbers of a few runs together lie close to each other.
    """

    def __init__(self, listed: np.ndarray, first: np.ndarray, sizes: np.ndarray) -> None:
        self._listed, self._first, self._sizes = listed, first, sizes
        self._ends = np.cumsum(sizes)
        self._at = 0

    def next(self, count: int, out: np.ndarray | None = None) -> np.ndarray:
        """The next `count` entries (or all that are left) as int64; out: where to put them, or None."""
        at = self._at
        self._at = end = min(at + count, int(self._ends[-1]) if len(self._ends) else 0)
        if at == end:
            return np.zeros(0, np.int64)
        runs = slice(int(np.searchsorted(self._ends, at, "right")), int(np.searchsorted(self._ends, end)) + 1)
        first, sizes, ends = self._first[runs], self._sizes[runs], self._ends[runs]
        low, high = int((first - sizes).min()) + 1, int(first.max()) + 1
        starts = first + (ends - sizes - at - low)
        sizes = np.minimum(ends, end) - np.maximum(ends - sizes, at)
        numbers = np.repeat(starts, sizes)
        numbers -= np.arange(end - at)
        # A copy of that part of the list stays in the processor's cache: backward, main memory is slow.
        return np.take(self._listed[low:high].astype(np.int64), numbers, out=out, mode="clip")

    def rest(self) -> np.ndarray:
        """All the entries that are left."""
        return self.next(int(self._sizes.sum()))
