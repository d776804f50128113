"""The kernel's log: which lines are printed, when, and that each is there exactly where its step is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Routine, msleep, warn_on
from balloonlab.kernel.printk import Clock
from tests.kernel.test_machine import bare_world, machine_of

PUFF = "Out of puff! Can't get 2 pages"


def out_of_memory(rounds: int, driver: str = "linux-3.6", most: int = 10**6) -> Machine:
    """A guest without a free page, after so many rounds of its driver."""
    guest = bl.scenario("fill-out-of-memory", driver).bare_guest()
    guest.machine.most_steps = most
    guest.machine.record()
    guest.machine.act("set_target", 2)
    for _ in range(rounds + 1):
        guest.machine.run()
    return guest.machine


def times(machine: Machine, text: str) -> list[float]:
    return [line.time / 1000 for line in machine.log if line.text == text]


def test_ten_lines_in_five_seconds_and_the_others_are_counted() -> None:
    """By hand: 0.0 to 1.8 s are ten lines, 2.0 to 5.0 s sixteen that are missed, 5.2 s is the first one after 5 s."""
    machine = out_of_memory(55)
    assert times(machine, PUFF)[:11] == [i / 5 for i in range(10)] + [5.2]
    assert times(machine, "fill_balloon: 16 callbacks suppressed") == [5.2]
    assert times(machine, "fill_balloon: 17 callbacks suppressed") == [10.6]  # the interval began with the call at 5.4
    assert str(machine.log[0]) == f"[    0.000000] {PUFF}"
    assert str(machine.log[10]) == "[    5.200000] fill_balloon: 16 callbacks suppressed"
    assert {line.thread for line in machine.log} == {"vballoon"}


def kernel(sleeps: list[int]) -> list[tuple[int, bool]]:
    """What ___ratelimit does, call by call, with a begin of 0 for none: missed lines told of, and whether to print."""
    begin, printed, missed, now, found = 0, 0, 0, 1, []
    for sleep in sleeps:
        begin, told = begin or now, 0
        if begin + 5000 < now:
            told, begin, printed, missed = missed, 0, 0, 0
        prints = printed < 10
        printed, missed = (printed + 1, missed) if prints else (printed, missed + 1)
        found.append((told, prints))
        now += sleep
    return found


@given(st.lists(st.sampled_from([0, 1, 200, 499, 500, 2500, 5000, 5001]), max_size=60))
def test_the_limit_is_the_kernels(sleeps: list[int]) -> None:
    clock, found = Clock(), []
    for sleep in sleeps:
        clock, told, prints = clock.ratelimit()
        found.append((told, prints))
        clock = clock._replace(time=clock.time + sleep)
    assert found == kernel(sleeps)


@pytest.mark.parametrize(
    ("driver", "pages"),
    [("v9", 2), ("v10", 2), ("v11", 1), ("linux-3.8", 1), ("linux-6.1", 1), ("linux-7.2", 1)],
)
def test_the_line_names_what_was_asked_for_and_later_one_page(driver: str, pages: int) -> None:
    assert out_of_memory(1, driver).log[0].text == f"Out of puff! Can't get {pages} pages"


def test_a_line_is_there_exactly_where_its_step_is() -> None:
    machine = out_of_memory(30)
    every = machine.log
    for position in [*range(machine.end + 1), *range(machine.end, -1, -3)]:
        machine.seek(position)
        assert machine.log == tuple(line for line in every if line.step < position)
    sleep = next(i for i in range(machine.end) if " msleep(" in machine.timeline.text(i, machine.names))
    assert every[0].step == sleep


def test_a_warning_and_a_bug_are_lines_too_and_go_with_their_steps() -> None:
    def complaining() -> Routine:
        yield warn_on(False, "nothing")  # noqa: FBT003
        yield msleep(30)
        yield warn_on(True, "!page")  # noqa: FBT003
        yield msleep(12)
        raise ZeroDivisionError

    machine = machine_of(bare_world(), one=complaining)
    machine.record()
    for _ in range(4):
        machine.step("one")
    warning, bug = machine.log
    assert (warning.step, warning.time, warning.level) == (2, 30, "warning")
    assert str(warning) == "[    0.030000] WARNING: WARN_ON(!page)"
    assert (bug.step, bug.level, bug.text) == (3, "bug", str(machine.bugs[0]))
    machine.seek(3)
    assert machine.log == (warning,)
    machine.seek(2)
    assert machine.log == ()
    machine.seek(4)
    assert machine.log == (warning, bug)


def test_a_new_future_prints_lines_of_its_own() -> None:
    machine = out_of_memory(30)
    first = machine.log[0]
    machine.seek(first.step + 1)
    machine.act("set_target", 3)
    for _ in range(3):
        machine.run()
    assert [(line.time, line.text[-7:]) for line in machine.log] == [(0, "2 pages"), (200, "3 pages"), (400, "3 pages")]


def test_a_warning_of_the_patch_is_met_and_taken_back() -> None:
    """v9's isolate_balloon_page: the page left the balloon between its two looks."""
    machine = bl.scenario("deflate-and-compact", "v9").machine()
    start = machine.position
    for seed in range(100):
        machine.seek(start)
        machine.walk(200, seed)
        if machine.log:
            break
    (line,) = machine.log
    assert line.text == "WARNING: WARN_ON(!__is_movable_balloon_page(page))"
    assert line.thread == "compactor"
    machine.seek(line.step)
    assert machine.log == ()
    assert machine.step("compactor") == "compactor: warn_on(1) = 1"
    assert machine.log == (line,)


def test_however_little_is_kept_of_the_steps_the_lines_and_their_times_are_the_same() -> None:
    whole, part = out_of_memory(120), out_of_memory(120, most=400)
    assert part.timeline.first > 0
    assert part.log == tuple(line for line in whole.log if line.step >= part.timeline.first)
    for position in (0, 500, part.end // 2, part.end, 300):
        part.seek(position)
        first = part.timeline.first
        assert part.log == tuple(line for line in whole.log if first <= line.step < position)
