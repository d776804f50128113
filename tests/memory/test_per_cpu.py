"""Per-cpu lists: what is freed waits there, the oldest go back in growing batches (Linux 6.1, mm/page_alloc.c)."""

from __future__ import annotations

import pytest

from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.per_cpu import PerCpuLists
from balloonlab.memory.zone import PAGEBLOCK_PAGES, Migratetype, PageFrames, PageState, Zone


def full(pages: int = 4 * PAGEBLOCK_PAGES) -> Buddy:
    """A zone with every page in use."""
    frames = PageFrames(pages)
    frames.states[:] = PageState.MOVABLE
    return Buddy(Zone(frames))


def test_a_freed_page_is_free_to_nobody_until_the_lists_are_full() -> None:
    buddy = full()
    lists = PerCpuLists(buddy, count=0, high=8, batch=2)
    for pfn in range(7):
        lists.free(pfn)
    assert (lists.count, buddy.free_pages) == (7, 0)
    assert buddy.frames.state_of[0] == PageState.UNMOVABLE
    lists.free(7)
    assert (lists.count, buddy.free_pages) == (6, 2)
    assert [buddy.frames.state_of[pfn] == PageState.FREE for pfn in range(8)] == [True] * 2 + [False] * 6


def test_batches_double_up_to_all_but_one_batch() -> None:
    """nr_pcp_free with high 817 and batch 31, as a real guest of 512 MiB has them."""
    buddy = full()
    lists = PerCpuLists(buddy, count=70, high=817, batch=31)
    given, before = [], 0
    for number in range(1, 1 + buddy.zone.end):
        lists.free(number - 1)
        if buddy.free_pages != before:
            given.append((number, buddy.free_pages - before))
            before = buddy.free_pages
    assert given == [(747, 31), (778, 62), (840, 124), (964, 248), (1212, 496), (1708, 786 - 39)]  # 39 are not known
    assert lists.count == 70 + 2048 - 31 - 62 - 124 - 248 - 496 - 786


def test_pages_known_before_go_first_and_others_after_their_own_kind() -> None:
    buddy = full()
    buddy.frames.set_block_type(1, Migratetype.UNMOVABLE)
    lists = PerCpuLists(buddy, count=1, high=5, batch=4, known=[600, 100])
    assert lists.count == 2  # what is known is counted
    lists.free(0)
    lists.free(1)
    lists.free(2)  # due: 1, since a batch is left
    assert lists.count == 4
    assert buddy.frames.state_of[100] == PageState.FREE
    lists.high = 8
    lists.batch = 4
    for pfn in (3, 4, 5):
        lists.free(pfn)
    assert buddy.free_pages == 1
    lists.free(6)
    assert buddy.free_pages == 5
    assert buddy.frames.state_of[600] == PageState.UNMOVABLE  # its list is not the one of the page just freed


def test_without_lists_every_page_is_passed_on() -> None:
    buddy = full()
    lists = PerCpuLists(buddy, count=0, high=0, batch=1)
    for pfn in range(5):
        lists.free(pfn)
    assert (lists.count, buddy.free_pages, lists.take()) == (0, 5, [])


def test_pages_can_be_taken_off() -> None:
    buddy = full()
    lists = PerCpuLists(buddy, count=9, high=100, batch=10, known=[7])
    lists.free(3)
    assert lists.take() == [7, 3]
    assert (lists.count, lists.take(), buddy.free_pages) == (8, [], 0)


def test_compaction_frees_to_them() -> None:
    buddy = full()
    for pfn in range(2 * PAGEBLOCK_PAGES, 4 * PAGEBLOCK_PAGES, 2):
        buddy.free(pfn)
    free = buddy.free_pages
    lists = PerCpuLists(buddy, count=0, high=1 << 20, batch=1)
    result = compact(CompactControl(buddy, free=lists.free))
    assert result.pages_moved > 0
    assert lists.count >= result.pages_moved
    assert buddy.free_pages == free - lists.count
    assert set(result.pairs[:, 0].tolist()) <= set(lists.take())


@pytest.mark.parametrize("high", [1, 3, 4])
def test_high_near_batch(high: int) -> None:
    """Never more pages go back than there are, whatever the numbers say."""
    buddy = full()
    lists = PerCpuLists(buddy, count=0, high=high, batch=3)
    for pfn in range(20):
        lists.free(pfn)
        assert lists.count + buddy.free_pages == pfn + 1


def test_a_page_that_is_free_is_refused() -> None:
    buddy = full()
    lists = PerCpuLists(buddy, count=0, high=4, batch=3)
    buddy.free(600)
    with pytest.raises(BadValueError, match="PFN 600 is FREE"):
        lists.free(600)
    assert (lists.count, buddy.free_pages) == (0, 1)


def test_the_next_type_in_turn_gives_after_that_of_the_page_just_freed() -> None:
    buddy = full()
    kinds = (Migratetype.MOVABLE, Migratetype.RECLAIMABLE, Migratetype.UNMOVABLE)
    for block, kind in enumerate(kinds):
        buddy.frames.set_block_type(block, kind)
    lists = PerCpuLists(buddy, count=5, high=12, batch=5)
    for pfn in (512, 514, 1024, 1026, 0, 2):  # two of each, on pages that do not merge
        lists.free(pfn)
    lists.free(1028)  # of RECLAIMABLE's neighbour in turn, UNMOVABLE: its three, then MOVABLE's two
    assert lists.take() == [512, 514]
