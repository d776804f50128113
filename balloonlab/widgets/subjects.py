"""What a Lab can show: the machine, what to call it, and what to explore when somebody asks what can become of it."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from balloonlab.drivers.driver import Driver
from balloonlab.explore import Finding, Result
from balloonlab.explore.learn.subject import Explorable
from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.words import counted, shown
from balloonlab.host.host import BALLOON_PAGE_SIZE
from balloonlab.kernel.machine import Machine
from balloonlab.widgets.panels import size_words


class MakesMachines(Protocol):
    """A scenario, a program or a finding: what gives a machine when asked."""

    def machine(self) -> Machine: ...


class Shown(NamedTuple):
    """A subject as a Lab shows it. explorable: what says where to explore from and what must hold, if anything does.

    result: of exploring that, if it is done already.
    """

    machine: Machine
    title: str
    question: str = ""
    explorable: Explorable | None = None
    result: Result | None = None
    runs: Driver | None = None
    finding: Finding | None = None

    @property
    def driver(self) -> str:
        """Which driver it runs, in words; "" if it has none, or does not say."""
        return f"driver {self.runs.name}" if self.runs is not None else ""


def shown_of(subject: Any, step: int | None = None) -> Shown:  # noqa: ANN401  (checked here)
    """What to show of a subject; step: of a finding's schedule. Raises BadValueError for what cannot be shown."""
    if isinstance(subject, Finding):
        return _finding(subject, step)
    if step is not None:
        raise BadValueError(f"step is {shown(step)}, but only a finding has a schedule to stand in; leave it out here.")
    if isinstance(subject, Machine):
        return Shown(subject, _size_of(subject))
    if isinstance(subject, Result):
        machine = subject.subject.subject().machine
        of = subject.subject
        return Shown(machine, *_words_of(of, machine), of, subject, _driver_of(of))
    found = getattr(subject, "machine", None)
    if isinstance(found, Machine):
        driver = _driver_of(subject)
        title = f"{_size_of(found)}, driver {driver.name}" if driver is not None else _size_of(found)
        return Shown(found, title, str(getattr(subject, "question", "")), runs=driver)
    made = found() if callable(found) and not isinstance(subject, type) else None
    if not isinstance(made, Machine):
        raise BadValueError(f"a Lab shows a guest, a scenario or a machine; this is {shown(subject)}.")
    explorable = subject if callable(getattr(subject, "subject", None)) else None
    return Shown(made, *_words_of(subject, made), explorable, runs=_driver_of(subject))


def _driver_of(subject: object) -> Driver | None:
    """Which driver a subject runs; None if it has none, or does not say."""
    driver = getattr(subject, "driver", None)
    return driver if isinstance(driver, Driver) else None


def _finding(finding: Finding, step: int | None) -> Shown:
    machine = finding.machine(step)
    title, _ = _words_of(finding.result.subject, machine)
    question = told_finding(finding)
    return Shown(
        machine,
        f"{finding.kind} after {_steps_of(finding)}: {title}",
        question,
        finding.result.subject,
        finding.result,
        _driver_of(finding.result.subject),
        finding,
    )


def _steps_of(finding: Finding) -> str:
    """The steps of a finding, which are its threads', and what was asked before them: a Lab's timeline has both."""
    asked, steps = len(finding.result.actions), counted(finding.steps, "step")
    return f"{counted(asked, 'request')} and {steps}" if asked else steps


def told_finding(finding: Finding) -> str:
    """What a finding says, as a sentence; the name of a thread that it begins with stays as it is."""
    text, names = finding.text, finding.result.graph.table.names
    return f"{text}." if text.startswith(tuple(names)) else f"{text[:1].upper()}{text[1:]}."


def _words_of(subject: object, machine: Machine) -> tuple[str, str]:
    """What to call a subject, and what it asks."""
    title = getattr(subject, "title", "") or getattr(subject, "name", "") or _size_of(machine)
    return str(title), str(getattr(subject, "question", ""))


def _size_of(machine: Machine) -> str:
    pages, page_size = machine.world.frames.pages, machine.world.page_size
    each = f" of {page_size // 1024} KiB" if page_size != BALLOON_PAGE_SIZE else ""
    return f"guest of {counted(pages, 'page')}{each} ({size_words(pages * page_size)})"
