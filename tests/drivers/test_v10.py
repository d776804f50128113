"""v10: plain numbers under pages_lock, and a leak inside a wait_event condition."""

from __future__ import annotations

import numpy as np

from balloonlab.course.scenarios import scenario
from balloonlab.drivers import find_driver
from balloonlab.guest.guest import Guest
from balloonlab.kernel.primitives import size_t
from balloonlab.memory.zone import PageState
from tests.drivers.steps import alone, compactable, go, pending, told, verbs

F, U, B = PageState.FREE, PageState.UNMOVABLE, PageState.BALLOON


def test_a_round_of_inflation() -> None:
    guest = scenario("inflate", "v10").guest()
    guest.machine.run()
    done = verbs(guest, "vballoon")
    page = [
        *("read", "alloc_page", "set_page_pfns", "add", "trylock_page", "bug_on"),
        *("spin_lock", "list_add", "assign_balloon_mapping", "add", "spin_unlock", "unlock_page", "add"),
    ]
    begin = done.index("mutex_lock")
    message = ["read", "read", "virtqueue_add", "virtqueue_kick"]
    round_ = ["mutex_lock", "write", *page, *page, *message]
    assert done[begin : begin + len(round_)] == round_
    wake = done.index("spin_lock")
    assert done[wake : wake + 4] == ["spin_lock", "read", "config_read", "spin_unlock"]
    actual = ["mutex_unlock", "spin_lock", "read", "config_write", "spin_unlock"]
    at = done.index("mutex_unlock")
    assert done[at : at + len(actual)] == actual
    assert told(guest) == [("inflateq", [0, 1])]


def test_a_round_of_deflation_happens_in_the_condition() -> None:
    guest = scenario("deflate", "v10").guest()
    guest.machine.run()
    done = verbs(guest, "vballoon")
    page = [
        *("read", "list_first", "trylock_page", "clear_balloon_mapping", "list_del", "add"),
        *("set_page_pfns", "unlock_page", "add"),
    ]
    begin = done.index("mutex_trylock")
    locked = ["mutex_trylock", "spin_lock", "read", "read", "write", *page, *page, "read", "read", "spin_unlock"]
    assert done[begin : begin + len(locked)] == locked
    told_at, freed, relocked = (done.index(verb, begin) for verb in ("virtqueue_add", "free_page", "mutex_unlock"))
    assert begin < told_at < freed < relocked
    assert done[relocked - 5 : relocked + 1] == ["spin_lock", "read", "read", "read", "spin_unlock", "mutex_unlock"]
    assert "schedule" not in done[relocked:][:3], "enough pages were listed: no sleep"


def test_v1_is_still_there() -> None:
    machine = scenario("fill-out-of-memory", "v10").machine()
    machine.run()
    machine.run()
    assert machine.blocked()["vballoon"].text == "waits for balloon_lock, which it holds itself"


def test_v2_a_spurious_request_for_statistics_keeps_balloon_lock() -> None:
    guest = compactable(2, "v10")
    guest.world.values["need_stats_update"] = 1  # as after a resume: the host holds the buffer
    guest.machine.act("set_target", 1)
    guest.machine.run()
    assert guest.machine.blocked()["vballoon"].text == "waits for balloon_lock, which it holds itself"


def test_v3_is_gone_but_the_wait_never_ends() -> None:
    """The message is right; leak_target, a size_t, has wrapped, and no balloon has that many pages."""
    guest = scenario("leak-64k", "v10").guest()
    guest.machine.run()
    head = 16 * 3
    assert told(guest, 2)[-1] == ("deflateq", list(range(head, head + 16)))
    assert guest.disagreements() == []
    assert guest.balloon_pages == 48
    assert guest.machine.blocked()["vballoon"].on == "a wake-up on config_change"
    guest.machine.act("set_target", 0)
    guest.machine.run()
    assert guest.balloon_pages == 48, "woken, it looks for 2^64 - 8 pages and sleeps again"
    assert size_t(8 - 16) == 2**64 - 8


def test_v4_is_gone_isolated_pages_are_counted_in_4_kib() -> None:
    states = np.full(2048, U, np.uint8)
    states[:2] = B
    states[2024:] = F
    guest = Guest.from_states(states, "v10", page_size=65536)
    guest.machine.record()
    guest.machine.act("compact")
    go(guest, "compactor", "compaction_alloc")
    assert guest.world.values["num_isolated_pages"] == 32
    guest.machine.run()
    assert guest.world.values["num_isolated_pages"] == 0


def test_v5_is_gone_a_locked_head_ends_the_round() -> None:
    guest = compactable(3, "v10")
    guest.machine.act("compact")
    go(guest, "compactor", "wake_up(config_change)")  # migrated: the new page is the head, and still locked
    new = guest.balloon_list[0]
    assert new in guest.world.page_locks
    guest.machine.act("set_target", 2)
    begin = len(guest.machine.timeline)
    go(guest, "vballoon", "config_write")
    assert [v for v in verbs(guest, "vballoon", begin) if v in ("trylock_page", "virtqueue_add")] == ["trylock_page"]
    assert guest.balloon_pages == 3


def test_v7_all_or_nothing() -> None:
    guest = compactable(3, "v10")
    guest.machine.act("compact")
    go(guest, "compactor", "unlock_page(page 0x0)")  # one page is isolated, two are listed
    guest.machine.act("set_target", 0)
    alone(guest, "vballoon")
    assert guest.machine.blocked()["vballoon"].on == "a wake-up on config_change"
    assert guest.balloon_pages == 3, "two pages were there to be had"


def test_r2_who_has_slept_for_the_mutex_does_not_sleep_for_the_wake_up() -> None:
    guest = compactable(3, "v10")
    machine = guest.machine
    machine.act("compact")
    go(guest, "compactor", "mutex_lock")  # all three are isolated
    machine.act("set_target", 0)
    go(guest, "vballoon", "mutex_trylock")  # leak_balloon looks at its condition ...
    go(guest, "vballoon", "prepare_to_wait(config_change)")  # ... and is about to sleep
    machine.step("compactor")  # it has balloon_lock now
    go_to_sleep = len(machine.timeline)
    alone(guest, "vballoon")
    assert verbs(guest, "vballoon", go_to_sleep) == ["prepare_to_wait", "mutex_trylock"]
    assert pending(machine, "vballoon") == "mutex_lock_slowpath(balloon_lock)"
    assert guest.world.sleeping[0] != 0, "queued up and marked asleep"
    go(guest, "compactor", "wake_up(config_change)")
    machine.step("vballoon")
    assert guest.world.sleeping[0] == 0, "running, though nobody has woken config_change"
    polled = len(machine.timeline)
    go(guest, "vballoon", "schedule")
    machine.step("vballoon")
    assert pending(machine, "vballoon") == "prepare_to_wait(config_change)", "once round for nothing"
    assert "virtqueue_add" not in verbs(guest, "vballoon", polled)


def test_a_free_mutex_leaves_the_sleeper_marked() -> None:
    guest = compactable(3, "v10")
    guest.machine.act("compact")
    go(guest, "compactor", "mutex_lock")
    guest.machine.act("set_target", 0)
    alone(guest, "vballoon")
    assert pending(guest.machine, "vballoon") == "schedule(config_change)"
    assert "vballoon" not in guest.machine.runnable()
    guest.machine.run()
    assert guest.balloon_pages == guest.host.actual == 0


def test_the_counters_are_those_of_the_series() -> None:
    guest = compactable(3, "v10")
    guest.machine.act("compact")
    guest.machine.run()
    assert [guest.world.values[name] for name in find_driver("v10").vmstat] == [3, 3, 3, 0]
