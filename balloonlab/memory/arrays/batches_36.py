"""Batches and fills of a full run by the rules of Linux 3.6 (compact_control.py and free_scanner.py, "3.6").

A batch is the next 32 movable pages up to the end of a pageblock (of the next one, if the scan begins amid one). A
fill takes pageblocks whole, downward, until there are as many targets as the batch has pages; the run goes on until a
scan would cross the *highest* pageblock of the last fill. So the migrate scanner may walk into pageblocks lower down
in that fill and find pages that were just moved there: from the scan that would do so on, the run is left to the
page-by-page code (Schedule.resume).
"""

from __future__ import annotations

import numpy as np

from balloonlab.memory.arrays.census import Census
from balloonlab.memory.arrays.scanned import Searches, free_scanned_36
from balloonlab.memory.arrays.schedule import Schedule, Targets, reach
from balloonlab.memory.compact_control import COMPACT_CLUSTER_MAX
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype

_AFTER = -1  # where the scanner is after a batch of 32: behind its last page


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
    high, low, below = reach(census.movable, targets.above, 1)
    high = min(high + 2, len(census.movable))  # a scan may reach to the end of the next pageblock
    pfns = census.movable_pfns(high)
    targets.list_from(low, census)
    scans = _Scans(census.movable[:high], below[: high + 1].tolist(), pfns)
    run, searches = _serve(scans, targets, len(census.states) >> PAGEBLOCK_ORDER)
    run.migrate_scanned = scans.start_pfn(run.rounds)  # all below where the next scan would begin
    run.free_scanned = free_scanned_36(census, block_types, targets, run.captured, searches)
    return run, pfns, targets


class _Scans:
    """Every scan for pages to move, one after the other, as if there were targets for all (arrays of equal length).

    size: pages isolated, perhaps none. then: pageblock where the scanner is after it; amid: whether amid it, not at
    its start. end: pageblock at whose start the scan ends at the latest.
    """

    def __init__(self, movable: np.ndarray, below: list[int], pfns: np.ndarray) -> None:
        self._runs: list[tuple[int, int, int]] = []  # how many scans, pages of each, where the scanner is then
        self._below = below
        self._pfns = pfns.data
        self._go_through(movable.tolist(), np.flatnonzero(movable < COMPACT_CLUSTER_MAX).tolist())
        scans, size, then = np.array(self._runs, np.int64).reshape(-1, 3).T
        self.size, then = np.repeat(size, scans), np.repeat(then, scans)
        self.page_end = np.cumsum(self.size)
        full = np.flatnonzero(then == _AFTER)
        after = pfns[self.page_end[full] - 1] + 1
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
        self._runs.append((batches, COMPACT_CLUSTER_MAX, _AFTER))

    def _short(self, size: int, then: int) -> None:
        self._runs.append((1, size, then))


def _serve(scans: _Scans, targets: Targets, free_block: int) -> tuple[Schedule, Searches]:
    """Fill after fill, until the scanners meet; free_block: where the free scanner starts.

    A fill captures all that some pageblock and those above it give, so what the next one does follows from that
    pageblock alone: it is worked out for all of them together, and then gone through as a chain. That pageblock is the
    lowest that gave anything; before the first fill it stands for none. Pageblocks count from ``targets.low`` here.
    """
    low, above = targets.low, targets.above[targets.low :]
    none = len(above) - 1
    lowest = np.arange(low, low + len(above))
    lowest[none] = free_block
    stops = np.searchsorted(scans.end, lowest, "right")  # the first scan that may meet a page moved by the last fill
    needing = np.searchsorted(scans.page_end, above, "right")  # the scan that needs the next fill
    scan = np.minimum(needing, len(scans.then) - 1)
    allowed = np.clip(scans.then[scan] + (2 - low), 0, none)  # the free scanner stays a whole pageblock away

    upward = above[::-1]
    enough = none - np.searchsorted(upward, above + scans.size[scan])
    last = np.maximum(enough, allowed)  # pageblock that a search comes to at last
    following = none - np.searchsorted(upward, above[last])
    highest = none - np.searchsorted(upward, above, "right")  # pageblock from which the next fill takes

    ends = (needing >= stops) | (above >= above[allowed])
    chain = _chain(np.where(ends, np.arange(len(above)), following), none)
    block = int(chain[-1])
    run = Schedule(fill_ends=above[chain[1:]].tolist())
    served = int(stops[block])
    fills = chain[:-1]
    if needing[block] < served:
        fills = chain  # the last one finds nothing
        served = int(needing[block]) + 1
        run.moved, run.complete = run.captured, False
    else:
        free_block = low + int(highest[chain[-2]]) if len(chain) > 1 else free_block
        run.moved = int(scans.page_end[served - 1]) if served else 0
        if served < len(scans.end) and scans.end[served] <= free_block:
            run.resume = (scans.start_pfn(served), free_block << PAGEBLOCK_ORDER)
    run.rounds = run.blocks_moved = served
    run.batch_ends = scans.page_end[:served][scans.size[:served] > 0]
    again = low + highest[fills[:-1]]
    return run, Searches(again, low + allowed[fills], low + np.minimum.accumulate(last[fills]))


def _chain(following: np.ndarray, start: int) -> np.ndarray:
    """Where one comes to from `start`, step by step, up to the first that follows itself; it is there too."""
    path, leap = np.array([start]), following  # a leap is as many steps as there are in the path
    while path[-1] != following[path[-1]]:
        path, leap = np.concatenate((path, leap[path])), leap[leap]
    last = np.flatnonzero(path == path[-1])[0]
    return path[: last + 1]
