"""Scenarios: always the same machine, replayable by token."""

from __future__ import annotations

import pytest

from balloonlab.course.scenarios import SCENARIOS, replay, scenario
from balloonlab.drivers import DRIVERS
from balloonlab.explore import explore
from balloonlab.explore.judge.fate import Fates
from balloonlab.foundations.errors import BadScheduleError, BadValueError, UnknownNameError
from tests.kernel.fingerprint import fingerprint

PROBES = [name for name in SCENARIOS if name.startswith("probe")]
NOT_RETOLD = [name for name, driver in DRIVERS.items() if "virtballoon_probe" not in driver.functions]
MADE = [(name, driver) for name in SCENARIOS for driver in DRIVERS if name not in PROBES or driver not in NOT_RETOLD]


@pytest.mark.parametrize(("name", "driver"), MADE)
def test_two_machines_are_equal_and_a_token_leads_to_the_same_state(name: str, driver: str) -> None:
    where = scenario(name, driver)
    machine = where.machine()
    assert fingerprint(machine) == fingerprint(where.machine())
    machine.walk(60, seed=1)
    assert fingerprint(replay(where, machine.schedule.token)) == fingerprint(machine)


def test_a_probe_that_is_not_retold_is_refused_with_the_reason() -> None:
    assert len(PROBES) == len(NOT_RETOLD) == 2
    for name in PROBES:
        for driver in NOT_RETOLD:
            with pytest.raises(BadValueError, match=r"OOM notifier.*Legal: linux-3\.6, v9"):
                scenario(name, driver).machine()


def test_unknown_names_are_listed() -> None:
    with pytest.raises(UnknownNameError, match="fill-out-of-memory"):
        scenario("nothing")
    with pytest.raises(UnknownNameError, match=r"linux-3\.6, v9"):
        scenario("inflate", "v8")


def test_a_token_of_another_scenario_is_refused() -> None:
    machine = scenario("inflate").machine()
    machine.run()
    with pytest.raises(BadScheduleError, match="cannot be replayed"):
        replay(scenario("deflate"), machine.schedule.token)
    with pytest.raises(BadScheduleError):
        replay(scenario("inflate"), "bl1.vballoon.a")


def test_a_scenario_can_be_explored_from_where_somebody_got_to() -> None:
    where = scenario("full-and-compact", "v9")
    machine = where.machine()
    machine.walk(9, seed=3)
    later = where.after(machine.schedule)
    result = explore(later)
    assert result.actions == machine.schedule.choices
    assert fingerprint(later.machine()) == fingerprint(machine)
    whole = Fates(explore(where))
    state = whole.after(machine.schedule.choices[2:])[-1]
    assert Fates(result).of(0) is whole.of(state)
    assert Fates(result).distance[0] == whole.distance[state]
    finding = result.findings[0]
    assert replay(where, finding.schedule.token).position == len(finding.schedule)
    assert "9 steps" not in later.title
    assert later.title.endswith("11 steps later")


def test_a_spin_is_fatal_only_where_nobody_else_gets_the_cpu() -> None:
    everybody = scenario("deflate-and-compact", "v9")
    one_cpu = everybody.on_one_cpu("vballoon", "compactor")
    assert explore(everybody)
    assert explore(one_cpu).finding("doom").steps == 43
    with pytest.raises(UnknownNameError, match="compactor"):
        explore(everybody.on_one_cpu("nobody"))


def test_a_goal_that_nobody_can_reach_is_told_from_a_mistake() -> None:
    repaired = scenario("fill-out-of-memory", "linux-3.8")
    assert explore(repaired)
    assert explore(repaired.aiming_at("rest")).finding("doom").steps == 0
    with pytest.raises(UnknownNameError, match="rounds"):
        explore(repaired.aiming_at("peace"))
