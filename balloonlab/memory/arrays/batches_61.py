"""Batches and fills of a full run by the rules of Linux 6.1 (compact_control.py and free_scanner.py, "6.1").

A pageblock's first batch has at most 32 pages, its second all the rest (pageblock 0: one batch). A fill stops at the
free block with which there are as many targets as the batch has pages, so a batch needs one fill at most, but for the
last. A fill that finds nothing in a pageblock looks at fewer pages of the next (free_scanner.py), and passes over the
others. Neither scanner changes a pageblock before the other gets there: the run ends when they meet.
"""

from __future__ import annotations

import numpy as np

from balloonlab.memory.arrays.census import Census
from balloonlab.memory.arrays.sampled import Sampled
from balloonlab.memory.arrays.scanned import migrate_scanned_61
from balloonlab.memory.arrays.schedule import Schedule, Targets, reach
from balloonlab.memory.compact_control import COMPACT_CLUSTER_MAX
from balloonlab.memory.free_scanner import MOST_STRIDE
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype, PageState

_LISTED = 1.25  # targets listed for each page that moves: some will be passed over


def offers_61(census: Census, block_types: np.ndarray) -> np.ndarray:
    """int64[pageblocks]: pages that each gives to the free scanner. A free block of order 9 or 10 is left alone."""
    partly = (census.free < PAGEBLOCK_PAGES) & (block_types == Migratetype.MOVABLE)
    offered: np.ndarray = np.where(partly, census.free, 0)
    return offered


def plan_61(census: Census, block_types: np.ndarray) -> tuple[Schedule, np.ndarray, Targets]:
    """(the run, int32 PFNs of its movable pages ascending, its targets)."""
    targets = Targets(offers_61(census, block_types))
    high, low, below = reach(census.movable, targets.above, _LISTED)
    pfns = census.movable_pfns(high)
    batches = _Batches(census.movable[:high], below, pfns)
    for listed in (low, 0):
        targets.list_from(listed, census)
        try:
            scanner = _FreeScanner(census, block_types, targets)
            run = _go_through(batches, scanner)
        except _BelowListedError:
            continue
        end = batches.scan_end(run.blocks_moved, scanner.block)
        last = end >> PAGEBLOCK_ORDER
        cut = batches.cut[batches.second < last]
        run.rounds = last + len(cut) + (end % PAGEBLOCK_PAGES > 0)  # batches without a page too
        run.migrate_scanned = migrate_scanned_61(census, end, pfns, cut)
        run.free_scanned = scanner.scanned()
        targets.pass_over(scanner.sampled.passed_over(targets.above))
        return run, pfns, targets
    raise AssertionError("every pageblock's free pages are listed")


