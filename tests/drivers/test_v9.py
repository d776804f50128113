"""v9 is v9: its steps, its locks, its defects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.course.scenarios import replay, scenario
from balloonlab.drivers import find_driver
from balloonlab.drivers.invariants import check_at_rest
from balloonlab.foundations.errors import BadValueError, DidNotSettleError, UnknownNameError
from balloonlab.guest.guest import Guest
from balloonlab.host.host import MessageStatus, Queue
from balloonlab.kernel.primitives import Routine, read
from balloonlab.kernel.world import NOBODY
from balloonlab.memory.zone import Migratetype, PageState
from tests.drivers.steps import alone, compactable, go, results, told, verbs

STALE = 0x7FFFFFFF


def test_a_round_of_inflation() -> None:
    guest = scenario("inflate", "v9").guest()
    guest.machine.run()
    done = verbs(guest, "vballoon")
    page = [
        *("read", "alloc_page", "set_page_pfns", "add", "trylock_page", "bug_on"),
        *("spin_lock", "list_add", "assign_balloon_mapping", "atomic_add", "spin_unlock", "unlock_page", "add"),
    ]
    begin = done.index("mutex_lock")
    round_ = ["mutex_lock", "write", *page, *page, "read", "read", "virtqueue_add", "virtqueue_kick"]
    assert done[begin : begin + len(round_)] == round_
    end = done.index("mutex_unlock")
    assert done[end : end + 3] == ["mutex_unlock", "atomic_read", "config_write"]
    assert told(guest) == [("inflateq", [0, 1])]


def test_a_round_of_deflation() -> None:
    guest = scenario("deflate", "v9").guest()
    guest.machine.run()
    done = verbs(guest, "vballoon")
    page = [
        *("spin_lock", "atomic_read", "list_first", "trylock_page", "clear_balloon_mapping", "list_del", "atomic_sub"),
        *("unlock_page", "spin_unlock"),
    ]
    begin = done.index("spin_lock")
    round_ = [*page, *page, "mutex_lock", "copy_pfns", "write", "virtqueue_add", "virtqueue_kick"]
    assert done[begin : begin + len(round_)] == round_
    end = ["free_page", "add", "free_page", "add", "mutex_unlock", "atomic_read", "config_write"]
    begin = done.index("free_page")
    assert done[begin : begin + len(end)] == end
    assert told(guest) == [("deflateq", [0, 1])]


def test_one_migration() -> None:
    guest = compactable(1, "v9")
    guest.machine.act("compact")
    go(guest, "compactor", "isolate_lru_page(page 0x0)")
    begin = len(guest.machine.timeline)
    go(guest, "compactor", "compaction_alloc")
    isolation = [
        *("isolate_lru_page", "movable_balloon_page", "get_page_unless_zero", "trylock_page", "movable_balloon_page"),
        *("page_count", "spin_lock", "list_del", "atomic_inc", "spin_unlock", "count_vm_event", "unlock_page"),
        "list_add_isolated",
    ]
    assert verbs(guest, "compactor", begin)[: len(isolation)] == isolation
    begin = len(guest.machine.timeline)
    go(guest, "compactor", "end_batch")
    done = [v for v in verbs(guest, "compactor", begin) if v not in ("prepare_to_wait", "schedule", "finish_wait")]
    assert [v for v in done if v != "virtqueue_get_buf"] == [
        *("compaction_alloc", "trylock_page", "movable_balloon_page", "trylock_page", "bug_on", "movable_balloon_page"),
        *("mutex_lock", "write", "spin_lock", "list_add", "assign_balloon_mapping", "atomic_dec", "spin_unlock"),
        *("set_page_pfns", "virtqueue_add", "virtqueue_kick"),
        *("write", "clear_balloon_mapping", "set_page_pfns", "virtqueue_add", "virtqueue_kick"),
        *("mutex_unlock", "wake_up", "count_vm_event", "unlock_page", "unlock_page", "list_del_migrated"),
        *("put_page", "free_page", "count_vm_event", "list_first"),
    ]


def test_v1_fill_without_a_free_page_returns_with_balloon_lock_held() -> None:
    where = scenario("fill-out-of-memory", "v9")
    machine = where.machine()
    machine.run()
    assert machine.run().reason == "idle"
    wait = machine.blocked()["vballoon"]
    assert wait.text == "waits for balloon_lock, which it holds itself"
    again = replay(where, machine.schedule.token)
    assert again.blocked()["vballoon"].text == wait.text


def test_v1_is_not_in_linux_3_6() -> None:
    machine = scenario("fill-out-of-memory", "linux-3.6").machine()
    machine.run()
    machine.run()
    assert "vballoon" not in machine.blocked()


def test_v3_tells_the_host_stale_pfns_of_another_page() -> None:
    guest = Guest.from_states(np.zeros(8, np.uint8), "v9", page_size=65536)
    guest.inflate(4 * 16)
    machine = guest.machine
    machine.record()
    machine.act("set_target", 16 * 3 + 8)  # half a guest page is asked back
    while not any(m.queue == "deflateq" for m in guest.host.messages):
        machine.run(1)
    message = next(m.pfns.tolist() for m in guest.host.messages if m.queue == "deflateq")
    inflated = [m.pfns.tolist() for m in guest.host.messages if m.queue == "inflateq"][-1]
    head = guest.world.pages_per_page * 3
    assert message[:8] == list(range(head, head + 8))
    assert message[8:] == inflated[8:16], "what the array held before"
    again = Guest.from_states(np.zeros(8, np.uint8), "v9", page_size=65536)
    again.inflate(4 * 16)
    again.machine.record()
    again.machine.replay(machine.schedule)
    assert [m.pfns.tolist() for m in again.host.messages] == [m.pfns.tolist() for m in guest.host.messages]


def first_deflate_acknowledged(guest: Guest) -> bool:
    log = guest.host.messages
    return any(q == Queue.DEFLATE and s >= MessageStatus.USED for q, s in zip(log.queue, log.status, strict=True))


def test_v3_breaks_the_promise_to_the_host() -> None:
    guest = scenario("leak-64k", "v9").guest()
    while not first_deflate_acknowledged(guest):
        guest.machine.run(1)
    freed_but_believed = guest.compare(16 * 3 + 8)
    kept_but_not_believed = guest.compare(8)
    assert guest.page_states[0] == PageState.BALLOON
    assert (freed_but_believed.host_believes, kept_but_not_believed.host_believes) == (True, False)
    assert not kept_but_not_believed.agree


@pytest.mark.parametrize(("num", "stale"), [(8, 8), (100, 12), (250, 6), (256, 0)])
def test_v3_stale_entries_by_num(num: int, stale: int) -> None:
    guest = Guest(64, driver="v9", page_size=65536)
    guest.inflate(32 * 16)
    guest.world.slots[:] = [STALE] * 256
    guest.machine.record()
    guest.machine.act("set_target", 32 * 16 - num)
    while not any(m.queue == "deflateq" for m in guest.host.messages):
        guest.machine.run(1)
    line = guest.machine.timeline
    assert "copy_pfns" in [line.verbs[v] for v in line.verb]
    told = guest.world.values.get(guest.vb.num_pfns.number)
    assert guest.world.slots[:told].count(STALE) == stale


def test_4_kib_guests_never_meet_v3() -> None:
    guest = Guest(2048, driver="v9")
    guest.inflate(700)
    guest.deflate(333)
    assert guest.disagreements() == []
    check_at_rest(guest.machine, guest.vb)


def test_m17_a_target_that_is_no_multiple_of_16_is_never_met() -> None:
    guest = Guest(64, driver="v9", page_size=65536)
    with pytest.raises(DidNotSettleError, match="no multiple of 16"):
        guest.set_target(8)
    guest.machine.act("set_target", 16)
    guest.machine.run()
    assert guest.balloon_pages == 16, "the guest can be used on"


def scattered_balloon() -> Guest:
    states = np.full(4096, PageState.MOVABLE, np.uint8)
    states[::4] = PageState.FREE
    states[1::8] = PageState.BALLOON
    return Guest.from_states(states, "v9")


def test_migration_is_two_messages_of_one_page_each_new_before_old() -> None:
    guest = scattered_balloon()
    sent = len(guest.host.messages)
    result = guest.compact()
    messages = list(guest.host.messages)[sent:]
    assert result.messages == len(messages) > 0
    balloon_moves = [(m.pfns.tolist(), n.pfns.tolist()) for m, n in zip(messages[::2], messages[1::2], strict=True)]
    assert [m.queue for m in messages] == ["inflateq", "deflateq"] * (len(messages) // 2)
    pairs = {tuple(pair) for pair in result.pairs.tolist()}
    assert all((old, new) in pairs for (new,), (old,) in balloon_moves)
    check_at_rest(guest.machine, guest.vb)


def test_enough_listed_pages_end_the_wait_though_some_are_isolated() -> None:
    """The first look wants more pages listed than are left to leak; the one in the sleep is content with as many."""
    guest = compactable(3, "v9")
    guest.machine.act("compact")
    go(guest, "compactor", "list_add_isolated(page 0x0")
    guest.machine.act("set_target", 1)
    go(guest, "vballoon", "virtqueue_add")
    assert guest.world.values["num_isolated_pages"] == 1
    done = verbs(guest, "vballoon")
    first = done.index("spin_lock")
    look = ["atomic_read"] * 3
    assert done[first : first + 9] == ["spin_lock", *look, "spin_unlock", *look, "spin_lock"]
    assert "prepare_to_wait" not in done[first:], "nor does it sleep before the second page"
    guest.machine.run()
    assert told(guest)[0] == ("deflateq", [1, 2])


@pytest.mark.parametrize("driver", ["v9", "v10"])
def test_a_page_that_is_put_back_wakes_who_waits_for_it(driver: str) -> None:
    guest = compactable(1, driver, free=0)
    guest.machine.act("compact")
    go(guest, "compactor", "compaction_alloc")
    guest.machine.act("set_target", 0)
    alone(guest, "vballoon")
    assert guest.machine.blocked()["vballoon"].on == "a wake-up on config_change"
    go(guest, "compactor", "wake_up(config_change)")
    assert guest.world.lock_holders[guest.vb.pages_lock.number] == NOBODY, "it finds the lock free"
    guest.machine.run()
    assert guest.balloon_pages == 0


@pytest.mark.parametrize(("driver", "complaints"), [("v9", [1]), ("v10", []), ("v11", [])])
def test_a_page_that_leaves_the_balloon_between_the_two_looks(driver: str, complaints: list[int]) -> None:
    guest = compactable(1, driver)
    guest.machine.act("compact")
    go(guest, "compactor", "trylock_page(page 0x0)")
    guest.machine.act("set_target", 0)
    go(guest, "vballoon", "config_write")
    assert guest.page_states[0] != PageState.FREE, "the compactor has a reference"
    go(guest, "compactor", "next_candidate")
    assert results(guest, "compactor", "warn_on") == complaints
    assert guest.page_states[0] == PageState.FREE
    guest.machine.run()
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize("driver", ["v9", "v10", "v11", "linux-3.8"])
def test_a_page_that_somebody_else_refers_to_is_left_where_it_is(driver: str) -> None:
    guest = compactable(1, driver)
    guest.world.set_refcount(0, 2)
    guest.machine.act("compact")
    guest.machine.run()
    assert guest.balloon_list == (0,)
    assert guest.world.refcounts == {0: 2}


def test_isolated_pages_are_counted_by_the_series_own_names() -> None:
    guest = scattered_balloon()
    guest.compact()
    counts = [guest.world.values[name] for name in guest.driver.vmstat]
    isolated, migrated, released, returned = counts
    assert isolated == migrated + returned
    assert migrated == released > 0


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 500), st.integers(20, 300), st.integers(1, 900))
def test_left_alone_v9_keeps_the_invariants(seed: int, pages: int, workload: int) -> None:
    free = np.random.default_rng(seed).permutation(1536)[:workload]
    states = np.full(1536, PageState.MOVABLE, np.uint8)
    states[free] = PageState.FREE
    guest = Guest.from_states(states, "v9")
    guest.inflate(min(pages, workload))
    guest.compact()
    guest.deflate(guest.balloon_pages // 2)
    check_at_rest(guest.machine, guest.vb)
    assert guest.frames.block_types.tolist() == [int(Migratetype.MOVABLE)] * 3


def test_replace_checks_what_it_is_given() -> None:
    driver = find_driver("v9")

    def mine(vb: object, num: int) -> Routine:
        del num
        yield read(vb.num_pages)  # type: ignore[attr-defined]

    assert driver.replace(leak_balloon=mine).leak_balloon is mine
    with pytest.raises(UnknownNameError, match="leak_baloon"):
        driver.replace(leak_baloon=mine)
    with pytest.raises(BadValueError, match="no generator function"):
        driver.replace(leak_balloon=print)
    with pytest.raises(BadValueError, match="parameters"):
        driver.replace(tell_host=lambda: (yield), fill_balloon=mine)  # type: ignore[misc]
