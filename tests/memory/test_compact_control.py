from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.zone import Migratetype, PageState
from tests.memory.invariants import check_buddy

FREE, MOVABLE, UNMOVABLE, BALLOON = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON
U, M, R, RESERVE, ISOLATE = Migratetype
RULES = pytest.mark.parametrize("rules", ["3.6", "6.1"])


def batch_sizes(control: CompactControl) -> list[int]:
    sizes = []
    control.begin()
    while not control.finished():
        control.begin_batch()
        while (pfn := control.next_candidate()) is not None:
            control.isolated(pfn)
        if control.nr_migratepages:
            sizes.append(control.nr_migratepages)
        for old in control.batch():
            control.moved(old, control.alloc_target())
        control.end_batch()
    control.release()
    return sizes


def test_batches_of_32_and_in_6_1_then_the_rest_of_the_pageblock(make_buddy: Callable[..., Buddy]) -> None:
    states = np.zeros(8192)
    states[512:1024] = states[1500:1540] = MOVABLE
    states[4096::32] = UNMOVABLE
    assert batch_sizes(CompactControl(make_buddy(states, "3.6"))) == [32] * 16 + [32, 8]
    # 1500..1535 and 1536..1539 are of two pageblocks
    assert batch_sizes(CompactControl(make_buddy(states, "6.1"))) == [32, 480, 32, 4, 4]


def test_the_first_batch_of_pageblock_0_counts_as_a_rescan_in_6_1(make_buddy: Callable[..., Buddy]) -> None:
    states = np.zeros(8192)
    states[:100] = MOVABLE
    states[4096::32] = UNMOVABLE
    assert batch_sizes(CompactControl(make_buddy(states, "6.1"))) == [100]
    assert batch_sizes(CompactControl(make_buddy(states, "6.1", start=1))) == [99]
    assert batch_sizes(CompactControl(make_buddy(states, "3.6"))) == [32, 32, 32, 4]


def test_asynchronous_runs_of_3_6_scan_movable_pageblocks_only(make_buddy: Callable[..., Buddy]) -> None:
    states = np.full(6144, UNMOVABLE)
    states[5120:] = FREE
    states[[0, 511, 512, 1030, 1536, 2048, 2600]] = MOVABLE
    types = [U, M, U, M, U, M, M, M, M, M, M, M]
    moved = compact(CompactControl(make_buddy(states, "3.6", types=types), sync=False)).pairs[:, 0].tolist()
    assert sorted(moved) == [0, 511, 512, 1536, 2600]  # pageblock 0 is never checked
    states[1024:1030] = FREE  # the check comes at the first used page, and leaps over pageblock 3 too
    moved = compact(CompactControl(make_buddy(states, "3.6", types=types), sync=False)).pairs[:, 0].tolist()
    assert sorted(moved) == [0, 511, 512, 2600]
    moved = compact(CompactControl(make_buddy(states, "3.6", types=types))).pairs[:, 0].tolist()
    assert sorted(moved) == [0, 511, 512, 1030, 1536, 2048, 2600]
    with pytest.raises(BadValueError, match=r"a full run of Linux 6\.1 always waits"):
        CompactControl(make_buddy(states, "6.1"), sync=False)


def going_on(control: CompactControl) -> Iterator[str]:
    """What is left of a run, a pause after each action; every fifth page fails to move."""
    while not control.finished():
        control.begin_batch()
        while (pfn := control.next_candidate()) is not None:
            yield "offered"
            control.isolated(pfn)
        for old in control.batch():
            new = control.alloc_target()
            yield "target"
            if new is None:
                break
            if old % 5:
                control.moved(old, new)
            else:
                control.give_back_target(new)
        control.end_batch()
        yield "batch ended"
    control.release()
    yield "released"