class _Batches:
    """Batches with pages, in order (int64 arrays of the same length, but for `second`).

    block: the pageblock of each. size: its pages. then: the pageblock where the scan has got to after it. is_rest:
    whether it is its pageblock's second. second: pageblocks scanned in two batches, the second perhaps without a page;
    cut: where in `pfns` the first batch's last page is, of each of these.
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
        self.cut = below[self.second] + (COMPACT_CLUSTER_MAX - 1)
        self._pfns = pfns

    def scan_end(self, served: int, free_block: int) -> int:
        """PFN where the last scan ended, if so many of the batches were served and the free scanner came so far."""
        if served and self.block[served - 1] == free_block:  # the second batch of this pageblock never began
            return int(self._pfns[self.cut[np.searchsorted(self.second, free_block)]]) + 1
        return free_block << PAGEBLOCK_ORDER


class _BelowListedError(Exception):
    """The free scanner came below the pageblocks whose free pages are listed: it passed over more than expected."""


class _FreeScanner:
    """The free scanner: it is in pageblock `block`, and `position` is the number of the next target there.

    A fill is too short for numpy, so all it reads are Python's own numbers. above, suitable: by pageblock. in_vain: the
    next pageblock from this one down that is suitable and offers nothing; those above it are not looked at one by one.
    """

    def __init__(self, census: Census, block_types: np.ndarray, targets: Targets) -> None:
        states = census.states
        short = -len(states) % PAGEBLOCK_PAGES
        padded = np.concatenate((states, np.full(short, PageState.HOLE, np.uint8))) if short else states
        self.pages, self.listed = len(states), len(targets.pfns)
        self.pairs, self.fours, self.eights = (padded.view(kind).data for kind in (np.uint16, np.uint32, np.uint64))
        self.pfns = targets.pfns.data
        self.above: list[int] = targets.above.tolist()
        self.block, self.position = len(self.above) - 2, 0
        whole = census.free == PAGEBLOCK_PAGES
        large = whole.copy()
        large[1::2] &= ~whole[: len(whole) // 2 * 2 : 2]  # the second half of an order-10 block begins no free block
        suitable = (block_types == Migratetype.MOVABLE) & ~large
        in_vain = np.where(suitable & (targets.offered == 0), np.arange(len(suitable)), -1)
        self.suitable: list[bool] = suitable.tolist()
        self.in_vain: list[int] = np.maximum.accumulate(in_vain).tolist()
        self.strode_over = 0
        self.sampled = Sampled(states, self._block_end)

    def fill(self, size: int, then: int) -> int:
        """Capture until there are `size` targets, in pageblocks above `then`; returns how many there are."""
        above, block, position = self.above, self.block, self.position
        got, stride = 0, 1
        while block > then:
            top = above[block]
            if top == position:
                if self.suitable[block]:
                    self.strode_over += PAGEBLOCK_PAGES - PAGEBLOCK_PAGES // stride
                    stride = min(2 * stride, MOST_STRIDE)
                block -= 1
            elif stride > 1:
                more, last, came_by = self.sampled.look(block, stride, size - got)
                got += more
                if got >= size:
                    self._stop(above[block + 1] + came_by, (block << PAGEBLOCK_ORDER) + last)
                    return got
                stride = 1 if more else min(2 * stride, MOST_STRIDE)
                block, position = block - 1, top
            else:
                block = self.in_vain[block]
                if block < then:  # noqa: PLR1730 - max() takes longer than the rest of a leap
                    block = then
                number, stop = position + size - got, above[block + 1]
                if number <= stop:
                    return got + self._end(number) - position
                got, position = got + stop - position, stop
        self.block, self.position = block, position
        return got

    def scanned(self) -> int:
        """Pages looked at in all fills so far, those of captured blocks with them."""
        came_by = sum(self.suitable[self.block + 1 :]) * PAGEBLOCK_PAGES
        if self.suitable[-1] and self.block < len(self.suitable) - 1:
            came_by -= -self.pages % PAGEBLOCK_PAGES
        if self.position > self.above[self.block + 1]:  # it has captured some of this pageblock
            came_by += self.pfns[self.position - 1] % PAGEBLOCK_PAGES + 1
        return came_by - self.strode_over - self.sampled.strode_over

    def _end(self, number: int) -> int:
        """A fill ends with the free block of target ``number - 1``; returns the number of the next target."""
        if number > self.listed:
            raise _BelowListedError
        pfn = self.pfns[number - 1]
        if self.pairs[pfn >> 1]:  # a block of one page
            self._stop(number, pfn)
            return number
        end = self._block_end(pfn)
        number += end - 1 - pfn
        self._stop(number, end - 1)
        return number

    def _stop(self, number: int, last: int) -> None:
        """The next fill begins with this number, after PFN `last`: perhaps that was its pageblock's last page."""
        self.position = number
        self.block = (last >> PAGEBLOCK_ORDER) - ((last + 1) % PAGEBLOCK_PAGES == 0 or last + 1 == self.pages)

    def _block_end(self, pfn: int) -> int:
        """End of the free block, of order 1 to 8, that `pfn` lies in (PFN)."""
        if self.fours[pfn >> 2]:
            return (pfn | 1) + 1
        words, word, size = self.eights, pfn >> 3, 1
        if words[word]:
            return (pfn | 3) + 1
        while not any(words[word ^ size : (word ^ size) + size]):
            word &= ~size
            size *= 2
        return word + size << 3


def _go_through(batches: _Batches, scanner: _FreeScanner) -> Schedule:
    """Serve batch after batch until the scanners meet."""
    have = done = served = 0
    fill_ends: list[int] = []
    ends = np.cumsum(batches.size).tolist()
    rows = zip(batches.block.tolist(), batches.size.tolist(), batches.then.tolist(), ends, strict=True)
    for block, size, then, end in rows:
        if scanner.block <= block:
            break
        served += 1
        while have < end:
            more = scanner.fill(size, then)
            if not more:  # not enough pageblocks are left above the other scanner
                break
            have += more
            fill_ends.append(have)
        if have < end:
            done = have
            break
        done = end
    if scanner.position > scanner.listed:
        raise _BelowListedError
    return Schedule(batch_ends=np.array(ends[:served], np.int64), fill_ends=fill_ends, moved=done, blocks_moved=served)
