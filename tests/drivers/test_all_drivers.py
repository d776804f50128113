"""What holds in every version: left alone it keeps its books, and it can be unloaded, suspended and resumed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.drivers import DRIVERS, find_driver
from balloonlab.drivers.actors import Actor, wish
from balloonlab.drivers.invariants import check_always, check_at_rest
from balloonlab.drivers.linux_3_6 import DRIVER as LINUX_3_6
from balloonlab.foundations.errors import DidNotSettleError
from balloonlab.guest.guest import Guest
from balloonlab.host.host import MessageStatus
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Routine
from balloonlab.kernel.primitives.devices import prime_stats
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.memory.zone import PageState
from tests.drivers.steps import alone, lost_to_the_lru, told
from tests.memory.invariants import check_buddy

ALL = sorted(DRIVERS)
SOUND = ["linux-3.6", "linux-6.1", "linux-7.2"]  # no known defect that a schedule of these threads can meet


def holes(seed: int, pages: int, share: float) -> np.ndarray:
    states = np.where(np.random.default_rng(seed).random(pages) < share, PageState.MOVABLE, PageState.FREE)
    return states.astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ALL),
    st.sampled_from([4096, 65536]),
    st.lists(st.tuples(st.sampled_from(["target", "compact"]), st.integers(0, 300)), min_size=1, max_size=5),
    st.integers(0, 10_000),
)
def test_left_alone_every_version_keeps_the_invariants(
    driver: str, page_size: int, plan: list[tuple[str, int]], seed: int
) -> None:
    guest = Guest.from_states(holes(seed, 1536, 0.6), driver, page_size=page_size)
    for what, pages in plan:
        if what == "compact":
            guest.compact()
        else:
            guest.set_target(pages * (page_size // 4096))
        if lost_to_the_lru(guest):
            assert driver == "linux-3.8", "M5"
            with pytest.raises(AssertionError, match="I1"):
                check_at_rest(guest.machine, guest.vb)
            return
        check_at_rest(guest.machine, guest.vb)
        check_buddy(guest.buddies[0])
        assert guest.disagreements() == []
        assert guest.balloon_pages == guest.host.target
    assert guest.machine.bugs == ()


@pytest.mark.parametrize("driver", ALL)
@pytest.mark.parametrize("page_size", [4096, 16384, 65536])
def test_rounds_of_256_and_the_way_back(driver: str, page_size: int) -> None:
    guest = Guest(2048, driver=driver, page_size=page_size)
    grown = guest.inflate(2000)
    assert (grown.after, grown.messages) == (2000, 8)
    shrunk = guest.deflate(2000)
    assert (shrunk.after, shrunk.messages) == (0, 8)
    sizes = [len(pfns) for _, pfns in told(guest)]
    assert sizes == [*([256] * 7), 208, *([256] * 7), 208]
    inflated = [pfn for queue, pfns in told(guest) if queue == "inflateq" for pfn in pfns]
    deflated = [pfn for queue, pfns in told(guest) if queue == "deflateq" for pfn in pfns]
    ppp = page_size // 4096
    assert deflated[::ppp] == inflated[::ppp][::-1], "last in, first out"
    assert guest.world.values["totalram_pages"] == 2048
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize("driver", ALL)
def test_an_unaligned_target_of_a_64_kib_guest(driver: str) -> None:
    guest = Guest(64, driver=driver, page_size=65536)
    if find_driver(driver).workqueue:
        assert guest.set_target(8).after == 16, "rounded up since 6.6, and in 6.1.192"
        assert guest.set_target(0).after == 0
        return
    if driver == "v10":
        guest.set_target(8)
        assert guest.balloon_pages == 0
        assert guest.machine.blocked()["vballoon"].status == "asleep"
        return
    with pytest.raises(DidNotSettleError, match="no multiple of 16"):  # M17
        guest.set_target(8)


@pytest.mark.parametrize("driver", [name for name in ALL if DRIVERS[name].movable])
def test_migration_is_two_messages_of_one_page_each_new_before_old(driver: str) -> None:
    states = np.full(4096, PageState.MOVABLE, np.uint8)
    states[::4] = PageState.FREE
    states[1::8] = PageState.BALLOON
    guest = Guest.from_states(states, driver)
    actual = guest.host.actual
    result = guest.compact()
    messages = told(guest)
    assert [queue for queue, _ in messages] == ["inflateq", "deflateq"] * (len(messages) // 2)
    pairs = [(old, new) for (_, (new,)), (_, (old,)) in zip(messages[::2], messages[1::2], strict=True)]
    moved = [tuple(pair) for pair in result.pairs.tolist()]
    assert pairs == [pair for pair in moved if pair in set(pairs)]
    assert guest.host.actual == actual, "migration does not write it"
    migrated = next((name for name in guest.driver.vmstat if name.endswith(("migrate", "migrated"))), "")
    assert migrated == "" or guest.world.values[migrated] == len(pairs) > 0
    if not lost_to_the_lru(guest):
        check_at_rest(guest.machine, guest.vb)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(SOUND),
    st.sampled_from([4096, 65536]),
    st.lists(
        st.tuples(st.sampled_from(["target", "compact", "request_stats"]), st.integers(0, 24), st.integers(0, 120)),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 10_000),
)
def test_no_schedule_breaks_a_sound_version(
    driver: str, page_size: int, plan: list[tuple[str, int, int]], seed: int
) -> None:
    guest = Guest.from_states(holes(seed, 1100, 0.5), driver, page_size=page_size)
    machine = guest.machine
    machine.record()
    for i, (what, target, steps) in enumerate(plan):
        if what == "target":
            machine.act("set_target", target * (page_size // 4096))
        else:
            machine.act(what)
        for step in range(steps):
            if not machine.walk(1, seed + 1000 * i + step):
                break
            check_always(machine, guest.vb)
    machine.run()
    check_at_rest(machine, guest.vb)
    check_buddy(guest.buddies[0])
    assert machine.bugs == ()


def machine_with(guest: Guest, routine: str) -> Machine:
    """The guest's threads and one more, the remover."""
    run = getattr(guest.driver, routine)
    return Machine(
        guest.world, [*guest._engines.stepped.threads(), ThreadSpec("remover", "a test's", lambda: run(guest.vb))]
    )


