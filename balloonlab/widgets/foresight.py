"""What can become of each step that a Lab shows: the scenario explored beside it, and the answers along the timeline.

The exploration runs on a thread of its own and on a guest of its own: the learner's guest can be stepped meanwhile.
What is known crosses as arrays over the whole timeline, so stepping and scrubbing ask nobody.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import asdict

from balloonlab.explore import Result, explore
from balloonlab.explore.judge.fate import Fates
from balloonlab.explore.judge.fate_legend import LOOKS, about_words, violation_words
from balloonlab.explore.judge.timeline_fates import NO_STEP, Known, TimelineFates
from balloonlab.explore.learn.subject import Explorable
from balloonlab.foundations.errors import BadValueError, BalloonlabError, pick, whole_number
from balloonlab.foundations.interrupt import Interruption, Listener
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.schedule import Schedule
from balloonlab.widgets.wire import Arrays, Content

MOST_STATES = 500_000  # of an exploration begun in a Lab, so that it ends while somebody waits for it
MOST_MEMORY = 1 << 30  # bytes
_LOG = logging.getLogger(__name__)


class Foresight:
    """The fate of every step on one machine's timeline, once its subject is explored and for as long as it is shown.

    publish: called, without any lock, when there is something new to tell the Labs. result: of an exploration of the
    subject, if there is one already. What touches the machine is called with its lock held.
    """

    def __init__(
        self, machine: Machine, subject: Explorable, publish: Callable[[], None], result: Result | None = None
    ) -> None:
        self.machine, self.subject = machine, subject
        self.shown = False
        self.text = ""  # how far an exploration is, or why there is nothing to show
        self.outlook = TimelineFates(machine)
        self._publish = publish
        self._result = result
        self._listener: Listener | None = None
        self._worker: threading.Thread | None = None
        self._changed = False  # something but the positions has, since the last message
        self._told, self._first = 0, 0  # positions that the Labs know of, and the first that is another by now

    @property
    def exploring(self) -> bool:
        return self._listener is not None

    # -- asking for it --

    def ask(self, request: Content) -> None:
        """A request of a view: "show", "hide", "stop" exploring, or "explore" from a position on."""
        wish = pick("wish", request.get("wish"), ["show", "hide", "stop", "explore"])
        if wish == "show":
            self.show()
        elif wish == "explore":
            self._explore_from(request.get("at"))
        else:
            self._stop()
            if wish == "hide":
                self._note(shown=False, text="")
        self._publish()

    def show(self, *, wait: bool = False) -> None:
        """Show fates from now on; explore first if need be, here and now if `wait`, else on a thread of its own."""
        self._note(shown=True)
        if self.outlook.graphs or self.exploring:
            return
        if self._result is not None:
            self._take(self._result)
        elif wait:
            self._take(explore(self.subject, most_states=MOST_STATES, most_memory=MOST_MEMORY))
        else:
            self._start(self.subject)

    def settle(self, seconds: float = 60.0) -> bool:
        """Wait until no exploration is going on; returns whether that came in time."""
        worker = self._worker
        if worker is not None:
            worker.join(seconds)
        return not self.exploring

    def _explore_from(self, at: object) -> None:
        """Explore on from a position of the timeline, what came from outside before it included."""
        if not hasattr(self.subject, "after"):
            raise BadValueError("only a scenario can be explored from a later step; this is something else.")
        if self.exploring:
            raise BadValueError("An exploration is going on already. Stop it first, or wait for it.")
        with self.machine.lock:
            position = whole_number("position", at, 0, len(self.machine.timeline), "steps")
            position += self.machine.timeline.first
            schedule = Schedule(self.machine.choices(position))
        self._note(shown=True)
        self._start(self.subject.after(schedule))

    def _stop(self) -> None:
        if self._listener is not None:
            self._listener.stop()

    # -- exploring --

    def _start(self, subject: Explorable) -> None:
        self._listener = Listener("exploring", self._hear)
        self._note(text="Exploring every interleaving \u2026")
        self._worker = threading.Thread(
            target=self._explore, args=(subject, self._listener), name="balloonlab-explore", daemon=True
        )
        try:
            self._worker.start()
        except RuntimeError:  # where there are no threads (WebAssembly)
            self._worker = None
            self._explore(subject, self._listener)

    def _hear(self, progress: str) -> None:
        self._note(text=f"Exploring every interleaving: {progress}")
        self._publish()

    def _explore(self, subject: Explorable, interruption: Interruption) -> None:
        try:
            found = explore(subject, most_states=MOST_STATES, most_memory=MOST_MEMORY, interruption=interruption)
            self._take(found)
        except BalloonlabError as error:
            self._note(text=f"It cannot be explored: {error}")
        except Exception as error:  # noqa: BLE001  (a driver's text may do anything)
            _LOG.exception("an exploration failed")
            self._note(text=f"Exploring went wrong in Python: {error!r}.")
        finally:
            self._listener = None
            self._changed = True
        self._publish()

    def _take(self, result: Result) -> None:
        if result.why:
            self._note(text=f"Not explored to the end: {result.why}. So nobody's fate is known.")
            return
        fates = Fates(result)
        _ = fates.fates, fates.kinds, fates.preemptions  # worked out now, while nobody is held up
        with self.machine.lock:
            self.outlook.add(fates)
        self._note(text="")

    def _note(self, *, shown: bool | None = None, text: str | None = None) -> None:
        self.shown = self.shown if shown is None else shown
        self.text = self.text if text is None else text
        self._changed = True

    # -- what the browser is told --

    def message(self, *, whole: bool) -> tuple[Content, Arrays] | None:
        """What the Labs do not know yet, or all of it; None if that is nothing. With the machine's lock held."""
        graphs = self.shown and bool(self.outlook.graphs)
        if graphs:
            self._follow()
        news = whole or self._changed
        if not news and (not graphs or self._first == len(self.outlook.places) == self._told):
            return None
        self._changed = False
        first = 0 if news else self._first
        content: Content = {
            "type": "fates",
            "shown": self.shown,
            "exploring": self.exploring,
            "text": self.text,
            "from": first,
            "known": graphs,
            "can_go_on": hasattr(self.subject, "after"),
        }
        if not graphs:
            return content, {}
        self._told = self._first = len(self.outlook.places)
        content |= {
            "kinds": self.outlook.kinds,
            "coverage": self._coverage(),
            "looks": [asdict(look) for look in LOOKS],
            "why_not": [known.words for known in Known],
        }
        return content, self.outlook.arrays(first)

    def _follow(self) -> None:
        self._first = min(self._first, self.outlook.follow())

    def _coverage(self) -> list[str]:
        """By graph: how much of it the learner's steps have shown."""
        return [
            f"The steps so far have seen {len(seen):,} of {fates.graph.states:,} states."
            for seen, fates in zip(self.outlook.seen, self.outlook.graphs, strict=True)
        ]

    # -- the same as text --

    def lines(self, position: int) -> list[str]:
        """What can become of the position and of each step from there: a line of each, and one of coverage.

        With the machine's lock held; [] if fates are not shown.
        """
        if not self.shown:
            return []
        if not self.outlook.graphs:
            return [self.text]
        self._follow()
        arrays = self.outlook.arrays(0)
        position -= self.machine.timeline.first
        known = Known(int(arrays["known"][position]))
        if known is not Known.YES:
            return [f"here: not known. {known.words}"]
        look = LOOKS[int(arrays["fate"][position])]
        kind = self._kind(int(arrays["kind"][position]))
        about = about_words(look, kind, int(arrays["steps"][position]))
        lines = [f"here: {look.glyph} {look.word}. {about}"]
        threads = len(self.machine.threads)
        for thread, name in enumerate(self.machine.names):
            at = position * threads + thread
            if arrays["next_fate"][at] != NO_STEP:
                look = LOOKS[int(arrays["next_fate"][at])]
                steps, preemptions = int(arrays["next_steps"][at]), int(arrays["next_preemptions"][at])
                ahead = violation_words(self._kind(int(arrays["next_kind"][at])), steps, preemptions)
                lines.append(f"{name:<20}{look.glyph} {look.word}{f': {ahead}' if ahead else ''}")
        return [*lines, self._coverage()[int(arrays["graph"][position])]]

    def _kind(self, number: int) -> str:
        return self.outlook.kinds[number - 1] if number else ""
