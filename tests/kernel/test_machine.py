"""The machine: stepping, blocking, going back, replaying, on small programs and on the drivers."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.drivers import DRIVERS
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.foundations.errors import BadScheduleError, BadValueError, NotRunnableError, UnknownNameError
from balloonlab.guest.guest import Guest
from balloonlab.host.host import Host, MessageStatus, Queue
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import (
    Primitive,
    Routine,
    complete,
    list_del,
    msleep,
    mutex_lock,
    mutex_unlock,
    read,
    trylock_page,
    virtqueue_kick,
    wait_event,
    wait_for_completion,
    write,
)
from balloonlab.kernel.schedule import Schedule
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import Ref, World
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PageFrames, PageState, Zone
from tests.kernel.fingerprint import fingerprint


def bare_world() -> World:
    frames = PageFrames(8)
    return World(frames, [Buddy(Zone(frames))], Host(8, frames.journal, frames.values))


def machine_of(world: World, **routines: Callable[[], Routine]) -> Machine:
    machine = Machine(world, [ThreadSpec(name, "a test's thread", start) for name, start in routines.items()])
    machine.record()
    return machine


def two_adders(counter: Ref) -> dict[str, Callable[[], Routine]]:
    def add_one() -> Routine:
        seen = yield read(counter)
        yield write(counter, seen + 1)

    return {"one": add_one, "two": add_one}


def test_a_lost_update_by_hand() -> None:
    world = bare_world()
    counter = world.new_value("counter")
    machine = machine_of(world, **two_adders(counter))
    for name in ("one", "two", "one", "two"):
        machine.step(name)
    assert world.values["counter"] == 1
    machine.seek(0)
    for name in ("one", "one", "two", "two"):
        machine.step(name)
    assert world.values["counter"] == 2
    assert machine.runnable() == ()
    assert {w.status for w in machine.blocked().values()} == {"finished"}


def test_a_blocked_thread_says_what_it_waits_for_and_who_holds_it() -> None:
    world = bare_world()
    lock = world.new_lock("balloon_lock")

    def locker() -> Routine:
        yield mutex_lock(lock)
        yield msleep(1)
        yield mutex_unlock(lock)

    machine = machine_of(world, first=locker, second=locker)
    machine.step("first")
    wait = machine.blocked()["second"]
    assert (wait.status, wait.on, wait.holder) == ("blocked", "balloon_lock", "first")
    before = fingerprint(machine)
    with pytest.raises(NotRunnableError, match=r"second waits for balloon_lock, held by first .*who can: first"):
        machine.step("second")
    assert fingerprint(machine) == before


def test_a_finished_thread_and_an_unknown_one_are_refused() -> None:
    world = bare_world()
    counter = world.new_value("counter")
    machine = machine_of(world, **two_adders(counter))
    machine.step("one")
    machine.step("one")
    with pytest.raises(NotRunnableError, match="one has finished"):
        machine.step("one")
    with pytest.raises(UnknownNameError, match="known: one, two"):
        machine.step("three")
    with pytest.raises(UnknownNameError, match="action"):
        machine.act("explode")


def test_a_thread_that_locks_twice_waits_for_itself() -> None:
    world = bare_world()
    lock = world.new_lock("balloon_lock")

    def twice() -> Routine:
        yield mutex_lock(lock)
        yield mutex_lock(lock)

    machine = machine_of(world, only=twice)
    machine.step("only")
    assert machine.blocked()["only"].text == "waits for balloon_lock, which it holds itself"


def test_mistakes_in_driver_text_end_the_thread_with_a_sentence() -> None:
    world = bare_world()
    counter = world.new_value("counter")

    def yields_a_number() -> Routine:
        yield read(counter)
        yield 7  # type: ignore[misc]

    def divides() -> Routine:
        seen = yield read(counter)
        yield write(counter, 1 // seen)

    machine = machine_of(world, numbers=yields_a_number, divides=divides)
    machine.step("numbers")
    machine.step("divides")
    assert [bug.kind for bug in machine.bugs] == ["not a primitive", "exception"]
    assert "a yield stands before a primitive" in machine.bugs[0].text
    assert "ZeroDivisionError" in machine.bugs[1].text
    machine.seek(0)
    assert machine.bugs == ()


def test_a_bug_names_the_line_at_which_its_thread_died_and_stays_when_a_timeline_begins() -> None:
    world = bare_world()
    counter = world.new_value("counter")

    def inner() -> Routine:
        yield read(counter)
        yield mutex_unlock(world.new_lock("balloon_lock"))

    def outer() -> Routine:
        yield from inner()

    machine = machine_of(world, outer=outer)
    line = inner.__code__.co_firstlineno + 2
    ran = machine.run()
    text = "balloon_lock is unlocked by a thread that does not hold it"
    where = f'(line {line}, in inner: `yield mutex_unlock(world.new_lock("balloon_lock"))`)'
    assert [str(bug) for bug in machine.bugs] == [f"BUG in outer (bad unlock): {text} {where}"]
    assert ran.text == str(machine.bugs[0])
    machine.record()
    assert [(bug.step, str(bug)) for bug in machine.bugs] == [(-1, ran.text)]


def test_a_thread_that_cannot_even_begin_is_a_bug_from_the_start() -> None:
    world = bare_world()

    def numbers() -> Routine:
        yield 7  # type: ignore[misc]

    machine = machine_of(world, numbers=numbers)
    assert [(bug.thread, bug.kind, bug.step) for bug in machine.bugs] == [("numbers", "not a primitive", -1)]


def test_an_exception_in_the_packages_own_text_names_its_line_too() -> None:
    def balloon_page_alloc(_vb: VirtioBalloon) -> Routine:
        yield from ()
        return "no page"

    guest = Guest(64, DRIVERS["linux-6.1"].replace(balloon_page_alloc=balloon_page_alloc))
    result = guest.inflate(1)
    assert result.bug.startswith("BUG in balloon-worker (exception): ")
    assert re.search(r"line \d+, in \w+: `.*`", result.bug)


def test_unlocking_what_one_does_not_hold_is_a_bug() -> None:
    world = bare_world()
    lock = world.new_lock("balloon_lock")

    def careless() -> Routine:
        yield mutex_unlock(lock)

    machine = machine_of(world, only=careless)
    assert machine.run().reason == "bug"
    assert machine.bugs[0].kind == "bad unlock"
    machine.step_back()
    assert machine.runnable() == ("only",)


def small_guest(driver: str, seed: int) -> Guest:
    states = np.where(np.random.default_rng(seed).random(1024) < 0.6, PageState.MOVABLE, PageState.FREE)
    guest = Guest.from_states(states.astype(np.uint8), driver)
    guest.machine.record()
    return guest


def wander(guest: Guest, seed: int, steps: int) -> None:
    guest.machine.act("set_target", 5 + seed % 7)
    guest.machine.walk(steps, seed)
    guest.machine.act("compact")
    guest.machine.walk(steps, seed + 1)
    guest.machine.act("set_target", 2)
    guest.machine.act("request_stats")
    guest.machine.walk(steps, seed + 2)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(DRIVERS)), st.integers(0, 1000), st.integers(1, 250))
def test_every_schedule_replays_to_the_same_state(driver: str, seed: int, steps: int) -> None:
    guest = small_guest(driver, seed)
    wander(guest, seed, steps)
    again = small_guest(driver, seed)
    again.machine.replay(Schedule.from_token(guest.machine.schedule.token))
    assert fingerprint(again.machine) == fingerprint(guest.machine)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(DRIVERS)), st.integers(0, 1000), st.data())
def test_step_then_step_back_is_identity_and_seek_goes_anywhere(driver: str, seed: int, data: st.DataObject) -> None:
    guest = small_guest(driver, seed)
    machine = guest.machine
    machine.act("set_target", 6)
    machine.act("compact")
    moments = [fingerprint(machine)]
    for _ in range(120):
        able = machine.runnable()
        if not able:
            break
        name = data.draw(st.sampled_from(able))
        machine.step(name)
        after = fingerprint(machine)
        machine.step_back()
        assert fingerprint(machine) == moments[-1]
        machine.step(name)
        assert fingerprint(machine) == after
        moments.append(after)
    for _ in range(5):
        at = data.draw(st.integers(0, len(moments) - 1))
        machine.seek(at + 2)  # two actions came first
        assert fingerprint(machine) == moments[at]


def test_who_need_not_sleep_after_all_is_on_no_queue_any_more() -> None:
    world = bare_world()
    flag, queue = world.new_value("flag"), world.new_wait_queue("queue")

    def is_set() -> Routine:
        return (yield read(flag))

    def waiter() -> Routine:
        yield from wait_event(queue, is_set)

    machine = machine_of(world, waiter=waiter)
    machine.step("waiter")
    machine.step("waiter")
    assert world.sleeping == [queue.number + 1], "it has queued up"
    world.values["flag"] = 1
    machine.run()
    assert machine.blocked()["waiter"].status == "finished"
    assert world.sleeping == [0]


def test_a_kick_is_for_every_buffer_on_the_queue() -> None:
    world = bare_world()
    log = world.host.messages
    queue = Ref("queue", int(Queue.INFLATE), "inflateq")
    for _ in range(2):
        log.add(Queue.INFLATE, [1])
    log.add(Queue.DEFLATE, [1])

    def driver() -> Routine:
        yield virtqueue_kick(queue)

    machine_of(world, driver=driver).step("driver")
    assert log.status.tolist() == [MessageStatus.KICKED, MessageStatus.KICKED, MessageStatus.ADDED]


def test_a_new_choice_replaces_the_future() -> None:
    guest = small_guest("v9", 3)
    machine = guest.machine
    machine.act("set_target", 4)
    machine.run()
    full = len(machine.timeline)
    machine.seek(10)
    machine.act("set_target", 0)
    assert len(machine.timeline) == 11 < full
    machine.run()
    assert machine.schedule.choices[10] == "!set_target=0"
    assert guest.balloon_pages == 0


def test_seek_and_back_say_when_there_is_nothing_there() -> None:
    machine = small_guest("v9", 1).machine
    with pytest.raises(NotRunnableError, match="start of the timeline"):
        machine.step_back()
    with pytest.raises(BadValueError, match="0 to 0"):
        machine.seek(1)


def test_a_token_for_another_machine_is_refused_where_it_parts() -> None:
    machine = small_guest("v9", 1).machine
    with pytest.raises(BadScheduleError, match="step 0 of 1 cannot be replayed"):
        machine.replay(Schedule(("nobody",)))
    with pytest.raises(BadScheduleError, match="step 1 of 2"):
        machine.replay(Schedule(("!set_target=1", "host-inflateq")))
    with pytest.raises(BadScheduleError, match="step 0 of 1"):
        machine.replay(Schedule(("!set_target=999999",)))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_noted_waits_are_the_real_ones(seed: int) -> None:
    machine = small_guest("v9", seed).machine
    machine.act("set_target", 6)
    machine.act("compact")
    machine.act("request_stats")
    for i in range(200):
        machine.walk(1, seed + i)
        waits = [machine.timeline.waits[n] for n in machine.thread_wait]
        assert waits == [machine.wait_of(thread) for thread in machine.threads]


def test_who_waits_for_a_number_is_noted_as_able_when_it_changes() -> None:
    world = bare_world()
    other, gate = world.new_value("other"), world.new_gate("gate")

    def sayer() -> Routine:
        yield write(other, 1)
        yield complete(gate)

    def waiter() -> Routine:
        yield wait_for_completion(gate)

    machine = machine_of(world, sayer=sayer, waiter=waiter)
    noted = []
    for _ in range(2):
        noted.append(machine.timeline.waits[machine.thread_wait[1]].text)
        machine.step("sayer")
    noted.append(machine.timeline.waits[machine.thread_wait[1]].text)
    assert noted == ["waits for gate", "waits for gate", "can run"]
    machine.step_back()
    assert machine.timeline.waits[machine.thread_wait[1]].text == "waits for gate"


def test_run_is_fair_and_repeatable() -> None:
    tokens = set()
    for _ in range(2):
        guest = small_guest("v9", 5)
        guest.machine.act("set_target", 9)
        guest.machine.act("compact")
        ran = guest.machine.run()
        assert ran.reason == "idle"
        tokens.add(guest.machine.schedule.token)
    assert len(tokens) == 1
    (token,) = tokens
    assert "compactor" in token
    assert "vballoon" in token


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (lambda _: trylock_page(None), "exception"),
        (lambda vb: write(vb, 2**31), "exception"),
        (lambda _: mutex_lock(None), "exception"),
        (lambda _: mutex_lock(), "exception"),
        (lambda _: list_del(10**6), "exception"),
    ],
)
def test_a_step_happens_whole_or_ends_its_thread(last: Callable[[Ref], Primitive], kind: str) -> None:
    world = bare_world()
    value = world.new_value("value")
    machine: Machine

    def careless() -> Routine:
        yield write(value, 5)
        yield last(value)

    machine = machine_of(world, careless=careless)
    start = fingerprint(machine)
    ran = machine.run()
    assert ran.reason == "bug"
    assert machine.bugs[0].kind == kind
    assert machine.runnable() == ()
    assert len(machine.journal.kinds) == len(machine.journal.new)
    machine.seek(0)
    assert fingerprint(machine) == start
    assert machine.run().reason == "bug", "and again"


def test_a_large_number_is_no_obstacle_to_the_timeline() -> None:
    world = bare_world()

    def sleeper() -> Routine:
        yield msleep(10**10)

    machine = machine_of(world, sleeper=sleeper)
    machine.step("sleeper")
    machine.step_back()
    assert machine.runnable() == ("sleeper",)


def test_a_routine_that_unlocks_in_finally_may_crash() -> None:
    world = bare_world()
    one, two = world.new_lock("one"), world.new_lock("two")

    def careful() -> Routine:
        yield mutex_lock(one)
        try:
            yield mutex_unlock(two)
        finally:
            yield mutex_unlock(one)

    machine = machine_of(world, careful=careful)
    assert machine.run().reason == "bug"
    machine.step_back()
    assert machine.runnable() == ("careful",)


def test_a_routine_that_does_not_repeat_itself_is_found_out() -> None:
    world = bare_world()
    value = world.new_value("value")
    runs: list[int] = []

    def fickle() -> Routine:
        runs.append(1)
        yield write(value, len(runs))
        yield write(value, 2 + len(runs))

    machine = machine_of(world, fickle=fickle)
    machine.step("fickle")
    machine.step("fickle")
    machine.seek(1)
    assert machine.run().reason == "bug"
    assert machine.bugs[0].kind == "not deterministic"


def test_interrupted_anywhere_the_history_stays_exact() -> None:
    guest = small_guest("v9", 2)
    machine = guest.machine
    start = fingerprint(machine)
    for delay in (0.001, 0.003, 0.01, 0.03):
        machine.act("set_target", 200)
        machine.act("compact")
        timer = threading.Timer(delay, signal.raise_signal, (signal.SIGINT,))
        try:
            timer.start()  # on a busy machine the signal may come before this returns
            for _ in range(100):
                machine.run(500)
                machine.seek(0)
                machine.seek(len(machine.timeline))
            timer.join()
        except KeyboardInterrupt:
            timer.join()
        machine.seek(0)
        assert fingerprint(machine) == start
