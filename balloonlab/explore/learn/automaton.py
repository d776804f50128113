"""A thread learned as a finite automaton: its local states, and which follows which for each result of a primitive.

A thread's behaviour is a function of the results sent into it. The first time a local state meets a result, the
routine itself is run (again from the start, with its history, if no copy of it stands there); equal local states
(frames.py) are merged. After that no generator runs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import CodeType, GeneratorType
from typing import Any

from balloonlab.explore.learn.frames import Frames
from balloonlab.explore.learn.nonlocal_state import NonlocalState
from balloonlab.explore.learn.unbounded import FEW, Variables
from balloonlab.kernel.learner_code import is_foreign
from balloonlab.kernel.primitives import Primitive, Routine
from balloonlab.kernel.thread import Thread, between_rounds, is_same, not_deterministic, proceed
from balloonlab.kernel.world import KernelBugError, World

_TRIED = 8  # ways that are tried again

Recall = tuple[int, object]  # the local state before, and the result that led on


@dataclass(slots=True)
class LocalState:
    """Where a thread can stand. pending: its next primitive, None at an end. crash: the bug it ended with.

    calls: routines it is in, outermost first. code, line: of the innermost one. rests: it is between two rounds of its
    work, or has ended well. before: how it was first reached (None for the first).
    """

    pending: Primitive | None
    crash: KernelBugError | None
    calls: tuple[str, ...]
    line: int
    rests: bool
    before: Recall | None
    code: CodeType | None = None

    @property
    def where(self) -> str:
        """In words: the innermost routine, and in a learner's text the line."""
        if self.code is not None and is_foreign(self.code):
            return f"{self.code.co_name} (line {self.line})"
        return self.calls[-1] if self.calls else "its main routine"


class NotDeterministicError(KernelBugError):
    """A routine that was run again did something else."""


