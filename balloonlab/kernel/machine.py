"""The machine: threads over one world. `step(thread)` performs exactly one primitive; everything else loops over it.

`run` lets whoever can go on, `walk` picks at random, `replay` follows a schedule, the Lab asks the learner, the
explorer asks for all of it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence

from balloonlab.foundations.errors import BadScheduleError, NotRunnableError, pick, whole_number
from balloonlab.foundations.interrupt import held_back
from balloonlab.foundations.journal import Kind
from balloonlab.kernel.machine_events import Action, Bug, Ran
from balloonlab.kernel.schedule import Schedule
from balloonlab.kernel.thread import Thread, ThreadSpec
from balloonlab.kernel.timeline import CRASHED, FINISHED, OUTSIDE, RUNNABLE, Timeline, Wait
from balloonlab.kernel.world import NOBODY, KernelBugError, World

_GATES = frozenset((int(Kind.LOCK), int(Kind.PAGE_LOCK), int(Kind.SLEEP), int(Kind.MESSAGE)))
_SLICE = 64  # steps a thread may take in a row while another could run


class Machine:
    """Threads, the world they share, and the history of their steps.

    actions: what may come from outside the guest, by name (a new target, a request to compact). `lock` guards
    everything here: hold it to read while another thread of Python may step.
    """

    def __init__(
        self, world: World, threads: Sequence[ThreadSpec], actions: Mapping[str, Action] | None = None
    ) -> None:
        self.world = world
        self.journal = world.journal
        self.lock = threading.RLock()
        self.actions = dict(actions or {})
        self.timeline = Timeline()
        self.position = 0
        self.watchers: list[Callable[[], None]] = []
        world.sleeping[:] = [0] * len(threads)
        self.threads = [Thread(i, spec) for i, spec in enumerate(threads)]
        self.names = [thread.name for thread in self.threads]
        for thread in self.threads:
            self._ask(thread)
        self._bugs = [bug for thread in self.threads if (bug := thread.bug(-1)) is not None]
        self.thread_at = [0] * len(threads)
        self.thread_wait = [0] * len(threads)
        self._last = 0
        self.journal.owns(Kind.THREAD_AT, self.thread_at.__setitem__)
        self.journal.owns(Kind.WAIT, self.thread_wait.__setitem__)

    # -- history --

    @property
    def recording(self) -> bool:
        return self.journal.recording

    def record(self) -> None:
        """Begin a timeline here: from now on every step can be taken back. Forgets an older one."""
        with self.lock:
            self._bugs = [bug._replace(step=-1) for bug in self.bugs]  # who crashed does not run again
            self.timeline = Timeline()
            self.position = 0
            self.journal.truncate(0)
            for thread in self.threads:
                thread.remember()
            self.journal.recording = True
            self._look()
            self.journal.truncate(0)

    @property
    def schedule(self) -> Schedule:
        """The choices that led from the start of the timeline to here."""
        return Schedule(self.choices(self.position))

    def choices(self, position: int) -> tuple[str, ...]:
        """The choices that led from the start of the timeline to any position in it."""
        line = self.timeline
        return tuple(self._choice(line, i) for i in range(position))

    def _choice(self, line: Timeline, i: int) -> str:
        if line.thread[i] != OUTSIDE:
            return self.names[line.thread[i]]
        return f"!{line.verbs[line.verb[i]]}={line.amount[i]}"

    def step_back(self) -> None:
        """Take back the last step, exactly."""
        with self.lock:
            if self.position == 0:
                raise NotRunnableError("there is no step to take back: this is the start of the timeline.")
            self.seek(self.position - 1)

    def seek(self, position: int) -> None:
        """Go to the moment after `position` steps of the timeline, either way."""
        with held_back(), self.lock:
            last = len(self.timeline)
            position = whole_number("position", position, 0, last, "steps", "The timeline is no longer than that.")
            ends, column = self.timeline.end, self.timeline.thread
            here, there = (ends[p - 1] if p else 0 for p in (self.position, position))
            if there < here:
                self.journal.undo(there, here)
            else:
                self.journal.redo(here, there)
            low, high = sorted((self.position, position))
            sign = 1 if position > self.position else -1
            moved = column[low:high]
            for thread in self.threads:
                if count := moved.count(thread.index):
                    thread.go_to(thread.done + sign * count)
            self.position = position

    # -- who can run --

    def thread(self, name: str) -> Thread:
        """The thread of that name; raises UnknownNameError."""
        return self.threads[self.names.index(pick("thread", name, self.names))]

    def wait_of(self, thread: Thread) -> Wait:
        """Why a thread does not run (RUNNABLE if it can)."""
        pending = thread.pending
        if pending is None:
            return CRASHED if thread.crashed else FINISHED
        if thread.enabled(self.world):
            return RUNNABLE
        if (handler := thread.interrupted(self.world)) != NOBODY:
            status, on, holder = "blocked", "its CPU", handler
        else:
            status, on, holder = pending.blocked(self.world, thread.index)
        held = ""
        if holder >= 0:
            held = ", which it holds itself" if holder == thread.index else f", held by {self.names[holder]}"
        return Wait(status, f"waits for {on}{held}", on, self.names[holder] if holder >= 0 else "")

    def runnable(self) -> tuple[str, ...]:
        """Names of the threads that can take a step now."""
        return tuple(t.name for t in self.threads if t.enabled(self.world))

    def blocked(self) -> dict[str, Wait]:
        """Every other thread, with why it cannot."""
        return {t.name: self.wait_of(t) for t in self.threads if not t.enabled(self.world)}

    @property
    def bugs(self) -> tuple[Bug, ...]:
        """Bugs met up to this position."""
        return tuple(bug for bug in self._bugs if bug.step < self.position or not self.recording)

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
            self._step(thread)
            return f"{name}: {primitive}" if not self.recording else self.timeline.text(self.position - 1, self.names)

    def act(self, name: str, value: int = 0) -> None:
        """Something from outside the guest, e.g. ``act("set_target", 4096)``. Checked by the action before it acts."""
        with held_back(), self.lock:
            check, change = self.actions[pick("action", name, sorted(self.actions))]
            number = whole_number(name.replace("_", " "), value, -(2**31) + 1, 2**31 - 1)
            check(number)
            if self.recording and self.position < len(self.timeline):
                self.forget_future()
            change(number)
            if self.recording:
                self._look()
                self.timeline.append_row(OUTSIDE, name, "", -1, number, None, len(self.journal))
                self.position += 1

    def _step(self, thread: Thread) -> Bug | None:
        """One primitive; whole, or it ends the thread as a bug. Returns the bug."""
        world, recording = self.world, self.journal.recording
        primitive = thread.pending
        assert primitive is not None
        if recording and self.position < len(self.timeline):
            self.forget_future()
        self._last = thread.index
        before = len(self.journal)
        result = None
        try:
            _ = thread.generator  # made again first if it has to be: it may refuse
            result = primitive.verb.effect(world, thread.index, *primitive.args)
            thread.advance(result)
            self._ask(thread)
        except KernelBugError as found:
            thread.die(found)
        except Exception as error:  # noqa: BLE001  (arguments of a learner's primitive may be anything)
            if recording:
                self.journal.undo(before, len(self.journal))
                self.journal.truncate(before)
            thread.die(KernelBugError("exception", f"{primitive}: {type(error).__name__}: {error}"))
        bug = thread.bug(self.position)
        if bug is not None:
            self._bugs.append(bug)
        if recording:
            at = self.timeline.location_number(thread.generator) if thread.pending is not None else 0
            self._set(Kind.THREAD_AT, self.thread_at, thread.index, at)
            if self._may_unblock(before):
                self._look_waits(self.threads)
            else:
                self._look_waits((thread,))
            self.timeline.append(thread.index, primitive, result, len(self.journal))
            self.position += 1
        return bug

    def _ask(self, thread: Thread) -> None:
        """End the thread if what it yielded cannot be asked whether it may happen."""
        if thread.pending is not None:
            try:
                thread.pending.enabled(self.world, thread.index)
            except Exception as error:  # noqa: BLE001
                text = f"{thread.pending}: {type(error).__name__}: {error}"
                thread.fail(KernelBugError("exception", text))

    def forget_future(self) -> None:
        """Drop the steps after this position: a new future begins here."""
        self.journal.truncate(self.timeline.end[self.position - 1] if self.position else 0)
        self.timeline.truncate(self.position)
        self._bugs = [bug for bug in self._bugs if bug.step < self.position]

    def _look(self) -> None:
        for thread in self.threads:
            at = self.timeline.location_number(thread.generator) if thread.pending is not None else 0
            self._set(Kind.THREAD_AT, self.thread_at, thread.index, at)
        self._look_waits(self.threads)

    def _may_unblock(self, before: int) -> bool:
        """Whether a change noted since `before` can block or unblock another thread."""
        kinds = self.journal.kinds[before:]
        if not _GATES.isdisjoint(kinds):
            return True
        gates = self.world.gates
        return any(k == Kind.VALUE and self.journal.keys[before + i] in gates for i, k in enumerate(kinds))

    def _look_waits(self, threads: Sequence[Thread]) -> None:
        number = self.timeline.wait_number
        for thread in threads:
            wait = RUNNABLE if thread.enabled(self.world) else self.wait_of(thread)
            if wait is not RUNNABLE or self.thread_wait[thread.index]:
                self._set(Kind.WAIT, self.thread_wait, thread.index, number(wait))

    def _set(self, kind: Kind, table: list[int], index: int, new: int) -> None:
        old = table[index]
        if old != new:
            self.journal.note(kind, index, old, new)
            table[index] = new

    # -- loops around step --

    def run(self, budget: int = 1_000_000, stop: Callable[[], bool] | None = None, *, time_passes: bool = True) -> Ran:
        """Let threads run, fairly and always in the same order, until nothing can happen.

        Ends when every thread is blocked, finished, or asleep for a time (msleep); when `budget` steps are used up;
        when `stop()` is true (asked every 256 steps); or at a bug. `time_passes` wakes who sleeps for a time first.
        """
        budget = whole_number("budget", budget, 0, 2**62, "steps")
        with held_back() as held, self.lock:
            steps = 0
            if time_passes:
                for thread in self.threads:
                    if self._naps(thread) and steps < budget:
                        self._step(thread)
                        steps += 1
            current, used = self.threads[self._last], 0
            while steps < budget and not held.asked:
                if used >= _SLICE or not self._ready(current):
                    following = self._next_ready(current)
                    if following is None:
                        return Ran(steps, "idle", self._rest_text())
                    current, used = following, 0
                bug = self._step(current)
                steps += 1
                used += 1
                if bug is not None:
                    return Ran(steps, "bug", str(bug))
                if stop is not None and steps % 256 == 0 and stop():
                    return Ran(steps, "stopped", "stopped on request")
            return Ran(steps, "budget", f"still busy after {steps:,} steps")

    def walk(self, steps: int, seed: int) -> int:
        """Let a seeded random choice pick each thread; returns the steps taken (fewer if nobody can run)."""
        choose = random.Random(seed).choice  # noqa: S311  (a schedule, not a secret)
        steps = whole_number("steps", steps, 0, 2**62)
        with held_back() as held, self.lock:
            for taken in range(steps):
                able = [t for t in self.threads if t.enabled(self.world)]
                if not able or self.bugs or held.asked:
                    return taken
                self._step(choose(able))
        return steps

    def replay(self, schedule: Schedule) -> None:
        """Take the steps of a schedule; raises BadScheduleError at the first one that is impossible here."""
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

    def _ready(self, thread: Thread) -> bool:
        return thread.enabled(self.world) and not self._naps(thread)

    def _naps(self, thread: Thread) -> bool:
        return thread.pending is not None and thread.pending.verb.naps

    def _next_ready(self, after: Thread) -> Thread | None:
        count = len(self.threads)
        for offset in range(1, count + 1):
            thread = self.threads[(after.index + offset) % count]
            if self._ready(thread):
                return thread
        return None

    def naps(self) -> list[str]:
        """Names of the threads that sleep for a time (msleep): they go on when time passes."""
        return [t.name for t in self.threads if self._naps(t)]

    def _rest_text(self) -> str:
        napping = self.naps()
        return f"{' and '.join(napping)} sleeps for a time" if napping else "nothing more can happen"

    def changed(self) -> None:
        """Tell every watcher (a widget) that something else moved this machine. Call it without holding `lock`."""
        for watcher in list(self.watchers):
            watcher()
