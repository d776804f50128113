"""A thread: a driver routine at a certain point of its text.

Its behaviour depends only on the results its primitives returned, so its whole state is that list of results. A
generator cannot go back; after a step back it is made again and fed the results up to there.
"""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from types import FunctionType, GeneratorType
from typing import Any, NamedTuple, cast

from balloonlab.foundations.errors import BalloonlabError
from balloonlab.kernel import guard
from balloonlab.kernel.learner_code import foreign_functions, innermost, place, raised_at
from balloonlab.kernel.machine_events import Bug
from balloonlab.kernel.primitives.arguments import fitted
from balloonlab.kernel.primitives.verb import Primitive
from balloonlab.kernel.primitives.waiting import Routine
from balloonlab.kernel.world import NOBODY, KernelBugError, Ref, World
from balloonlab.kernel.wrong_yield import not_a_primitive


class Packed:
    """A list of plain values, such as results that a thread received, in little memory: a byte for some ten of them."""

    def __init__(self, items: list[Any]) -> None:
        self._bytes, self._list = b"", items
        with suppress(ValueError):  # there is a kind of value that marshal does not know
            self._bytes, self._list = zlib.compress(marshal.dumps(items), 1), []

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self._bytes) + 40 * len(self._list)

    def items(self) -> list[Any]:
        """The list."""
        return marshal.loads(zlib.decompress(self._bytes)) if self._bytes else self._list  # noqa: S302  (our own)


class ThreadSpec(NamedTuple):
    """A thread before it starts: its name, one line on what it is for, and the routine it runs.

    foreign: functions that it may come to run and that are a learner's; those that `start` shows need not be named.
    rests_in_wait: of how many routines, the main one first, the last waits for work in a wait_event of its own, where
    there is nothing to do; 0: none does.
    """

    name: str
    role: str
    start: Callable[[], Routine]
    foreign: tuple[FunctionType, ...] = ()
    rests_in_wait: int = 0


