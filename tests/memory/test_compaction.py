from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.fragmentation import metrics
from balloonlab.memory.workloads import apply_workload, release
from balloonlab.memory.zone import Migratetype, PageFrames, PageState, Zone
from tests.memory.invariants import check_buddy

FREE, MOVABLE, UNMOVABLE, BALLOON = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON
U, M, R, RESERVE, ISOLATE = Migratetype
RULES = pytest.mark.parametrize("rules", ["3.6", "6.1"])


def free_lists(buddy: Buddy) -> dict[int, int]:
    return {order: count for order, count in enumerate(buddy.block_counts()) if count}


def reference() -> Buddy:
    """16 pageblocks, every fourth page a hole, 1024 balloon pages in the holes, the workload gone."""
    buddy = Buddy(Zone(PageFrames(8192)), "3.6")
    apply_workload(buddy, "holes", every=4)
    assert (metrics(buddy).fragmentation_index(), metrics(buddy).unusable_free_index()) == (998, 1000)
    assert free_lists(buddy) == {0: 2048}
    for _ in range(1024):
        buddy.frames.set_state(buddy.alloc(0, M), BALLOON)
    assert (metrics(buddy).fragmentation_index(), metrics(buddy).unusable_free_index()) == (998, 1000)
    assert free_lists(buddy) == {0: 1024}
    release(buddy)
    found = metrics(buddy)
    assert (found.free_pages, found.free_huge_pages) == (7168, 8)
    assert (found.fragmentation_index(), found.unusable_free_index()) == (-1000, 428)
    assert free_lists(buddy) == {0: 1024, 1: 1024, 10: 4}
    return buddy


def balloon_blocks(buddy: Buddy) -> int:
    return len(set(np.flatnonzero(buddy.frames.states == BALLOON) >> 9))


def test_reference_vector_balloon_pages_movable() -> None:
    buddy = reference()
    assert balloon_blocks(buddy) == 8
    result = compact(CompactControl(buddy))
    check_buddy(buddy)
    found = metrics(buddy)
    assert (found.free_pages, found.free_huge_pages) == (7168, 13)
    assert (found.fragmentation_index(), found.unusable_free_index()) == (-1000, 71)
    assert free_lists(buddy) == {0: 128, 1: 128, 7: 1, 9: 1, 10: 6}
    assert (result.pages_moved, result.rounds, result.blocks_moved, result.failed) == (672, 29, 29, 0)
    assert result.complete
    assert result.pairs.shape == (672, 2)
    assert result.pairs.dtype == np.int64
    assert balloon_blocks(buddy) == 3
    assert str(result).startswith("672 pages moved, 0 failed, in 29 rounds (compact_blocks_moved 29); scanned")


def test_reference_vector_balloon_pages_not_movable() -> None:
    buddy = reference()
    before = [buddy.free_blocks(o) for o in range(11)]
    result = compact(CompactControl(buddy, movable_states=[MOVABLE]))
    assert (result.pages_moved, len(result.pairs)) == (0, 0)
    assert [buddy.free_blocks(o) for o in range(11)] == before
    assert balloon_blocks(buddy) == 8


def test_3_6_counted_by_hand(make_buddy: Callable[..., Buddy]) -> None:
    states = np.zeros(2048)
    states[[3, 5, 1600]] = MOVABLE
    buddy = make_buddy(states, "3.6")
    result = compact(CompactControl(buddy))
    # The batch is 5, 3; pageblock 3 gives all its 511 free pages, and the last of them is used first.
    assert result.pairs.tolist() == [[5, 2047], [3, 2046]]
    assert (result.rounds, result.blocks_moved, result.pages_moved, result.failed) == (3, 3, 2, 0)
    assert result.migrate_scanned == 1536  # page by page, free ones too
    assert result.free_scanned == 10  # 9 free blocks and the used page 1600
    assert free_lists(buddy) == {0: 1, 1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 9: 1, 10: 1}
    check_buddy(buddy)


def test_6_1_counted_by_hand(make_buddy: Callable[..., Buddy]) -> None:
    states = np.zeros(1536)
    states[[3, 5, 1200]] = MOVABLE
    buddy = make_buddy(states, "6.1")
    result = compact(CompactControl(buddy))
    # Only the order-7 block at 1024 is taken; its last page is used first.
    assert result.pairs.tolist() == [[5, 1151], [3, 1150]]
    assert (result.rounds, result.blocks_moved, result.pages_moved, result.complete) == (2, 1, 2, True)
    # Pageblock 0: 0-1, 2, 3, 4, 5, 6-7, 8-15 and so on to 256-511. Emptied, it made pageblock 1 the middle of an
    # order-10 block, where no free block begins: 512 pages one by one.
    assert result.migrate_scanned == 12 + 512
    assert result.free_scanned == 128
    assert buddy.free_blocks(10) == [0]
    check_buddy(buddy)


def test_3_6_needs_room_between_the_scanners(make_buddy: Callable[..., Buddy]) -> None:
    states = np.zeros(1536)
    states[[3, 5]] = BALLOON
    buddy = make_buddy(states, "3.6")
    result = compact(CompactControl(buddy))
    assert (result.pages_moved, result.failed, result.complete) == (0, 2, False)
    assert str(result).endswith("no target page was left")
    assert np.flatnonzero(buddy.frames.states == BALLOON).tolist() == [3, 5]
    check_buddy(buddy)


def test_completely_free_pageblocks_are_targets_in_3_6_only(make_buddy: Callable[..., Buddy]) -> None:
    states = np.zeros(4096)
    states[:40] = MOVABLE
    states[2050] = UNMOVABLE
    old, new = make_buddy(states, "3.6"), make_buddy(states, "6.1")
    assert compact(CompactControl(old)).pairs[0].tolist() == [31, 4095]
    assert compact(CompactControl(new)).pairs[:, 1].max() < 2560


@pytest.mark.parametrize(("kind", "moves"), [(M, True), (U, False), (R, False), (RESERVE, False), (ISOLATE, False)])
@RULES
def test_targets_are_in_movable_pageblocks(
    make_buddy: Callable[..., Buddy], rules: str, kind: int, *, moves: bool
) -> None:
    states = np.full(2048, UNMOVABLE)
    states[3], states[1600:1700] = MOVABLE, FREE
    buddy = make_buddy(states, rules, types=[M, M, M, kind])
    assert compact(CompactControl(buddy)).pages_moved == int(moves)
