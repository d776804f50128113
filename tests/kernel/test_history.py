"""A history longer than what is kept of it step by step: every moment can be visited again, and is what it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.foundations.errors import BadScheduleError, BadValueError
from balloonlab.kernel import history
from balloonlab.kernel.history import History
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Routine, read
from tests.kernel.fingerprint import fingerprint
from tests.kernel.test_machine import bare_world, machine_of

Shot = tuple[object, ...]


def recorded(guest: bl.Guest, most: int) -> Machine:
    machine = guest.machine
    machine.most_steps = most
    machine.record()
    return machine


def four_operations(driver: str, most: int) -> tuple[bl.Guest, dict[int, Shot]]:
    """A guest after four operations, and what it was like before and after each, by position."""
    guest = bl.Guest(512, driver, engine="steps")
    guest.workload("holes", every=2)
    machine = recorded(guest, most)
    shots = {0: fingerprint(machine)}
    for act in (lambda: guest.inflate(200), guest.compact, lambda: guest.deflate(150), lambda: guest.inflate(180)):
        act()
        shots[machine.position] = fingerprint(machine)
    return guest, shots


@pytest.mark.parametrize("driver", ["v9", "linux-6.1"])
@pytest.mark.parametrize("most", [400, 3_000, 1_000_000])
def test_every_operation_begins_and_ends_as_it_did_however_little_is_kept(driver: str, most: int) -> None:
    guest, shots = four_operations(driver, most)
    machine = guest.machine
    end = machine.position
    assert [mark.step for mark in machine.marks] == list(shots)[:-1]
    assert [str(mark) for mark in machine.marks] == ["set target 200", "compact", "set target 50", "set target 230"]
    assert len(machine.timeline) <= most
    if most < 1_000_000:
        assert machine.timeline.first > 0, "the opening is not kept step by step"
    whole = machine.schedule
    assert len(whole) == end
    for position in [0, *shots, *reversed(shots), 1, end - 1, end // 2, end]:
        machine.seek(position)
        assert machine.position == position
        assert machine.end == end
        if position in shots:
            assert fingerprint(machine) == shots[position]
        if position < most:
            assert machine.schedule.choices == whole.choices[:position]
    assert machine.schedule == whole
    guest.deflate(10)  # and life goes on
    again = bl.Guest(512, driver, engine="steps")
    again.workload("holes", every=2)
    recorded(again, 10**6).replay(machine.schedule)
    assert fingerprint(again.machine) == fingerprint(machine)


def test_steps_made_again_are_the_steps_that_were_made() -> None:
    guest, shots = four_operations("linux-6.1", 2_000)
    full, _ = four_operations("linux-6.1", 10**6)
    machine, texts = guest.machine, full.machine.timeline
    for position in shots:
        machine.seek(position)
        line = machine.timeline
        assert line.first <= position <= line.stop
        for step in range(line.first, line.stop):
            assert line.text(step, machine.names) == texts.text(step, full.machine.names)
        for step in range(line.first, line.stop, 97):
            machine.seek(step)
            full.machine.seek(step)
            assert fingerprint(machine) == fingerprint(full.machine)


@pytest.mark.parametrize("most", [300, 10**6])
def test_workloads_and_what_they_give_back_are_part_of_it(most: int) -> None:
    guest = bl.Guest(512, "linux-6.1", engine="steps")
    machine = recorded(guest, most)
    shots = [(0, fingerprint(machine))]
    changes: list[Callable[[], object]] = [
        lambda: guest.inflate(60),
        lambda: guest.workload("random", seed=3),
        lambda: guest.release(0.5),
        guest.compact,
        guest.release,
        lambda: guest.deflate(60),
    ]
    for change in changes:
        change()
        shots.append((machine.position, fingerprint(machine)))
    assert [str(mark) for mark in machine.marks][1:3] == ["workload random", "release"]
    for position, shot in [*reversed(shots), *shots]:
        machine.seek(position)
        assert fingerprint(machine) == shot
    assert (
        machine.timeline.text(machine.marks[1].step, machine.names) == "you: workload(random)" if most > 300 else True
    )
    after = machine.marks[4].step + 1
    assert machine.choices(after) == (), "no schedule can make a workload"
    assert machine.choices(after + 3)[0] == "!set_target=0"


def test_a_refused_workload_changes_nothing_and_keeps_the_future() -> None:
    guest, _ = four_operations("v9", 500)
    machine, end = guest.machine, guest.machine.end
    for position in (0, 700, end):
        machine.seek(position)
        before = fingerprint(machine)
        with pytest.raises(BadValueError):
            guest.release(1.5)
        with pytest.raises(BadValueError):
            guest.inflate(10**6)
        assert fingerprint(machine) == before
        assert machine.end == end


@pytest.mark.parametrize("most", [300, 10**6])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_life_can_be_visited_anywhere(most: int, data: st.DataObject) -> None:
    """Two machines live the same life; one keeps all its steps, the other few."""
    lives = [bl.Guest(256, "linux-6.1", engine="steps") for _ in range(2)]
    few, all_ = (recorded(guest, kept) for guest, kept in zip(lives, (most, 10**7), strict=True))
    for _ in range(data.draw(st.integers(1, 8))):
        kind = data.draw(st.sampled_from(["target", "compact", "workload", "release", "seek", "walk", "back"]))
        number = data.draw(st.integers(0, 10**6))
        for guest in lives:
            machine = guest.machine
            if kind == "target":
                guest.set_target(number % 200)
            elif kind == "compact":
                guest.compact()
            elif kind == "workload":
                guest.workload("random", seed=number)
            elif kind == "release":
                guest.release(number / 10**6)
            elif kind == "seek":
                machine.seek(number % (machine.end + 1))
            elif kind == "walk":
                machine.walk(number % 300, number)
            elif machine.position:
                machine.step_back()
        assert fingerprint(few) == fingerprint(all_)
        assert few.end == all_.end
        assert few.schedule == all_.schedule
        assert few.marks == all_.marks


def test_moments_thin_out_when_they_take_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_BYTES", 40_000)
    guest, shots = four_operations("v9", 400)
    machine = guest.machine
    kept = machine.history
    assert isinstance(kept, History)
    assert kept.size <= 2 * 40_000
    for position in shots:
        machine.seek(position)
        assert fingerprint(machine) == shots[position]


def test_a_new_future_replaces_what_was_kept_of_the_old_one() -> None:
    guest, shots = four_operations("v9", 400)
    machine = guest.machine
    first = machine.marks[1].step
    machine.seek(first)
    guest.deflate(100)
    assert [str(mark) for mark in machine.marks] == ["set target 200", "set target 100"]
    end = machine.end
    shot = fingerprint(machine)
    for position in (0, first):
        machine.seek(position)
        assert fingerprint(machine) == shots[position]
    machine.seek(end)
    assert fingerprint(machine) == shot


def test_a_bug_is_there_once_however_often_its_step_is_made() -> None:
    machine = bl.scenario("full-and-compact", "v9").machine()
    machine.most_steps = 8
    machine.record()
    machine.walk(400, 5)
    bugs, end = machine.bugs, machine.end
    machine.seek(0)
    assert machine.bugs == ()
    machine.seek(end)
    assert machine.bugs == bugs


def test_text_that_does_not_repeat_itself_is_found_out_and_said() -> None:
    world = bare_world()
    counter, other = world.new_value("counter"), world.new_value("other")
    turns = iter(range(10**6))

    def fickle() -> Routine:
        while True:
            yield read(counter if next(turns) < 405 else other)

    machine = machine_of(world, fickle=fickle)
    machine.most_steps = 160
    machine.record()
    machine.run(400)
    machine.seek(0)
    with pytest.raises(BadScheduleError, match="cannot be made again: fickle"):
        machine.seek(35)
    assert machine.end == 400


def test_pictures_and_text_of_a_late_stretch_number_its_steps_from_the_opening() -> None:
    guest, _ = four_operations("v9", 400)
    machine, first = guest.machine, guest.machine.timeline.first
    assert first > 0
    assert bl.plots.schedule_text(machine).splitlines()[0].split() == ["step", f"{first:,}"]
    assert len(bl.plots.plot_schedule(machine).lines) > 0
    assert f"step {machine.end:,} of {machine.end:,}" in bl.Lab(machine).text
    machine.seek(first)
    assert f"step {first:,} of {machine.end:,}" in bl.Lab(guest).text
