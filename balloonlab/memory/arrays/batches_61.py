"""Batches and fills of a full run by the rules of Linux 6.1 (compact_control.py and free_scanner.py, "6.1").

A pageblock's first batch has at most 32 pages, its second all the rest (pageblock 0: one batch). A fill stops at the
free block with which there are as many targets as the batch has pages; it ends in a later batch than the one it was
needed in, or at that one's end, so there is at most one fill a batch. Neither scanner changes a pageblock before the
other gets there: the run ends when they meet.
"""

from __future__ import annotations

import numpy as np

from balloonlab.memory.arrays.census import Census
from balloonlab.memory.arrays.schedule import Schedule, Targets
from balloonlab.memory.compact_control import COMPACT_CLUSTER_MAX
from balloonlab.memory.zone import PAGEBLOCK_PAGES, Migratetype, PageState

_SPARE = 4 * PAGEBLOCK_PAGES  # targets beyond those that the batches need: the last fill's


def offers_61(census: Census, block_types: np.ndarray) -> np.ndarray:
    """int64[pageblocks]: pages that each gives to the free scanner. A free block of order 9 or 10 is left alone."""
    partly = (census.free < PAGEBLOCK_PAGES) & (block_types == Migratetype.MOVABLE)
    offered: np.ndarray = np.where(partly, census.free, 0)
    return offered


def reach(movable: np.ndarray, above: np.ndarray) -> tuple[int, int, np.ndarray]:
    """(pageblocks that may be scanned for pages, lowest that may give targets, pages below each pageblock)."""
    below = np.concatenate(([0], np.cumsum(movable)))
    high = int(np.count_nonzero(below[:-1] <= above[1:]))  # both are monotone: all moved pages found a target above
    enough = int(below[high]) + _SPARE
    low = int(np.count_nonzero(above >= enough)) - 1
    return high, max(low, 0), below


def plan_61(census: Census, block_types: np.ndarray) -> tuple[Schedule, np.ndarray, Targets]:
    """(the run, int32 PFNs of its movable pages ascending, its targets)."""
    targets = Targets(offers_61(census, block_types))
    blocks = len(census.movable)
    high, low, below = reach(census.movable, targets.above)
    pfns = census.movable_pfns(0, high)
    targets.place(census.free_pfns(low, blocks), census.free, low)
    run = Schedule()
    _go_through(run, _Batches(census.movable[:high], below, pfns), _BlockEnds(census.states, targets), blocks - 1)
    run.blocks_moved = len(run.batch_ends)
    return run, pfns, targets


class _Batches:
    """Batches with pages, in order (int64 arrays of the same length, but for `second`).

    block: the pageblock of each. size: its pages. then: the pageblock where the scan has got to after it. is_rest:
    whether it is its pageblock's second. second: pageblocks scanned in two batches, the second perhaps without a page.
    """

    def __init__(self, movable: np.ndarray, below: np.ndarray, pfns: np.ndarray) -> None:
        """movable: pages that may move, of each pageblock from 0 on; below: of all before it; pfns: their PFNs."""
        block = np.flatnonzero(movable)
        count = movable[block]
        cut = (count >= COMPACT_CLUSTER_MAX) & (block > 0)  # pageblock 0 counts as a rescan: no limit
        first = np.where(cut, COMPACT_CLUSTER_MAX, count)
        stop = np.zeros(len(block), np.int64)
        stop[cut] = pfns[below[block[cut]] + (COMPACT_CLUSTER_MAX - 1)] + 1
        amid = cut & (stop % PAGEBLOCK_PAGES != 0)  # the 32nd may be the pageblock's last page
        rest = np.where(amid, count - first, 0)
        twice = np.repeat(np.arange(len(block)), 1 + (rest > 0))
        self.is_rest = np.zeros(len(twice), bool)
        self.is_rest[1:] = twice[1:] == twice[:-1]
        self.block = block[twice]
        self.size = np.where(self.is_rest, rest[twice], first[twice])
        self.then = self.block + np.where(amid[twice] & ~self.is_rest, 0, 1)
        self.second = block[amid]


class _BlockEnds:
    """Where the free block that a target lies in ends."""

    def __init__(self, states: np.ndarray, targets: Targets) -> None:
        short = -len(states) % 8
        padded = np.concatenate((states, np.full(short, PageState.HOLE, np.uint8))) if short else states
        self.pages = len(states)
        self.pairs, self.fours, self.eights = (padded.view(kind).data for kind in (np.uint16, np.uint32, np.uint64))
        self.pfns = targets.pfns.data
        self.above = targets.above.tolist()
        blocks = range(targets.low, len(self.above) - 1)
        self.shift = [0] * targets.low + [
            first - self.above[block + 1] for block, first in zip(blocks, targets.first.tolist(), strict=True)
        ]
        self.block = len(self.above) - 2

    def after(self, number: int) -> tuple[int, int]:
        """(target number after the free block of target `number`, pageblock where the free scanner is then).

        `number` must not go down from call to call.
        """
        block, above = self.block, self.above
        while above[block] <= number:
            block -= 1
        self.block = block
        pfn = self.pfns[self.shift[block] + number]
        if self.pairs[pfn >> 1]:
            end = pfn + 1
        elif self.fours[pfn >> 2]:
            end = (pfn | 1) + 1
        elif self.eights[pfn >> 3]:
            end = (pfn | 3) + 1
        else:
            end = self._after_eight(pfn)
        return number + end - pfn, block - (end % PAGEBLOCK_PAGES == 0 or end == self.pages)

    def _after_eight(self, pfn: int) -> int:
        """End of a free block of at least eight pages."""
        words, size = self.eights, 1
        while True:
            first = pfn >> 3 & -2 * size
            if any(words[first : first + 2 * size]) or first + 2 * size > len(words):
                return ((pfn >> 3 & -size) + size) * 8
            size *= 2


def _go_through(run: Schedule, batches: _Batches, ends_at: _BlockEnds, free_block: int) -> None:
    """Serve batch after batch until the scanners meet. free_block: the pageblock where the free scanner starts."""
    above, have, done = ends_at.above, 0, 0
    fill_ends, served = run.fill_ends, 0
    ends = np.cumsum(batches.size).tolist()
    rows = zip(batches.block.tolist(), batches.size.tolist(), batches.then.tolist(), ends, strict=True)
    for block, size, then, end in rows:
        if free_block <= block:
            break
        served += 1
        if have < end:
            if have + size <= above[then + 1]:
                have, free_block = ends_at.after(have + size - 1)
                fill_ends.append(have)
            else:  # not enough pageblocks are left above the other scanner
                free_block = then
                if have < above[then + 1]:
                    have = above[then + 1]
                    fill_ends.append(have)
                if have < end:
                    done = have
                    break
        done = end
    run.batch_ends = ends[:served]
    run.moved, run.captured = done, have
    run.rounds = _rounds(batches, served, free_block, out_of_targets=run.moved < run.isolated)


def _rounds(batches: _Batches, served: int, free_block: int, *, out_of_targets: bool) -> int:
    """Batches that began, those without a page too; `served` of those with pages did."""
    block = int(batches.block[served - 1]) if served else -1
    if out_of_targets:
        return block + int(np.count_nonzero(batches.second < block)) + 1 + int(batches.is_rest[served - 1])
    whole = free_block + int(np.count_nonzero(batches.second < free_block))
    return whole + (block == free_block)
