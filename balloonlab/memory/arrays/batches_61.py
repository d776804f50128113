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
from balloonlab.memory.free_blocks import TOP_PAGES, free_levels
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype

_SPARE = 4 * PAGEBLOCK_PAGES  # targets beyond those that the batches need: the last fill's


def offers_61(census: Census, block_types: np.ndarray) -> np.ndarray:
    """int64[pageblocks]: pages that each gives to the free scanner. A free block of order 9 or 10 is left alone."""
    partly = (census.free < PAGEBLOCK_PAGES) & (block_types == Migratetype.MOVABLE)
    offered: np.ndarray = np.where(partly, census.free, 0)
    return offered


def reach(movable: np.ndarray, above: np.ndarray) -> tuple[int, int, np.ndarray]:
    """(pageblocks that may be scanned for pages, lowest pageblock that may give targets, pages below each pageblock)."""
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
    low -= low % 2
    pfns = census.movable_pfns(0, high)
    targets.list(census.free_pfns(low, blocks), census.free, low)
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
        self.base = targets.low << PAGEBLOCK_ORDER
        assert self.base % TOP_PAGES == 0
        self.pages = len(states)
        self.levels = [level.data for level in free_levels(states[self.base :], self.base)[:PAGEBLOCK_ORDER]]
        self.pfns = targets.pfns.data
        self.first = targets.first.tolist()
        self.low = targets.low
        self.above = targets.above.tolist()
        self.block = len(self.above) - 2

    def after(self, number: int) -> tuple[int, int]:
        """(target number after the free block of target `number`, pageblock where the free scanner is then).

        `number` must not go down from call to call.
        """
        above = self.above
        while above[self.block] <= number:
            self.block -= 1
        pfn = self.pfns[self.first[self.block - self.low] + number - above[self.block + 1]] - self.base
        order = 1
        while order < PAGEBLOCK_ORDER and self.levels[order][pfn >> order]:
            order += 1
        end = ((pfn >> (order - 1)) + 1) << (order - 1)
        through = end % PAGEBLOCK_PAGES == 0 or end + self.base == self.pages
        return number + end - pfn, self.block - through


def _go_through(run: Schedule, batches: _Batches, ends_at: _BlockEnds, free_block: int) -> None:
    """Serve batch after batch until the scanners meet. free_block: the pageblock where the free scanner starts."""
    above, have, done = ends_at.above, 0, 0
    batch_ends, fill_ends = run.batch_ends, run.fill_ends
    rows = zip(batches.block.tolist(), batches.size.tolist(), batches.then.tolist(), strict=True)
    for block, size, then in rows:
        if free_block <= block:
            break
        end = done + size
        batch_ends.append(end)
        if have < end:
            offered = above[then + 1]
            if have + size <= offered:
                have, free_block = ends_at.after(have + size - 1)
                fill_ends.append(have)
            else:  # not enough pageblocks are left above the other scanner
                free_block = then
                if have < offered:
                    have = offered
                    fill_ends.append(have)
                if have < end:
                    done = have
                    break
        done = end
    run.moved, run.captured = done, have
    run.rounds = _rounds(batches, len(batch_ends), free_block, out_of_targets=run.moved < run.isolated)


def _rounds(batches: _Batches, served: int, free_block: int, *, out_of_targets: bool) -> int:
    """Batches that began, those without a page too; `served` of those with pages did."""
    block = int(batches.block[served - 1]) if served else -1
    if out_of_targets:
        return block + int(np.count_nonzero(batches.second < block)) + 1 + int(batches.is_rest[served - 1])
    whole = free_block + int(np.count_nonzero(batches.second < free_block))
    return whole + (block == free_block)
