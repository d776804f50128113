"""Pageblocks looked at with a stride, against the page-by-page free scanner."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from balloonlab.memory.arrays.sampled import Sampled
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compact_control import CompactControl
from balloonlab.memory.free_scanner import isolate_freepages_block
from balloonlab.memory.zone import PAGEBLOCK_PAGES, PageFrames, Zone
from tests.memory.maps import FREE, MOVABLE


def frames_with(states: np.ndarray) -> tuple[Buddy, CompactControl]:
    frames = PageFrames(len(states))
    frames.states[:] = states
    buddy = Buddy(Zone(frames))
    control = CompactControl(buddy)
    control.begin()
    return buddy, control


def random_states(seed: int, pages: int) -> np.ndarray:
    """Free pages of any density, in runs of any length, the ends of the pageblock among them now and then."""
    rng = np.random.default_rng(seed)
    states = np.full(pages, MOVABLE, np.uint8)
    for _ in range(int(rng.integers(1, 60))):
        at = int(rng.integers(-20, pages))
        length = int(rng.choice([1, 1, 1, 2, 3, 8, 30, 140]))
        states[max(at, 0) : at + length] = FREE
    states[:: PAGEBLOCK_PAGES // 2] = MOVABLE  # no free block of order 9
    states[rng.permutation(pages)[: int(rng.integers(0, 3))]] = FREE
    if rng.random() < 0.3:
        states[-1] = FREE
    return states


@given(st.integers(0, 2**32), st.sampled_from([2, 4, 8, 16, 32]), st.integers(1, 500), st.integers(0, 511))
@example(0, 8, 401, 0)
@settings(max_examples=400, deadline=None)
def test_a_stride_finds_what_the_page_by_page_scanner_finds(seed: int, stride: int, wanted: int, cut: int) -> None:
    pages = 3 * PAGEBLOCK_PAGES - cut  # the last pageblock may be a part of one
    states = random_states(seed, pages)
    block = seed % 3
    start, stop = block * PAGEBLOCK_PAGES, min((block + 1) * PAGEBLOCK_PAGES, pages)
    buddy, control = frames_with(states)
    orders = buddy.frames.orders.copy()
    if (orders[start:stop] >= 9).any():
        return
    control.nr_migratepages = wanted
    position = isolate_freepages_block(control, start, stop, whole=False, stride=stride)
    captured = sorted(buddy.links.walk(control.freepages))

    def block_end(pfn: int) -> int:
        head = max(int(head) for head in np.flatnonzero(orders >= 0) if head <= pfn)
        return head + (1 << int(orders[head]))

    sampled = Sampled(states, block_end)
    got, last, free_pages = sampled.look(block, stride, wanted)
    assert got == len(captured)
    if got >= wanted:
        assert start + last == captured[-1]
        assert min(start + last + 1, stop) == position
        assert free_pages == np.count_nonzero(states[start:position] == FREE)
    else:
        assert free_pages == np.count_nonzero(states[start:stop] == FREE)
        assert last == PAGEBLOCK_PAGES - 1

    free = np.flatnonzero(states == FREE)
    above = np.append(np.cumsum([np.count_nonzero(free >> 9 == b) for b in (2, 1, 0)])[::-1], 0)
    rank = {int(pfn): int(above[block + 1]) + i for i, pfn in enumerate(free[free >> 9 == block])}
    end = start + last + 1
    passed = [rank[pfn] for pfn in rank if pfn < end and pfn not in captured]
    assert sampled.passed_over(above).tolist() == passed