class Thread:
    """One thread of a machine.

    `done`: results received so far (the thread's position). `results`: those from number `base` on; `packed`: the
    ones before. `pending`: the primitive it will perform next, None once
    it has finished or crashed. `foreign`: functions in it that are not this package's; they are guarded against loops.
    `held_up_by`: a number; while it is not 0 an interrupt has the thread's CPU, and the thread whose number is one less
    handles it (None: there are no interrupts).
    """

    held_up_by: Ref | None = None

    def __init__(self, index: int, spec: ThreadSpec) -> None:
        self.index = index
        self.name, self.role, self.start = spec[:3]
        self.foreign = foreign_functions((self.start, *spec.foreign))
        self.rests_in_wait = spec.rests_in_wait
        guard.watch(self.foreign)
        self.results: list[Any] = []
        self.base = self.done = 0
        self.packed: Sequence[Packed] = ()
        self.crash: KernelBugError | None = None
        self._calls: tuple[str, ...] | None = None
        self._generator = self.start()
        self._at = 0  # results the generator has consumed
        self._pendings: list[Primitive | None] | None = None
        self.pending: Primitive | None = self._next(None)

    @property
    def crashed(self) -> bool:
        return self.crash is not None and self.done == self.base + len(self.results)

    def bug(self, step: int) -> Bug | None:
        """What ended it at that step of a timeline, if a bug did."""
        crash = self.crash
        return None if crash is None else Bug(crash.kind, str(crash), self.name, step, crash.where)

    def interrupted(self, world: World) -> int:
        """The number of the thread that handles an interrupt on this one's CPU now, -1 if there is none."""
        return NOBODY if self.held_up_by is None else world.values.get(self.held_up_by.number) - 1

    def enabled(self, world: World) -> bool:
        """Whether it can take a step now."""
        pending = self.pending
        return pending is not None and self.interrupted(world) == NOBODY and pending.enabled(world, self.index)

    @property
    def naps(self) -> bool:
        """Whether it sleeps for a time (msleep): it goes on when time passes."""
        return self.pending is not None and self.pending.verb.naps

    @property
    def generator(self) -> Routine:
        """The generator, standing at this thread's position."""
        if self._at != self.done:
            self._rebuild()
        return self._generator

    @property
    def rests(self) -> bool:
        """Whether it has nothing to do: it has ended well, or stands between two rounds of its work."""
        if self.pending is None:
            return not self.crashed
        return between_rounds(self.pending, self.calls, rests_in_wait=self.rests_in_wait)

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

    def past(self) -> Iterator[Any]:
        """Every result received so far, from the first on."""
        return chain(*(packed.items() for packed in self.packed), self.results[: self.done - self.base])

    def remember(self) -> None:
        """From now on keep what was pending at each position, so that `go_to` can return to any of them."""
        packed = [*self.packed, self.pack(self.base, self.done)]
        self._stand(packed, self.done, self.pending, self.crash)

    def pack(self, first: int, last: int) -> Packed:
        """The results ``first..last-1``, none of them before `base`."""
        return Packed(self.results[first - self.base : last - self.base])

    def forget(self, packed: Sequence[Packed], done: int) -> None:
        """Let the results before `done` go: they are all in `packed`. `go_to` reaches none of those positions now."""
        assert self._pendings is not None
        del self.results[: done - self.base], self._pendings[: done - self.base]
        self.packed, self.base = packed, done

    def stand_again(
        self, packed: Sequence[Packed], done: int, pending: Primitive | None, crash: KernelBugError | None
    ) -> None:
        """Stand where `done` results had been received, all of them in `packed`, and remember from there on."""
        self._stand(packed, done, pending, crash)
        self._at = -1  # the generator is somewhere else

    def _stand(
        self, packed: Sequence[Packed], done: int, pending: Primitive | None, crash: KernelBugError | None
    ) -> None:
        self.results, self.packed = [], packed
        self.base = self.done = done
        self.pending, self.crash = pending, crash
        self._pendings = [pending]

    def advance(self, result: object) -> None:
        """Hand the pending primitive's result to the routine and run it to its next primitive."""
        generator = self.generator
        del self.results[self.done - self.base :]
        self.crash = None
        self.results.append(result)
        self.done += 1
        self._at = self.done
        self.pending = self._next(result, generator)
        self._keep()

    def die(self, bug: KernelBugError) -> None:
        """The pending primitive found a bug: the thread ends here."""
        if (at := innermost(self._generator)) is not None and not str(bug).startswith("line "):
            bug.where = place(*at)
        with suppress(RuntimeError, KernelBugError):  # a routine that yields, or loops, in its `finally` clause
            self._run(self._generator.close)
        del self.results[self.done - self.base :]
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
        self.pending = self._pendings[done - self.base]

    def _keep(self) -> None:
        if self._pendings is not None:
            del self._pendings[self.done - self.base :]
            self._pendings.append(self.pending)

    def _next(self, result: object, generator: Routine | None = None) -> Primitive | None:
        pending = proceed(generator or self._generator, result, foreign=bool(self.foreign))
        if isinstance(pending, KernelBugError):
            self.crash = pending
            return None
        return pending

    def _run(self, function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        return guard.guarded(function, *arguments) if self.foreign else function(*arguments)

    def _rebuild(self) -> None:
        self._generator = self.start()
        pending: object = None
        for result in chain((None,), self.past()):
            pending = proceed(self._generator, result, foreign=bool(self.foreign))
        self._at = self.done
        if not is_same(None if isinstance(pending, KernelBugError) else pending, self.pending):
            raise not_deterministic(self.name, self._generator, pending, self.pending)


def between_rounds(pending: Primitive, calls: tuple[str, ...], *, rests_in_wait: int) -> bool:
    """Whether who stands here has nothing to do: an idle worker, or a main routine that waits for work.

    calls: names of the routines it is in, outermost first. rests_in_wait: as in ThreadSpec.
    """
    waits = pending.verb.name == "schedule" and calls[rests_in_wait:] == ("wait_event",)
    return pending.verb.rests or (rests_in_wait > 0 and waits)


def proceed(routine: Routine, result: object, *, foreign: bool = False) -> Primitive | KernelBugError | None:
    """Hand a result to a routine and run it to its next primitive; None if it ends, a bug if it cannot go on.

    foreign: there may be a learner's text in it, so it is guarded against loops.
    """
    try:
        yielded = guard.guarded(routine.send, result) if foreign else routine.send(result)
    except StopIteration:
        return None
    except KernelBugError as bug:
        return bug
    except Exception as error:  # noqa: BLE001  (driver text may be a learner's: any mistake in it ends the thread)
        return _exception(raised_at(error.__traceback__), error)
    if type(yielded) is not Primitive:
        return not_a_primitive(routine, yielded)
    try:
        return fitted(yielded) if foreign else yielded
    except Exception as error:  # noqa: BLE001  (its arguments may be anything)
        at = innermost(routine)
        return _exception(place(*at) if at is not None else "", error)


def _exception(where: str, error: Exception) -> KernelBugError:
    text = str(error) if isinstance(error, BalloonlabError) else f"{type(error).__name__}: {error}"
    return KernelBugError("exception", f"{where}: {text}" if where else text)


def is_same(one: object, other: object) -> bool:
    """Whether what a routine came to is the same primitive, or the same end."""
    return type(one) is type(other) and one == other


def not_deterministic(name: str, routine: Routine, now: object, before: object) -> KernelBugError:
    """The bug of a thread that was run again and did something else."""
    at = innermost(routine)
    what = "ended" if now is None else f"came to {now}"
    where = f" ({place(*at)})" if at is not None else ""
    return KernelBugError(
        "not deterministic",
        f"{name} did something else when it was run again: it {what}{where}, and before that to "
        f"{before}; driver text may depend on nothing but its arguments and what its yields return. Does it look at a "
        "variable outside, a random number, the time?",
    )
