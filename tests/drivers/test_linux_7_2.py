"""Linux 7.2: no page locks in the balloon, and the list changes after both acknowledgements."""

from __future__ import annotations

import numpy as np

from balloonlab.course.scenarios import scenario
from balloonlab.drivers import find_driver
from balloonlab.drivers.compactor import ENOENT
from balloonlab.drivers.invariants import check_at_rest
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.guest.guest import Guest
from balloonlab.kernel.primitives import Routine, page_count
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.memory.zone import PageState
from tests.drivers.steps import alone, compactable, go, results, told, verbs

F, M, B = PageState.FREE, PageState.MOVABLE, PageState.BALLOON
WORKER = "balloon-worker"


def test_a_round_of_inflation() -> None:
    guest = scenario("inflate", "linux-7.2").guest()
    guest.machine.run()
    done = verbs(guest, WORKER)
    enqueue = [
        *("spin_lock_irqsave", "set_page_offline", "set_page_movable_ops", "set_page_private", "list_add"),
        *("add", "count_vm_event", "add", "spin_unlock_irqrestore"),
    ]
    page = [*enqueue, "read", "set_page_pfns", "add", "add"]
    round_ = [
        *("process_one_work", "config_read", "read", "alloc_page", "alloc_page", "mutex_lock", "write"),
        *(*page, *page, "read", "virtqueue_add", "virtqueue_kick", "virtqueue_get_buf"),
    ]
    assert done[: len(round_)] == round_
    assert "balloon_pages_lock" in guest.world.lock_names
    assert guest.world.values["nr_balloon_pages"] == guest.world.values["balloon_inflate"] == 2


def test_a_round_of_deflation_counts_memory_in_before_the_host_knows() -> None:
    guest = scenario("deflate", "linux-7.2").guest()
    before = guest.world.values["totalram_pages"]
    go(guest, WORKER, "virtqueue_add")
    assert guest.world.values["totalram_pages"] == before + 2
    guest.machine.run()
    done = verbs(guest, WORKER)
    dequeue = [
        *("spin_lock_irqsave", "list_first", "list_del", "add", "set_page_private", "count_vm_event", "add"),
        "spin_unlock_irqrestore",
    ]
    page = ["read", *dequeue, "set_page_pfns", "add", "add"]
    round_ = [
        *("process_one_work", "config_read", "read", "mutex_lock", "read", "write"),
        *(*page, *page, "read", "read", "virtqueue_add", "virtqueue_kick", "virtqueue_get_buf"),
    ]
    assert done[: len(round_)] == round_
    end = ["put_page", "put_page", "mutex_unlock", "read", "config_write", "work_done"]
    assert done[-len(end) :] == end


def test_the_worker_takes_no_page_lock() -> None:
    guest = Guest(1024, driver="linux-7.2")
    guest.machine.record()
    guest.set_target(300)
    guest.set_target(0)
    assert not {"trylock_page", "lock_page", "unlock_page"} & set(verbs(guest, WORKER))


def test_one_migration_inserts_after_both_acknowledgements() -> None:
    guest = compactable(1, "linux-7.2")
    machine = guest.machine
    machine.act("compact")
    go(guest, "compactor", "mutex_trylock")
    begin = len(machine.timeline)
    go(guest, "compactor", "mutex_unlock")
    assert guest.balloon_list == ()
    assert guest.world.values["isolated_pages"] == 1
    (_, (new,)), (_, (old,)) = told(guest)
    assert (guest.host.believes(new), guest.host.believes(old)) == (True, False)
    assert new not in guest.world.page_flags
    go(guest, "compactor", "end_batch")
    done = [v for v in verbs(guest, "compactor", begin) if v not in ("prepare_to_wait", "schedule", "finish_wait")]
    message = ["write", "set_page_pfns", "virtqueue_add", "virtqueue_kick"]
    assert [v for v in done if v != "virtqueue_get_buf"] == [
        "mutex_trylock",
        *(*message, *message),
        *("mutex_unlock", "spin_lock_irqsave", "get_page", "set_page_offline", "set_page_movable_ops"),
        *("set_page_private", "list_add", "count_vm_event", "add", "set_page_private", "spin_unlock_irqrestore"),
        *("put_page", "clear_page_isolated", "unlock_page", "put_page", "list_del_migrated", "unlock_page", "put_page"),
        "list_first",
    ]
    assert results(guest, "compactor", "put_page") == [1, 1, 0]
    assert guest.balloon_list == (new,)
    assert guest.world.page_flags == {new: find_driver("linux-7.2").page_flags}


