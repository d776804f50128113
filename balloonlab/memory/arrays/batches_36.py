"""Batches and fills of a full run by the rules of Linux 3.6 (compact_control.py and free_scanner.py, "3.6").

A batch is the next 32 movable pages up to the end of a pageblock (of the next one, if the scan begins amid one). A
fill takes pageblocks whole, downward, until there are as many targets as the batch has pages; the run goes on until a
scan would cross the *highest* pageblock of the last fill. So the migrate scanner may walk into pageblocks lower down
in that fill and find pages that were just moved there: from the scan that would do so on, the run is left to the
page-by-page code (Schedule.resume).
"""

from __future__ import annotations

from bisect import bisect_right

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
    targets.place(census.free_pfns(low, len(census.free)), census.free, low)
    scans = _Scans(census.movable[:high], below[: high + 1].tolist(), pfns)
    return _serve(scans, targets.above.tolist(), len(census.states) >> PAGEBLOCK_ORDER), pfns, targets


class _Scans:
    """Every scan for pages to move, one after the other, as if there were targets for all (arrays of equal length).

    size: pages isolated, perhaps none. then: pageblock where the scanner is after it; amid: whether amid it, not at
    its start. end: pageblock at whose start the scan ends at the latest.
    """

    def __init__(self, movable: np.ndarray, below: list[int], pfns: np.ndarray) -> None:
        self._sizes: list[int] = []
        self._thens: list[int] = []  # of scans that came to their end; -1 for those with 32 pages
        self._below = below
        self._pfns = pfns.data
        self._go_through(movable.tolist(), np.flatnonzero(movable < COMPACT_CLUSTER_MAX).tolist())
        self.size = np.array(self._sizes, np.int64)
        self.page_end = np.cumsum(self.size)
        then = np.array(self._thens, np.int64)
        full = then < 0
        after = pfns[self.page_end[full] - 1].astype(np.int64) + 1
        then[full] = after >> PAGEBLOCK_ORDER
        self.amid = np.zeros(len(then), bool)
        self.amid[full] = after % PAGEBLOCK_PAGES != 0
        self.then = then
        self.end = np.concatenate(([0], then + self.amid))[: len(then)] + 1

    def start_pfn(self, scan: int) -> int:
        """PFN where this scan begins."""
        if scan and self.amid[scan - 1]:
            return self._pfns[int(self.page_end[scan - 1]) - 1] + 1
        return int(self.then[scan - 1]) << PAGEBLOCK_ORDER if scan else 0

    def _go_through(self, movable: list[int], sparse: list[int]) -> None:
        """From one pageblock to the next; a stretch in which each has 32 pages or more is one division."""
        high, block, at = len(movable), 0, 0
        sparse = [*sparse, high]
        while block < high:
            if movable[block] < COMPACT_CLUSTER_MAX:
                self._short(movable[block], block + 1)
                block += 1
                continue
            while sparse[at] < block:
                at += 1
            stop = sparse[at]
            if stop < high and movable[stop]:
                block = self._into(block, stop, high)
                continue
            batches, rest = divmod(self._below[stop] - self._below[block], COMPACT_CLUSTER_MAX)
            self._full(batches)
            if stop < high:
                self._short(rest, stop + 1)
            block = stop + 1

    def _into(self, block: int, few: int, high: int) -> int:
        """From the start of `block` on to pageblock `few`, with fewer than 32 pages, and until one's start is met."""
        isolated = self._below[block]
        batches = max((self._below[few] - 1 - isolated) // COMPACT_CLUSTER_MAX, 1)
        while True:
            self._full(batches)
            isolated += batches * COMPACT_CLUSTER_MAX
            after = self._pfns[isolated - 1] + 1
            if after % PAGEBLOCK_PAGES == 0:
                return after >> PAGEBLOCK_ORDER
            end = min((after >> PAGEBLOCK_ORDER) + 2, high)
            if self._below[end] - isolated < COMPACT_CLUSTER_MAX:
                self._short(self._below[end] - isolated, end)
                return end
            batches = 1

    def _full(self, batches: int) -> None:
        self._sizes += [COMPACT_CLUSTER_MAX] * batches
        self._thens += [-1] * batches

    def _short(self, size: int, then: int) -> None:
        self._sizes.append(size)
        self._thens.append(then)


def _serve(scans: _Scans, above: list[int], free_block: int) -> Schedule:
    """Fill after fill, until the scanners meet; above: as in Targets; free_block: where the free scanner starts."""
    run = Schedule()
    page_end, end, then = scans.page_end.tolist(), scans.end.tolist(), scans.then.tolist()
    have, source, lowest = 0, len(above) - 1, free_block
    while True:
        stop = bisect_right(end, lowest)  # the first scan that may meet a page moved by this fill
        scan = bisect_right(page_end, have)  # the scan that needs the next fill
        if scan >= stop:
            if stop < len(end) and end[stop] <= free_block:
                run.resume = (scans.start_pfn(stop), free_block << PAGEBLOCK_ORDER)
            run.moved = page_end[stop - 1] if stop else 0
            break
        stop = scan + 1
        allowed = then[scan] + 2  # the free scanner stays a whole pageblock away
        offered = above[allowed] if allowed < len(above) else 0
        if have >= offered:
            run.complete = False
            run.moved = have
            break
        while above[source] <= have:
            source -= 1
        free_block = source
        wanted = have + int(scans.size[scan])
        while above[source] < wanted and source > allowed:
            source -= 1
        while above[source] == above[source + 1]:
            source += 1
        lowest = source
        have = above[source]
        run.fill_ends.append(have)
    run.rounds = run.blocks_moved = stop
    run.batch_ends = scans.page_end[:stop][scans.size[:stop] > 0].tolist()
    return run
