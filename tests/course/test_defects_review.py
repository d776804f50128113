"""The catalogue of the review's defects: each is found where it is said to be, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import pytest

import balloonlab as bl
from balloonlab.course.defects import Case, Defect, defects, discussed, review
from balloonlab.course.defects.meets import MEETS
from balloonlab.drivers import DRIVERS
from balloonlab.drivers.review_variants import VARIANTS
from balloonlab.foundations.errors import UnknownNameError

OURS = (*review.DEFECTS, *discussed.DEFECTS)
CASES = [(defect, case) for defect in OURS for case in defect.cases]
ASKED = [(defect, case, driver) for defect, case in CASES for driver in case.drivers]


class Explored(NamedTuple):
    """As much of a result as a test looks at; the graph is not kept."""

    verdict: str
    findings: tuple[tuple[str, str, int], ...]
    token: str


@cache
def explored(scenario: str, driver: str) -> Explored:
    where = bl.scenario(scenario, VARIANTS.get(driver, driver))
    result = bl.explore(where)
    found = tuple((f.kind, f.text, f.steps) for f in result.findings)
    return Explored(str(result.verdict), found, result.findings[0].schedule.token if found else "")


def steps_to(case: Case, driver: str) -> int | None:
    """Steps to the nearest finding that is the case's."""
    found = explored(case.scenario, driver).findings
    return next((steps for kind, text, steps in found if kind == case.finding and case.text in text), None)


@pytest.mark.parametrize(("defect", "case", "driver"), ASKED, ids=lambda value: getattr(value, "id", str(value)[:40]))
def test_a_defect_is_found_where_it_is_and_nowhere_else(defect: Defect, case: Case, driver: str) -> None:
    assert steps_to(case, driver) == case.shortest.get(driver), defect.title
    if driver not in case.shortest:
        assert explored(case.scenario, driver).verdict == ("violated" if driver in case.besides else "holds")


@pytest.mark.parametrize("defect", OURS, ids=lambda defect: defect.id)
def test_the_versions_are_those_of_its_cases(defect: Defect) -> None:
    assert bool(defect.cases) != bool(defect.unexpressed)
    if defect.cases:
        assert set(defect.versions) == {driver for case in defect.cases for driver in case.shortest}
    assert set(defect.versions) <= DRIVERS.keys() | VARIANTS.keys()


def test_every_entry_is_there() -> None:
    numbers = {"S": range(1, 8), "V": range(1, 20), "N": range(1, 8), "R": range(1, 6)}
    wanted = {f"{letter}{number}" for letter, some in numbers.items() for number in some}
    assert wanted <= set(defects)


def test_what_scenarios_meet_is_what_the_catalogue_says() -> None:
    for scenario, by_driver in MEETS.items():
        for driver, met in by_driver.items():
            for name in (name for name in met if name[0] == "V" and driver in DRIVERS and name in defects):
                cases = [case for case in defects[name].cases if driver in case.shortest]
                assert cases, f"{scenario} meets {name} with {driver}"


def test_the_schedule_of_a_finding_can_be_replayed_by_its_token() -> None:
    where = bl.scenario("interrupt", "v9")
    machine = bl.replay(where, explored("interrupt", "v9").token)
    waits = {name: wait.holder for name, wait in machine.blocked().items() if wait.status == "blocked"}
    assert waits == {"vballoon": "interrupt", "interrupt": "compactor", "compactor": "vballoon"}


def test_the_catalogue_is_a_mapping_and_a_table() -> None:
    assert isinstance(bl.defects, Mapping)
    assert list(bl.defects.items()) == list(defects.items())
    assert next(iter(bl.defects)) == "V1"
    assert bl.defects["V1"].case().scenario == "fill-out-of-memory"
    lines = repr(bl.defects).splitlines()
    assert [line.split()[0] for line in lines if line[0] != " "] == ["id", *bl.defects]
    assert max(map(len, lines)) <= 110
    assert "acked" in str(bl.defects["V1"])
    assert repr(bl.defects) == repr(defects)
    with pytest.raises(UnknownNameError, match="V1, V2"):
        bl.defects["V99"]


def test_a_defect_explores_itself() -> None:
    defect = bl.defects["V5"]
    result = defect.explore()
    finding = defect.case().found_in(result)
    assert finding is not None
    assert finding.steps == defect.case().shortest["v9"]
    assert defect.explore("linux-6.1").verdict == "holds"
    with pytest.raises(UnknownNameError, match="known: one-cpu"):
        defect.explore("v9", "two-cpus")
    with pytest.raises(UnknownNameError, match=r"known: linux-3\.6, v9"):
        defect.explore("v8")
