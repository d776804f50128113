"""Who comes next depends on the machine's state alone: the same request from the same state gives the same steps."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.running import Settling
from balloonlab.kernel.schedule import Schedule
from balloonlab.widgets import session as session_module
from balloonlab.widgets.session import Session
from tests.kernel.fingerprint import fingerprint
from tests.widgets.receiver import Receiver

DRIVERS = ["v9", "linux-3.8", "linux-6.1", "linux-7.2"]
Requests = list[tuple[str, int]]
REQUESTS = st.lists(
    st.one_of(st.just(("compact", 0)), st.integers(0, 240).map(lambda pages: ("set_target", pages))),
    min_size=1,
    max_size=4,
)


def a_guest(driver: str) -> bl.Guest:
    guest = bl.Guest(256, driver, engine="steps")
    guest.workload("holes", every=3)
    guest.machine.record()
    return guest


def by_cell(guest: bl.Guest, requests: Requests) -> None:
    for name, value in requests:
        if name == "compact":
            guest.compact()
        else:
            guest.set_target(value)


def in_chunks(machine: Machine, requests: Requests, sizes: list[int]) -> None:
    """As somebody would whose chunks end anywhere."""
    count = 0
    for name, value in requests:
        machine.act(name, value)
        settling, reason = Settling(machine), "budget"
        while reason == "budget":
            reason = settling.go_on(sizes[count % len(sizes)]).reason
            count += 1


def by_lab(guest: bl.Guest, requests: Requests) -> None:
    view = Receiver(Session.of(guest.machine))
    view.hello()
    for name, value in requests:
        if name == "compact":
            view.ask("act", name="compact")
        else:
            view.ask("act", name="inflate" if value >= guest.balloon_pages else "deflate", value=value)
    assert view.errors == []


def test_after_something_from_outside_a_turn_begins_anew_however_one_came_there() -> None:
    machine = bl.Guest(64, "v9", engine="steps").machine
    machine.record()
    machine.act("request_stats")
    machine.act("set_target", 1)
    assert machine.runnable() == (machine.names[0], machine.names[-1])
    machine.run(1)
    first = machine.schedule
    machine.seek(2)
    machine.run(1)
    assert machine.schedule == first


@pytest.mark.parametrize("driver", DRIVERS[::2])
@settings(max_examples=8, deadline=None)
@given(requests=REQUESTS, sizes=st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_the_size_of_chunks_makes_no_difference(driver: str, requests: Requests, sizes: list[int]) -> None:
    whole, cut = a_guest(driver), a_guest(driver)
    by_cell(whole, requests)
    in_chunks(cut.machine, requests, sizes)
    assert cut.machine.schedule == whole.machine.schedule
    assert fingerprint(cut.machine) == fingerprint(whole.machine)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_lab_and_a_cell_take_the_same_steps(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "CHUNK", 0.0)  # as many chunks as there can be
    monkeypatch.setattr(session_module, "FIRST_CHUNK", 0.0)
    requests = [("set_target", 120), ("compact", 0), ("set_target", 256), ("set_target", 10)]
    cell, lab = a_guest(driver), a_guest(driver)
    by_cell(cell, requests)
    by_lab(lab, requests)
    assert lab.machine.schedule == cell.machine.schedule
    assert fingerprint(lab.machine) == fingerprint(cell.machine)
    for there, here in ((lab, cell), (cell, lab)):  # a token of the one replays in the other's place
        again = a_guest(driver)
        again.machine.replay(Schedule.from_token(there.machine.schedule.token))
        assert fingerprint(again.machine) == fingerprint(here.machine)


@pytest.mark.parametrize("driver", DRIVERS[::2])
@settings(max_examples=8, deadline=None)
@given(requests=REQUESTS, data=st.data())
def test_asked_again_after_going_back_it_does_the_same(driver: str, requests: Requests, data: st.DataObject) -> None:
    guest = a_guest(driver)
    machine = guest.machine
    by_cell(guest, requests)
    whole, shot = machine.schedule, fingerprint(machine)
    number = data.draw(st.integers(0, len(requests) - 1))
    machine.seek(machine.marks[number].step)
    by_cell(guest, requests[number:])
    assert (machine.schedule, fingerprint(machine)) == (whole, shot)


@pytest.mark.parametrize("driver", DRIVERS[::2])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_run_goes_on_from_anywhere_in_it(driver: str, data: st.DataObject) -> None:
    guest = a_guest(driver)
    machine = guest.machine
    machine.act("set_target", 120)
    machine.run()
    whole, end = machine.schedule, machine.end
    at = data.draw(st.integers(1, end))
    if data.draw(st.booleans()):
        machine.seek(at)
    else:
        guest = a_guest(driver)
        machine = guest.machine
        machine.replay(Schedule(whole.choices[:at]))
    machine.run(time_passes=False)
    assert machine.schedule == whole


def test_recording_makes_no_difference() -> None:
    plain, kept = (bl.Guest(256, "linux-6.1", engine="steps") for _ in range(2))
    kept.machine.record()
    for guest in (plain, kept):
        by_cell(guest, [("set_target", 100), ("compact", 0), ("set_target", 30)])
    first, second = (guest.compact().steps for guest in (plain, kept))
    assert first == second
    assert plain.set_target(77).steps == kept.set_target(77).steps


@pytest.mark.parametrize("name", sorted(bl.SCENARIOS))
def test_tokens_of_scenarios_replay_and_go_on_alike(name: str) -> None:
    first = bl.scenario(name).machine()
    first.walk(40, 7)
    again = bl.replay(bl.scenario(name), first.schedule.token)
    first.run(500, time_passes=False)
    again.run(500, time_passes=False)
    assert again.schedule == first.schedule
    assert fingerprint(again) == fingerprint(first)


@pytest.mark.parametrize("driver", ["v9", "linux-6.1"])
@pytest.mark.parametrize("steps", [20, 100, 333])
def test_whose_turn_it_was_when_a_history_began_is_part_of_it(driver: str, steps: int) -> None:
    def after(*, look: bool) -> Schedule:
        guest = bl.Guest(1024, driver, engine="steps")
        guest.machine.act("set_target", 300)
        guest.machine.run(steps)
        guest.machine.record()
        if look:
            guest.machine.seek(0)
        guest.machine.run(400)
        return guest.machine.schedule

    assert after(look=False) == after(look=True)


def test_a_run_that_time_leads_on_for_ever_hears_stop_and_has_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    now = count()
    monkeypatch.setattr(Settling, "_now", lambda _self: (next(now), 0))  # as if each nap had led to a message
    full = bl.Guest.from_states(64 * [1], "linux-3.6", engine="steps").machine
    full.act("set_target", 10)  # no page is free: it sleeps, and tries again
    assert Settling(full).go_on(10_000).reason == "budget"
    assert Settling(full).go_on(10**9, lambda: True).reason == "stopped"


@pytest.mark.parametrize("driver", ["v9", "linux-6.1"])
def test_whoever_has_the_shared_cpu_keeps_it_until_he_waits(driver: str) -> None:
    """Each step of a run, looked at again: the one of them that stepped before could not go on, or let time pass."""
    guest = a_guest(driver)
    machine = guest.machine
    own, compactor = 0, machine.names.index("compactor")

    def preempted(sharing: frozenset[int]) -> int:
        """How often a run of both takes the CPU away from one who could go on."""
        machine.seek(0)
        machine.sharing = sharing
        machine.act("set_target", 60)
        machine.act("compact")
        for budget in (1, 100, 7, 3_000):  # who has the CPU does not depend on where a run is cut in two
            machine.run(budget)
        machine.act("set_target", 20)  # nor on whose turn it would be else
        machine.run(3_000)
        found, last = 0, -1
        for position, thread in enumerate(machine.timeline.thread.tolist()):
            if thread not in (own, compactor):
                continue
            if last not in (-1, thread):
                machine.seek(position)
                found += not machine.threads[last].naps and machine.threads[last].enabled(machine.world)
            last = thread
        return found

    assert preempted(frozenset()) > 0
    assert preempted(frozenset((own, compactor))) == 0
