"""v11: the list in the core, nobody waits for isolated pages, migration only tries balloon_lock."""

from __future__ import annotations

import pytest

from balloonlab.course.scenarios import scenario
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.memory.zone import PageState
from tests.drivers.steps import alone, compactable, go, pending, results, told, verbs


def test_a_round_of_inflation() -> None:
    guest = scenario("inflate", "v11").guest()
    guest.machine.run()
    done = verbs(guest, "vballoon")
    enqueue = [
        *("alloc_page", "trylock_page", "bug_on", "spin_lock_irqsave", "list_add", "assign_balloon_mapping"),
        *("spin_unlock_irqrestore", "unlock_page"),
    ]
    page = ["read", *enqueue, "set_page_pfns", "add", "add", "add"]
    begin = done.index("mutex_lock")
    round_ = ["mutex_lock", "write", *page, *page, "read", "read", "virtqueue_add", "virtqueue_kick"]
    assert done[begin : begin + len(round_)] == round_
    assert told(guest) == [("inflateq", [0, 1])]


def test_a_round_of_deflation_frees_after_unlocking() -> None:
    guest = scenario("deflate", "v11").guest()
    guest.machine.run()
    done = verbs(guest, "vballoon")
    dequeue = [
        *("list_first", "list_next", "trylock_page", "spin_lock_irqsave", "clear_balloon_mapping", "list_del"),
        *("spin_unlock_irqrestore", "unlock_page"),
    ]
    page = ["read", *dequeue, "set_page_pfns", "add", "add"]
    begin = done.index("mutex_lock")
    round_ = ["mutex_lock", "write", *page, *page, "read", "virtqueue_add", "virtqueue_kick"]
    assert done[begin : begin + len(round_)] == round_
    unlock = done.index("mutex_unlock")
    assert done[unlock : unlock + 8] == ["mutex_unlock", "read", *(["read_pfn", "free_page", "add"] * 2)]
    assert told(guest) == [("deflateq", [0, 1])]


def test_one_migration() -> None:
    guest = compactable(1, "v11")
    guest.machine.act("compact")
    go(guest, "compactor", "trylock_page(page 0x0)")  # isolation
    go(guest, "compactor", "trylock_page(page 0x0)")  # migration
    begin = len(guest.machine.timeline)
    go(guest, "compactor", "end_batch")
    done = [v for v in verbs(guest, "compactor", begin) if v not in ("prepare_to_wait", "schedule", "finish_wait")]
    message = ["write", "set_page_pfns", "virtqueue_add", "virtqueue_kick"]
    assert [v for v in done if v != "virtqueue_get_buf"] == [
        *("trylock_page", "movable_balloon_page", "trylock_page", "bug_on", "movable_balloon_page", "mutex_trylock"),
        *("spin_lock_irqsave", "list_add", "assign_balloon_mapping", "add", "spin_unlock_irqrestore"),
        *message,
        *("clear_balloon_mapping", "list_del"),
        *message,
        *("mutex_unlock", "count_vm_event", "unlock_page", "unlock_page", "list_del_migrated"),
        *("put_page", "free_page", "count_vm_event", "list_first"),
    ]
    assert [queue for queue, _ in told(guest)] == ["inflateq", "deflateq"]


def test_v1_was_acked() -> None:
    machine = scenario("fill-out-of-memory", "v11").machine()
    machine.run()
    machine.run()
    assert machine.blocked()["vballoon"].text == "waits for balloon_lock, which it holds itself"


def test_v2_is_gone_statistics_take_no_lock() -> None:
    guest = compactable(2, "v11")
    guest.world.values["need_stats_update"] = 1
    guest.machine.act("set_target", 1)
    guest.machine.run()
    assert guest.balloon_pages == 1


def test_v7_is_gone_leak_takes_what_is_there() -> None:
    guest = compactable(3, "v11")
    guest.machine.act("compact")
    go(guest, "compactor", "unlock_page(page 0x0)")
    guest.machine.act("set_target", 0)
    go(guest, "vballoon", "config_write")
    assert told(guest) == [("deflateq", [1, 2])]
    assert guest.balloon_pages == 1


@pytest.mark.parametrize("driver", ["v11", "linux-3.8"])
def test_m3_a_deflate_message_without_pages(driver: str) -> None:
    guest = compactable(2, driver)
    guest.machine.act("compact")
    go(guest, "compactor", "compaction_alloc")
    guest.machine.act("set_target", 0)
    go(guest, "vballoon", "config_write")
    assert told(guest) == [("deflateq", [])]
    assert guest.balloon_pages == 2


