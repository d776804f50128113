"""The machine: threads over one world. `step(thread)` performs exactly one primitive; everything else loops over it.

`run` lets whoever can go on, `walk` picks at random, `replay` follows a schedule, the Lab asks the learner, the
explorer asks for all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from balloonlab.foundations.errors import BadScheduleError, NotRunnableError, of_kind, pick, truth, whole_number
from balloonlab.foundations.interrupt import held_back, interruptible
from balloonlab.kernel.history import MOST_STEPS, History
from balloonlab.kernel.machine_events import Action, Mark, Ran
from balloonlab.kernel.running import run, walk
from balloonlab.kernel.schedule import Schedule
from balloonlab.kernel.stepper import Stepper
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.timeline import RUNNABLE
from balloonlab.kernel.world import World

T = TypeVar("T")


class Machine(Stepper):
    """Threads, the world they share, and the history of their steps.

    actions: what may come from outside the guest, by name (a new target, a request to compact). `lock` guards
    everything here: hold it to read while another thread of Python may step. `position`: steps from the opening (where
    recording began) to here; `end`: to the last one. Of those, at most `most_steps` (as it is when recording begins)
    are kept one by one, about 250 bytes each, in `timeline`; all others are made again when somebody goes there, and
    take about a byte each till then, and 64 MiB in all for moments on the way (history.py).
    """

    most_steps = MOST_STEPS

    def __init__(
        self, world: World, threads: Sequence[ThreadSpec], actions: Mapping[str, Action] | None = None
    ) -> None:
        super().__init__(world, threads)
        self.actions = dict(actions or {})
        self.history: History | None = None
        self.watchers: list[Callable[[], None]] = []

    # -- history --

    def record(self) -> None:
        """Begin a history here: from now on every step can be taken back. Forgets an older one."""
        with self.lock:
            self.begin()
            self.history = History(self, self.most_steps)

    def reached(self) -> None:
        if self.history is not None:
            self.history.remember()

    def forgotten(self) -> None:
        if self.history is not None:
            self.history.forget(self.position)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What came from outside, first to last: ``machine.seek(mark.step)`` goes to where an operation begins."""
        return tuple(self.history.marks) if self.history else ()

    @property
    def schedule(self) -> Schedule:
        """The choices that led here from the opening, or from the last workload since: no schedule can make that."""
        return Schedule(self.choices(self.position))

    def choices(self, position: int) -> tuple[str, ...]:
        """The choices that lead to a position, as `schedule` has them."""
        with self.lock:
            why = "The timeline is no longer than that."
            position = whole_number("position", position, 0, self.end, "steps", why)
            return self.history.choices(position) if self.history else ()

    def step_back(self) -> None:
        """Take back the last step, exactly."""
        with self.lock:
            if self.position == 0:
                raise NotRunnableError("there is no step to take back: this is the start of the timeline.")
            self.seek(self.position - 1)

    def seek(self, position: int) -> None:
        """Go to the moment after `position` steps of the history, either way.

        Steps that are no longer kept one by one are made again first (some seconds for a million); an interrupt then
        leaves the machine at the position that was reached.
        """
        with self.lock:  # from the first look at how far it reaches
            position = whole_number("position", position, 0, self.end, "steps", "The timeline is no longer than that.")
            if self.timeline.first <= position <= self.timeline.stop:
                with held_back():
                    self.seek_near(position)
                return
            with interruptible("making steps again") as interruption:
                for here in self.visit(position):
                    if interruption.asked:
                        break
                    interruption.say(f"at step {here:,}")

    def visit(self, position: int, ahead: int = 0) -> Iterator[int]:
        """`seek` for whoever gives the machine out of hand in between; see History.visit. Call it with `lock` held."""
        if self.history is None or self.timeline.first <= position <= self.timeline.stop:
            self.seek(position)
            return iter(())
        return self.history.visit(position, ahead)

    # -- stepping --

    def step(self, name: str) -> str:
        """One primitive of the named thread. Returns the step in words.

        Raises UnknownNameError, or NotRunnableError that says what a blocked or finished thread waits for.
        """
        with held_back(), self.lock:
            thread = self.thread(name)
            wait = self.wait_of(thread)
            if wait is not RUNNABLE:
                able = ", ".join(self.runnable()) or "nobody"
                raise NotRunnableError(f"{name} {wait.text} and cannot take a step; who can: {able}.")
            primitive = thread.pending
            self.take(thread)
            return f"{name}: {primitive}" if not self.recording else self.timeline.text(self.position - 1, self.names)

    def act(self, name: str, value: int = 0) -> None:
        """Something from outside the guest, e.g. ``act("set_target", 4096)``. Checked by the action before it acts.

        Raises NotRunnableError, with the reason, for what is not possible at this moment.
        """
        with held_back(), self.lock:
            check, change, needs = self.actions[pick("action", name, sorted(self.actions))]
            number = whole_number(name.replace("_", " "), value, -(2**31) + 1, 2**31 - 1)
            check(number)
            for need in needs:
                if bool(self.world.values[need.number]) != need.set:
                    raise NotRunnableError(f"{name.replace('_', ' ')} is not possible now: {need.otherwise}.")
            self.outside(name, partial(change, number), number)

    def outside(self, name: str, change: Callable[[], T], number: int | None = None, about: str = "") -> T:
        """Let something come from outside: `change`, which must do the same whenever the machine is as it is now.

        It is one step of the history; number: of an action, None for what no schedule can name, such as a workload.
        """
        with held_back(), self.lock:
            if self.history is not None and self.position == self.end:
                self.history.outside()
            mark = Mark(self.position, name, number, about, change)
            result: T = self.happen(mark)
            if self.history is not None:
                self.history.marks.append(mark)
            return result

    # -- loops around step (running.py) --

    def run(self, budget: int = 1_000_000, stop: Callable[[], bool] | None = None, *, time_passes: bool = True) -> Ran:
        """Let threads run, fairly and always in the same order, until nothing can happen.

        Ends when every thread is blocked, finished, or asleep for a time (msleep); when `budget` steps are used up;
        when `stop()` is true (asked after every 256th step, so it can end up to 255 steps late); or at a bug.
        `time_passes` wakes who sleeps for a time first.
        Where a run ends for its budget or for `stop`, the next one goes on as if there had been no end between them.
        """
        budget = whole_number("budget", budget, 0, 2**62, "steps")
        of_kind("stop", stop, (Callable, type(None)), "a function, asked whether to stop")  # type: ignore[arg-type]
        return run(self, budget, stop, time_passes=truth("time_passes", time_passes))

    def walk(self, steps: int, seed: int) -> int:
        """Let a seeded random choice pick each thread; returns the steps taken (fewer if nobody can run)."""
        seed = whole_number("seed", seed, -(2**63), 2**63 - 1)
        return walk(self, whole_number("steps", steps, 0, 2**62), seed)

    def replay(self, schedule: Schedule | str) -> None:
        """Take the steps of a schedule, or of its token; raises BadScheduleError at the first one impossible here."""
        schedule = Schedule.of(schedule)
        for i, choice in enumerate(schedule.choices):
            try:
                if choice.startswith("!"):
                    name, _, value = choice[1:].partition("=")
                    self.act(name, int(value or 0))
                else:
                    self.step(choice)
            except (NotRunnableError, LookupError, ValueError) as error:
                where = f"step {i} of {len(schedule)} cannot be replayed"
                raise BadScheduleError(f"{where}: {error} Was it made for another driver or guest?") from error

    def changed(self) -> None:
        """Tell every watcher (a widget) that something else moved this machine. Call it without holding `lock`."""
        for watcher in list(self.watchers):
            watcher()