@pytest.mark.parametrize("driver", ALL)
@pytest.mark.parametrize("routine", ["virtballoon_remove", "virtballoon_freeze"])
def test_remove_and_freeze_empty_the_balloon(driver: str, routine: str) -> None:
    guest = Guest(1024, driver=driver)
    guest.inflate(300)
    if routine == "virtballoon_freeze":
        guest.world.values["freezing"] = 1
    machine = machine_with(guest, routine)
    assert machine.run().reason == "idle"
    blocked = machine.blocked()
    assert blocked["remover"].status == "finished"
    first = guest.driver.threads[0].name
    removed = "idle" if guest.driver.workqueue else "finished"
    assert blocked[first].status == (removed if routine == "virtballoon_remove" else "asleep")
    assert guest.balloon_pages == guest.host.actual == 0
    assert not guest.host.believed.any()
    check_at_rest(machine, guest.vb)


@pytest.mark.parametrize("driver", ALL)
def test_resume_towards_no_target(driver: str) -> None:
    """V1, resume variant: fill_balloon(0) of v9 to v11 returns with balloon_lock held."""
    guest = Guest(1024, driver=driver)
    guest.inflate(300)
    guest.world.values["freezing"] = 1
    machine_with(guest, "virtballoon_freeze").run()
    guest.host.set_target(0)
    machine = machine_with(guest, "virtballoon_restore")
    machine.run()
    if guest.driver.workqueue:
        assert guest.world.values["update_balloon_size_work"] == 0, "there is nothing to ask for"
    guest.world.values["freezing"] = 0
    machine.run()
    held = dict(zip(guest.world.lock_names, guest.world.lock_holders, strict=True))["balloon_lock"]
    assert (held >= 0) == (driver in ("v9", "v10", "v11"))
    assert guest.balloon_pages == 0


@pytest.mark.parametrize("driver", ALL)
def test_resume_inflates_again(driver: str) -> None:
    guest = Guest(1024, driver=driver)
    guest.inflate(300)
    guest.world.values["freezing"] = 1
    machine_with(guest, "virtballoon_freeze").run()
    machine = machine_with(guest, "virtballoon_restore")
    machine.run()
    assert guest.balloon_pages == (0 if guest.driver.workqueue else 256), "a thread's driver does one round itself"
    assert guest.host.actual == guest.balloon_pages, "and says so"
    guest.world.values["freezing"] = 0
    machine.run()
    assert guest.balloon_pages == 300
    check_at_rest(machine, guest.vb)


