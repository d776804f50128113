"""What a defect of the catalogue is: where it is, the scenarios that show it, and what an exploration of them finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from balloonlab.course.mail import Remark, remarks_on
from balloonlab.course.scenarios import Scenario, scenario
from balloonlab.drivers import DRIVERS, Driver
from balloonlab.explore import Finding, Result, explore
from balloonlab.foundations.errors import UnknownNameError, of_kind, pick


@dataclass(frozen=True)
class Case:
    """One scenario in which a defect shows, and in which versions it does.

    finding: the kind of an exploration's finding. text: words of its sentence, where the kind alone would leave a
    doubt. shortest: steps of the shortest schedule to it, by driver; a driver that is not named has it not. unasked:
    drivers that the scenario makes no sense for, each with the reason. besides: drivers in which exploring the
    scenario finds something else too, with what (ids of other defects); a driver that is named neither here nor in
    `shortest` holds. variants: further drivers that it is asked of.
    """

    scenario: str
    finding: str
    shortest: Mapping[str, int]
    text: str = ""
    unasked: Mapping[str, str] = field(default_factory=dict)
    besides: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[Driver, ...] = ()

    @property
    def drivers(self) -> dict[str, Driver]:
        """The drivers that it is asked of, by name: the seven versions less the unasked ones, then the variants."""
        versions = {name: driver for name, driver in DRIVERS.items() if name not in self.unasked}
        return versions | {driver.name: driver for driver in self.variants}

    def where(self, driver: str) -> Scenario:
        """The scenario with that driver; raises UnknownNameError, which says why if the driver is an unasked one."""
        drivers = self.drivers
        why = "".join(f"Not {name}: {reason}. " for name, reason in self.unasked.items())
        return scenario(self.scenario, drivers[pick("driver here", driver, list(drivers), why.strip())])

    def explore(self, driver: str) -> Result:
        """Explore the scenario with that driver."""
        return explore(self.where(driver))

    def is_shown_by(self, finding: Finding) -> bool:
        """Whether what an exploration found is this defect."""
        of_kind("finding", finding, Finding, "a finding of an exploration: result.findings[0]")
        return finding.kind == self.finding and self.text in finding.text

    def found_in(self, result: Result) -> Finding | None:
        """The nearest finding of an exploration that is this defect; None if it found no such thing."""
        of_kind("result", result, Result, "the result of an exploration: bl.explore(...)")
        return next((finding for finding in result.findings if self.is_shown_by(finding)), None)


@dataclass(frozen=True)
class Defect:
    """A mistake of the patch or of a kernel, or something that looks like one.

    id: as in the catalogue (V1, M4, ...). kind: its family, e.g. "deadlock". versions: names of the drivers that have
    it; () for what is no mistake at all. cases: the scenarios that show it, () if `unexpressed` says why there are
    none. fixed_by: what ended it, and where. source: the code or the mail it was read in.
    """

    id: str
    title: str
    kind: str
    versions: tuple[str, ...]
    cases: tuple[Case, ...]
    fixed_by: str
    source: str
    unexpressed: str = ""

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What the review said of it, in the mail's order; () if nothing."""
        return remarks_on(self.id)

    def case(self, name: str = "") -> Case:
        """The case with the scenario of that name, the first by default; raises UnknownNameError."""
        known = [case.scenario for case in self.cases]
        if not known:
            raise UnknownNameError(f"{self.id} is not expressed as a scenario: {self.unexpressed}")
        return self.cases[known.index(pick(f"scenario of {self.id}", _or(name, known[0]), known, self.unexpressed))]

    def explore(self, driver: str = "", scenario: str = "") -> Result:
        """Explore a scenario that shows it (the first by default), with a driver (by default the first that has it)."""
        case = self.case(scenario)
        return case.explore(_or(driver, next(iter(case.shortest or case.drivers))))

    def __str__(self) -> str:
        where = ", ".join(self.versions) or "nowhere"
        shown = ", ".join(case.scenario for case in self.cases) or f"not expressed: {self.unexpressed}"
        lines = (f"{self.id}: {self.title} ({self.kind})", f"in: {where}", f"scenarios: {shown}")
        return "\n".join((*lines, f"fixed by: {self.fixed_by}", f"source: {self.source}"))


def _or(name: str, default: str) -> str:
    """`name`, or the default if it is "": nothing else means that none was given."""
    return default if isinstance(name, str) and not name else name
