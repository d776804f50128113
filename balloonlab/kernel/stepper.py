"""Threads over one world, one primitive at a time, and the last stretch of what they did, step by step.

`take` performs exactly one primitive of a thread, `happen` what comes from outside. Both are noted, and can be taken
back and done again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from balloonlab.foundations.errors import pick
from balloonlab.foundations.journal import Kind
from balloonlab.kernel.machine_events import Bug, Mark
from balloonlab.kernel.primitives.verb import Blocked
from balloonlab.kernel.printk import Line
from balloonlab.kernel.thread import Thread, ThreadSpec
from balloonlab.kernel.timeline import CRASHED, FINISHED, NONE, RUNNABLE, Timeline, Turn, Wait
from balloonlab.kernel.world import NOBODY, KernelBugError, World

_GATES = frozenset((int(Kind.LOCK), int(Kind.PAGE_LOCK), int(Kind.SLEEP), int(Kind.MESSAGE)))
SLICE = 64  # steps a thread may take in a row while another could run
_NEVER = 2**62
_MOST_WAITS = 1000  # sentences that are kept


class Stepper:
    """Threads, the world they share, and where they stand.

    `position`: steps from the opening (where recording began) to here; `end`: to the last one known. The timeline has
    those of one stretch. `turn`: whose turn it is when threads run by themselves. `due`: the position at which somebody
    is to be told (`reached`). `sharing`: numbers of threads that share one CPU without preemption: of them a run lets
    whoever has it go on until he waits. `lock` guards everything here.
    """

    sharing: frozenset[int] = frozenset()

    def __init__(self, world: World, threads: Sequence[ThreadSpec]) -> None:
        self.world = world
        self.journal = world.journal
        self.lock = threading.RLock()
        self.timeline = Timeline()
        self.position = self.end = 0
        self.turn = Turn()
        self.due = _NEVER
        world.sleeping[:] = [0] * len(threads)
        self.threads = [Thread(i, spec) for i, spec in enumerate(threads)]
        self.names = [thread.name for thread in self.threads]
        self._waits: dict[tuple[Blocked, int], Wait] = {}
        for thread in self.threads:
            self._ask(thread)
        self._bugs = [bug for thread in self.threads if (bug := thread.bug(-1)) is not None]
        self.thread_at = [0] * len(threads)
        self.thread_wait = [0] * len(threads)
        self.journal.owns(Kind.THREAD_AT, self.thread_at.__setitem__)
        self.journal.owns(Kind.WAIT, self.thread_wait.__setitem__)

    @property
    def recording(self) -> bool:
        return self.journal.recording

    def begin(self) -> None:
        """Begin a timeline here, the first of its run."""
        self._bugs = [bug._replace(step=-1) for bug in self.bugs]  # who crashed does not run again
        self.timeline = Timeline(turn=self.turn)
        self.position = self.end = 0
        self.due = _NEVER
        self.journal.truncate(0)
        for thread in self.threads:
            thread.remember()
        self.journal.recording = True
        self._look()
        self.journal.truncate(0)

    def reached(self) -> None:
        """The position that was due is reached."""

    def forgotten(self) -> None:
        """The steps after this position were dropped."""

    # -- who can run --

    def thread(self, name: str) -> Thread:
        """The thread of that name; raises UnknownNameError."""
        return self.threads[self.names.index(pick("thread", name, self.names))]

    def wait_of(self, thread: Thread) -> Wait:
        """Why a thread does not run (RUNNABLE if it can)."""
        pending = thread.pending
        if pending is None:
            return CRASHED if thread.crashed else FINISHED
        if (handler := thread.interrupted(self.world)) != NOBODY:
            return self._wait(Blocked("blocked", "its CPU", handler), thread.index)
        if pending.enabled(self.world, thread.index):
            return RUNNABLE
        return self._wait(pending.blocked(self.world, thread.index), thread.index)

    def _wait(self, why: Blocked, thread: int) -> Wait:
        """The same in words, put together once each."""
        wait = self._waits.get((why, thread))
        if wait is None:
            status, on, holder = why
            held = ""
            if holder >= 0:
                held = ", which it holds itself" if holder == thread else f", held by {self.names[holder]}"
            wait = Wait(status, f"waits for {on}{held}", on, self.names[holder] if holder >= 0 else "")
            if len(self._waits) < _MOST_WAITS:
                self._waits[why, thread] = wait
        return wait

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

    @property
    def log(self) -> tuple[Line, ...]:
        """The kernel's log up to this position, of the steps that are there one by one, oldest line first."""
        return self.printed(self.timeline.first, self.position)

    def printed(self, first: int, stop: int) -> tuple[Line, ...]:
        """The lines that the steps from `first` to before `stop` print, bugs that they meet among them."""
        log = self.timeline.log
        lines = log.lines[log.before(first) : log.before(stop)]
        met = [bug for bug in self._bugs if max(first, self.timeline.first) <= bug.step < stop]
        lines += [Line(bug.step, log.at(bug.step).time, bug.thread, "bug", str(bug)) for bug in met]
        return tuple(sorted(lines, key=lambda line: line.step))

    def naps(self) -> list[str]:
        """Names of the threads that sleep for a time (msleep): they go on when time passes."""
        return [thread.name for thread in self.threads if thread.naps]

    # -- stepping --

    def take(self, thread: Thread) -> Bug | None:
        """One primitive of a thread that can go on; whole, or it ends the thread as a bug. Returns the bug."""
        world, recording = self.world, self.journal.recording
        primitive = thread.pending
        assert primitive is not None
        if recording:
            self.forget_future()
        last, used = self.turn
        self.turn = Turn(thread.index, used + 1 if thread.index == last and used < SLICE else 1)
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
        if bug is not None and bug not in self._bugs:  # it is there already when its step is made again
            self._bugs.append(bug)
        if recording:
            at = self.timeline.location_number(thread.generator) if thread.pending is not None else 0
            self._set(Kind.THREAD_AT, self.thread_at, thread.index, at)
            if self._may_unblock(before):
                self._look_waits(self.threads)
            else:
                self._look_waits((thread,))
            if primitive.verb.prints:
                self.timeline.log.append(self.position, thread.name, primitive, result)
            self.timeline.append(self.turn, primitive, result, len(self.journal))
            self.position = self.end = self.position + 1
            if self.position >= self.due:
                self.reached()
        return bug

    def _ask(self, thread: Thread) -> None:
        """End the thread if what it yielded cannot be asked whether it may happen."""
        if thread.pending is not None:
            try:
                thread.pending.enabled(self.world, thread.index)
            except Exception as error:  # noqa: BLE001
                text = f"{thread.pending}: {type(error).__name__}: {error}"
                thread.fail(KernelBugError("exception", text))

    def forget_future(self, noted: int | None = None) -> None:
        """Drop the steps after this position, if there are any: a new future begins here.

        noted: the journal's length before its first entries, which are there already.
        """
        if self.position == self.end:
            return
        self.journal.cut(self.timeline.journal_at(self.position), noted)
        self.timeline.truncate(self.position)
        self._bugs = [bug for bug in self._bugs if bug.step < self.position]
        self.end = self.position
        self.forgotten()

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
        number, told = self.timeline.wait_number, self.thread_wait
        for thread in threads:
            wait = self.wait_of(thread)
            if wait is RUNNABLE:
                if told[thread.index]:
                    self._set(Kind.WAIT, told, thread.index, 0)
            else:
                self._set(Kind.WAIT, told, thread.index, number(wait))

    def _set(self, kind: Kind, table: list[int], index: int, new: int) -> None:
        old = table[index]
        if old != new:
            self.journal.note(kind, index, old, new)
            table[index] = new

    def happen(self, mark: Mark) -> Any:  # noqa: ANN401  (what its change returns)
        """Let that come from outside, here; where it is refused, nothing has changed."""
        before = len(self.journal)
        try:
            result = mark.change()
        except BaseException:  # refused, or given up for an interrupt
            self.journal.undo(before, len(self.journal))
            self.journal.cut(before)
            raise
        self.turn = Turn()
        if self.recording:
            self.forget_future(before)
            self._look()
            number = NONE if mark.number is None else mark.number
            self.timeline.append_outside(mark.name, mark.about, number, len(self.journal))
            self.position = self.end = self.position + 1
        return result

    def seek_near(self, position: int) -> None:
        """Seek among the steps that are there one by one."""
        line = self.timeline
        here, there = line.journal_at(self.position), line.journal_at(position)
        if there < here:
            self.journal.undo(there, here)
        else:
            self.journal.redo(here, there)
        low, high = sorted((self.position, position))
        sign = 1 if position > self.position else -1
        moved = line.thread[low - line.first : high - line.first]
        for thread in self.threads:
            if count := moved.count(thread.index):
                thread.go_to(thread.done + sign * count)
        self.position, self.turn = position, line.turn_at(position)
