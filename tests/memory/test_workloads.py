from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.workloads import WORKLOADS, apply_workload, release
from balloonlab.memory.zone import Migratetype, PageFrames, PageState, Zone
from tests.memory.invariants import check_buddy

FREE, MOVABLE, UNMOVABLE, BALLOON = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON
NAMES = pytest.mark.parametrize("name", list(WORKLOADS))


def fresh(pages: int = 8192, rules: str = "3.6") -> Buddy:
    return Buddy(Zone(PageFrames(pages)), rules)


@NAMES
@given(
    seed=st.integers(0, 1000),
    start=st.integers(0, 600),
    pages=st.integers(1, 3000),
    rules=st.sampled_from(["3.6", "6.1"]),
    fraction=st.sampled_from([0.0, 0.01, 0.5, 0.97, 1.0]),
    used=st.integers(0, 2),
)
@settings(max_examples=25, deadline=None)
def test_page_by_page_and_at_once_leave_the_same_states(
    name: str, seed: int, start: int, pages: int, rules: str, fraction: float, used: int
) -> None:
    seen = []
    options = {key: fraction for key in WORKLOADS[name].options if key in ("fraction", "used", "unmovable")}
    for bulk in (False, True):
        frames = PageFrames(start + pages + 7)
        rng = np.random.default_rng(seed)
        frames.states[rng.random(frames.pages) < used / 3] = BALLOON
        buddy = Buddy(Zone(frames, start, start + pages), rules)
        result = apply_workload(buddy, name, seed, bulk=bulk, **options)
        check_buddy(buddy)
        assert result.free_pages == buddy.free_pages
        assert result.taken == result.freed + result.movable + result.unmovable
        seen.append((frames.states.tobytes(), frames.block_types.tobytes(), result))
    assert seen[0] == seen[1]


@NAMES
def test_a_seed_repeats_and_another_differs(name: str) -> None:
    runs = []
    for seed in (7, 7, 8):
        buddy = fresh()
        result = apply_workload(buddy, name, seed)
        runs.append((buddy.frames.states.tobytes(), [buddy.free_blocks(o) for o in range(11)], str(result)))
    assert runs[0] == runs[1]
    if name not in ("fill", "holes"):
        assert runs[0][0] != runs[2][0]


def test_holes_are_the_reference_fragmentation() -> None:
    buddy = fresh()
    result = apply_workload(buddy, "holes", every=4)
    states = buddy.frames.states
    assert np.flatnonzero(states == FREE).tolist() == list(range(0, 8192, 4))
    assert buddy.free_blocks(0) == list(range(8188, -1, -4))  # last freed, first in the list
    assert str(result) == (
        "holes(every=4) seed 0: took 8,192 guest pages and gave 2,048 back; "
        "keeps 6,144 movable and 0 unmovable; 2,048 free"
    )


def test_what_each_workload_is_about() -> None:
    buddy = fresh()
    assert apply_workload(buddy, "fill").free_pages == 0
    assert (buddy.frames.states == MOVABLE).all()

    buddy = fresh()
    assert apply_workload(buddy, "random", fraction=0.25).free_pages == 2048
    assert buddy.block_counts()[0] > 1000

    buddy = fresh(1 << 16)
    result = apply_workload(buddy, "runs", fraction=0.5, length=100)
    edges = np.count_nonzero(np.diff(buddy.frames.states))
    assert 0.4 < result.freed / result.taken < 0.6
    assert 60 < 2 * result.freed / edges < 160  # mean length of a free run

    buddy = fresh(1 << 16)
    result = apply_workload(buddy, "kernel", unmovable=0.25, grouped=0.5, fraction=0.5)
    assert result.unmovable == 1 << 14
    blocks = (buddy.frames.states == UNMOVABLE).reshape(-1, 512).sum(axis=1)
    assert (blocks == 512).sum() == 16
    assert ((blocks == 512) == (buddy.frames.block_types == Migratetype.UNMOVABLE)).all()
    assert ((blocks > 0) & (blocks < 512)).sum() == 112  # the other half is scattered over every other pageblock

    buddy = fresh(1 << 16)
    result = apply_workload(buddy, "fresh", used=0.1)
    assert (buddy.frames.states[:3277] == UNMOVABLE).all()
    assert result.unmovable == 3277
    assert 0.08 < (result.movable + result.unmovable) / result.taken < 0.13
    assert buddy.block_counts()[10] > 10


