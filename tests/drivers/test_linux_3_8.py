"""Linux 3.8: one exit from fill, a double free after the lock, pages that move once and get lost on the LRU."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.course.scenarios import scenario
from balloonlab.drivers import find_driver, linux_3_8
from balloonlab.drivers.invariants import check_at_rest
from balloonlab.guest.guest import Guest
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.memory.zone import PageState
from tests.drivers.steps import alone, compactable, go, lost_to_the_lru, pending, results, told, verbs

F, M, U, B = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON


def test_a_round_of_inflation() -> None:
    guest = scenario("inflate", "linux-3.8").guest()
    guest.machine.run()
    done = verbs(guest, "vballoon")
    enqueue = [
        *("alloc_page", "trylock_page", "bug_on", "spin_lock_irqsave", "assign_balloon_mapping", "list_add"),
        *("spin_unlock_irqrestore", "unlock_page"),
    ]
    page = ["read", *enqueue, "set_page_pfns", "add", "add", "add"]
    begin = done.index("mutex_lock")
    round_ = ["mutex_lock", "write", *page, *page, "read", "read", "virtqueue_add", "virtqueue_kick"]
    assert done[begin : begin + len(round_)] == round_
    assert told(guest) == [("inflateq", [0, 1])]
    assert guest.balloon_list == (1, 0)


def test_a_round_of_deflation_drops_two_references_after_unlocking() -> None:
    guest = scenario("deflate", "linux-3.8").guest()
    guest.machine.run()
    done = verbs(guest, "vballoon")
    dequeue = [
        *("list_first", "list_next", "trylock_page", "spin_lock_irqsave", "get_page", "clear_balloon_mapping"),
        *("list_del", "spin_unlock_irqrestore", "unlock_page"),
    ]
    page = ["read", *dequeue, "set_page_pfns", "add", "add"]
    begin = done.index("mutex_lock")
    round_ = ["mutex_lock", "write", *page, *page, "read", "virtqueue_add", "virtqueue_kick"]
    assert done[begin : begin + len(round_)] == round_
    unlock = done.index("mutex_unlock")
    assert done[unlock : unlock + 10] == ["mutex_unlock", "read", *(["read_pfn", "put_page", "free_page", "add"] * 2)]
    assert results(guest, "vballoon", "put_page") == [1, 1]
    assert results(guest, "vballoon", "free_page") == [0, 0]


def test_v1_is_gone() -> None:
    guest = scenario("fill-out-of-memory", "linux-3.8").guest()
    for _ in range(3):
        assert guest.machine.run().text == "vballoon sleeps for a time"
    assert guest.world.lock_holders[guest.vb.balloon_lock.number] == 0, "it sleeps with balloon_lock held"
    go(guest, "vballoon", "config_write")
    assert guest.world.lock_holders == [-1] * len(guest.world.lock_names)


def test_m1_pages_are_freed_by_an_array_that_compaction_has_written() -> None:
    guest = compactable(4, "linux-3.8")
    machine = guest.machine
    machine.act("set_target", 1)
    go(guest, "vballoon", "mutex_unlock")
    machine.step("vballoon")  # pages 0 to 2 are told of and balloon_lock is free
    assert pending(machine, "vballoon") == "read(num_pfns)"
    machine.act("compact")
    go(guest, "compactor", "put_page(page 0x3)")  # page 3 has been migrated, and is about to be freed
    new = told(guest)[-2][1][0]
    assert told(guest) == [("deflateq", [0, 1, 2]), ("inflateq", [new]), ("deflateq", [3])]
    go(guest, "vballoon", "config_write")
    assert results(guest, "vballoon", "read_pfn") == [3], "one page, and not its own"
    assert guest.page_states[3] == PageState.FREE
    machine.step("compactor")
    assert [(bug.kind, bug.thread) for bug in machine.bugs] == [("double free", "compactor")]
    assert [guest.world.refcounts[page] for page in (0, 1, 2)] == [2, 2, 2], "lost for ever"
    assert guest.page_states[:3].tolist() == [PageState.IN_TRANSIT] * 3


@pytest.mark.parametrize(("driver", "again"), [("v11", 4), ("linux-3.8", 0)])
def test_m4_a_page_migrates_once(driver: str, again: int) -> None:
    states = np.full(4096, U, np.uint8)
    states[:4] = B
    states[1536:1560] = F
    guest = Guest.from_states(states, driver)
    first = guest.compact()
    assert sorted(first.pairs[:, 0].tolist()) == [0, 1, 2, 3]
    moved = first.pairs[:, 1].tolist()
    assert sorted(guest.balloon_list) == sorted(moved)
    marked = [bool(guest.world.page_flags.get(page, 0) & PageFlag.MAPPING) for page in moved]
    assert marked == [again > 0] * 4, "3.8 takes the balloon's mark off the new page"
    for page in range(4000, 4032):  # room for the next run, higher up
        guest.buddies[0].free(page)
    assert len(guest.compact().pairs) == again
    assert guest.balloon_pages == len(guest.balloon_list) == 4
    assert guest.deflate(4).after == 0, "a page that cannot move can be deflated"
    check_at_rest(guest.machine, guest.vb)


def test_the_generic_way_takes_the_balloons_return_value_for_a_failure() -> None:
    guest = compactable(1, "linux-3.8")
    guest.machine.act("compact")
    go(guest, "compactor", "compaction_alloc")
    begin = len(guest.machine.timeline)
    go(guest, "compactor", "end_batch")
    done = [v for v in verbs(guest, "compactor", begin) if v not in ("prepare_to_wait", "schedule", "finish_wait")]
    message = ["write", "set_page_pfns", "virtqueue_add", "virtqueue_kick"]
    assert [v for v in done if v != "virtqueue_get_buf"] == [
        *("compaction_alloc", "trylock_page", "unused_balloon_page", "trylock_page", "bug_on", "movable_balloon_page"),
        *("mutex_trylock", "spin_lock_irqsave", "assign_balloon_mapping", "list_add", "add", "spin_unlock_irqrestore"),
        *message,
        *("clear_balloon_mapping", "list_del"),
        *message,
        *("mutex_unlock", "clear_balloon_mapping", "unlock_page", "unlock_page", "list_del_migrated"),
        *("put_page", "free_page", "list_first"),
    ]


def test_a_page_that_the_driver_has_locked_is_passed_over_before_it_has_its_second_reference() -> None:
    guest = compactable(1, "linux-3.8")
    guest.machine.act("set_target", 0)
    go(guest, "vballoon", "spin_lock_irqsave")
    assert guest.world.refcounts[0] == 1
    guest.machine.act("compact")
    go(guest, "compactor", "unused_balloon_page(page 0x0)")
    go(guest, "compactor", "next_candidate")
    assert results(guest, "compactor", "unused_balloon_page") == [0]


def test_m5_a_page_that_did_not_move_goes_to_the_lru() -> None:
    guest = compactable(3, "linux-3.8")
    guest.machine.act("set_target", 2)
    alone(guest, "vballoon")
    guest.machine.act("compact")
    go(guest, "compactor", "end_batch")
    assert lost_to_the_lru(guest) == [1, 2]
    assert guest.world.values["isolated_pages"] == 2
    guest.machine.run()
    assert guest.balloon_pages == 2
    assert guest.balloon_list == ()
    guest.machine.act("set_target", 0)
    assert guest.machine.run(20_000).reason == "budget", "it asks for pages that will never come back"
    assert ("deflateq", []) in told(guest)


def test_m5_the_lost_page_is_isolated_from_the_lru_with_a_reference_more() -> None:
    guest = compactable(3, "linux-3.8")
    guest.machine.act("set_target", 2)
    alone(guest, "vballoon")
    guest.machine.act("compact")
    go(guest, "compactor", "end_batch")
    guest.machine.run()
    assert [guest.world.refcounts[page] for page in lost_to_the_lru(guest)] == [1, 1]
    guest.machine.act("compact")
    go(guest, "compactor", "compaction_alloc")
    assert [guest.world.refcounts[page] for page in (1, 2)] == [2, 2]
    guest.machine.run()
    assert guest.machine.bugs == ()
    assert not {1, 2} & guest.world.refcounts.keys(), "both moved, and are free"


def test_m6_balloon_pages_count_only_after_an_lru_page() -> None:
    driver = find_driver("linux-3.8").replace(isolate_migratepages=linux_3_8.isolate_migratepages)
    states = np.full(2048, U, np.uint8)
    states[:8] = B
    states[2000:] = F
    assert len(Guest.from_states(states, driver).compact().pairs) == 0
    states[4] = M
    moved = Guest.from_states(states, driver).compact().pairs[:, 0].tolist()
    assert moved == [7, 6, 5, 4], "those after the page for which the LRU lock was taken"
    assert len(Guest.from_states(states, "linux-3.8").compact().pairs) == 8


def test_there_are_no_counters() -> None:
    guest = compactable(2, "linux-3.8")
    guest.compact()
    assert guest.vb.vmstat == {}
    assert not [name for name in guest.world.values.names if name.startswith("compact_balloon")]
    check_at_rest(guest.machine, guest.vb)
