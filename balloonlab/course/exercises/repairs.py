"""Routines of a driver to be repaired: a repair is explored, in every situation where it must hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from balloonlab.course.scenarios import Scenario, scenario
from balloonlab.course.scenarios.merged import naming_pages
from balloonlab.drivers import Driver, find_driver
from balloonlab.explore import Finding, explore
from balloonlab.foundations.errors import pick
from balloonlab.foundations.said import Said
from balloonlab.foundations.words import counted
from balloonlab.kernel.primitives import Routine

MOST_STATES = 300_000  # of one situation, in which a repair is looked at


@dataclass(frozen=True, repr=False)
class Answer(Said):
    """What to say to a repair. finding: what is still wrong, for a Lab; None if nothing is, or it is not known."""

    solved: bool
    text: str
    finding: Finding | None = None


@dataclass(frozen=True, repr=False)
class Repair(Said):
    """A routine of a driver to be repaired. situations: where it must hold, the first that fails is told. why: at last.

    text: what is asked for. driver, routine: whose, and which.
    """

    name: str
    text: str
    driver: str
    routine: str
    situations: tuple[Callable[[Driver], Scenario], ...]
    why: str

    def check(self, routine: Callable[..., Routine]) -> Answer:
        """Explore the driver with this routine. Raises BadValueError for what cannot replace the old one."""
        driver = find_driver(self.driver).replace(**{self.routine: routine})
        states = 0
        for situation in self.situations:
            where = situation(driver)
            result = explore(where, most_states=MOST_STATES)
            there = f'"{where.name}"'
            if where.plot.cpu:
                there += f" with {' and '.join(where.plot.cpu)} on one CPU"
            if result.findings:
                finding = result.findings[0]
                text = f"the shortest failing schedule has {counted(finding.steps, 'step')}, in {there}."
                return Answer(False, f"Not solved yet: {text}\n{finding.kind}: {finding.text}", finding)  # noqa: FBT003
            if result.doubt:
                how = "was not finished" if result.why else "was not tested"
                text = f"{there} {how}, so nobody knows: {result.doubt}."
                return Answer(False, f"Not solved yet: {text}")  # noqa: FBT003
            states += result.states
        text = (
            f"Yes: it holds in {counted(len(self.situations), 'situation')}, on {counted(states, 'state')}. {self.why}"
        )
        return Answer(True, text)  # noqa: FBT003


_REPAIRS = [
    Repair(
        "spin",
        "Repair leak_balloon so that it finishes even where it shares one CPU, without preemption, with compaction.",
        "v9",
        "leak_balloon",
        (
            lambda driver: naming_pages(scenario("deflate", driver)),
            lambda driver: naming_pages(scenario("deflate-and-compact", driver).on_one_cpu("vballoon", "compactor")),
            lambda driver: naming_pages(
                scenario("deflate-two-and-compact", driver).on_one_cpu("vballoon", "compactor")
            ),
            lambda driver: naming_pages(scenario("deflate-and-compact", driver)),
        ),
        "Whoever cannot have a page lets the others run before it asks again.",
    ),
    Repair(
        "stale size",
        "Repair update_balloon_size so that the host is not left with an older size when two threads tell it (M23).",
        "linux-7.2",
        "update_balloon_size",
        tuple(partial(scenario, name) for name in ("oom-and-deflate", "deflate", "deflate-and-compact")),
        "Who reads the size last writes it last.",
    ),
]
REPAIRS = [repair.name for repair in _REPAIRS]


def repair(name: str) -> Repair:
    """The repair of that name; raises UnknownNameError that lists the names."""
    return _REPAIRS[REPAIRS.index(pick("repair", name, REPAIRS))]