def test_only_reachable_memory_is_taken() -> None:
    frames = PageFrames(2560)
    frames.block_types[2:] = [Migratetype.RESERVE, Migratetype.RESERVE, Migratetype.ISOLATE]
    for rules, taken in (("3.6", 2048), ("6.1", 1024)):
        for bulk in (False, True):
            frames.states[:] = FREE
            buddy = Buddy(Zone(frames), rules)
            assert apply_workload(buddy, "fill", bulk=bulk).taken == taken
            assert buddy.free_pages == 2560 - taken


@pytest.mark.parametrize("bulk", [False, True])
def test_release_gives_the_workloads_pages_back_and_no_others(*, bulk: bool) -> None:
    buddy = fresh()
    apply_workload(buddy, "holes")
    for _ in range(1024):
        buddy.frames.set_state(buddy.alloc(), BALLOON)
    assert release(buddy, 0.5, seed=3, bulk=bulk) == 3072
    assert buddy.free_pages == 1024 + 3072
    assert release(buddy, bulk=bulk) == 3072
    assert buddy.block_counts() == [1024, 1024, 0, 0, 0, 0, 0, 0, 0, 0, 4]
    assert release(buddy, state=BALLOON, bulk=bulk) == 1024
    assert buddy.block_counts()[10] == 8
    check_buddy(buddy)


def test_released_half_is_the_same_both_ways() -> None:
    seen = []
    for bulk in (False, True):
        buddy = fresh()
        apply_workload(buddy, "fill", bulk=bulk)
        release(buddy, 0.5, seed=9, bulk=bulk)
        seen.append((buddy.frames.states.tobytes(), [buddy.free_blocks(o) for o in range(11)]))
    assert seen[0] == seen[1]  # ascending: the rebuilt lists are even those of the sequence


def test_a_large_zone_is_set_at_once_unless_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    monkeypatch.setattr("balloonlab.memory.workloads._set_at_once", lambda *_: used.append("at once"))
    monkeypatch.setattr("balloonlab.memory.workloads._go_through", lambda *_: used.append("page by page"))
    small, large = fresh(1 << 16), fresh((1 << 16) + 1)
    apply_workload(small, "fill")
    apply_workload(large, "fill")
    large.frames.journal.recording = True
    apply_workload(large, "fill")
    assert used == ["page by page", "at once", "page by page"]


def test_undo_takes_a_workload_back(picture: Callable) -> None:
    buddy = fresh(2048)
    before = picture(buddy.frames)
    journal = buddy.frames.journal
    journal.recording = True
    apply_workload(buddy, "kernel", unmovable=0.5)
    release(buddy, 0.5)
    after = picture(buddy.frames)
    journal.undo(0, len(journal))
    assert picture(buddy.frames) == before
    journal.redo(0, len(journal))
    assert picture(buddy.frames) == after


def test_refused_and_unchanged(picture: Callable) -> None:
    buddy = fresh(2048)
    before = picture(buddy.frames)
    with pytest.raises(UnknownNameError, match="unknown workload 'hole'; known: fill, holes, random"):
        apply_workload(buddy, "hole")
    with pytest.raises(UnknownNameError, match="unknown option of workload 'holes' 'fraction'; known: every"):
        apply_workload(buddy, "holes", fraction=0.5)
    with pytest.raises(UnknownNameError, match="known: none"):
        apply_workload(buddy, "fill", every=3)
    for every in (0, 2.5, True, "4", None):
        with pytest.raises(BadValueError, match="every of workload 'holes' is"):
            apply_workload(buddy, "holes", every=every)
    for fraction in (-0.1, 1.5, "a", None, float("nan"), True):
        with pytest.raises(BadValueError, match=r"it must be a number from 0\.0 to 1\.0"):
            apply_workload(buddy, "random", fraction=fraction)
        with pytest.raises(BadValueError, match="fraction is"):
            release(buddy, fraction)
    with pytest.raises(BadValueError, match="seed is -1"):
        apply_workload(buddy, "fill", seed=-1)
    with pytest.raises(BadValueError, match="seed is 'x'"):
        release(buddy, seed="x")
    buddy.frames.journal.recording = True
    with pytest.raises(BadValueError, match="bulk work leaves no record"):
        apply_workload(buddy, "fill", bulk=True)
    with pytest.raises(BadValueError, match="bulk work leaves no record"):
        release(buddy, bulk=True)
    assert picture(buddy.frames) == before
