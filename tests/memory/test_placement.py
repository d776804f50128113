"""Placements: page by page and as arrays against a slow, obvious choice; undo; whose pages are taken when."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from balloonlab.foundations.errors import UnknownNameError
from balloonlab.memory.arrays import ArrayZone
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.placement import PLACEMENTS, Placement, placement_named, splitmix64
from balloonlab.memory.zone import MAX_ORDER, Migratetype, PageFrames, PageState
from tests.memory.invariants import check_buddy
from tests.memory.maps import BALLOON, FREE, MOVABLE, UNMOVABLE, generators, page_map

MakeBuddy = Callable[..., Buddy]
CHOOSING = pytest.mark.parametrize("name", PLACEMENTS[1:])
RULES = pytest.mark.parametrize("rules", ["3.6", "6.1"])
_GAMMA = 0x9E3779B97F4A7C15


def mixed(state: int) -> int:
    """splitmix64 in whole numbers."""
    z = state % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def obvious(states: np.ndarray, name: str, seed: int) -> int | None:
    """The page that comes first: every aligned group of pages is looked at, the smallest free blocks first."""
    free = [state == FREE for state in states.tolist()]

    def whole(pfn: int, size: int) -> bool:
        return pfn + size <= len(free) and all(free[pfn : pfn + size])

    for order in range(MAX_ORDER):
        size = 2**order
        heads = [
            pfn
            for pfn in range(0, len(free), size)
            if whole(pfn, size) and (order == MAX_ORDER - 1 or not whole(pfn - pfn % (2 * size), 2 * size))
        ]
        if heads:
            start = mixed(seed + (order + 1) * _GAMMA)
            rank = {
                "lowest": lambda pfn: pfn,
                "highest": lambda pfn: -pfn,
                "random": lambda pfn: mixed(start + pfn * _GAMMA),  # noqa: B023
            }
            return min(heads, key=rank[name])
    return None


def lists(of: Buddy | ArrayZone) -> list[list[int]]:
    return [of.free_blocks(order, kind) for kind in Migratetype for order in range(MAX_ORDER)]


@CHOOSING
@given(generators)
@settings(max_examples=12, deadline=None)
def test_page_after_page_is_the_obvious_choice(name: str, make_buddy: MakeBuddy, rng: np.random.Generator) -> None:
    states = page_map(rng, 2)
    states = states[: int(rng.integers(1, len(states) + 1))].copy()
    seed = int(rng.integers(1 << 63))
    buddy, placement = make_buddy(states, "6.1"), Placement(name, seed)
    for _ in range(12):
        expected = obvious(buddy.frames.states, name, seed)
        assert placement.alloc(buddy) == expected
        if expected is not None:
            assert buddy.frames.states[expected] == PageState.IN_TRANSIT
        check_buddy(buddy)


@CHOOSING
@RULES
@given(generators)
@settings(max_examples=15, deadline=None)
def test_arrays_choose_what_one_by_one_is_chosen(
    rules: str, name: str, make_buddy: MakeBuddy, rng: np.random.Generator
) -> None:
    states = page_map(rng)
    types = rng.choice(3, -(-len(states) // 512), p=[0.2, 0.6, 0.2]).astype(np.uint8)
    seed = int(rng.integers(1 << 63))
    buddy, zone = make_buddy(states, rules, types=types), ArrayZone(states.copy(), rules, types.copy())
    placement = Placement(name, seed)
    for _ in range(3):
        count = int(rng.integers(0, len(states) + 1)) // int(rng.choice([1, 8]))
        taken = []
        while len(taken) < count and (pfn := placement.alloc(buddy)) is not None:
            buddy.frames.set_state(pfn, BALLOON)
            taken.append(pfn)
        assert zone.allocate(count, name, seed=seed).tolist() == taken
        assert np.array_equal(zone.states, buddy.frames.states)
        assert lists(zone) == lists(buddy)
        back = rng.permutation(np.flatnonzero(np.isin(states, [MOVABLE, UNMOVABLE])))[: int(rng.integers(0, 300))]
        back = back[zone.states[back] != FREE]
        zone.free(back)
        for pfn in back.tolist():
            buddy.free(pfn)
        if rng.random() < 0.5:  # then it goes on from lists that nobody asked for
            assert lists(zone) == lists(buddy)
    assert np.array_equal(zone.block_types, types)
    assert np.array_equal(buddy.frames.block_types, types)


@CHOOSING
def test_what_is_left_of_a_block_goes_to_the_lists_of_its_own_pageblocks(name: str, make_buddy: MakeBuddy) -> None:
    types = np.array([Migratetype.RECLAIMABLE, Migratetype.UNMOVABLE], np.uint8)
    buddy = make_buddy(np.zeros(1024), "6.1", types=types)
    zone = ArrayZone(np.zeros(1024, np.uint8), "6.1", types.copy())
    zone.free(zone.allocate(1, name))  # from here on the list of each block is kept
    assert buddy.free_blocks(10, Migratetype.UNMOVABLE) == [0]
    assert Placement(name).alloc(buddy) == zone.allocate(1, name)[0] == 0
    assert buddy.free_blocks(9, Migratetype.UNMOVABLE) == zone.free_blocks(9, Migratetype.UNMOVABLE) == [512]
    for order in range(9):
        assert buddy.free_blocks(order, Migratetype.RECLAIMABLE) == [1 << order]
        assert zone.free_blocks(order, Migratetype.RECLAIMABLE) == [1 << order]


@CHOOSING
def test_other_blocks_keep_their_places_on_their_lists(name: str, make_buddy: MakeBuddy) -> None:
    buddy = make_buddy(np.full(512, MOVABLE), "3.6")
    for pfn in (40, 8, 200, 96):
        buddy.free(pfn)
    taken = Placement(name).alloc(buddy)
    assert buddy.free_blocks(0) == [pfn for pfn in (96, 200, 8, 40) if pfn != taken]


@CHOOSING
@RULES
def test_isolated_pageblocks_keep_their_pages_and_reserved_ones_are_the_last(
    name: str, rules: str, make_buddy: MakeBuddy
) -> None:
    types = [Migratetype.ISOLATE, Migratetype.RESERVE, Migratetype.UNMOVABLE, Migratetype.RESERVE, Migratetype.ISOLATE]
    states = np.full(5 * 512, UNMOVABLE)
    states[[7, 600, 1030, 1031, 1700, 2100]] = FREE  # the smallest blocks are not the UNMOVABLE pageblock's
    buddy = make_buddy(states, rules, types=types)
    taken = [Placement(name).alloc(buddy) for _ in range(5)]
    assert taken[:2] == [1030, 1031]
    assert set(taken[2:]) == ({600, 1700, None} if rules == "3.6" else {None})
    assert buddy.frames.block_types.tolist() == types


@CHOOSING
def test_every_choice_can_be_taken_back(
    name: str, make_buddy: MakeBuddy, picture: Callable[[PageFrames], tuple]
) -> None:
    buddy = make_buddy(page_map(np.random.default_rng(4)), "6.1")
    placement, journal = Placement(name, 9), buddy.frames.journal
    journal.recording = True
    pictures, ends, taken = [picture(buddy.frames)], [0], []
    for _ in range(60):
        taken.append(placement.alloc(buddy))
        pictures.append(picture(buddy.frames))
        ends.append(len(journal))
    for step in range(59, 29, -1):
        journal.undo(ends[step], ends[step + 1])
        assert picture(buddy.frames) == pictures[step]
    journal.truncate(ends[30])
    assert [placement.alloc(buddy) for _ in range(30)] == taken[30:]  # nothing was remembered
    assert picture(buddy.frames) == pictures[60]


def test_a_zone_that_begins_amid_memory(make_buddy: MakeBuddy) -> None:
    buddy = make_buddy(np.zeros(2048), "6.1", 700, 1500)
    assert Placement("lowest").alloc(buddy) == 700  # of order 2; the zone ends with one of order 2, too
    assert Placement("highest").alloc(buddy) == 701
    buddy = make_buddy(np.zeros(2048), "6.1", 700, 1500)
    assert Placement("highest").alloc(buddy) == 1496


def test_numbers_are_drawn_as_splitmix64_draws_them() -> None:
    states = np.array([n * _GAMMA % 2**64 for n in (1, 2, 3)], np.uint64)
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]  # by a generator with seed 0
    assert splitmix64(states).tolist() == published
    assert [mixed(int(state)) for state in states] == published


def test_another_seed_or_order_draws_another_arrangement() -> None:
    heads = np.arange(0, 4096, 8)
    drawn = [Placement("random", seed).arranged(heads, order).tolist() for seed, order in ((1, 0), (2, 0), (1, 1))]
    assert all(sorted(each) == heads.tolist() for each in drawn)
    assert drawn[0] != drawn[1]
    assert drawn[0] != drawn[2]
    assert drawn[0] == Placement("random", 1).arranged(heads, 0).tolist()


def test_names() -> None:
    assert placement_named("lifo", 0) is None
    for name in ("best", None, 3):
        with pytest.raises(UnknownNameError, match="known: lifo, lowest, highest, random"):
            placement_named(name, 0)
    with pytest.raises(UnknownNameError, match="known: lowest"):
        Placement("lifo")
