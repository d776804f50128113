"""A guest of arrays that is asked for its machine has the one that steps from the start would have led to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.foundations.errors import BadValueError, DidNotSettleError
from balloonlab.guest import going_over
from tests.kernel.fingerprint import fingerprint
from tests.memory.maps import generators, page_map


def pair(driver: str, states: np.ndarray, **more: object) -> tuple[bl.Guest, bl.Guest]:
    """One of arrays, and one of steps."""
    one, other = (bl.Guest.from_states(states, driver, engine=engine, **more) for engine in ("auto", "steps"))
    assert (one.engine, other.engine) == ("arrays", "steps")
    return one, other


def ask(guest: bl.Guest, what: int, rng: np.random.Generator) -> object:
    per = guest.page_size // 4096
    if what == 0:
        return guest.set_target(int(rng.integers(0, len(guest.page_states) * per)) // per * per)
    if what == 1:
        return guest.compact()
    return guest.workload("runs", seed=3) if what == 2 else guest.release(0.5)


@pytest.mark.parametrize("driver", DRIVERS)
@given(generators)
@settings(max_examples=4, deadline=None)
def test_in_every_detail(driver: str, rng: np.random.Generator) -> None:
    one, other = pair(driver, page_map(rng, 2), page_size=int(rng.choice([4096, 65536])), seed=5)
    for what in rng.integers(0, 4, 5).tolist():
        state = rng.bit_generator.state
        try:
            result = ask(other, what, rng)
        except DidNotSettleError:  # 3.8 lost a page
            return
        rng.bit_generator.state = state
        assert ask(one, what, rng) == result
    assert fingerprint(one.machine) == fingerprint(other.machine)
    assert one.machine.turn == other.machine.turn


def test_what_was_taken_back_is_not_made_again() -> None:
    one, other = pair("linux-6.1", np.zeros(1024, np.uint8))
    one.inflate(300)
    one.compact()
    one.undo()
    one.undo()
    one.redo()
    other.inflate(300)
    one.deflate(20)
    other.deflate(20)
    assert fingerprint(one.machine) == fingerprint(other.machine)


@pytest.mark.parametrize("driver", ["linux-3.6", "v9", "linux-6.1"])
def test_after_many_steps_the_state_is_taken_over(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(going_over, "MOST_STEPS", 10)
    one, other = pair(driver, np.random.default_rng(2).choice([0, 1], 2048).astype(np.uint8))
    for guest in (one, other):
        guest.inflate(200)
        guest.compact()
        guest.machine.record()
    assert one.machine.runnable() == other.machine.runnable()
    assert one.world.values["compact Normal migrate_pfn"] == 0 < other.world.values["compact Normal migrate_pfn"]
    for guest in (one, other):
        guest.deflate(100)
        guest.compact()
    assert one.page_states.tobytes() == other.page_states.tobytes()
    assert one.balloon_list == other.balloon_list
    assert one.machine.schedule == other.machine.schedule


@pytest.mark.parametrize("most", [10, going_over.MOST_STEPS])
def test_a_driver_on_its_way_goes_on_while_compaction_runs(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(going_over, "MOST_STEPS", most)
    states = np.array([0] * 100 + [1] * 924, np.uint8)
    one, other = pair("linux-6.1", states)
    for guest in (one, other):
        assert guest.inflate(300).after == 100
        assert guest.release(0.1) > 0
    assert str(one.compact()) == str(other.compact())
    assert one.balloon_pages == other.balloon_pages > 100
    refused = bl.Guest.from_states(states, "linux-6.1", engine="arrays")
    refused.inflate(300)
    refused.release(0.1)
    with pytest.raises(BadValueError, match="Set a target first"):
        refused.compact()


def test_a_driver_out_of_memory_tries_again_in_a_machine_that_took_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(going_over, "MOST_STEPS", 10)
    for guest in pair("linux-6.1", np.array([0] * 100 + [1] * 924, np.uint8)):
        guest.inflate(300)
        assert guest.machine.naps() == ["balloon-worker"]


@pytest.mark.parametrize("most", [10, going_over.MOST_STEPS])
def test_who_holds_the_map_or_the_host_goes_along(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(going_over, "MOST_STEPS", most)
    guest = bl.Guest(512)
    guest.inflate(10)
    states, host, log = guest.page_states, guest.host, guest.host.messages
    guest.machine.act("set_target", 300)
    guest.machine.run()
    assert np.count_nonzero(states == bl.PageState.BALLOON) == 300
    assert (host.actual, len(log)) == (300, len(guest.host.messages))
    assert len(log) > 2


@pytest.mark.parametrize("where", ["load_lists", "raise_if_asked"])
def test_an_interrupt_does_not_part_a_guest_from_its_arrays(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "load_lists":
        monkeypatch.setattr(going_over, "MOST_STEPS", 10)
    guest = bl.Guest(4096, "linux-6.1")
    guest.inflate(100)
    guest.inflate(200)
    before = guest.page_states.tobytes()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(going_over, where, interrupted)
        with pytest.raises(KeyboardInterrupt):
            assert guest.machine
    assert (guest.engine, guest.balloon_pages, len(guest.host.messages)) == ("arrays", 300, 3)
    assert guest.page_states.tobytes() == before
    assert guest.machine
    assert (guest.engine, guest.balloon_pages, len(guest.host.messages)) == ("steps", 300, 3)
    assert guest.page_states.tobytes() == before
