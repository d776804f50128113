from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.buddy_events import Stole, Took
from balloonlab.memory.zone import Migratetype, PageFrames, PageState, Zone
from tests.memory.invariants import check_buddy

U, M, R, RESERVE, ISOLATE = Migratetype
RULES = pytest.mark.parametrize("rules", ["3.6", "6.1"])

# A zone of two to five pageblocks, cut anywhere, its free memory scattered in one of several densities.
spans = st.tuples(st.integers(0, 700), st.integers(900, 2100)).map(lambda t: (t[0], t[0] + t[1]))
operations = st.lists(
    st.tuples(
        st.sampled_from(["alloc", "alloc", "free", "many", "isolate"]),
        st.integers(0, 10),
        st.sampled_from([U, M, R]),
        st.integers(0, 10**6),
    ),
    max_size=40,
)


def scattered(seed: int, pages: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    run = rng.integers(1, 3 ** rng.integers(1, 7), pages)
    return (np.repeat(rng.random(pages) < rng.random(), run)[:pages]).astype(np.uint8)  # FREE or MOVABLE


@pytest.fixture
def sixteen() -> Buddy:
    return Buddy(Zone(PageFrames(16)), "3.6")


def test_counted_by_hand(sixteen: Buddy) -> None:
    assert sixteen.block_counts() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    steps = list(map(str, sixteen.alloc_steps(0, M)))
    assert steps == [
        "took the order-4 block at PFN 0 for MOVABLE",
        "split order 4 at PFN 0: upper half PFN 8 goes to the order-3 list",
        "split order 3 at PFN 0: upper half PFN 4 goes to the order-2 list",
        "split order 2 at PFN 0: upper half PFN 2 goes to the order-1 list",
        "split order 1 at PFN 0: upper half PFN 1 goes to the order-0 list",
    ]
    assert [sixteen.free_blocks(o) for o in range(4)] == [[1], [2], [4], [8]]
    assert sixteen.free_pages == 15
    assert sixteen.frames.states[:2].tolist() == [PageState.IN_TRANSIT, PageState.FREE]
    steps = list(map(str, sixteen.free_steps(0)))
    assert steps == [
        "merged PFN 0 and its buddy PFN 1 into order 1",
        "merged PFN 0 and its buddy PFN 2 into order 2",
        "merged PFN 0 and its buddy PFN 4 into order 3",
        "merged PFN 0 and its buddy PFN 8 into order 4",
        "put PFN 0 at the head of the order-4 list of MOVABLE",
    ]
    assert sixteen.block_counts() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_last_in_first_out_but_a_block_about_to_merge_goes_to_the_tail(sixteen: Buddy) -> None:
    assert [sixteen.alloc(0, M) for _ in range(16)] == list(range(16))
    assert sixteen.alloc(0, M) is None
    sixteen.free(2, 1)
    sixteen.free(8)
    steps = list(sixteen.free_steps(0))  # its parent 0..1 has the free buddy 2..3
    assert str(steps[-1]) == "put PFN 0 at the tail of the order-0 list of MOVABLE"
    sixteen.free(12)
    assert sixteen.free_blocks(0) == [12, 8, 0]
    assert sixteen.alloc(0, M) == 12
    check_buddy(sixteen)


def test_a_request_steals_by_the_rules_of_its_kernel(make_buddy: Callable[..., Buddy]) -> None:
    states = np.full(1024, PageState.MOVABLE)
    states[[*range(16), 20, 22]] = PageState.FREE
    old, new = make_buddy(states, "3.6"), make_buddy(states, "6.1")
    (stole, *_) = old.alloc_steps(0, U)
    assert str(stole) == "stole the order-4 block at PFN 0 from MOVABLE for UNMOVABLE: 18 free pages moved"
    assert old.free_blocks(0, U) == [1, 22, 20]  # moved to heads, ascending; then the remainder of the split
    assert new.alloc(0, U) == 20  # 6.1 moved to tails, and began again with the smallest block
    assert new.free_blocks(0, U) == [22]
    assert new.free_blocks(4, U) == [0]
    assert set(old.frames.block_types) == set(new.frames.block_types) == {M}


def test_6_1_claims_a_pageblock_whose_used_pages_are_of_the_same_kind(make_buddy: Callable[..., Buddy]) -> None:
    states = np.full(1024, PageState.UNMOVABLE)
    states[:16] = PageState.FREE
    buddy = make_buddy(states, "6.1")
    (stole, *_) = buddy.alloc_steps(0, U)
    assert (stole.pages_moved, stole.retagged) == (16, True)
    assert buddy.frames.block_types.tolist() == [U, M]
    assert str(stole).endswith("16 free pages moved, pageblock retagged")
    states[200] = PageState.BALLOON
    states[300:540] = PageState.MOVABLE
    buddy = make_buddy(states, "6.1")
    buddy.alloc(0, U)
    assert buddy.frames.block_types.tolist() == [U, M]  # 16 free and 283 unmovable pages
    states[201:300] = PageState.MOVABLE
    buddy = make_buddy(states, "6.1")
    buddy.alloc(0, U)
    assert buddy.frames.block_types.tolist() == [M, M]


def test_a_movable_request_leaves_large_blocks_alone_in_6_1_only(make_buddy: Callable[..., Buddy]) -> None:
    states = np.full(1024, PageState.UNMOVABLE)
    states[[*range(8), 20]] = PageState.FREE
    old, new = (make_buddy(states, rules, types=[U, U]) for rules in ("3.6", "6.1"))
    assert old.alloc(0, M) == 0
    assert [old.free_blocks(o, M) for o in range(3)] == [[1], [2], [4]]
    assert new.alloc(0, M) == 20
    assert new.free_blocks(3, U) == [0]


def test_the_reserve_is_the_last_resort_of_3_6(make_buddy: Callable[..., Buddy]) -> None:
    states = np.zeros(512)
    old, new = (make_buddy(states, rules, types=[RESERVE]) for rules in ("3.6", "6.1"))
    steps = list(map(str, old.alloc_steps(8, U)))
    assert steps[0] == "took the order-9 block at PFN 0 for RESERVE"
    assert old.free_blocks(8, RESERVE) == [256]
    assert new.alloc(0, U) is None


def test_a_pageblock_cut_by_the_zones_end_moves_no_pages(make_buddy: Callable[..., Buddy]) -> None:
    states = np.full(700, PageState.MOVABLE)
    states[[*range(512, 528), 530]] = PageState.FREE
    old, new = make_buddy(states, "3.6"), make_buddy(states, "6.1")
    (stole, *_) = old.alloc_steps(0, U)
    assert (stole.pages_moved, stole.retagged) == (0, False)
    assert old.free_blocks(0, U) == [513]
    assert old.free_blocks(0, M) == [530]
    (stole, *_) = new.alloc_steps(0, U)
    assert stole.pages_moved == 16  # the block alone
    check_buddy(old)
    check_buddy(new)


def test_reference_vector_of_placement() -> None:
    taken, types = [], []
    for kind in (U, M):
        buddy = Buddy(Zone(PageFrames(8192)), "3.6")
        steals = [event for _ in range(1500) for event in buddy.alloc_steps(0, kind) if isinstance(event, Stole)]
        pages = np.flatnonzero(buddy.frames.states == PageState.IN_TRANSIT).tolist()
        taken.append(pages)
        types.append((buddy.frames.block_types.tolist(), [(s.pfn, s.order, s.retagged) for s in steals]))
    assert taken[0] == taken[1] == [*range(6144, 6144 + 476), *range(7168, 8192)]
    assert types[0] == ([M] * 12 + [U] * 4, [(7168, 10, True), (6144, 10, True)])
    assert types[1] == ([M] * 16, [])


@RULES
def test_one_by_one_from_the_last_list_head_on(rules: str) -> None:
    buddy = Buddy(Zone(PageFrames(8192)), rules)
    got = [buddy.alloc(0, M) for _ in range(1500)]
    assert got == [*range(7168, 8192), *range(6144, 6144 + 476)]


@RULES
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_equal_to_the_naive_allocator_after_every_operation(
    rules: str, data: st.DataObject, make_buddy: Callable[..., Buddy], from_states: Callable, lists: Callable
) -> None:
    start, end = data.draw(spans)
    blocks = -(-end // 512)
    types = data.draw(st.lists(st.sampled_from([M, M, U, R, RESERVE, ISOLATE]), min_size=blocks, max_size=blocks))
    states = scattered(data.draw(st.integers(0, 10**6)), end)
    buddy = make_buddy(states, rules, start, end, types)
    naive = from_states(states, start, end, rules, types)
    assert lists(buddy) == naive.lists
    used = [(p, 0) for p in range(start, end) if states[p]]
    for kind, order, migratetype, pick in data.draw(operations):
        if kind in ("alloc", "many"):
            size = 0 if kind == "many" else order
            for _ in range(pick % 300 if kind == "many" else 1):
                pfn = buddy.alloc(size, migratetype)
                assert pfn == naive.alloc(size, migratetype)
                if pfn is None:
                    break
                used.append((pfn, size))
                if migratetype == M:
                    for page in range(pfn, pfn + 2**size):
                        buddy.frames.set_state(page, PageState.MOVABLE)
                        naive.movable.add(page)
        elif kind == "free" and used:
            pfn, size = used.pop(pick % len(used))
            buddy.free(pfn, size)
            naive.free(pfn, size)
        elif kind == "isolate" and (heads := [p for o in range(11) for p in buddy.free_blocks(o)]):
            pfn = heads[pick % len(heads)]
            size = buddy.isolate_block(pfn)
            assert size == naive.isolate(pfn)
            used.append((pfn, size))
        assert lists(buddy) == naive.lists
        assert buddy.frames.block_types.tolist() == naive.types
        check_buddy(buddy)


@RULES
@given(seed=st.integers(0, 10**6), ops=operations)
@settings(max_examples=40, deadline=None)
def test_undo_restores_everything_and_redo_repeats_it(
    rules: str, seed: int, ops: list, make_buddy: Callable[..., Buddy], picture: Callable
) -> None:
    buddy = make_buddy(scattered(seed, 2048), rules)
    frames, journal = buddy.frames, buddy.frames.journal
    journal.recording = True
    before, pictures, used = picture(frames), [], []
    for kind, order, migratetype, pick in ops:
        if kind == "free" and used:
            buddy.free(*used.pop(pick % len(used)))
        elif (pfn := buddy.alloc(order, migratetype)) is not None:
            used.append((pfn, order))
        pictures.append((len(journal), picture(frames)))
    length = len(journal)
    journal.undo(0, length)
    assert picture(frames) == before
    at = 0
    for stop, seen in pictures:
        journal.redo(at, stop)
        assert picture(frames) == seen
        at = stop
    check_buddy(buddy)


@RULES
def test_steps_and_calls_are_one_text(rules: str, lists: Callable) -> None:
    stepped, called = (Buddy(Zone(PageFrames(4096)), rules) for _ in range(2))
    for order in (0, 3, 9, 0, 5):
        pfn = called.alloc(order, U)
        (took,) = [event for event in stepped.alloc_steps(order, U) if isinstance(event, Took)]
        assert took.pfn == pfn
        for _ in stepped.free_steps(pfn, order):
            pass
        called.free(pfn, order)
        assert lists(called) == lists(stepped)


def test_refused_and_unchanged(picture: Callable) -> None:
    frames = PageFrames(2048)
    frames.states[1500] = PageState.HOLE
    buddy = Buddy(Zone(frames, 100, 1900), "3.6")
    pfn, half = buddy.alloc(1, M), buddy.alloc(3, M)
    buddy.free(half, 2)
    before = picture(frames)
    for order in (-1, 11, 1.5, True, None):
        with pytest.raises(BadValueError, match=r"order is .* from 0 to 10"):
            buddy.alloc(order, M)
    for kind in (RESERVE, ISOLATE, 7, None):
        with pytest.raises(BadValueError, match="0 UNMOVABLE, 1 MOVABLE, 2 RECLAIMABLE"):
            buddy.alloc(0, kind)
    for bad, order, text in [
        (99, 0, "PFN is 99; it must be a whole number from 100 to 1,899"),
        (1900, 0, "Those are the pages of zone 'Normal'"),
        ("7", 0, "PFN is '7'"),
        (200, 0, "PFN 200 is free already; was it freed twice"),
        (1500, 0, "no memory"),
        (pfn, 11, "order is 11"),
        (pfn + 1, 1, "begins at a multiple of 2"),
        (1536, 9, "reaches beyond the zone"),
        (half, 3, f"PFN {half} is free already"),
    ]:
        with pytest.raises(BadValueError, match=text):
            buddy.free(bad, order)
        with pytest.raises(BadValueError, match=text):
            buddy.free_steps(bad, order)
    for bad in (pfn, 99):
        with pytest.raises(BadValueError):
            buddy.isolate_block(bad)
    with pytest.raises(BadValueError):
        buddy.nr_free(11)
    with pytest.raises(BadValueError):
        buddy.free_blocks(0, 5)
    assert picture(frames) == before
    with pytest.raises(UnknownNameError, match=r"known: 3\.6, 6\.1"):
        Buddy(Zone(PageFrames(16)), "4.19")


def test_numpy_numbers_are_numbers(make_buddy: Callable[..., Buddy]) -> None:
    buddy = make_buddy(np.ones(64), "6.1")
    buddy.free(np.int64(3))
    buddy.free(np.int32(8), np.uint8(2))
    assert buddy.free_blocks(0) == [3]
    assert buddy.free_blocks(2) == [8]


def test_an_isolated_half_pageblock_turns_movable(make_buddy: Callable[..., Buddy]) -> None:
    types = [U, RESERVE, ISOLATE, U]
    states = np.zeros(2048)
    states[256:512] = PageState.MOVABLE
    for rules, after in (("3.6", [M, M, ISOLATE, M]), ("6.1", [M, RESERVE, ISOLATE, M])):
        buddy = make_buddy(states, rules, types=types)
        heads = sorted(p for o in range(11) for p in buddy.free_blocks(o))
        assert heads == ([0, 512, 1024] if rules == "3.6" else [0, 512, 1024, 1536])
        for pfn in heads:
            buddy.isolate_block(pfn)
        assert buddy.frames.block_types.tolist() == after
        assert buddy.free_pages == 0
        assert (buddy.frames.states == PageState.CAPTURED).sum() == 1792


def test_two_zones_do_not_merge_and_a_new_buddy_reuses_the_lists() -> None:
    frames = PageFrames(2048)
    low, high = Buddy(Zone(frames, 0, 768, "DMA"), "3.6"), Buddy(Zone(frames, 768, 2048, "Normal"), "3.6")
    assert low.block_counts()[8:] == [1, 1, 0]
    assert high.block_counts()[8:] == [1, 0, 1]
    used = len(frames.links.heads)
    again = Buddy(Zone(frames, 0, 768, "DMA"), "6.1")
    assert len(frames.links.heads) == used
    assert frames.values["DMA nr_free[9]"] == again.nr_free(9) == 1
    assert repr(again) == "Buddy(Zone('DMA', PFN 0x0..0x2ff, 768 guest pages), rules '6.1', 768 free guest pages)"
    for buddy in (again, high):
        check_buddy(buddy)


def test_rebuild_after_a_bulk_change() -> None:
    frames = PageFrames(2048)
    buddy = Buddy(Zone(frames), "3.6")
    rng = np.random.default_rng(5)
    for _ in range(5):
        frames.states[:] = rng.integers(0, 2, 2048)
        buddy.rebuild()
        check_buddy(buddy)
    balloon = frames.links.new_list("pages")
    frames.states[:] = PageState.BALLOON
    buddy.rebuild()
    frames.links.fill(balloon, np.arange(2048))
    assert buddy.free_pages == 0
    buddy.free(5)
    assert list(frames.links.walk(balloon)) == [*range(5), *range(6, 2048)]
    check_buddy(buddy)
