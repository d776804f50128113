"""The defects of merged kernels: found where the catalogue says, by its shortest schedule; clean where repaired."""

from __future__ import annotations

from functools import lru_cache

import pytest

from balloonlab.course.defects import Case, Defect, merged, pressure
from balloonlab.course.scenarios import replay, scenario
from balloonlab.drivers import DRIVERS
from balloonlab.drivers.merged_variants import VARIANTS
from balloonlab.explore import Result, Verdict, explore

ENTRIES: tuple[Defect, ...] = (*merged.DEFECTS, *pressure.DEFECTS)
CASES = [(entry, case, name) for entry in ENTRIES for case in entry.cases for name in case.drivers]
MOST = 60_000  # states


@lru_cache(None)
def explored(name: str, driver: str) -> Result:
    return explore(scenario(name, (DRIVERS | VARIANTS)[driver]), most_states=MOST)


@pytest.mark.parametrize(
    ("entry", "case", "driver"), CASES, ids=[f"{entry.id}-{case.scenario}-{name}" for entry, case, name in CASES]
)
def test_found_where_present_and_nowhere_else(entry: Defect, case: Case, driver: str) -> None:
    result = explored(case.scenario, driver)
    assert result.why == "", "every state was looked at"
    shown = [finding for finding in result.findings if case.is_shown_by(finding)]
    if driver in case.shortest:
        assert shown, f"{entry.id} is not found"
        assert shown[0].steps == case.shortest[driver]
    else:
        assert shown == []
        assert (result.verdict is Verdict.HOLDS) == (driver not in case.besides), str(result)


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.id for entry in ENTRIES])
def test_an_entry_is_complete(entry: Defect) -> None:
    assert bool(entry.cases) != bool(entry.unexpressed)
    assert set(entry.versions) <= DRIVERS.keys() | VARIANTS.keys()
    if entry.cases:
        assert {name for case in entry.cases for name in case.shortest} == set(entry.versions)
    for case in entry.cases:
        assert case.shortest.keys() <= case.drivers.keys()
        assert case.drivers.keys() - case.shortest.keys(), "repaired somewhere"


@pytest.mark.parametrize(("name", "driver"), [("oom-and-deflate", "linux-6.1"), ("deflate-and-compact", "linux-3.8")])
def test_a_schedule_leads_a_new_machine_to_what_was_found(name: str, driver: str) -> None:
    finding = explored(name, driver).findings[0]
    machine = replay(scenario(name, driver), finding.schedule.token)
    if finding.kind == "invariant":
        values = machine.world.values
        assert (values["actual (config actual)"], values["num_pages"]) == (1, 0)
        assert not machine.runnable(), "and so it stays"
    else:
        assert [bug.kind for bug in machine.bugs] == [finding.kind]