@pytest.mark.parametrize("driver", [name for name in ALL if DRIVERS[name].workqueue])
def test_remove_takes_both_works_off_their_queues_and_no_more_is_asked_for(driver: str) -> None:
    guest = Guest(256, driver=driver)
    alone(guest, "host-statsq")  # it has the buffer
    guest.machine.act("set_target", 100)
    guest.world.values["update_balloon_stats_work"] = 1
    both = "update_balloon_size_work", "update_balloon_stats_work"
    assert [guest.world.values[work] for work in both] == [1, 1]
    machine = machine_with(guest, "virtballoon_remove")
    while "remover" in machine.runnable():
        machine.step("remover")
    assert machine.blocked()["remover"].status == "finished"
    assert [guest.world.values[work] for work in both] == [0, 0]
    guest.machine.act("set_target", 200)
    guest.machine.act("request_stats")
    guest.machine.run()
    assert [guest.world.values[work] for work in both] == [0, 0]
    assert guest.host.messages.status.tolist() == [MessageStatus.USED], "it was returned in vain"
    assert guest.balloon_pages == 0


@pytest.mark.parametrize("driver", ALL)
def test_a_host_that_changes_its_mind_is_heard(driver: str) -> None:
    guest = Guest(256, driver=driver)
    steps = guest._engines.stepped
    host = Actor("host", "a test's", wish(16)).thread(guest.vb, steps.mm, guest.world.new_gate("begin"))
    machine = Machine(guest.world, [*steps.threads(), host])
    machine.run()
    assert guest.balloon_pages == 0
    guest.world.values["begin"] = 1
    machine.run()
    assert guest.balloon_pages == 16


def test_new_queues_begin_with_one_empty_buffer() -> None:
    guest = Guest(256, driver="v9")
    log = guest.host.messages
    guest.machine.act("request_stats")
    alone(guest, "host-statsq")
    assert log.status.tolist() == [MessageStatus.USED]

    def resume() -> Routine:
        yield prime_stats(guest.vb.stats_vq)
        yield prime_stats(guest.vb.stats_vq)  # one that it has already is as good

    Machine(guest.world, [ThreadSpec("resume", "a test's", resume)]).run()
    assert log.status.tolist() == [MessageStatus.COLLECTED, MessageStatus.KICKED]
    assert guest.host.statistics == {}


@pytest.mark.parametrize(("driver", "figures"), [("linux-3.6", 6), ("v11", 6), ("linux-6.1", 10), ("linux-7.2", 16)])
def test_statistics(driver: str, figures: int) -> None:
    guest = Guest(256, driver=driver)
    guest.inflate(100)
    guest.machine.act("request_stats")
    guest.machine.run()
    statistics = guest.host.statistics
    assert len(statistics) == figures
    assert statistics["memtot"] == statistics["memfree"] == 156 * 4096
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize("driver", ALL)
def test_the_host_has_the_latest_statistics(driver: str) -> None:
    guest = Guest(256, driver=driver)
    for pages in (100, 30, 60):
        guest.set_target(pages)
        guest.machine.act("request_stats")
        guest.machine.run()
        assert guest.host.statistics["memfree"] == (256 - pages) * 4096


@pytest.mark.parametrize("driver", ALL)
def test_no_statistics_are_sent_while_the_host_has_the_buffer(driver: str) -> None:
    """There is one buffer: asked without having got it back, as after a resume, the driver has nothing to send."""
    guest = Guest(256, driver=driver)
    request = guest.vb.update_balloon_stats_work if guest.driver.workqueue else guest.vb.need_stats_update
    guest.machine.run()
    sent = len(guest.host.messages)
    guest.world.values[request.name] = 1
    guest.world.wake_up(guest.vb.config_change.number)
    guest.machine.run()
    assert guest.world.values[request.name] == 0, "the request was taken up"
    assert len(guest.host.messages) == sent
    assert guest.host.statistics == {}


def test_every_version_has_its_own_names_for_the_same_thing() -> None:
    assert find_driver("v9").isolate_balloon_page is find_driver("v9").balloon_page_isolate
    with pytest.raises(AttributeError, match="no routine 'oom'"):
        _ = LINUX_3_6.oom
    for driver in DRIVERS.values():
        assert getattr(driver, driver.threads[0].routine)
        wanted = {"compact_zone", "isolate_migratepages", "migrate_pages", "putback_movable_pages"}
        assert wanted <= driver.functions.keys()


def test_a_routine_can_be_replaced_by_any_of_its_names() -> None:
    driver = find_driver("v9")
    other = find_driver("v10").balloon_page_isolate
    assert driver.replace(isolate_balloon_page=other).balloon_page_isolate is other