@RULES
def test_undo_amid_a_run_and_on_again(rules: str, picture: Callable, make_buddy: Callable[..., Buddy]) -> None:
    rng = np.random.default_rng(4)
    buddy = make_buddy(rng.choice([FREE, MOVABLE, UNMOVABLE, BALLOON], 4096, p=[0.5, 0.2, 0.05, 0.25]), rules)
    frames, journal = buddy.frames, buddy.frames.journal
    control = CompactControl(buddy)
    journal.recording = True
    marks = [("new", 0, picture(frames))]
    control.begin()
    marks += [(what, len(journal), picture(frames)) for what in going_on(control)]
    final = picture(frames)
    assert len(marks) > 500
    at = len(journal)
    for _, length, seen in reversed(marks):
        journal.undo(length, at)
        assert picture(frames) == seen
        at = length
    for _, length, seen in marks:
        journal.redo(at, length)
        assert picture(frames) == seen
        at = length

    # From the end of a batch a control made anew goes on to the same end: it keeps nothing to itself.
    half = [length for what, length, _ in marks if what == "batch ended"][5]
    journal.undo(half, at)
    journal.truncate(half)
    for _ in going_on(CompactControl(buddy)):
        pass
    assert picture(frames) == final


@RULES
def test_a_page_that_changes_before_it_is_offered_is_not_offered(rules: str, make_buddy: Callable[..., Buddy]) -> None:
    states = np.zeros(4096)
    states[[520, 530, 540]] = BALLOON
    buddy = make_buddy(states, rules)
    control = CompactControl(buddy)
    control.begin()
    offered = []
    while len(offered) < 2:
        control.begin_batch()
        while (pfn := control.next_candidate()) is not None:
            offered.append(pfn)
            buddy.frames.set_state(530, UNMOVABLE)
        control.end_batch()
    assert offered == [520, 540]  # not isolated by the caller: nothing happened to them
    assert control.nr_migratepages == 0
    with pytest.raises(BadValueError, match="PFN 530 is UNMOVABLE; only a MOVABLE or BALLOON page"):
        control.isolated(530)


def test_a_driver_takes_its_own_pages_through(make_buddy: Callable[..., Buddy]) -> None:
    states = np.full(4096, UNMOVABLE)
    states[[520, 530]], states[3900:4000] = BALLOON, FREE
    buddy = make_buddy(states, "6.1")
    frames, links = buddy.frames, buddy.links
    pages = links.new_list("pages")
    links.add(520, pages)
    links.add(530, pages)
    control = CompactControl(buddy, name="kcompactd")
    control.begin()
    while not control.nr_migratepages:
        control.begin_batch()
        while (pfn := control.next_candidate()) is not None:
            links.delete(pfn)
            frames.set_state(pfn, PageState.ISOLATED)
            control.isolated(pfn)
    assert control.batch() == [530, 520]
    assert frames.values["kcompactd nr_migratepages"] == 2
    new = control.alloc_target()
    assert (new, frames.state_of[new]) == (3903, PageState.IN_TRANSIT)  # of the order-2 block at 3900
    control.give_back_target(new)
    assert frames.state_of[new] == PageState.CAPTURED
    assert control.alloc_target() == new
    links.add(new, pages)
    frames.set_state(new, BALLOON)
    control.moved(530, new, settled=True, free_old=False)
    assert frames.state_of[530] == PageState.ISOLATED
    buddy.free(530)
    control.put_back(520, settled=True)
    frames.set_state(520, BALLOON)
    links.add(520, pages)
    with pytest.raises(BadValueError, match="'kcompactd' still holds pages"):
        control.begin()
    control.end_batch()
    assert (control.pages_moved, control.migrate_failed) == (1, 1)
    control.release()
    assert list(links.walk(pages)) == [520, new]
    assert control.nr_freepages == 0
    check_buddy(buddy)


def test_two_compactors_share_nothing_but_the_zone(make_buddy: Callable[..., Buddy]) -> None:
    buddy = make_buddy(np.tile([FREE, MOVABLE, BALLOON, FREE], 1024), "6.1")
    one, two = (CompactControl(buddy, name=name) for name in ("kcompactd", "compact_memory"))
    one.begin()
    two.begin()
    seen = []
    for control in (one, two):
        control.begin_batch()
        for _ in range(3):
            seen.append(control.next_candidate())
            control.isolated(seen[-1])
    assert seen == [1, 2, 5, 6, 9, 10]
    for control in (one, two):
        control.end_batch()
        control.release()
        assert compact(control).pages_moved > 0
        check_buddy(buddy)
