"""One machine shown in any number of Labs: their requests in, messages out, and never two hands on the guest.

Widget callbacks may arrive on another thread while a cell runs. So every touch of the machine happens under its own
lock; long runs hold it for one chunk at a time; and nothing is ever sent while it is held: messages are queued in the
order of what they tell, and sent by whoever comes next.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

from balloonlab.explore import Result
from balloonlab.explore.learn.subject import Explorable
from balloonlab.foundations.errors import BadValueError, BalloonlabError, pick, whole_number
from balloonlab.guest.foretold import Foretold
from balloonlab.guest.shortfall import ended_in_words
from balloonlab.kernel.machine import Machine
from balloonlab.memory.reduced_map import MOST_CELLS
from balloonlab.widgets.foresight import Foresight
from balloonlab.widgets.jobs import Jobs
from balloonlab.widgets.long_run import LongRun
from balloonlab.widgets.outbox import Outbox, Shows
from balloonlab.widgets.target_field import target_of
from balloonlab.widgets.units import UNITS, to_end_of
from balloonlab.widgets.wire import Content, Encoder

CHUNK = 0.15  # seconds a run holds the machine at a time,
FIRST_CHUNK = 0.05  # and the first time
AHEAD = 250_000  # steps made again past the one that is wanted, to the next operation at most
_LOG = logging.getLogger(__name__)


Foretell = Callable[["int | None"], "Foretold | None"]
Job = Callable[..., "Job | None"]  # does something, and returns what is left of it


class Session:
    """The Labs of one machine.

    `ask` takes a request of a Lab's view and returns at once; `settle` waits until everything asked for is done.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.labs: list[Shows] = []
        self.follows_cells = False
        self.foresight: Foresight | None = None
        self.foretell: Foretell | None = None  # of a guest
        with machine.lock:
            if not machine.recording:
                machine.record()
            self._encoder = Encoder(machine)
            self._stood = machine.position  # as the Labs know it
        outbox = Outbox(self._seen)
        self._post, self._flush = outbox.post, outbox.flush
        self._stop = threading.Event()
        self._progress: Content = {"type": "progress", "running": False, "text": ""}
        self._jobs = Jobs(lambda: bool(self._progress["running"]))
        machine.watchers.append(self.changed)

    @classmethod
    def of(cls, machine: Machine) -> Session:
        """The machine's session: every Lab on one machine shares it."""
        for watcher in machine.watchers:
            owner = getattr(watcher, "__self__", None)
            if isinstance(owner, cls):
                return owner
        return cls(machine)

    def foresee(self, subject: Explorable, result: Result | None = None) -> None:
        """From now on the Labs can show what can become of each step, by an exploration of `subject`."""
        if self.foresight is None:
            self.foresight = Foresight(self.machine, subject, self.changed, result)

    def leave(self, lab: Shows) -> None:
        """This Lab is told nothing any more, until a view of it says hello."""
        if lab in self.labs:
            self.labs.remove(lab)
            if self.foresight is not None and not self._seen():
                self.foresight.ask({"wish": "stop"})  # nobody waits for what it finds

    def changed(self) -> None:
        """Somebody else (a cell) moved the machine, or its fate is known: tell every view, and take it along."""
        with self.machine.lock:
            self._catch_up(by_cell=True)
        self._flush()

    def settle(self, seconds: float = 60.0) -> bool:
        """Wait until every request is answered; returns whether that came in time."""
        return self._jobs.settle(seconds)

    # -- requests --

    def ask(self, lab: Shows, request: Content) -> None:
        """A request of one view of `lab`. What it asks wrongly is answered with an error message, and not done."""
        if not isinstance(request, dict):
            return
        kind, view = request.get("type"), request.get("view")
        try:
            if kind == "hello":
                self._hello(lab, view)
            elif kind == "window":
                self._window(lab, view, request)
            elif kind == "stop":
                self._stop.set()
            elif kind == "bye":
                return
            elif kind == "fate" and self.foresight is not None:
                if request.get("wish") == "explore":
                    with self.machine.lock:
                        self._from(request)
                self.foresight.ask(request)
            else:
                job: Job = getattr(self, "_" + pick("request", kind, ["act", "go", "run", "step"]))
                self._jobs.add(partial(self._guarded, lab, view, partial(job, request)))
                self._jobs.work()
        except BalloonlabError as error:
            self._post(lab, {"type": "error", "to": view, "text": str(error)})
        self._flush()

    def _hello(self, lab: Shows, view: object) -> None:
        if lab not in self.labs:
            self.labs.append(lab)
        with self.machine.lock:
            self._catch_up()
            content, arrays = self._encoder.frame()
            self._post(lab, {**content, **lab.describe(), "to": view}, arrays)
            self._post(lab, {**self._progress, "to": view})
            self._foretell(lab, view, whole=True)

    def _window(self, lab: Shows, view: object, request: Content) -> None:
        pages = self.machine.world.frames.pages
        first = whole_number("first page", request.get("first"), 0, pages - 1, "guest pages")
        count = whole_number("pages", request.get("count"), 1, min(MOST_CELLS, pages - first), "guest pages")
        with self.machine.lock:
            self._catch_up()
            content, arrays = self._encoder.window(first, count)
            self._post(lab, {**content, "to": view}, arrays)

    def _act(self, request: Content) -> Job | None:
        name = request.get("name")
        run = None if request.get("by_hand") else self._begin()
        with self.machine.lock:
            self._from(request)
            if name in ("inflate", "deflate"):
                self._at(request, lambda: self._resize(str(name), request.get("value"), run))
            else:
                self._at(request, lambda: self._ask_for(str(name), None, run))
        return None if run is None else self._go_on(run)

    def _step(self, request: Content) -> Job | None:
        """A thread's step; or, where none is named, steps of whoever can go on, to the end of a unit of time."""
        unit = UNITS.index(pick("unit of time", request.get("unit", UNITS[0]), UNITS))
        with self.machine.lock:
            self._from(request)
            self._stop.clear()
            self._at(request, lambda: self._step_of(request.get("thread")))
            return self._on(unit) if request.get("thread") is None else None

    def _on(self, unit: int) -> Job | None:
        """Go on for a moment, to the end of a unit of time at most."""
        deadline = time.monotonic() + CHUNK
        with self.machine.lock:
            over = to_end_of(unit, self.machine, lambda: self._due(deadline))
            self._catch_up()
        if over or self._stop.is_set():
            return None
        self._say(f"Going on to the end of this {UNITS[unit]}", running=True)
        return partial(self._on, unit)

    def _run(self, request: Content) -> Job | None:
        run = self._begin()
        with self.machine.lock:
            self._from(request)
            self._at(request, lambda: self._chunk(run))
        return self._rest(run)

    def _go(self, request: Content) -> Job | None:
        with self.machine.lock:
            self._from(request)
            to = whole_number("position", request.get("to"), 0, self.machine.end, "steps")
            self._stop.clear()
            return self._visit(self.machine.visit(to, AHEAD))

    def _visit(self, way: Iterator[int]) -> Job | None:
        """Make steps again for a moment."""
        deadline = time.monotonic() + CHUNK
        with self.machine.lock:
            there = None
            try:
                there = next((step for step in way if self._due(deadline)), None)
            finally:
                if there is None or self._stop.is_set():
                    self._arrive()
        if there is None or self._stop.is_set():
            return None
        self._say(f"Making steps again: at step {there:,}", running=True)
        return partial(self._visit, way)

    def _arrive(self) -> None:
        """Show every view the step at which the machine is. With the lock held."""
        self._catch_up()
        self._stand(follow=True)

    # -- doing it --

    def _step_of(self, name: object) -> None:
        if name is not None:
            self.machine.step(str(name))
        elif (ran := self.machine.run(1)).steps == 0:
            raise BadValueError(f"No thread can take a step: {ran.text}. Ask for something: a target, or Compact.")

    def _resize(self, name: str, value: object, run: LongRun | None) -> None:
        world = self.machine.world
        target = target_of(name, value, world.host.balloon_pages, world.values["num_pages"])
        self._ask_for("set_target", target, run)

    def _ask_for(self, name: str, number: int | None, run: LongRun | None) -> None:
        """Ask it of the machine; if it is to run, look first at what it will come to, where arrays can tell."""
        told = self.foretell(number) if run and self.foretell and name in ("set_target", "compact") else None
        if told is not None and run is not None:
            run.told = self._encoder.foretold(name, number, told)
        self.machine.act(name, number or 0)
        if run is not None:
            run.steps += 1

    def _from(self, request: Content) -> None:
        """Refuse a request that was made looking at steps that are there no more."""
        self._catch_up()
        if request.get("epoch") != self._encoder.epoch:
            raise BadValueError("Somebody else changed this guest a moment ago. Look where it is now, then try again.")

    def _at(self, request: Content, act: Callable[[], None]) -> None:
        """Do something at the learner's position; the future goes. If it is refused, nothing has changed."""
        machine, line = self.machine, self.machine.timeline
        at = line.first + whole_number("position", request.get("at"), 0, len(line), "steps")
        if request.get("at") == request.get("known"):
            at = line.stop  # the view stood at the end it knew of
        before = machine.position
        machine.seek(at)
        try:
            act()
        except Exception:
            machine.seek(before)
            raise
        was = self._encoder.cut(at - line.first) if self._encoder.lost else self._encoder.epoch
        self._catch_up(was)

    def _begin(self) -> LongRun:
        self._stop.clear()
        return LongRun(self.machine)

    def _chunk(self, run: LongRun) -> None:
        """Run for a moment. With the lock held."""
        deadline = time.monotonic() + (CHUNK if run.ended else FIRST_CHUNK)
        run.go_on(lambda: self._due(deadline))

    def _go_on(self, run: LongRun) -> Job | None:
        with self.machine.lock:
            self._chunk(run)
            self._catch_up()
        return self._rest(run)

    def _rest(self, run: LongRun) -> Job | None:
        """What is left to do of a run: another chunk, or nothing."""
        assert run.ended is not None
        if run.ended.reason == "stopped" and not self._stop.is_set():
            if run.told is not None:
                self._post(None, *run.told)
                run.told = None
            self._say(run.text, running=True)
            return partial(self._go_on, run)
        with self.machine.lock:
            self._say(ended_in_words(self.machine, run.ended, run.steps))
        return None

    def _due(self, deadline: float) -> bool:
        return time.monotonic() >= deadline or self._stop.is_set()

    def _say(self, text: str, *, running: bool = False) -> None:
        self._progress = {"type": "progress", "running": running, "text": text}
        self._post(None, self._progress)

    def _guarded(self, lab: Shows, view: object, job: Job) -> None:
        """Do a job; what is left of it comes before all that waits."""
        rest = None
        try:
            rest = job()
        except BalloonlabError as error:
            self._post(lab, {"type": "error", "to": view, "text": str(error)})
        except Exception as error:  # noqa: BLE001  (later requests must be heard, whatever a driver's text does)
            _LOG.exception("a Lab's request failed")
            self._post(lab, {"type": "error", "to": view, "text": f"This went wrong in Python: {error!r}."})
        if rest is not None:
            self._jobs.add_rest(partial(self._guarded, lab, view, rest))
        elif self._progress["running"]:
            self._say("")
        self._flush()

    # -- sending --

    def _catch_up(self, was: int | None = None, *, by_cell: bool = False) -> None:
        """Queue what the Labs do not know yet. With the lock held.

        was: the epoch their steps belong to. by_cell: whether a cell moved the machine, so that they go where it is.
        """
        encoder = self._encoder
        if encoder.lost:
            encoder.begin()
            content, arrays = encoder.frame()
            for lab in self._seen():
                self._post(lab, {**content, **lab.describe()}, arrays)
            self._foretell(None, None, whole=True)
        elif (found := encoder.steps()) is not None:
            content, arrays = found
            where = {"position": self.machine.position - self.machine.timeline.first, "by_cell": by_cell}
            self._post(None, {**content, **where, "was": encoder.epoch if was is None else was}, arrays)
        elif self.machine.position != self._stood:
            self._stand(follow=by_cell)
        self._stood = self.machine.position
        self._foretell(None, None, whole=False)

    def _stand(self, *, follow: bool) -> None:
        """Queue where the machine stands; follow: whether the views go there. With the lock held."""
        at = self.machine.position - self.machine.timeline.first
        self._post(None, {"type": "stand", "epoch": self._encoder.epoch, "at": at, "follow": follow})

    def _foretell(self, lab: Shows | None, view: object, *, whole: bool) -> None:
        """Queue what can become of the steps, where that is shown. With the lock held."""
        told = self.foresight.message(whole=whole) if self.foresight is not None else None
        if told is not None:
            self._post(lab, {**told[0], "to": view}, told[1])

    def _seen(self) -> list[Shows]:
        """The Labs that somebody looks at."""
        return [lab for lab in list(self.labs) if lab.views]
