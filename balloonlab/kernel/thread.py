"""A thread: a driver routine at a certain point of its text.

Its behaviour depends only on the results its primitives returned, so its whole state is that list of results. A
generator cannot go back; after a step back it is made again and fed the results up to there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import GeneratorType
from typing import Any, NamedTuple, cast

from balloonlab.kernel.primitives.verb import Primitive
from balloonlab.kernel.primitives.waiting import Routine
from balloonlab.kernel.world import NOBODY, KernelBugError, Ref, World


class ThreadSpec(NamedTuple):
    """A thread before it starts: its name, one line on what it is for, and the routine it runs."""

    name: str
    role: str
    start: Callable[[], Routine]


class Thread:
    """One thread of a machine.

    `done`: results received so far (the thread's position). `pending`: the primitive it will perform next, None once
    it has finished or crashed. `held_up_by`: a number; while it is not 0 an interrupt has the thread's CPU, and the
    thread whose number is one less handles it (None: there are no interrupts).
    """

    held_up_by: Ref | None = None

    def __init__(self, index: int, spec: ThreadSpec) -> None:
        self.index = index
        self.name, self.role, self.start = spec
        self.results: list[Any] = []
        self.done = 0
        self.crash: KernelBugError | None = None
        self._calls: tuple[str, ...] | None = None
        self._generator = self.start()
        self._at = 0  # results the generator has consumed
        self._pending_since = 0
        self._pendings: list[Primitive | None] | None = None
        self.pending: Primitive | None = self._next(None)

    @property
    def crashed(self) -> bool:
        return self.crash is not None and self.done == len(self.results)

    def interrupted(self, world: World) -> int:
        """The number of the thread that handles an interrupt on this one's CPU now, -1 if there is none."""
        return NOBODY if self.held_up_by is None else world.values.get(self.held_up_by.number) - 1

    def enabled(self, world: World) -> bool:
        """Whether it can take a step now."""
        pending = self.pending
        return pending is not None and self.interrupted(world) == NOBODY and pending.enabled(world, self.index)

    @property
    def generator(self) -> Routine:
        """The generator, standing at this thread's position."""
        if self._at != self.done:
            self._rebuild()
        return self._generator

    @property
    def calls(self) -> tuple[str, ...]:
        """Names of the routines it is in, outermost first; () once it has ended."""
        if self._calls is not None:
            return self._calls
        if self.pending is None:
            return ()
        names, routine = [], cast("Any", self.generator)
        while isinstance(routine, GeneratorType):
            names.append(routine.gi_code.co_name)
            routine = routine.gi_yieldfrom
        return tuple(names)

    def stand(self, pending: Primitive | None, crash: KernelBugError | None, calls: tuple[str, ...]) -> None:
        """Be shown at a place that this thread did not walk to. It cannot be stepped any more."""
        self.pending, self.crash, self._calls = pending, crash, calls

    def remember(self) -> None:
        """From now on keep what was pending at each position, so that `go_to` can return to any of them."""
        self._pending_since = self.done
        self._pendings = [self.pending]

    def advance(self, result: object) -> None:
        """Hand the pending primitive's result to the routine and run it to its next primitive."""
        generator = self.generator
        del self.results[self.done :]
        self.crash = None
        self.results.append(result)
        self.done += 1
        self._at = self.done
        self.pending = self._next(result, generator)
        self._keep()

    def die(self, bug: KernelBugError) -> None:
        """The pending primitive found a bug: the thread ends here."""
        with suppress(RuntimeError):  # a routine that yields in its `finally` clause
            self._generator.close()
        del self.results[self.done :]
        self.results.append(None)
        self.done += 1
        self._at = self.done
        self.crash = bug
        self.pending = None
        self._keep()

    def fail(self, bug: KernelBugError) -> None:
        """What the routine yielded cannot even be asked whether it may happen: the thread ends before it."""
        self.crash = bug
        self.pending = None
        if self._pendings is not None:
            self._pendings[-1] = None

    def go_to(self, done: int) -> None:
        """Stand where `done` results had been received. The generator follows when it is next needed."""
        assert self._pendings is not None
        self.done = done
        self.pending = self._pendings[done - self._pending_since]

    def _keep(self) -> None:
        if self._pendings is not None:
            del self._pendings[self.done - self._pending_since :]
            self._pendings.append(self.pending)

    def _next(self, result: object, generator: Routine | None = None) -> Primitive | None:
        pending = proceed(generator or self._generator, result)
        if isinstance(pending, KernelBugError):
            self.crash = pending
            return None
        return pending

    def _rebuild(self) -> None:
        pending: Primitive | None = None
        try:
            self._generator = self.start()
            pending = self._generator.send(None)
            for result in self.results[: self.done]:
                pending = self._generator.send(result)
        except Exception:  # noqa: BLE001  (a learner's text may raise anything, or end early)
            pending = None
        self._at = self.done
        if pending != self.pending:
            text = f"{self.name} did something else when it was run again; driver text may depend only on results"
            raise KernelBugError("not deterministic", text)


def proceed(routine: Routine, result: object) -> Primitive | KernelBugError | None:
    """Hand a result to a routine and run it to its next primitive; None if it ends, a bug if it cannot go on."""
    try:
        yielded = routine.send(result)
    except StopIteration:
        return None
    except Exception as error:  # noqa: BLE001  (driver text may be a learner's: any mistake in it ends the thread)
        return KernelBugError("exception", f"{type(error).__name__}: {error}")
    if type(yielded) is not Primitive:
        text = f"the routine yielded {yielded!r}; it must yield a primitive such as mutex_lock(vb.balloon_lock)"
        return KernelBugError("not a primitive", text)
    return yielded
