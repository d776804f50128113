"""Linux 6.1: what recordings of a real guest established holds for the model."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.course.scenarios import scenario
from balloonlab.drivers import find_driver
from balloonlab.drivers.invariants import check_always, check_at_rest
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.memory.zone import PageState
from tests.drivers.steps import alone, compactable, go, pending, results, told, verbs

F, M, U, B = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON
WORKER = "balloon-worker"


def test_a_round_of_inflation() -> None:
    guest = scenario("inflate", "linux-6.1").guest()
    guest.machine.run()
    done = verbs(guest, WORKER)
    enqueue = [
        *("spin_lock_irqsave", "trylock_page", "bug_on", "set_page_offline", "set_page_movable", "set_page_private"),
        *("list_add", "unlock_page", "count_vm_event", "spin_unlock_irqrestore"),
    ]
    page = [*enqueue, "read", "set_page_pfns", "add", "add", "add"]
    round_ = [
        *("process_one_work", "config_read", "read", "alloc_page", "alloc_page", "mutex_lock", "write"),
        *(*page, *page, "read", "virtqueue_add", "virtqueue_kick", "virtqueue_get_buf"),
    ]
    assert done[: len(round_)] == round_
    assert done[-4:] == ["mutex_unlock", "read", "config_write", "work_done"]
    assert results(guest, WORKER, "alloc_page") == [0, 1]
    assert told(guest) == [("inflateq", [1, 0])], "the reverse of allocation order"
    assert guest.balloon_list == (0, 1)


def test_a_round_of_deflation() -> None:
    guest = scenario("deflate", "linux-6.1").guest()
    guest.machine.run()
    done = verbs(guest, WORKER)
    dequeue = [
        *("spin_lock_irqsave", "list_first", "list_next", "trylock_page", "list_del", "clear_page_movable"),
        *("set_page_private", "clear_page_offline", "count_vm_event", "unlock_page", "spin_unlock_irqrestore"),
    ]
    page = ["read", *dequeue, "set_page_pfns", "add", "add"]
    round_ = [
        *("process_one_work", "config_read", "read", "mutex_lock", "read", "write"),
        *(*page, *page, "read", "read", "virtqueue_add", "virtqueue_kick", "virtqueue_get_buf"),
    ]
    assert done[: len(round_)] == round_
    end = ["add", "put_page", "add", "put_page", "mutex_unlock", "read", "config_write", "work_done"]
    assert done[-len(end) :] == end
    assert told(guest) == [("deflateq", [0, 1])]


def test_one_migration() -> None:
    guest = compactable(1, "linux-6.1")
    guest.machine.act("compact")
    go(guest, "compactor", "isolate_lru_page(page 0x0)")
    begin = len(guest.machine.timeline)
    go(guest, "compactor", "compaction_alloc")
    isolation = [
        *("isolate_lru_page", "page_looks_movable", "page_isolated", "get_page_unless_zero", "page_looks_movable"),
        *("trylock_page", "page_movable", "page_isolated", "spin_lock_irqsave", "list_del", "add"),
        *("spin_unlock_irqrestore", "set_page_isolated", "unlock_page", "list_add_isolated"),
    ]
    assert verbs(guest, "compactor", begin)[: len(isolation)] == isolation
    assert "lru_lock" not in [guest.machine.timeline.objects[i] for i in guest.machine.timeline.obj]
    begin = len(guest.machine.timeline)
    go(guest, "compactor", "end_batch")
    done = [v for v in verbs(guest, "compactor", begin) if v not in ("prepare_to_wait", "schedule", "finish_wait")]
    message = ["write", "set_page_pfns", "virtqueue_add", "virtqueue_kick"]
    assert [v for v in done if v != "virtqueue_get_buf"] == [
        *("compaction_alloc", "trylock_page", "trylock_page", "page_looks_movable", "page_movable", "mutex_trylock"),
        *("get_page", "spin_lock_irqsave", "set_page_offline", "set_page_movable", "set_page_private", "list_add"),
        *("add", "count_vm_event", "spin_unlock_irqrestore"),
        *(*message, *message),
        *("mutex_unlock", "clear_page_movable", "set_page_private", "clear_page_offline", "put_page"),
        *("clear_page_isolated", "unlock_page", "unlock_page", "put_page", "list_del_migrated", "put_page"),
        "list_first",
    ]
    left = results(guest, "compactor", "put_page")
    assert left == [1, 1, 0], "the balloon's of the old page, migration's of the new one, isolation's of the old one"


@pytest.mark.parametrize("driver", ["linux-6.1", "linux-7.2"])
def test_item_2_and_3_a_round_is_get_config_one_message_set_actual(driver: str) -> None:
    guest = Guest(2048, driver=driver)
    guest.machine.record()
    guest.set_target(700)
    guest.set_target(0)
    pattern = [v for v in verbs(guest, WORKER) if v in ("config_read", "virtqueue_add", "config_write")]
    assert pattern == ["config_read", "virtqueue_add", "config_write"] * 6
    assert [len(pfns) for _, pfns in told(guest)] == [256, 256, 188, 256, 256, 188]
    assert verbs(guest, WORKER).count("queue_work") == 4


def test_item_4_a_new_target_takes_effect_at_the_next_round() -> None:
    guest = Guest(2048, driver="linux-6.1")
    guest.machine.record()
    guest.machine.act("set_target", 700)
    go(guest, WORKER, "virtqueue_add")
    guest.machine.act("set_target", 100)
    guest.machine.run()
    assert [(queue, len(pfns)) for queue, pfns in told(guest)] == [("inflateq", 256), ("deflateq", 156)]


@pytest.mark.parametrize("driver", ["linux-6.1", "linux-7.2"])
def test_item_5_6_and_7_orders(driver: str) -> None:
    states = np.where(np.random.default_rng(3).random(2048) < 0.7, M, F).astype(np.uint8)
    guest = Guest.from_states(states, driver)
    guest.machine.record()
    guest.set_target(300)
    allocated = results(guest, WORKER, "alloc_page")
    inflated = [pfns for _, pfns in told(guest)]
    assert inflated == [allocated[:256][::-1], allocated[256:][::-1]]
    begin = len(guest.machine.timeline)
    guest.set_target(0)
    deflated = [pfns for queue, pfns in told(guest) if queue == "deflateq"]
    assert [*deflated[0], *deflated[1]] == [*inflated[0], *inflated[1]][::-1], "last in, first out"
    line = guest.machine.timeline
    freed = [line.page[i] for i in range(begin, len(line)) if line.verbs[line.verb[i]] == "put_page"]
    assert freed == deflated[0][::-1] + deflated[1][::-1]
    acknowledged = [i for i in range(begin, len(line)) if line.verbs[line.verb[i]] == "host_acknowledge"]
    first_freed = next(i for i in range(begin, len(line)) if line.verbs[line.verb[i]] == "put_page")
    assert acknowledged[0] < first_freed < acknowledged[1]


def test_item_13_the_new_page_is_the_head_before_the_host_is_told() -> None:
    guest = compactable(1, "linux-6.1")
    guest.machine.act("compact")
    go(guest, "compactor", "virtqueue_add")
    (new,) = guest.balloon_list
    assert guest.world.slots[0] == new
    assert not guest.host.believes(new)
    assert guest.world.lock_holders[guest.vb.balloon_lock.number] == guest.machine.names.index("compactor")


@pytest.mark.parametrize(("driver", "tries"), [("linux-6.1", 10), ("linux-7.2", 3 + 7)])
def test_item_23_a_busy_balloon_lock_is_tried_ten_times_then_the_page_is_put_back(driver: str, tries: int) -> None:
    guest = compactable(5, driver)
    guest.machine.act("set_target", 3)
    alone(guest, WORKER)  # asleep for the host, with balloon_lock
    guest.machine.act("compact")
    go(guest, "compactor", "release_freepages")
    assert results(guest, "compactor", "mutex_trylock") == [0] * (tries * 3)
    assert guest.balloon_list == (2, 3, 4), "item 18: put back at the head"
    assert guest.world.values["isolated_pages"] == 0
    guest.machine.run()
    check_at_rest(guest.machine, guest.vb)
    assert guest.balloon_pages == 3


def test_item_25_a_locked_page_is_passed_over() -> None:
    guest = compactable(3, "linux-6.1")
    guest.machine.act("compact")
    go(guest, "compactor", "mutex_unlock")
    guest.machine.step("compactor")  # page 2 has become the new head, which is still locked
    new = guest.balloon_list[0]
    guest.machine.act("set_target", 1)
    begin = len(guest.machine.timeline)
    go(guest, WORKER, "config_write")
    assert verbs(guest, WORKER, begin).count("trylock_page") == 1
    assert guest.balloon_list == (new,)
    guest.machine.run()
    assert guest.balloon_pages == 1
    check_at_rest(guest.machine, guest.vb)


def test_item_25_the_page_behind_it_is_taken() -> None:
    guest = Guest.from_states([U] * 4 + [B] * 3, "linux-6.1", balloon=[4, 5, 6])
    guest.machine.record()
    guest.world.take_page_lock(4, guest.machine.names.index("compactor"))
    guest.machine.act("set_target", 1)
    guest.machine.run()
    assert told(guest) == [("deflateq", [5, 6])]
    assert guest.balloon_list == (4,)


@pytest.mark.parametrize("driver", ["linux-6.1", "linux-7.2"])
def test_item_26_with_only_isolated_pages_left_the_work_queues_itself_again(driver: str) -> None:
    guest = compactable(4, driver)
    guest.machine.act("compact")
    go(guest, "compactor", "compaction_alloc")
    guest.machine.act("set_target", 0)
    for _ in range(3):
        begin = len(guest.machine.timeline)
        go(guest, WORKER, "work_done")
        guest.machine.step(WORKER)
        round_ = [v for v in verbs(guest, WORKER, begin) if v in ("config_read", "virtqueue_add", "config_write")]
        assert round_ == ["config_read", "config_write"]
        assert guest.host.actual == guest.balloon_pages == 4
        assert pending(guest.machine, WORKER).startswith("process_one_work")
        assert WORKER in guest.machine.runnable()
    assert told(guest) == []
    guest.machine.run()
    assert guest.balloon_pages == 0
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize("driver", ["linux-6.1", "linux-7.2"])
def test_item_28_out_of_memory_is_tried_again_without_a_message(driver: str) -> None:
    guest = scenario("fill-out-of-memory", driver).guest()
    machine = guest.machine
    for _ in range(3):
        begin = len(machine.timeline)
        assert machine.run().text == "balloon-worker sleeps for a time"
        assert machine.world.lock_holders == [-1] * len(machine.world.lock_names), "the sleep is before the lock"
    assert "config_write" in verbs(guest, WORKER, begin)
    assert told(guest) == []


@pytest.mark.parametrize("driver", ["linux-6.1", "linux-7.2"])
@pytest.mark.parametrize("page_size", [4096, 65536])
def test_item_30_and_31_the_oom_notifier_takes_256_pages_and_nobody_takes_them_back(
    driver: str, page_size: int
) -> None:
    guest = Guest(1024, driver=driver, page_size=page_size)
    guest.vb.deflate_on_oom = True
    guest.inflate(1024)
    freed = []

    def oom() -> object:
        freed.append((yield from guest.driver.virtio_balloon_oom_notify(guest.vb)))  # type: ignore[misc]

    sent = len(guest.host.messages)
    total = guest.world.values["totalram_pages"]
    machine = Machine(guest.world, [*guest._engines.stepped.threads(), ThreadSpec("oom", "a test's", oom)])  # type: ignore[arg-type]
    machine.run()
    assert freed == [256 * 4096 // page_size], "in guest pages"
    assert [(queue, len(pfns)) for queue, pfns in told(guest, sent)] == [("deflateq", 256)]
    assert guest.host.actual == guest.balloon_pages == 768
    assert guest.host.target == 1024
    assert guest.world.values["totalram_pages"] == total, "with DEFLATE_ON_OOM they were counted all the time"


@pytest.mark.parametrize("driver", ["linux-6.1", "linux-7.2"])
def test_m8_is_gone_a_small_balloon_gives_what_it_has(driver: str) -> None:
    guest = Guest(256, driver=driver)
    guest.inflate(100)
    machine = Machine(
        guest.world,
        [
            *guest._engines.stepped.threads(),
            ThreadSpec("oom", "a test's", lambda: guest.driver.virtio_balloon_oom_notify(guest.vb)),
        ],
    )
    machine.run()
    assert guest.balloon_pages == 0
    assert machine.bugs == ()


def test_work_is_not_reentrant_and_a_request_meanwhile_is_not_lost() -> None:
    guest = Guest(2048, driver="linux-6.1")
    guest.machine.record()
    guest.machine.act("set_target", 100)
    go(guest, WORKER, "config_write")
    guest.machine.act("set_target", 120)
    guest.machine.run()
    assert guest.balloon_pages == 120
    assert verbs(guest, WORKER).count("process_one_work") == 2


def test_remove_waits_for_the_round_under_way() -> None:
    guest = Guest(1024, driver="linux-6.1")
    remover = ThreadSpec("remover", "a test's", lambda: guest.driver.virtballoon_remove(guest.vb))
    steps = guest._engines.stepped
    steps.machine = machine = Machine(guest.world, [*steps.threads(), remover], steps.actions())
    machine.record()
    machine.act("set_target", 600)
    go(guest, WORKER, "virtqueue_add")
    alone(guest, "remover")
    assert machine.blocked()["remover"].text == "waits for the end of update_balloon_size_work"
    machine.act("set_target", 700)  # stop_update: no more work is asked for
    machine.run()
    assert machine.blocked()["remover"].status == "finished"
    assert guest.balloon_pages == guest.host.actual == 0
    assert machine.blocked()[WORKER].status == "idle"


def test_marks_come_and_go() -> None:
    guest = compactable(2, "linux-6.1")
    every = find_driver("linux-6.1").page_flags
    assert [guest.world.page_flags[page] for page in (0, 1)] == [every, every]
    guest.machine.act("set_target", 1)
    go(guest, WORKER, "virtqueue_add")
    assert guest.world.page_flags[0] == PageFlag.MOVABLE, "the type bit stays until the page is freed"
    guest.machine.run()
    assert 0 not in guest.world.page_flags


def test_v11_hazard_is_gone_a_fresh_page_is_not_locked_by_a_compactor() -> None:
    guest = compactable(1, "linux-6.1")
    machine = guest.machine
    machine.act("compact")
    go(guest, "compactor", "get_page_unless_zero(page 0x0)")  # the scan's test was true
    machine.act("set_target", 0)
    go(guest, WORKER, "work_done")  # the page is gone
    machine.step("compactor")
    go(guest, "compactor", "next_candidate")
    assert "trylock_page" not in verbs(guest, "compactor")
    machine.run()
    check_always(machine, guest.vb)
    check_at_rest(machine, guest.vb)
