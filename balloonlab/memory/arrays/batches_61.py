"""Batches and fills of a full run by the rules of Linux 6.1 (compact_control.py and free_scanner.py, "6.1").

A pageblock's first batch has at most 32 pages, its second all the rest (pageblock 0: one batch). A fill stops at the
free block with which there are as many targets as the batch has pages, so a batch needs one fill at most, but for the
last. A fill that finds nothing in a pageblock looks at fewer pages of the next (free_scanner.py), and passes over the
others. Neither scanner changes a pageblock before the other gets there: the run ends when they meet.
"""

from __future__ import annotations

import numpy as np

from balloonlab.memory.arrays.census import Census
from balloonlab.memory.arrays.schedule import Schedule, Targets
from balloonlab.memory.compact_control import COMPACT_CLUSTER_MAX
from balloonlab.memory.free_scanner import MOST_STRIDE
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype, PageState

_FREE = int(PageState.FREE)
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
    batches = _Batches(census.movable[:high], below, pfns)
    for listed in (low, 0):
        targets.place(census.free_pfns(listed, blocks), census.free, listed)
        try:
            return _go_through(batches, _FreeScanner(census, block_types, targets)), pfns, targets
        except _BelowListedError:
            continue
    raise AssertionError("every pageblock's free pages are listed")


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


class _BelowListedError(Exception):
    """The free scanner came below the pageblocks whose free pages are listed: it passed over more than expected."""


class _FreeScanner:
    """The free scanner. `position` is the number of the next target it may capture, `have` those it has captured.

    pieces: [first, end) of the numbers captured, in order; what lies between them was passed over, for good.
    """

    def __init__(self, census: Census, block_types: np.ndarray, targets: Targets) -> None:
        states = census.states
        short = -len(states) % 8
        padded = np.concatenate((states, np.full(short, PageState.HOLE, np.uint8))) if short else states
        self.states = states
        self.pages = len(states)
        self.pairs, self.fours, self.eights = (padded.view(kind).data for kind in (np.uint16, np.uint32, np.uint64))
        self.pfns = targets.pfns.data
        self.above: list[int] = targets.above.tolist()
        self.low = targets.low
        blocks = range(targets.low, len(self.above) - 1)
        self.shift = [0] * targets.low + [
            first - self.above[block + 1] for block, first in zip(blocks, targets.first.tolist(), strict=True)
        ]
        whole = census.free == PAGEBLOCK_PAGES
        large = whole.copy()
        large[1::2] &= ~whole[: len(whole) // 2 * 2 : 2]  # the second half of an order-10 block begins no free block
        self.suitable: list[bool] = ((block_types == Migratetype.MOVABLE) & ~large).tolist()
        self.block = len(self.above) - 2
        self.position = self.have = 0
        self.pieces: list[tuple[int, int]] = []

    def fill(self, size: int, lowest: int) -> int:
        """Capture until there are `size` targets, in pageblocks `lowest` and up; returns how many there are."""
        if self.position + size <= self.above[self.block] and self.block >= max(lowest, self.low):
            return self._to(self.position + size)
        got, stride = 0, 1
        while self.block >= lowest:
            block = self.block
            if self.suitable[block]:
                if block < self.low and self.above[block] > self.above[block + 1]:
                    raise _BelowListedError
                more = self.above[block] - self.position
                if stride > 1 and more:
                    more = self._sample(stride, size - got)
                    got += more
                elif got + more >= size:
                    return got + self._to(self.position + size - got)
                elif more:
                    got += more
                    self._capture(self.above[block])
                if got >= size:
                    return got
                stride = 1 if more else min(2 * stride, MOST_STRIDE)
            self.block = block - 1
            self.position = self.above[block]
        self.block = min(lowest - 1, self.block)
        return got

    def _to(self, number: int) -> int:
        """Capture up to the end of the free block that the target before `number` lies in; returns how many."""
        pfn = self.pfns[self.shift[self.block] + number - 1]
        _, end = self._free_block(pfn)
        number += end - pfn - 1
        more = number - self.position
        self._capture(number)
        if end % PAGEBLOCK_PAGES == 0 or end == self.pages:
            self.block -= 1
        return more

    def _capture(self, end: int) -> None:
        self.pieces.append((self.position, end))
        self.have += end - self.position
        self.position = end

    def _sample(self, stride: int, wanted: int) -> int:
        """Look at every `stride`-th page of the pageblock only, from its start; returns how many were captured."""
        start = self.block << PAGEBLOCK_ORDER
        states = self.states[start : start + PAGEBLOCK_PAGES].tobytes()
        at = counted = got = 0  # from the pageblock's start
        while at < len(states):
            if states[at] != _FREE:
                at += stride
                continue
            first, end = self._free_block(start + at)
            if first != start + at:
                at += stride
                continue
            self.position += states.count(_FREE, counted, at)  # passed over
            self._capture(self.position + end - first)
            got += end - first
            at = counted = end - start
            if got >= wanted:
                if at >= len(states):
                    self.block -= 1
                break
            at += stride - 1
        return got

    def _free_block(self, pfn: int) -> tuple[int, int]:
        """(first PFN, end) of the free block of order 0..8 that `pfn` lies in."""
        if self.pairs[pfn >> 1]:
            return pfn, pfn + 1
        if self.fours[pfn >> 2]:
            return pfn & -2, (pfn | 1) + 1
        words, size = self.eights, 1
        if words[pfn >> 3]:
            return pfn & -4, (pfn | 3) + 1
        while True:
            first = pfn >> 3 & -2 * size
            if any(words[first : first + 2 * size]) or first + 2 * size > len(words):
                own = pfn >> 3 & -size
                return own * 8, (own + size) * 8
            size *= 2


def _go_through(batches: _Batches, scanner: _FreeScanner) -> Schedule:
    """Serve batch after batch until the scanners meet."""
    run = Schedule()
    have, done, served, fill_ends = 0, 0, 0, run.fill_ends
    ends = np.cumsum(batches.size).tolist()
    rows = zip(batches.block.tolist(), batches.size.tolist(), batches.then.tolist(), ends, strict=True)
    for block, size, then, end in rows:
        if scanner.block <= block:
            break
        served += 1
        while have < end:
            more = scanner.fill(size, then + 1)
            if not more:  # not enough pageblocks are left above the other scanner
                break
            have += more
            fill_ends.append(have)
        done = min(have, end)
        if done < end:
            break
    run.batch_ends = ends[:served]
    run.moved, run.captured, run.pieces = done, have, scanner.pieces
    run.rounds = _rounds(batches, served, scanner.block, out_of_targets=run.moved < run.isolated)
    run.blocks_moved = served
    return run


def _rounds(batches: _Batches, served: int, free_block: int, *, out_of_targets: bool) -> int:
    """Batches that began, those without a page too; `served` of those with pages did."""
    block = int(batches.block[served - 1]) if served else -1
    if out_of_targets:
        return block + int(np.count_nonzero(batches.second < block)) + 1 + int(batches.is_rest[served - 1])
    whole = free_block + int(np.count_nonzero(batches.second < free_block))
    return whole + (block == free_block)
