"""Pages that the scanners look at, counted by hand; test_arrays.py compares them with the stepwise run on any map."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.memory.arrays import ArrayRun, ArrayZone
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.zone import Migratetype, PageFrames, Zone
from tests.memory.maps import FREE, MOVABLE, UNMOVABLE


def scanned(states: np.ndarray, rules: str, types: np.ndarray | None = None) -> ArrayRun:
    """The whole-array run, after a look at what the stepwise one counts."""
    frames = PageFrames(len(states))
    frames.states[:] = states
    if types is not None:
        frames.block_types[:] = types
    run, steps = ArrayZone(states.copy(), rules, types).compact(), compact(CompactControl(Buddy(Zone(frames), rules)))
    assert (run.migrate_scanned, run.free_scanned) == (steps.migrate_scanned, steps.free_scanned)
    return run


REST = range(64, 512)


@pytest.mark.parametrize(
    ("movable", "fixed", "first", "second"),
    [
        ([*range(32)], [*REST], 32, 32 + 448),  # pages 0 to 63 are one block by then: the scan meets no head in it
        ([*range(1, 33)], [0, *REST], 33, 31 + 448),  # pages 32 to 63 are
        ([*range(32)], [32, *REST], 32, 1 + 5 + 448),  # blocks at 33, 34, 36, 40 and 48, which have not grown
        ([*range(32)], [], 32, 480),  # the whole pageblock is one block
        ([*range(128, 160)], [0], 1 + 7 + 32, 96 + 1),  # one up to 255; the next would be one with page 0
        ([*range(16), *range(144, 160)], [128], 16 + 3 + 1 + 4 + 16, 3),  # 160, 192, 256: the first is beside page 128
    ],
)
def test_a_second_batch_counts_blocks_that_lost_their_heads_page_by_page(
    movable: list[int], fixed: list[int], first: int, second: int
) -> None:
    states = np.full(4 * 512, UNMOVABLE, np.uint8)
    pageblock = states[512:1024]
    pageblock[:] = FREE
    pageblock[movable] = MOVABLE
    pageblock[fixed] = UNMOVABLE
    states[1536 : 1536 + 32] = FREE
    run = scanned(states, "6.1")
    assert (run.rounds, run.pages_moved) == (4, 32)
    assert run.migrate_scanned == 512 + first + second + 512
    assert run.free_scanned == 32  # one block


def test_the_upper_half_of_a_block_of_order_10_is_scanned_page_by_page() -> None:
    states = np.full(8 * 512, UNMOVABLE, np.uint8)
    states[512 : 4 * 512] = FREE
    states[1024] = MOVABLE
    states[7 * 512] = FREE
    run = scanned(states, "6.1")
    # Pageblock 1 is a block of order 9. Pageblock 2 holds blocks of order 0 to 8; when its page has moved it is one
    # block with pageblock 3, which thereby begins none.
    assert run.migrate_scanned == 512 + 1 + (1 + 9) + 512 + 3 * 512
    assert run.free_scanned == 1


def test_pages_that_the_free_scanner_strides_over_do_not_count() -> None:
    states = np.full(6 * 512, UNMOVABLE, np.uint8)
    states[0] = MOVABLE
    states[3 * 512 + 2] = FREE  # passed over by a stride of 4
    states[2 * 512 + 8 : 2 * 512 + 12] = FREE
    run = scanned(states, "6.1")
    assert run.pairs.tolist() == [[0, 2 * 512 + 11]]
    assert run.free_scanned == 512 + 256 + 128 + (1 + 4)  # the last with a stride of 8


def test_3_6_searches_again_from_the_highest_pageblock_that_gave_any() -> None:
    states = np.full(8 * 512, UNMOVABLE, np.uint8)
    states[:64] = MOVABLE
    states[[7 * 512, 7 * 512 + 2]] = FREE
    states[6 * 512 : 6 * 512 + 32] = FREE
    states[4 * 512 : 5 * 512] = FREE
    types = np.full(8, Migratetype.MOVABLE, np.uint8)
    types[[4, 5]] = Migratetype.UNMOVABLE  # 5 is not looked at, 4 begins a large block
    run = scanned(states, "3.6", types)
    once = (510 + 2) + (480 + 1)  # 34 pages, enough for the first batch
    assert run.free_scanned == once + (512 + 512 + 1)  # what was captured counts page by page the second time
    assert run.migrate_scanned == 4 * 512
    assert types[4] == Migratetype.MOVABLE


@pytest.mark.parametrize(("two_more", "again"), [(7, 512 + 512), (4, 0)])
def test_a_later_search_of_3_6_does_not_come_so_far_down(two_more: int, again: int) -> None:
    states = np.full(8 * 512, UNMOVABLE, np.uint8)
    states[:32] = MOVABLE
    states[3 * 512 : 3 * 512 + 8] = MOVABLE
    states[4 * 512 : 4 * 512 + 32] = FREE
    states[[two_more * 512 + 33, two_more * 512 + 35]] = FREE
    run = scanned(states, "3.6")
    assert (run.pages_moved, run.failed, run.complete) == (34, 6, False)
    # The last batch ends with pageblock 3, so its search may come to pageblock 6 only.
    assert run.free_scanned == 3 * 512 + (480 + 1) + again
    assert run.migrate_scanned == 4 * 512


def test_3_6_searches_both_halves_of_a_block_of_order_10_again_once_they_are_movable() -> None:
    states = np.full(10 * 512, UNMOVABLE, np.uint8)
    states[: 33 * 32] = MOVABLE
    states[4 * 512 : 4 * 512 + 32] = FREE
    states[6 * 512 : 8 * 512] = FREE
    states[[9 * 512, 9 * 512 + 2]] = FREE
    types = np.full(10, Migratetype.MOVABLE, np.uint8)
    types[[6, 7]] = Migratetype.UNMOVABLE  # so 7, which begins no block, is not looked at the first time
    run = scanned(states, "3.6", types)
    assert run.free_scanned == (512 + 512 + 0 + 1) + (4 * 512 + 512 + 481)  # 1026 pages for 32 batches; for the last
    assert types[[6, 7]].tolist() == [Migratetype.MOVABLE] * 2
