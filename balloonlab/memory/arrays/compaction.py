"""A full run of compaction at once: the plan of its rules carried out on the page states."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np

from balloonlab.memory.arrays.batches_36 import plan_36
from balloonlab.memory.arrays.batches_61 import plan_61
from balloonlab.memory.arrays.census import Census
from balloonlab.memory.arrays.schedule import Downward, Schedule, migrating
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compact_control import CompactControl
from balloonlab.memory.compaction import CompactResult, go_on
from balloonlab.memory.free_blocks import TOP_PAGES
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype, PageFrames, PageState, Zone

_FREE = int(PageState.FREE)
CHUNK = 1 << 17  # pairs moved together
PLANS = {"3.6": plan_36, "6.1": plan_61}


@dataclass(frozen=True)
class ArrayRun(CompactResult):
    """What a run did; pairs are int32 (k, 2).

    put_back: int32, pages isolated but not moved, in the order in which they are put back. released: int32, targets
    that were not needed, in the order of their release.
    """

    put_back: np.ndarray = field(repr=False, compare=False)
    released: np.ndarray = field(repr=False, compare=False)


def compact_arrays(
    states: np.ndarray,
    block_types: np.ndarray,
    rules: str,
    *,
    balloon_moves: bool = True,
    fixed: np.ndarray | None = None,
) -> ArrayRun:
    """Compact page states (uint8[pages], from PFN 0 on) in place, block_types too (3.6 may retag pageblocks).

    rules: "3.6" or "6.1". balloon_moves, fixed: see Census. After it every pair's old page is FREE.
    """
    census = Census(states, balloon_moves=balloon_moves, fixed=fixed)
    run, movable, targets = PLANS[rules](census, block_types)
    old, new = migrating(movable, run.batch_ends), targets.used(run.fill_ends)
    pairs = _move(census, movable, run, old, new)
    put_back, left = old.rest().astype(np.int32), new.rest().astype(np.int32)
    if rules == "3.6":
        block_types[targets.captured_whole(census.free, run.captured)] = Migratetype.MOVABLE
    if run.resume:
        return _page_by_page(states, block_types, run, pairs, left, balloon_moves=balloon_moves, fixed=fixed)
    return ArrayRun(
        pairs,
        run.rounds,
        run.blocks_moved,
        run.moved,
        len(put_back),
        run.migrate_scanned,
        run.free_scanned,
        run.complete,
        put_back,
        left,
    )


def _move(census: Census, movable: np.ndarray, run: Schedule, old: Downward, new: Downward) -> np.ndarray:
    """Move the run's pages, a chunk at a time; movable: as listed for the run. int32 (moved, 2): the pairs.

    The work goes through the same few arrays again and again: fresh memory is slow.
    """
    states = census.states
    pairs = np.empty((run.moved, 2), np.int32)
    words = pairs.view(np.int64)[:, 0]  # a pair written as one number: the source is its lower half
    size = min(CHUNK, run.moved)
    kinds, source, target = np.empty(size, np.uint8), np.empty(size, np.int64), np.empty(size, np.int64)
    for low in range(0, run.moved, CHUNK):
        word = words[low : low + CHUNK]
        count = len(word)
        sources, targets = old.next(count, source[:count]), new.next(count, target[:count])
        states[targets] = np.take(states, sources, out=kinds[:count], mode="clip")  # "raise" makes a copy
        np.left_shift(targets, 32, out=word)
        np.bitwise_or(word, sources, out=word)
    if sys.byteorder == "big":
        pairs = pairs[:, ::-1].copy()
    whole = int(np.searchsorted(run.batch_ends, run.moved, "right"))  # batches that moved as a whole
    ended = int(run.batch_ends[whole - 1]) if whole else 0
    census.leave(int(movable[ended - 1]) + 1 if ended else 0)
    states[pairs[ended:, 0]] = _FREE
    return pairs


class _Noting(CompactControl):
    """Notes the pages that are put back, in that order; moves_once: a BALLOON page that moved does not move again."""

    moves_once = False

    def begin(self) -> None:
        self.returned: list[int] = []
        super().begin()

    def moved(self, old: int, new: int, *, settled: bool = False, free_old: bool = True) -> None:
        super().moved(old, new, settled=settled, free_old=free_old)
        if self.moves_once and self.frames.state_of[new] == PageState.BALLOON:
            self.frames.set_state(new, PageState.UNMOVABLE)

    def put_back(self, pfn: int, *, settled: bool = False) -> None:
        self.returned.append(pfn)
        super().put_back(pfn, settled=settled)


def _page_by_page(
    states: np.ndarray,
    block_types: np.ndarray,
    run: Schedule,
    pairs: np.ndarray,
    held: np.ndarray,
    *,
    balloon_moves: bool,
    fixed: np.ndarray | None,
) -> ArrayRun:
    """The end of a run of 3.6 by the page-by-page code, on the stretch between its scanners; held: private list."""
    assert run.resume is not None
    migrate_pfn, free_pfn = run.resume
    base = migrate_pfn - migrate_pfn % TOP_PAGES
    top = min(free_pfn - free_pfn % TOP_PAGES + 2 * TOP_PAGES, len(states))
    frames = PageFrames(top - base)
    frames.states[:] = states[base:top]
    if fixed is not None:
        new = pairs[:, 1]
        new = new[(new >= base) & (new < top)] - base
        frames.states[new[frames.states[new] == PageState.BALLOON]] = PageState.UNMOVABLE  # moved in this run
        frames.states[(fixed[base:top] > 0) & (frames.states & 1 > 0)] = PageState.UNMOVABLE
    frames.states[held - base] = PageState.CAPTURED
    first, end = base >> PAGEBLOCK_ORDER, -(-top // PAGEBLOCK_PAGES)
    frames.block_types[:] = block_types[first:end]
    movable = (PageState.MOVABLE, PageState.BALLOON) if balloon_moves else (PageState.MOVABLE,)
    control = _Noting(Buddy(Zone(frames), "3.6"), movable_states=movable)
    control.moves_once = fixed is not None
    control.begin()
    control.migrate_pfn, control.free_pfn = migrate_pfn - base, free_pfn - base
    frames.links.fill(control.freepages, held - base)
    control.nr_freepages = len(held)
    more = np.array(go_on(control), np.int32).reshape(-1, 2) + np.int32(base)
    for old, new in more.tolist():
        states[new] = states[old]
        states[old] = PageState.FREE
    released = list(frames.links.walk(control.freepages))
    block_types[first:end] = frames.block_types
    return ArrayRun(
        np.concatenate((pairs, more)),
        run.rounds + control.rounds,
        run.blocks_moved + control.blocks_moved,
        run.moved + control.pages_moved,
        control.migrate_failed,
        run.migrate_scanned + control.migrate_scanned,
        run.free_scanned + control.free_scanned,
        control.complete(),
        np.array(control.returned, np.int32) + np.int32(base),
        np.array(released, np.int32) + np.int32(base),
    )
