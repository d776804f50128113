"""A guest whose driver is unloaded and loaded again, whose system is suspended and resumed, as often as one likes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.drivers.driver_core import REQUESTS
from balloonlab.drivers.invariants import check_always, check_at_rest
from balloonlab.drivers.no_compaction import VARIANTS as NO_COMPACTION
from balloonlab.drivers.whole_life import held_by
from balloonlab.foundations.errors import BadValueError, NotRunnableError
from balloonlab.guest.shortfall import ended_in_words, shortfall
from tests.kernel.fingerprint import fingerprint

RETOLD = ["linux-3.6", "v9", "v10", "v11", "linux-3.8"]
WITHOUT_MAPPING = ["linux-3.6", *(f"{name}-no-compaction" for name in ("v10", "v11", "linux-3.8"))]
LEGAL = {"loaded": {"unload", "suspend"}, "unloaded": {"load"}, "suspended": {"resume"}}
LEADS_TO = {"load": "loaded", "unload": "unloaded", "suspend": "suspended", "resume": "loaded"}


@pytest.mark.parametrize("driver", RETOLD)
def test_the_balloon_goes_and_comes_back_twice(driver: str) -> None:
    guest = bl.Guest(64, driver, lifecycle=True)
    guest.machine.record()
    guest.inflate(10)
    for _ in range(2):
        for name, pages in (("suspend", 0), ("resume", 10), ("unload", 0), ("load", 10)):
            guest.machine.act(name)
            ran = guest.machine.run()
            assert guest.balloon_pages == guest.host.actual == pages
            assert shortfall(guest.machine) == "", name
            assert ended_in_words(guest.machine, ran, ran.steps).startswith("Done after ")
            check_at_rest(guest.machine, guest.vb)
    guest.machine.act("request_stats")
    guest.machine.run()
    assert guest.host.statistics["memfree"] == 54 * 4096
    assert guest.machine.bugs == ()


@pytest.mark.parametrize("driver", [*RETOLD, *NO_COMPACTION])
def test_a_guest_begins_with_what_its_probe_leaves_and_remove_leaves_nothing(driver: str) -> None:
    guest = bl.Guest(64, driver, lifecycle=True)
    held = [each.number for each in held_by(guest.driver)]

    def there() -> list[str]:
        return [name for name in held if guest.world.values[name]]

    at_first = there()
    guest.machine.act("unload")
    guest.machine.run()
    assert there() == []
    guest.machine.act("load")
    guest.machine.run()
    assert there() == at_first
    assert ("vb_mapping" in at_first) == (driver not in WITHOUT_MAPPING)


def test_what_is_not_possible_is_refused_with_the_reason_and_changes_nothing() -> None:
    guest = bl.Guest(64, "v9", lifecycle=True)
    guest.machine.record()
    state = "loaded"
    for name in ("suspend", "resume", "unload", "load"):
        for other in REQUESTS.keys() - LEGAL[state]:
            before = fingerprint(guest.machine)
            with pytest.raises(NotRunnableError, match=f"{other} is not possible now: "):
                guest.machine.act(other)
            assert fingerprint(guest.machine) == before
        guest.machine.act(name)
        with pytest.raises(NotRunnableError, match="still busy"):
            guest.machine.act("load")
        guest.machine.run()
        state = LEADS_TO[name]


def test_a_balloon_that_cannot_be_says_who_is_missing() -> None:
    guest = bl.Guest(64, "v9", lifecycle=True)
    guest.machine.act("unload")
    guest.machine.run()
    assert "no driver is loaded" in str(guest.inflate(5))
    guest.machine.act("load")
    guest.machine.run()
    assert guest.balloon_pages == 5, "what the host wants is still wanted"
    guest.machine.act("suspend")
    guest.machine.run()
    assert "the system is suspended" in str(guest.inflate(1))


def test_the_host_asks_for_statistics_while_nobody_is_there() -> None:
    guest = bl.Guest(64, "linux-3.8", lifecycle=True)  # v9 resumes with balloon_lock held (V1)
    for away, back in (("unload", "load"), ("suspend", "resume")):
        guest.machine.act(away)
        guest.machine.run()
        guest.machine.act("request_stats")
        guest.machine.run()
        sent = len(guest.host.messages)
        guest.machine.act(back)
        guest.machine.run()
        assert len(guest.host.messages) > sent, "the driver answers when it is there again"
        check_at_rest(guest.machine, guest.vb)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["linux-3.6", "linux-3.8"]),
    st.lists(
        st.tuples(st.sampled_from([*REQUESTS, "request_stats"]), st.integers(0, 9), st.integers(0, 60)), max_size=8
    ),
    st.integers(0, 10_000),
)
def test_random_walks_end_well(driver: str, plan: list[tuple[str, int, int]], seed: int) -> None:
    guest = bl.Guest(32, driver, lifecycle=True)
    machine = guest.machine
    machine.record()
    for i, (name, target, steps) in enumerate(plan):
        machine.act("set_target", target)
        if name == "request_stats" or all(bool(machine.world.values[n.number]) == n.set for n in REQUESTS[name]):
            machine.act(name)
        for step in range(steps):
            if not machine.walk(1, seed + 1000 * i + step):
                break
            check_always(machine, guest.vb)
    machine.run()
    assert machine.bugs == ()
    values = machine.world.values
    here = values["vb_memory"] and not values["freezing"]
    assert guest.balloon_pages == (guest.host.target if here else 0)
    check_at_rest(machine, guest.vb)


def test_a_guest_without_it_has_none_of_it() -> None:
    guest = bl.Guest(64, "v9", engine="steps")
    assert "driver-core" not in guest.machine.names
    assert not REQUESTS.keys() & guest.machine.actions.keys()
    assert not {"vb_memory", "core_request"} & set(guest.world.values.names)
    assert bl.Guest(64, "v9", lifecycle=True).driver.name == "v9"


def test_drivers_and_engines_that_cannot_do_it_are_refused() -> None:
    with pytest.raises(BadValueError, match=r"linux-6\.1 is not retold.*Legal: linux-3\.6"):
        bl.Guest(64, "linux-6.1", lifecycle=True)
    with pytest.raises(BadValueError, match="'arrays', which cannot do lifecycle; it must be 'steps' or 'auto'"):
        bl.Guest(64, "v9", lifecycle=True, engine="arrays")
    with pytest.raises(BadValueError, match="lifecycle"):
        bl.Guest(64, "v9", lifecycle=1)  # type: ignore[arg-type]