class Automaton:
    """The local states of one thread. They are numbered from 1; 1 is where the thread stands now."""

    def __init__(self, thread: Thread, world: World) -> None:
        self.index, self.name = thread.index, thread.name
        self._world = world
        self._start: Callable[[], Routine] = thread.start
        self._past = list(thread.past())
        self._foreign = bool(thread.foreign)
        self._rests_in_wait = thread.rests_in_wait
        self._outside = NonlocalState(thread.foreign)
        self._variables = Variables()
        self._frames = Frames()
        self._numbers: dict[object, int] = {}
        self._edges: dict[tuple[int, Hashable], int] = {}
        self._standing: dict[int, Routine] = {}
        self.states: list[LocalState] = [LocalState(None, None, (), 0, rests=True, before=None)]  # number 0 is nobody's
        if thread.pending is None:
            self._settle(None, thread.crash, None, None)
        else:
            before = self._outside.look()
            routine = self._run_again([], [thread.pending])
            bug = self._outside.change(before)
            self._settle(routine, bug, None if bug else thread.pending, None)

    def __len__(self) -> int:
        return len(self.states)

    def advance(self, local: int, result: object) -> int:
        """The local state that follows `local` once its primitive has returned `result`."""
        key = (local, self._frames.value(result, {}))
        following = self._edges.get(key)
        if following is None:
            following = self._edges[key] = self._learn(local, result)
        return following

    def crashed(self, local: int, bug: KernelBugError) -> int:
        """The local state of a thread whose primitive at `local` found a bug."""
        key = ("crash", local, bug.kind, str(bug))
        number = self._numbers.get(key)
        if number is None:
            here = self.states[local]
            state = LocalState(None, bug, here.calls, here.line, rests=False, before=(local, None), code=here.code)
            number = self._numbers[key] = self._add(state)
        return number

    def history(self, local: int) -> list[object]:
        """Results that lead from local state 1 to `local`."""
        return [result for _, result in self._way_to(local)]

    def _way_to(self, local: int) -> list[Recall]:
        way = []
        while (before := self.states[local].before) is not None:
            way.append(before)
            local = before[0]
        return way[::-1]

    def _again_at(self, local: int) -> Routine:
        way = self._way_to(local)
        pendings = [self.states[number].pending for number in (*(number for number, _ in way), local)]
        return self._run_again([result for _, result in way], pendings)

    def _learn(self, local: int, result: object) -> int:
        routine = self._standing.pop(local, None) or self._again_at(local)
        before = self._outside.look()
        pending = self._asked(proceed(routine, result, foreign=self._foreign))
        pending = self._outside.change(before) or pending
        if isinstance(pending, KernelBugError):
            return self._settle(None, pending, None, (local, result))
        return self._settle(routine, None, pending, (local, result))

    def _asked(self, pending: Primitive | KernelBugError | None) -> Primitive | KernelBugError | None:
        """What was yielded, or the bug that it cannot even be asked whether it may happen (as Machine does)."""
        if isinstance(pending, Primitive):
            try:
                pending.enabled(self._world, self.index)
            except Exception as error:  # noqa: BLE001  (arguments of a learner's primitive may be anything)
                return KernelBugError("exception", f"{pending}: {type(error).__name__}: {error}")
        return pending

    def _settle(
        self, routine: Routine | None, crash: KernelBugError | None, pending: Primitive | None, before: Recall | None
    ) -> int:
        key: object
        if pending is None or routine is None:
            key = ("end", crash and (crash.kind, str(crash), before))
        else:
            key = self._frames.identity(routine), self._frames.value(pending, {})  # only it may know a result
        number = self._numbers.get(key)
        if number is None:
            calls, line, code = _stack(routine) if pending is not None else ((), 0, None)
            if crash and before:
                last = self.states[before[0]]
                calls, line, code = last.calls, last.line, last.code
            in_wait = self._rests_in_wait
            rests = between_rounds(pending, calls, rests_in_wait=in_wait) if pending is not None else crash is None
            number = self._numbers[key] = self._add(LocalState(pending, crash, calls, line, rests, before, code))
            if pending is not None and number > FEW:
                self._variables.note(self.name, routine)
        if pending is not None and routine is not None:
            self._standing.setdefault(number, routine)
        return number

    def _add(self, state: LocalState) -> int:
        self.states.append(state)
        return len(self.states) - 1

    def check_again(self) -> None:
        """Raise NotDeterministicError if a learner's routine does something else when tried again."""
        if self._foreign:
            last = len(self.states) - 1
            for local in {1 + (last - 1) * part // _TRIED for part in range(_TRIED + 1)}:
                if self.states[local].crash is None:
                    self._again_at(local)

    def _run_again(self, results: list[object], pendings: list[Primitive | None]) -> Routine:
        """The routine made anew and handed these results; before each of them it must come to its primitive."""
        routine = self._start()
        pending = proceed(routine, None, foreign=self._foreign)
        for result in self._past:
            if not isinstance(pending, Primitive):
                raise self._other(routine, pending, "another primitive")
            pending = proceed(routine, result, foreign=self._foreign)
        for i, expected in enumerate(pendings):
            if not is_same(pending, expected):
                raise self._other(routine, pending, expected)
            if i < len(results):
                pending = proceed(routine, results[i], foreign=self._foreign)
        return routine

    def _other(self, routine: Routine, pending: object, expected: object) -> NotDeterministicError:
        bug = not_deterministic(self.name, routine, pending, expected)
        return NotDeterministicError(bug.kind, str(bug))


def _stack(routine: Any) -> tuple[tuple[str, ...], int, CodeType | None]:  # noqa: ANN401
    names, line, code = [], 0, None
    while isinstance(routine, GeneratorType):
        names.append(routine.gi_code.co_name)
        code = routine.gi_code
        line = routine.gi_frame.f_lineno if routine.gi_frame is not None else line
        routine = routine.gi_yieldfrom
    return tuple(names), line, code
