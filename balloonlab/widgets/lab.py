"""The Lab: a guest, a scenario or a machine in the browser, to be stepped, run, taken back and looked at."""

from __future__ import annotations

import weakref

import numpy as np
from IPython.core.getipython import get_ipython
from numpy.typing import NDArray

from balloonlab.explore import Result
from balloonlab.foundations.errors import BadValueError, as_text, pick, truth
from balloonlab.foundations.interrupt import held_back
from balloonlab.guest.guest import Guest
from balloonlab.guest.outcomes import bug_first
from balloonlab.guest.shortfall import bugs
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.machine_events import Need
from balloonlab.widgets.connected import Connected
from balloonlab.widgets.panels import panels, short
from balloonlab.widgets.session import Session
from balloonlab.widgets.subjects import MakesMachines, shown_of, told_finding
from balloonlab.widgets.units import UNITS
from balloonlab.widgets.wire import Content


class Lab(Connected):
    """A window on one machine. Labs on the same guest show, and act on, the same steps.

    subject: a Guest, a Machine (shown at its position with its timeline), or anything whose ``machine()`` gives one: a
    scenario, a program, the result of an exploration, or a finding, whose schedule is the timeline. title: the heading;
    by default what the subject is. step: of a finding's schedule, how many of its steps are taken (default: all).
    fate: whether to show from the start what can become of each step; the subject is then explored first. unit: what
    Step, Back and Play move by at first: "statement" (as a scenario does), "call", "page", "message" or "round" (as a
    guest does). Where threads of a scenario share a CPU, they share it in every run of its machine from now on. What
    the learner does acts on the machine itself: ``lab.machine`` (and the guest) can be asked in the next cell. The last
    million steps, at most, are there one by one; earlier ones are made again when somebody goes
    there (machine.py says what that takes: after 7.5 million steps on 65,536 pages, 370 MB with all of Python). Raises
    BadValueError for a subject that is none of these, or that cannot be explored where `fate` is asked for.
    """

    def __init__(
        self,
        subject: Guest | Machine | MakesMachines | Result,
        title: str | None = None,
        *,
        step: int | None = None,
        fate: bool = False,
        unit: str | None = None,
    ) -> None:
        fate = truth("fate", fate)
        if unit is not None:
            pick("unit", unit, UNITS)
        if title is not None:
            as_text("title", title)
        shown = shown_of(subject, step)
        self.machine, self.question = shown.machine, shown.question
        self._driver, self._finding = "" if title else shown.driver, shown.finding  # a title of its own is shown
        self._found_at = shown.machine.end
        self._led_there = shown.machine.choices(self._found_at) if self._finding else ()
        self._cpu = [name for name in getattr(shown.explorable, "cpu", ()) if name in self.machine.names]
        if self._cpu:
            self.machine.sharing = frozenset(map(self.machine.names.index, self._cpu))
        self.session = Session.of(self.machine)
        if isinstance(subject, Guest):
            self.session.foretell = subject.foretell
        if shown.explorable is not None:
            self.session.foresee(shown.explorable, shown.result)
        self._foresight = self.session.foresight
        self._unit = unit or ("round" if self._foresight is None else "statement")
        if fate:
            self._show_fate()
        _follow_cells(self.session)
        self._heading = title or shown.title[:1].upper() + shown.title[1:]
        super().__init__("lab", title or shown.title)
        self.session.labs.append(self)

    def answer(self, request: Content) -> None:
        self.session.ask(self, request)

    def _show_fate(self) -> None:
        if self._foresight is None:
            raise BadValueError(
                "fate is shown of a scenario, a program, a finding or the result of an exploration: a guest or machine "
                "by itself does not say what must hold. Start the Lab with bl.scenario(...)."
            )
        with held_back():  # half an exploration is no reason for a Lab
            self._foresight.show(wait=True)

    def __repr__(self) -> str:
        at, end = self.machine.position, self.machine.end
        return f"<{bug_first(bugs(self.machine), f'Lab: {self.title}, machine at step {at:,} of {end:,}')}>"

    @property
    def text(self) -> str:
        """Every panel as plain text, at the machine's position."""
        return panels(self.machine, self.still_lines())

    def describe(self) -> Content:
        """What every frame says about its subject, for the browser."""
        world = self.machine.world
        return {
            "session": f"{id(self.session):x}",
            "title": self._heading,
            "question": self.question,
            "driver": self._driver,
            "places": dict(world.places) or None,
            "finding": self._told_finding(),
            "most": world.host.balloon_pages,
            "target": world.host.target,
            "actions": sorted(self.machine.actions),
            "needs": {name: self._needs(action.needs) for name, action in self.machine.actions.items()},
            "level": self._unit,
            "foresight": self._foresight is not None,
            "cpu": self._cpu,
        }

    def _needs(self, needs: tuple[Need, ...]) -> list[list[object]]:
        """When something may be asked for: [slot of a number, whether it must not be 0, why it may not otherwise]."""
        names = self.machine.world.values.names
        return [[names.index(need.number), need.set, need.otherwise] for need in needs]

    def _told_finding(self) -> Content | None:
        """What a finding's schedule ends in, and after which step of the timeline."""
        found, machine = self._finding, self.machine
        if found is None or machine.end < self._found_at or machine.choices(self._found_at) != self._led_there:
            return None  # other steps stand there now
        return {"step": self._found_at, "kind": found.kind, "text": told_finding(found)}

    def close(self) -> None:
        """Leave the machine alone from now on."""
        self.let_go()
        super().close()

    def let_go(self) -> None:
        session: Session | None = vars(self).get("session")  # missing if the subject was refused
        if session is not None:
            session.leave(self)

    def still_states(self) -> NDArray[np.uint8]:
        with self.machine.lock:
            return self.machine.world.frames.states.copy()

    def still_text(self) -> str:
        return f"{self!r}\n{short(self.machine, self.still_lines())}"

    def still_lines(self) -> list[str]:
        if self._foresight is None:
            return []
        with self.machine.lock:
            return self._foresight.lines(self.machine.position)


def _follow_cells(session: Session) -> None:
    """Tell the session's Labs after each cell what the cell did, even if it stepped the machine by hand."""
    shell = get_ipython()
    if shell is None or session.follows_cells:
        return
    session.follows_cells = True
    known = weakref.ref(session)

    def tell(*_result: object) -> None:
        session = known()
        if session is None:
            shell.events.unregister("post_run_cell", tell)
        else:
            session.changed()

    shell.events.register("post_run_cell", tell)
