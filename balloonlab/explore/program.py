"""A program: a few hand-written threads over shared numbers, locks and wait queues, to explore without a guest.

For the oldest examples there are (two threads that add one, two locks in two orders), and for learners' own.

    def adder(shared):
        seen = yield read(shared.x)
        yield write(shared.x, seen + 1)

    result = explore(Program("lost update", {"one": adder, "two": adder}, values={"x": 0}))
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace

from balloonlab.explore.learn.subject import GOALS, Property, Subject
from balloonlab.foundations.errors import BadValueError, as_text, each_of, of_kind, pick, whole_number
from balloonlab.foundations.words import shown
from balloonlab.host.host import Host
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.members import UNSAID
from balloonlab.kernel.mistakes import check
from balloonlab.kernel.primitives import Routine
from balloonlab.kernel.primitives.verb import TOUCHED
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import Member, Ref, World
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PageFrames, Zone

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")  # what a schedule can hold
_RESERVED = frozenset(("threads", "locks", *TOUCHED))
Check = Callable[[Mapping[str, int]], bool]


class Shared(SimpleNamespace):
    """The shared objects of a program by name, as Refs for primitives; pages are numbers."""

    def __getattr__(self, name: str) -> Ref:
        known = ", ".join(vars(self)) or "nothing"
        raise AttributeError(
            f"the program shares nothing called {name!r}; it shares {known}. Is it among locks or values?"
        )


@dataclass(frozen=True)
class Program:
    """Threads and what they share.

    threads: generator functions by name, each given the shared objects as attributes (Refs for primitives). values:
    shared numbers and what they start as. locks: names, for mutexes and spinlocks alike. queues: names of wait queues.
    pages: guest pages for alloc_page and page locks, 0 to pages - 1, all free. at_end: sentences with a test of the
    shared numbers that must hold when nobody can step any more; always: that must hold in every state. goal: see
    subject.GOALS. cpu: names of threads that share one CPU without preemption.
    Raises BadValueError for a thread that is no generator function or a name that does not do.
    """

    name: str
    threads: Mapping[str, Callable[[Shared], Routine]]
    values: Mapping[str, int] = field(default_factory=dict)
    locks: Sequence[str] = ()
    queues: Sequence[str] = ()
    pages: int = 1
    at_end: Mapping[str, Check] = field(default_factory=dict)
    always: Mapping[str, Check] = field(default_factory=dict)
    goal: str = ""
    cpu: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._check_kinds()
        if not self.threads:
            raise BadValueError(f"program {shown(self.name)} has no threads; it needs at least one.")
        for name, routine in self.threads.items():
            if not _NAME.fullmatch(name):
                raise BadValueError(f"thread name {shown(name)}: a name is a letter, then letters, digits, - and _.")
            if not inspect.isgeneratorfunction(routine):
                raise BadValueError(
                    f"thread {name!r} is no generator function: it must yield each primitive it performs."
                )
            check(f"thread {name!r}", routine, shared=[*self.values, *self.locks, *self.queues])
        self._check_names()
        for name, number in self.values.items():
            whole_number(name, number, -(2**31), 2**31 - 1)
        whole_number("pages", self.pages, 1, 64, "guest pages")
        pick("goal", self.goal, list(GOALS), "It says what must stay possible.")
        for name in self.cpu:
            pick("thread", name, list(self.threads), "Those that share the CPU are named.")

    def _check_kinds(self) -> None:
        as_text("the name of a program", self.name)
        for what in ("threads", "values", "at_end", "always"):
            for name in of_kind(what, getattr(self, what), Mapping, "a dict, by name"):
                as_text(f"a name in {what}", name)
        for what in ("locks", "queues", "cpu"):
            for name in each_of(what, getattr(self, what), "names"):
                as_text(f"a name in {what}", name)
        for sentence, each in [*self.at_end.items(), *self.always.items()]:
            if not callable(each):
                raise BadValueError(f"the check {shown(sentence)} is {shown(each)}; it must be a function.")

    def _check_names(self) -> None:
        shared = [*self.values, *self.locks, *self.queues]
        names = [*self.threads, *shared]
        for name in names:
            if name in _RESERVED:
                raise BadValueError(f"{name!r} names a part of every program's state; call yours otherwise.")
            if names.count(name) > 1:
                raise BadValueError(
                    f"{name!r}: threads, numbers, locks and queues need names of their own, each used once."
                )
        for name in shared:
            if not name.isidentifier():
                raise BadValueError(f"shared name {shown(name)}: names must be Python identifiers, each used once.")

    def subject(self) -> Subject:
        """A machine of its own, standing at the start, and what must hold."""
        frames = PageFrames(self.pages)
        buddy = Buddy(Zone(frames), "3.6")
        host = Host(self.pages, frames.journal, frames.values)
        world = World(frames, [buddy], host)
        shared = Shared(
            **{name: world.new_value(name, number) for name, number in self.values.items()},
            **{name: world.new_lock(name) for name in self.locks},
            **{name: world.new_wait_queue(name) for name in self.queues},
        )
        numbers = [getattr(shared, name) for name in self.values]
        world.members = tuple(Member(ref.name, "int", ref.name, ref.kind, ref.number, UNSAID) for ref in numbers)
        threads = [ThreadSpec(name, "", partial(routine, shared)) for name, routine in self.threads.items()]
        machine = Machine(world, threads)
        machine.record()
        return Subject(machine, self._properties(world), self.goal, tuple(self.cpu))

    def machine(self) -> Machine:
        """A new machine, standing at the start."""
        return self.subject().machine

    def _properties(self, world: World) -> tuple[Property, ...]:
        def holds(sentence: str, check: Check) -> None:
            numbers = {name: world.values[name] for name in self.values}
            try:
                true = bool(check(numbers))
            except AssertionError:
                raise
            except Exception as error:
                raise BadValueError(
                    f"the check {shown(sentence)} fails with {numbers}: {type(error).__name__}: {error}."
                ) from error
            assert true, f"not with {', '.join(f'{name} = {n}' for name, n in numbers.items())}"

        reads = tuple(self.values) or ("pfns",)
        moments = [(self.always, "always"), (self.at_end, "at rest")]
        return tuple(
            Property(sentence, "property", when, reads, partial(holds, sentence, check))
            for checks, when in moments
            for sentence, check in checks.items()
        )
