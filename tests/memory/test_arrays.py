"""The whole-array zone against the stepwise allocator and compaction: maps, order of pages, pairs, lists, counters."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings

from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.memory.arrays import (
    ArrayRun,
    ArrayZone,
    batches_36,
    batches_61,
    census,
    compaction,
    list_order,
    schedule,
)
from balloonlab.memory.arrays.compaction import compact_arrays
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, CompactResult, compact
from balloonlab.memory.fragmentation import metrics
from balloonlab.memory.zone import MAX_ORDER, Migratetype, PageFrames, PageState, Zone
from tests.memory.invariants import check_buddy
from tests.memory.maps import BALLOON, FREE, MOVABLE, UNMOVABLE, generators, page_map

U, M = Migratetype.UNMOVABLE, Migratetype.MOVABLE
RULES = pytest.mark.parametrize("rules", ["3.6", "6.1"])


class Both:
    """The same zone twice: stepwise and as arrays."""

    def __init__(self, states: np.ndarray, rules: str, types: np.ndarray | None = None) -> None:
        frames = PageFrames(len(states))
        frames.states[:] = states
        if types is not None:
            frames.block_types[:] = types
        self.frames = frames
        self.buddy = Buddy(Zone(frames), rules)
        self.control = CompactControl(self.buddy)
        self.zone = ArrayZone(states.copy(), rules, None if types is None else types.copy())

    def allocate(self, count: int, migratetype: int = M) -> None:
        taken = []
        while len(taken) < count and (pfn := self.buddy.alloc(0, migratetype)) is not None:
            self.frames.set_state(pfn, BALLOON)
            taken.append(pfn)
        assert self.zone.allocate(count, migratetype=migratetype).tolist() == taken

    def free(self, pfns: np.ndarray) -> None:
        for pfn in pfns.tolist():
            self.buddy.free(pfn)
        self.zone.free(pfns)

    def compact(self) -> ArrayRun:
        steps, arrays = compact(self.control), self.zone.compact()
        assert np.array_equal(steps.pairs, arrays.pairs)
        for name in (field.name for field in fields(CompactResult) if field.name != "pairs"):
            assert getattr(steps, name) == getattr(arrays, name), name
        return arrays

    def same(self, *, lists: bool) -> None:
        assert np.array_equal(self.frames.states, self.zone.states)
        assert np.array_equal(self.frames.block_types, self.zone.block_types)
        assert metrics(self.buddy) == self.zone.metrics()
        if lists:
            for kind in Migratetype:
                for order in range(MAX_ORDER):
                    assert self.buddy.free_blocks(order, kind) == self.zone.free_blocks(order, kind), (kind, order)

    def go(self, rng: np.random.Generator, steps: int) -> None:
        self.same(lists=True)
        for _ in range(steps):
            which = int(rng.integers(3))
            if which == 0:
                self.allocate(int(rng.integers(0, len(self.frames.states))) // int(rng.choice([1, 8])))
            elif which == 1:
                used = np.flatnonzero(np.isin(self.frames.states, [MOVABLE, BALLOON]))
                some = rng.permutation(used)[: int(rng.integers(0, len(used) + 1)) // int(rng.choice([1, 8]))]
                self.free(some if rng.random() < 0.7 else np.sort(some))
            else:
                self.compact()
            self.same(lists=rng.random() < 0.5)  # asking for the lists settles them: not always
        check_buddy(self.buddy)


@RULES
@given(generators)
@settings(max_examples=40, deadline=None)
def test_a_zone_of_one_type(rules: str, rng: np.random.Generator) -> None:
    Both(page_map(rng), rules).go(rng, 5)


@RULES
@given(generators)
@settings(max_examples=40, deadline=None)
def test_a_zone_of_several_types_steals_as_the_stepwise_one_does(rules: str, rng: np.random.Generator) -> None:
    states = page_map(rng)
    types = rng.choice(3, -(-len(states) // 512), p=[0.25, 0.6, 0.15]).astype(np.uint8)
    if rng.random() < 0.2:
        types[:] = rng.choice([U, Migratetype.RECLAIMABLE])
    both = Both(states, rules, types)
    both.go(rng, 2)
    for kind in rng.permutation([U, M, Migratetype.RECLAIMABLE]).tolist():
        both.allocate(int(rng.integers(0, len(states))) // int(rng.choice([1, 4, 30])), kind)
        both.same(lists=rng.random() < 0.7)
        both.go(rng, 1)


@RULES
@given(generators)
@settings(max_examples=25, deadline=None)
def test_any_chunk_gives_the_same(rules: str, rng: np.random.Generator) -> None:
    with pytest.MonkeyPatch.context() as patch:
        chunk = int(rng.choice([512, 1024, 4096]))
        patch.setattr(census, "CHUNK", chunk)
        patch.setattr(compaction, "CHUNK", int(rng.integers(1, 2000)))
        # Few targets are listed: those of 6.1 sometimes too few, and listed again.
        patch.setattr(schedule, "_SPARE", 0 if rules == "6.1" else 1600)
        patch.setattr(batches_61, "_LISTED", 1)
        Both(page_map(rng), rules).go(rng, 4)


def test_targets_are_listed_again_if_too_many_were_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_SPARE", 0)
    monkeypatch.setattr(batches_61, "_LISTED", 1)
    listed: list[int] = []
    monkeypatch.setattr(schedule.Targets, "list_from", _noted(schedule.Targets.list_from, listed))
    for seed in range(60):
        both = Both(page_map(np.random.default_rng(seed)), "6.1")
        both.compact()
        both.same(lists=False)
    assert len(listed) > 60


@RULES
def test_a_long_life_winds_the_clock_of_the_lists_back(rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_order, "_LAST", 20_000)
    rng = np.random.default_rng(3)
    Both(page_map(rng), rules).go(rng, 25)


def test_opening_and_stealing_blocks_winds_the_clock_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    wound: list[int] = []
    monkeypatch.setattr(list_order.ListOrder, "_wind_back", _noted(list_order.ListOrder._wind_back, wound))
    for seed in range(30):
        rng = np.random.default_rng(seed)
        states = page_map(rng)
        types = rng.choice([U, M], -(-len(states) // 512)).astype(np.uint8)
        both = Both(states, "3.6" if seed % 2 else "6.1", types)
        both.zone.order.keep_kinds()
        for _ in range(20):
            # Room for what is left of one block, or for the lists of one type, at most.
            monkeypatch.setattr(list_order, "_LAST", both.zone.order._clock + int(rng.integers(1, 40)))
            both.allocate(int(rng.integers(1, 60)), int(rng.choice([U, M])))
            both.same(lists=True)
    assert len(wound) > 30


def test_scanners_of_3_6_that_overlap_are_left_to_the_stepwise_code(monkeypatch: pytest.MonkeyPatch) -> None:
    states = np.full(8192, UNMOVABLE, np.uint8)
    states[:20] = MOVABLE
    states[512 * 4 :: 171] = FREE  # three a pageblock: one fill takes seven pageblocks, the scan then comes to them
    went: list[int] = []
    monkeypatch.setattr(compaction, "_page_by_page", _noted(compaction._page_by_page, went))
    both = Both(states, "3.6")
    both.compact()
    both.same(lists=True)
    assert went
    again = Both(states, "3.6").zone.compact().pairs
    assert set(again[:, 0].tolist()) & set(again[:, 1].tolist())  # one page moves twice


def _noted(function: object, went: list[int]) -> object:
    def call(*args: object, **kwargs: object) -> object:
        went.append(1)
        return function(*args, **kwargs)

    return call


def test_the_reference_vector_of_a_full_run() -> None:
    """16 pageblocks, every fourth page freed, 1,024 ballooned, the rest given back: 672 pages move in 29 rounds."""
    zone = ArrayZone(np.full(8192, MOVABLE, np.uint8), "3.6")
    zone.free(np.arange(0, 8192, 4))
    zone.allocate(1024)
    zone.free(np.flatnonzero(zone.states == MOVABLE))
    assert zone.metrics().counts == (1024, 1024, 0, 0, 0, 0, 0, 0, 0, 0, 4)
    run = zone.compact()
    assert (run.pages_moved, run.rounds, run.blocks_moved) == (672, 29, 29)
    assert zone.metrics().counts == (128, 128, 0, 0, 0, 0, 0, 1, 0, 1, 6)


def test_only_what_may_move_moves() -> None:
    rng = np.random.default_rng(5)
    states = page_map(rng)
    states[states == MOVABLE] = rng.choice([MOVABLE, BALLOON], np.count_nonzero(states == MOVABLE))
    fixed = (rng.random(len(states)) < 0.2).astype(np.uint8)
    zone = ArrayZone(states.copy())
    assert not np.isin(zone.compact(balloon_moves=False).pairs[:, 0], np.flatnonzero(states == BALLOON)).any()
    zone = ArrayZone(states.copy())
    assert not fixed[zone.compact(fixed=fixed).pairs[:, 0]].any()


@RULES
@given(generators)
@settings(max_examples=100, deadline=None)
def test_a_fixed_page_is_like_one_that_never_moves(rules: str, rng: np.random.Generator) -> None:
    states = page_map(rng, 40)
    stays = (states == MOVABLE) & (rng.random(len(states)) < rng.choice([0.02, 0.2, 0.7]))
    fixed = stays.astype(np.uint8)
    one, other = states.copy(), np.where(stays, UNMOVABLE, states).astype(np.uint8)
    types = np.full(-(-len(states) // 512), M, np.uint8)
    runs = compact_arrays(one, types.copy(), rules, fixed=fixed), compact_arrays(other, types.copy(), rules)
    for name in (field.name for field in fields(ArrayRun)):
        assert np.array_equal(getattr(runs[0], name), getattr(runs[1], name)), name
    assert np.array_equal(one, np.where(stays, MOVABLE, other))


def test_policies_without_lists_keep_a_byte_a_page() -> None:
    zone = ArrayZone(np.zeros(1 << 16, np.uint8))
    zone.allocate(9999, "lowest")
    assert zone.order.numbers is None
    assert zone.order.kinds is None


def test_what_is_no_zone_at_rest_is_refused() -> None:
    for states in (np.array([PageState.IN_TRANSIT], np.uint8), np.zeros(4, np.int64), np.zeros((2, 2), np.uint8)):
        with pytest.raises(BadValueError, match="states"):
            ArrayZone(states)
    with pytest.raises(BadValueError, match="block_types"):
        ArrayZone(np.zeros(512, np.uint8), block_types=np.array([Migratetype.RESERVE], np.uint8))
    with pytest.raises(UnknownNameError, match=r"3\.6, 6\.1"):
        ArrayZone(np.zeros(512, np.uint8), "2.4")
    with pytest.raises(UnknownNameError, match="'best'; known: lifo, lowest, highest, random"):
        ArrayZone(np.zeros(512, np.uint8)).allocate(1, "best")
    with pytest.raises(BadValueError, match="count"):
        ArrayZone(np.zeros(512, np.uint8)).allocate(-1)


def test_scans_know_an_unmovable_pageblock() -> None:
    assert batches_36.PAGEBLOCK_PAGES == 512
    states = np.full(4096, MOVABLE, np.uint8)
    states[512:1024] = UNMOVABLE
    states[3000:] = FREE
    both = Both(states, "3.6")
    both.compact()
    both.same(lists=True)
