"""The Lab: a guest, a scenario or a machine in the browser, to be stepped, run, taken back and looked at."""

from __future__ import annotations

import weakref
from typing import Any, Protocol

import numpy as np
from IPython.core.getipython import get_ipython
from numpy.typing import NDArray

from balloonlab.errors import BadValueError
from balloonlab.guest import Guest
from balloonlab.host import BALLOON_PAGE_SIZE
from balloonlab.kernel.machine import Machine
from balloonlab.widgets.panels import panels, short, size_words
from balloonlab.widgets.session import Session
from balloonlab.widgets.still import Pictured
from balloonlab.widgets.wire import Content


class MakesMachines(Protocol):
    """A scenario or a finding: what gives a machine when asked."""

    def machine(self) -> Machine: ...


class Lab(Pictured):
    """A window on one machine. Labs on the same guest show, and act on, the same steps.

    subject: a Guest, a Machine (shown at its position with its timeline), or anything whose ``machine()`` gives one: a
    scenario or a finding. title: the heading; by default what the subject is. What the learner does acts on the
    machine itself: ``lab.machine`` (and the guest) can be asked in the next cell. Raises BadValueError for a subject
    that is none of these.
    """

    def __init__(self, subject: Guest | Machine | MakesMachines, title: str | None = None) -> None:
        self.machine, found = _machine_of(subject)
        self.question = str(getattr(subject, "question", ""))
        self.session = Session.of(self.machine)
        _follow_cells(self.session)
        super().__init__("lab", title or found)
        self.session.labs.append(self)
        self.on_msg(lambda _widget, content, _buffers: self.session.ask(self, content))

    def __repr__(self) -> str:
        at, end = self.machine.position, len(self.machine.timeline)
        return f"<Lab: {self.title}, step {at:,} of {end:,}>"

    @property
    def text(self) -> str:
        """Every panel as plain text, at the machine's position."""
        return panels(self.machine)

    def describe(self) -> Content:
        """What every frame says about its subject, for the browser."""
        world = self.machine.world
        return {
            "session": f"{id(self.session):x}",
            "title": self.title[:1].upper() + self.title[1:],
            "question": self.question,
            "most": world.host.balloon_pages,
            "target": world.host.target,
            "actions": sorted(self.machine.actions),
        }

    def close(self) -> None:
        """Leave the machine alone from now on."""
        session: Session | None = vars(self).get("session")  # missing if the subject was refused
        if session is not None and self in session.labs:
            session.labs.remove(self)
        super().close()

    def still_states(self) -> NDArray[np.uint8]:
        with self.machine.lock:
            return self.machine.world.frames.states.copy()

    def still_text(self) -> str:
        return f"{self!r}\n{short(self.machine)}"


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


def _machine_of(subject: Any) -> tuple[Machine, str]:  # noqa: ANN401  (checked here)
    """The machine to show, and what to call it."""
    if isinstance(subject, Machine):
        return subject, _size_of(subject)
    found = getattr(subject, "machine", None)
    if isinstance(found, Machine):
        driver = getattr(subject, "driver", None)
        return found, f"{_size_of(found)}, driver {driver.name}" if driver is not None else _size_of(found)
    machine = found() if callable(found) else None
    if not isinstance(machine, Machine):
        raise BadValueError(f"a Lab shows a guest, a scenario or a machine; this is a {type(subject).__name__}.")
    return machine, str(getattr(subject, "title", "") or _size_of(machine))


def _size_of(machine: Machine) -> str:
    pages, page_size = machine.world.frames.pages, machine.world.page_size
    each = f" of {page_size // 1024} KiB" if page_size != BALLOON_PAGE_SIZE else ""
    return f"guest of {pages:,} pages{each} ({size_words(pages * page_size)})"