def test_a_page_is_passed_over_while_it_is_locked() -> None:
    guest = compactable(3, "v11")
    guest.machine.act("compact")
    go(guest, "compactor", "count_vm_event(compact_balloon_migrated)")  # balloon_lock is free, the new page locked
    new = guest.balloon_list[0]
    guest.machine.act("set_target", 2)
    begin = len(guest.machine.timeline)
    alone(guest, "vballoon")
    assert verbs(guest, "vballoon", begin).count("trylock_page") == 1, "the only page, two are isolated"
    assert told(guest)[-1] == ("deflateq", [])
    assert guest.balloon_list == (new,)


@pytest.mark.parametrize("driver", ["v11", "linux-3.8"])
def test_a_busy_balloon_lock_is_tried_ten_times(driver: str) -> None:
    guest = compactable(4, driver)
    guest.machine.act("set_target", 3)
    alone(guest, "vballoon")  # asleep for the host, with balloon_lock
    guest.machine.act("compact")
    free = guest.buddies[0].free_pages
    go(guest, "compactor", "release_freepages")
    tries = results(guest, "compactor", "mutex_trylock")
    assert tries == [0] * 30
    isolated = guest.world.values["isolated_pages"]
    if driver == "v11":
        assert guest.balloon_list == (1, 2, 3), "put back at the head, highest first"
        assert isolated == 0
        assert guest.world.values["compact_balloon_returned"] == 3
    else:
        assert guest.balloon_list == ()
        assert isolated == 3, "M5: put back on the LRU"
        assert guest.page_states[1:4].tolist() == [PageState.MOVABLE] * 3
        assert [guest.world.refcounts[page] for page in (1, 2, 3)] == [1, 1, 1]
    guest.machine.step("compactor")
    assert guest.buddies[0].free_pages == free


def test_a_target_that_was_not_used_goes_to_the_allocator() -> None:
    guest = compactable(2, "v11", free=8)
    guest.machine.act("set_target", 1)
    alone(guest, "vballoon")
    guest.machine.act("compact")
    go(guest, "compactor", "mutex_trylock")
    go(guest, "compactor", "put_page")
    free = guest.buddies[0].free_pages
    guest.machine.step("compactor")
    assert guest.buddies[0].free_pages == free + 1


def test_a_dequeued_page_has_one_reference() -> None:
    guest = compactable(2, "v11")
    guest.machine.act("set_target", 0)
    go(guest, "vballoon", "virtqueue_add")
    assert [guest.world.refcounts[page] for page in (0, 1)] == [1, 1]
    assert not any(guest.world.page_flags.get(page, 0) & PageFlag.MAPPING for page in (0, 1))


@pytest.mark.parametrize("driver", ["v11", "linux-3.8"])
def test_m2b_a_page_is_dequeued_from_the_compactors_list(driver: str) -> None:
    """The list is walked without pages_lock, and that the page is still on it is not asked again."""
    guest = compactable(2, driver)
    machine = guest.machine
    machine.act("set_target", 1)
    go(guest, "vballoon", "trylock_page(page 0x0)")
    machine.act("compact")
    go(guest, "compactor", "next_candidate")
    go(guest, "compactor", "list_add_isolated")  # page 0: counted, unlocked, about to be put on the private list
    machine.step("compactor")
    assert guest.world.values["isolated_pages"] == 1
    go(guest, "vballoon", "virtqueue_add")
    assert guest.world.lists["migratepages"] == guest.mm.zones[0][1].number
    assert guest.world.list_pages(guest.mm.zones[0][1].number) == (), "taken from the compactor's list"
    go(guest, "vballoon", "config_write")
    machine.run()
    assert guest.world.refcounts[0] == 1, "leaked: one reference is left, and nobody knows the page"
    assert guest.page_states[0] == PageState.IN_TRANSIT
    assert guest.world.values["isolated_pages"] == 1, "one too high for ever"
    assert machine.bugs == ()


@pytest.mark.parametrize("driver", ["v11", "linux-3.8"])
def test_m2a_the_walk_follows_poison(driver: str) -> None:
    guest = compactable(3, driver)
    machine = guest.machine
    machine.act("compact")
    go(guest, "compactor", "trylock_page(page 0x0)")
    machine.step("compactor")
    machine.act("set_target", 2)
    go(guest, "vballoon", "trylock_page(page 0x0)")
    go(guest, "vballoon", "list_next(page 0x1")  # page 0 is locked: the walk passes over it
    go(guest, "compactor", "unlock_page(page 0x1)")  # page 1 leaves the list, is on none yet, and still locked
    alone(guest, "vballoon")
    assert [(bug.kind, bug.thread) for bug in machine.bugs] == [("wild pointer", "vballoon")]


def test_threads_keep_their_names() -> None:
    guest = compactable(1, "v11")
    assert guest.machine.names[:2] == ["vballoon", "compactor"]
    assert pending(guest.machine, "compactor").startswith("compaction_wanted")
