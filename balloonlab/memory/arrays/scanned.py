"""How many pages the two scanners look at (migrate_scanned, free_scanned), from the page states before a run.

What is counted as one page depends on where free blocks begin. Of the pages in use it is plain; of the free ones it
follows from how many free blocks there are, for the set of free pages decides that. The rules are compact_control.py's
and free_scanner.py's; here is why no page has to be gone through.

6.1, for pages to move: a pageblock is scanned while only older batches have changed memory. So a free block below
order 9 counts once, but for the second batch of a pageblock: by then the first one's pages are free, and a block that
grew together with them begins below the scan. All of those are parts of one merged block, which ends at E; the scan
goes on at S in it, page by page. Before, the free pages from S to E were as many blocks as E - S has ones in binary
notation: the page below S was in use, and E is a multiple of the merged block's size. A pageblock that is free as a
whole counts once if it begins its block, else (the upper half of order 10, perhaps since a moment ago) page by page.

6.1, for targets: the scanner goes on where it stopped, and all of a captured block counts. So it is the distance that
it came, less the pageblocks that it leaves alone and the pages that it strides over (batches_61.py, sampled.py).

3.6, for pages to move: every page up to where the scan ends. For targets: a search goes on below the last one, after
it has gone once more through all from the highest pageblock that gave any. Both see what was there before the run: a
page freed since lies two pageblocks or more below every later search, too far to merge with anything there. What was
captured has targets in use by then, page by page; and it was made MOVABLE, if it was no such pageblock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from balloonlab.memory.arrays.census import CHUNK, Census
from balloonlab.memory.arrays.schedule import Targets
from balloonlab.memory.compact_control import COMPACT_CLUSTER_MAX
from balloonlab.memory.free_blocks import BOTH_HALVES
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype, PageState

_FREE, _HOLE = int(PageState.FREE), int(PageState.HOLE)


def migrate_scanned_61(census: Census, end: int, pfns: np.ndarray, cut: np.ndarray) -> int:
    """Of scans that came to PFN `end`: the end of a pageblock, or of the first batch in one.

    pfns: int32, the pages that may move, ascending, at least those below `end`. cut: where in `pfns` (int64) the first
    batch's last page is, of each pageblock that was scanned in two.
    """
    blocks = end >> PAGEBLOCK_ORDER
    whole, pairs = census.free[:blocks] == PAGEBLOCK_PAGES, blocks // 2 * 2
    empty = census.free[:blocks] + census.movable[:blocks] == PAGEBLOCK_PAGES  # by the time the next one is scanned
    upper = whole[1:pairs:2] & empty[0:pairs:2]
    spared = (int(np.count_nonzero(whole)) - int(np.count_nonzero(upper))) * (PAGEBLOCK_PAGES - 1)
    return end - spared - _spared(census.states[:end], whole) + _heads_lost(census.states, pfns, cut)


def _spared(states: np.ndarray, whole: np.ndarray) -> int:
    """Pages that are not counted if each free block below order 9 in these pageblocks counts once.

    whole: which pageblocks (bools) are free as a whole, and so hold no such block. A block of order k spares a page for
    each group of 2, 4, ... 2^k pages, aligned to its size, in it: 2^(k - 1) + ... + 2 + 1.
    """
    spared = -int(np.count_nonzero(whole)) * (PAGEBLOCK_PAGES - 2)
    end = len(states) >> PAGEBLOCK_ORDER << PAGEBLOCK_ORDER
    cut_off = np.full(PAGEBLOCK_PAGES, _HOLE, np.uint8)
    cut_off[: len(states) - end] = states[end:]
    for part in (*(states[low : min(low + CHUNK, end)] for low in range(0, end, CHUNK)), cut_off):
        for kind in (np.uint16, np.uint32, np.uint64):
            groups = part.view(kind) == _FREE
            spared += int(np.count_nonzero(groups))
        for _ in range(4, PAGEBLOCK_ORDER):
            groups = groups.view(np.uint16) == BOTH_HALVES
            spared += int(np.count_nonzero(groups))
    return spared


def _heads_lost(states: np.ndarray, pfns: np.ndarray, cut: np.ndarray) -> int:
    """Pages that the second batches' scans count beyond one a free block, as it has grown together with pages below.

    A merged block grows from the page where such a scan begins, by its buddy, order by order: a buddy above must be
    free, one below may also hold pages that the first batch moved.
    """
    begin = pfns[cut] + np.int64(1)
    some = np.flatnonzero(states[begin] == _FREE)
    begin, cut = begin[some], cut[some]
    low, moved = begin.copy(), np.zeros(len(begin), np.int64)  # the block's start; pages in use from there to `begin`
    reach = np.zeros(len(begin), np.int64)  # pages of a merged block from `begin` on
    alive = np.arange(len(begin))
    for order in range(PAGEBLOCK_ORDER):
        if not len(alive):
            break
        size = 1 << order
        groups = states[: len(states) >> order << order].reshape(-1, size)
        buddy, block = low[alive] ^ size, low[alive]
        above, below = np.flatnonzero(buddy > block), np.flatnonzero(buddy < block)
        joins = np.empty(len(alive), bool)
        joins[above] = ~groups.take(buddy[above] >> order, axis=0).view(f"u{min(size, 8)}").any(axis=1)
        down = alive[below]
        moved[down] += np.count_nonzero(groups.take(buddy[below] >> order, axis=0), axis=1)
        # All of them are the batch's if the page that is so many back in it is among them.
        back = np.minimum(moved[down], COMPACT_CLUSTER_MAX)
        joins[below] = (moved[down] <= COMPACT_CLUSTER_MAX) & (pfns[cut[down] + 1 - back] >= buddy[below])
        alive = alive[joins]
        low[alive] &= ~size
        reach[alive] = np.where(low[alive] < begin[alive], low[alive] + 2 * size - begin[alive], 0)
    return int(reach.sum()) - int(np.bitwise_count(reach).sum())


@dataclass(frozen=True)
class Searches:
    """3.6's searches for targets in order, the last one perhaps in vain (int64, pageblocks).

    again: where each but the first begins. least: the lowest that each may come to. last: the lowest that it and those
    before it have come to.
    """

    again: np.ndarray
    least: np.ndarray
    last: np.ndarray


def free_scanned_36(
    census: Census, block_types: np.ndarray, targets: Targets, captured: int, searches: Searches
) -> int:
    """Of these searches, which captured so many pages; block_types as before the run."""
    if not len(searches.last):
        return 0
    pages = np.full(len(block_types), PAGEBLOCK_PAGES)
    pages[-1] -= -len(census.states) % PAGEBLOCK_PAGES
    then = (block_types == Migratetype.MOVABLE) | targets.captured_whole(census.free, captured)
    below = np.append(0, np.cumsum(np.where(then, pages, 0)))
    high = np.minimum(searches.again + 1, len(pages))
    low = np.maximum(searches.last[:-1], searches.least[1:])
    again = int(np.maximum(below[high] - below[np.minimum(low, len(pages))], 0).sum())
    seen = slice(int(searches.last[-1]), None)
    states = census.states[seen.start << PAGEBLOCK_ORDER :]
    return again + _searched_once(
        states, pages[seen], census.free[seen], block_types[seen] == Migratetype.MOVABLE, targets.offered[seen]
    )


def _searched_once(
    states: np.ndarray, pages: np.ndarray, free: np.ndarray, movable: np.ndarray, offered: np.ndarray
) -> int:
    """What one search of some pageblocks counts; their types (MOVABLE or not), and what they offer, as before the run.

    One that is free as a whole counts once if it begins its block, whatever its type. It does not if it is the second
    half of a block of order 10, and offers nothing: then it is like one in use.
    """
    whole = free == PAGEBLOCK_PAGES
    begins = whole & (offered > 0)
    refused = ~movable & (free > 0)
    if refused.any():
        states = states.copy()
        rows = states[: len(states) >> PAGEBLOCK_ORDER << PAGEBLOCK_ORDER].reshape(-1, PAGEBLOCK_PAGES)
        rows[refused[: len(rows)]] = _HOLE
        if refused[-1]:
            states[(len(refused) - 1) << PAGEBLOCK_ORDER :] = _HOLE
    return int(pages[movable & ~begins].sum()) - _spared(states, whole & ~refused) + int(np.count_nonzero(begins))