def test_between_the_messages_and_the_list_the_page_is_on_neither() -> None:
    """balloon_lock is free by then: a leak finds one page less, and gives up a round."""
    guest = compactable(1, "linux-7.2")
    guest.machine.act("compact")
    go(guest, "compactor", "mutex_unlock")
    guest.machine.step("compactor")
    guest.machine.act("set_target", 0)
    begin = len(guest.machine.timeline)
    go(guest, WORKER, "queue_work")
    assert "virtqueue_add" not in verbs(guest, WORKER, begin)
    guest.machine.run()
    assert guest.balloon_pages == 0
    check_at_rest(guest.machine, guest.vb)


def test_a_batch_is_locked_as_a_whole() -> None:
    guest = compactable(3, "linux-7.2")
    guest.machine.act("compact")
    go(guest, "compactor", "mutex_trylock")
    assert len(guest.world.page_locks) == 6, "three pages and their targets"


def test_a_locked_page_does_not_stop_the_worker() -> None:
    guest = compactable(3, "linux-7.2")
    guest.machine.act("compact")
    go(guest, "compactor", "trylock_page(page 0x0)")
    guest.machine.step("compactor")
    guest.machine.act("set_target", 2)
    go(guest, WORKER, "work_done")
    assert told(guest) == [("deflateq", [0])], "the head, though a compactor holds its lock"


def test_the_owner_says_no_to_a_page_it_has_let_go() -> None:
    guest = compactable(2, "linux-7.2")
    machine = guest.machine
    machine.act("compact")
    go(guest, "compactor", "get_page_unless_zero(page 0x0)")  # the scan has chosen it
    machine.act("set_target", 1)
    go(guest, WORKER, "virtqueue_add")
    assert guest.world.page_flags[0] == PageFlag.OFFLINE | PageFlag.MOVABLE_OPS, "both stay"
    begin = len(machine.timeline)
    go(guest, "compactor", "next_candidate")
    assert verbs(guest, "compactor", begin)[-5:] == [
        *("spin_lock_irqsave", "page_private", "spin_unlock_irqrestore", "unlock_page", "put_page"),
    ]
    machine.run()
    assert 0 not in guest.world.page_flags, "freed"
    assert guest.world.refcounts.get(0, 0) == 0
    check_at_rest(machine, guest.vb)


def test_the_last_reference_may_be_the_compactors() -> None:
    guest = compactable(1, "linux-7.2")
    machine = guest.machine
    machine.act("compact")
    go(guest, "compactor", "page_has_movable_ops(page 0x0)")
    go(guest, "compactor", "trylock_page(page 0x0)")  # it holds a reference
    machine.act("set_target", 0)
    go(guest, WORKER, "work_done")
    assert guest.page_states[0] == PageState.IN_TRANSIT
    alone(guest, "compactor")
    assert guest.page_states[0] == PageState.FREE
    check_at_rest(machine, guest.vb)


def test_contention_is_three_tries_of_the_batch_then_seven_of_each_page() -> None:
    guest = compactable(4, "linux-7.2")
    guest.machine.act("set_target", 2)
    alone(guest, WORKER)
    guest.machine.act("compact")
    go(guest, "compactor", "release_freepages")
    line = guest.machine.timeline
    locked = [line.page[i] for i in range(len(line)) if line.verbs[line.verb[i]] == "trylock_page"]
    assert locked[:2] == [2, 3], "isolation"
    assert [page for page in locked[2:] if page < 2000] == [3, 2, 3, 2], "the batch once, then one by one"
    assert results(guest, "compactor", "mutex_trylock") == [0] * 20


def test_a_guest_with_other_movable_pages_moves_them_too() -> None:
    states = np.full(4096, M, np.uint8)
    states[::4] = F
    states[1::8] = B
    guest = Guest.from_states(states, "linux-7.2")
    result = guest.compact()
    assert len(result.pairs) > guest.world.values["balloon_migrate"] > 0
    check_at_rest(guest.machine, guest.vb)


def test_a_driver_that_deflates_the_old_page_and_inflates_no_new_one() -> None:
    """What ENOENT is for: the core counts a deflation (of all but nr_balloon_pages, M22), the target goes back."""
    counted = ("balloon_deflate", "totalram_pages", "balloon_migrate", "nr_balloon_pages")

    def virtballoon_migratepage(_vb: VirtioBalloon, _newpage: int, page: int) -> Routine:
        yield page_count(page)
        return ENOENT

    guest = compactable(1, "linux-7.2")
    driver = guest.driver.replace(virtballoon_migratepage=virtballoon_migratepage)
    guest = Guest.from_states(guest.page_states, driver)
    before = [guest.world.values[name] for name in counted]
    guest.compact()
    after = [guest.world.values[name] for name in counted]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 0, 0]
    assert guest.world.values["isolated_pages"] == 0
    assert guest.balloon_list == ()
    assert guest.world.refcounts == guest.world.page_flags == {}
    assert (guest.page_states == PageState.FREE).sum() == 25
