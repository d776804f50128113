"""Batches and fills of a full run by the rules of Linux 3.6 (compact_control.py and free_scanner.py, "3.6").

A batch is the next 32 movable pages up to the end of a pageblock (of the next one, if the scan begins amid one). A
fill takes pageblocks whole, downward, until there are as many targets as the batch has pages; the run goes on until a
scan would cross the *highest* pageblock of the last fill. So the migrate scanner may walk into pageblocks lower down
in that fill and find pages that were just moved there: from the scan that would do so on, the run is left to the
page-by-page code (Schedule.resume).
"""

from __future__ import annotations

import numpy as np

from balloonlab.memory.arrays.batches_61 import reach
from balloonlab.memory.arrays.census import Census
from balloonlab.memory.arrays.schedule import Schedule, Targets
from balloonlab.memory.compact_control import COMPACT_CLUSTER_MAX
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype


def offers_36(census: Census, block_types: np.ndarray) -> np.ndarray:
    """int64[pageblocks]: pages that each gives to the free scanner.

    A free block of order 10 is taken with its first pageblock; one of order 9 or 10 whatever the pageblock's type.
    """
    whole = census.free == PAGEBLOCK_PAGES
    pair = np.zeros(len(whole), bool)  # first pageblock of a free block of order 10
    odd = len(whole) // 2 * 2
    pair[0:odd:2] = whole[0:odd:2] & whole[1:odd:2]
    offered = np.where(whole | (block_types == Migratetype.MOVABLE), census.free, 0)
    offered[pair] = 2 * PAGEBLOCK_PAGES
    offered[1:][pair[:-1]] = 0
    return offered


def plan_36(census: Census, block_types: np.ndarray) -> tuple[Schedule, np.ndarray, Targets]:
    """(the run, int32 PFNs of its movable pages ascending, its targets)."""
    targets = Targets(offers_36(census, block_types))
    high, low, below = reach(census.movable, targets.above)
    high = min(high + 2, len(census.movable))  # a scan may reach to the end of the next pageblock
    pfns = census.movable_pfns(0, high)
    targets.list(census.free_pfns(low, len(census.free)), census.free, low)
    run = Schedule()
    _Scanners(run, below.tolist(), pfns.data, targets.above.tolist(), len(census.states)).go_through()
    return run, pfns, targets


class _Scanners:
    """Both scanners of a run. Pages that may move and targets are meant by their numbers (schedule.py)."""

    def __init__(self, run: Schedule, below: list[int], pfns: memoryview, above: list[int], pages: int) -> None:
        self.run = run
        self.below = below  # movable pages below each pageblock
        self.pfns = pfns
        self.above = above  # targets in each pageblock and those above
        self.have = 0  # targets captured
        self.done = 0  # pages migrated
        self.block = 0  # the migrate scanner's pageblock
        self.amid = False  # whether it is amid that pageblock
        self.free_block = pages >> PAGEBLOCK_ORDER  # the free scanner's pageblock
        self.lowest = self.free_block  # lowest pageblock of the last fill
        self.source = len(above) - 1  # the pageblock that target number `have` is in or below

    def go_through(self) -> None:
        """Scan, fill and migrate until the scanners meet, no target is left, or the rest needs page by page."""
        run, below = self.run, self.below
        while True:
            end = self.block + 1 + self.amid  # pageblock where the scan ends
            if end > self.free_block:
                break
            if end > self.lowest:
                run.resume = (self._position(), self.free_block << PAGEBLOCK_ORDER)
                break
            if self.amid and self._several():
                continue
            size = min(COMPACT_CLUSTER_MAX, below[end] - self.done)
            isolated = self.done + size
            self._scan_to(isolated, end, whole=size < COMPACT_CLUSTER_MAX)
            run.rounds += 1
            if size:
                run.batch_ends.append(isolated)
                if not self._serve(isolated, size):
                    run.complete = False
                    break
        run.moved, run.captured = self.done, self.have
        run.blocks_moved = run.rounds

    def _position(self) -> int:
        """PFN of the migrate scanner."""
        return self.pfns[self.done - 1] + 1 if self.amid else self.block << PAGEBLOCK_ORDER

    def _several(self) -> bool:
        """Batches of 32 that need no fill and stay in this pageblock, all at once; False if there is none."""
        batches = min(self.below[self.block + 1] - 1, self.have) - self.done >> 5
        if batches <= 0:
            return False
        first, self.done = self.done, self.done + batches * COMPACT_CLUSTER_MAX
        self.run.batch_ends.extend(range(first + COMPACT_CLUSTER_MAX, self.done + 1, COMPACT_CLUSTER_MAX))
        self.run.rounds += batches
        return True

    def _scan_to(self, isolated: int, end: int, *, whole: bool) -> None:
        """Move the migrate scanner behind the page with the number before `isolated`, or to the scan's end."""
        if whole:
            self.block, self.amid = end, False
            return
        pfn = self.pfns[isolated - 1] + 1
        self.block, self.amid = pfn >> PAGEBLOCK_ORDER, pfn % PAGEBLOCK_PAGES != 0

    def _serve(self, isolated: int, size: int) -> bool:
        """Find targets for a batch of `size`; False if there are too few."""
        run, above = self.run, self.above
        if self.have < isolated:
            allowed = self.block + 2  # the free scanner stays a whole pageblock away
            offered = above[allowed] if allowed < len(above) else 0
            first = self.have
            if first < offered:
                while above[self.source] <= first:
                    self.source -= 1
                self.free_block = self.source
                while above[self.source] < first + size and self.source > allowed:
                    self.source -= 1
                while above[self.source] == above[self.source + 1]:
                    self.source += 1
                self.lowest = self.source
                self.have = above[self.source]
                run.fill_ends.append(self.have)
        self.done = min(isolated, self.have)
        return self.done == isolated
