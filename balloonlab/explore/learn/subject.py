"""What is explored: a machine to start from, what must hold in its states, and what must stay possible.

A scenario makes one, a hand-written program (program.py) another; the explorer knows neither.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

from balloonlab.foundations.errors import BadValueError, pick
from balloonlab.foundations.words import shown
from balloonlab.kernel.machine import Machine

GOALS = {
    "rest": "a moment when nobody has anything to do any more",
    "rounds": "for each thread a moment when it is between two rounds of its work",
    "": "nothing",
}
MOMENTS = ("always", "between rounds", "at rest")


class Property(NamedTuple):
    """Something that must hold.

    name: an invariant's id or a sentence. kind: of the finding if it does not hold. when: "always", "between rounds"
    (every thread is between two rounds of its work, or has ended), or "at rest" (nobody can step, and all are between
    rounds). reads: the shared state that `check` looks at: names of primitives.verb.TOUCHED, of locks ("locks" for
    all), of numbers, and of the threads ("threads" for all) whose standing matters; () for all of it. check: looks at
    the machine of the subject, which stands at the state as far as `reads` goes; raises AssertionError with a sentence
    if the property does not hold.
    """

    name: str
    kind: str
    when: str
    reads: tuple[str, ...]
    check: Callable[[], None]


class Subject(NamedTuple):
    """A machine that nobody else uses, the properties to watch, a goal (a key of GOALS), who shares a CPU.

    cpu: names of threads that run on one CPU without preemption; () if every thread may be preempted at every step.
    """

    machine: Machine
    properties: tuple[Property, ...] = ()
    goal: str = "rest"
    cpu: tuple[str, ...] = ()

    def checked(self) -> Subject:
        """This subject; raises BadValueError or UnknownNameError for a goal, moment or thread that nobody knows."""
        pick("goal", self.goal, list(GOALS), "It says what must stay possible.")
        for each in self.properties:
            pick(f"moment of property {each.name!r}", each.when, list(MOMENTS))
        for name in self.cpu:
            pick("thread", name, self.machine.names)
        if len(set(self.cpu)) != len(self.cpu):
            raise BadValueError(f"cpu names a thread twice: {self.cpu}.")
        return self


class Explorable(Protocol):
    """Anything that can be explored: it makes a new subject each time it is asked."""

    def subject(self) -> Subject: ...


class _Made(NamedTuple):
    """A function that makes a machine, as something to explore."""

    make: Callable[[], Machine]

    def subject(self) -> Subject:
        machine = self.make()
        if not machine.recording:
            machine.record()
        return Subject(machine, goal="")


def explorable(what: object) -> Explorable:
    """`what` as something to explore: a Scenario, a Program, or a function that makes a new machine each time.

    A function's machine is explored for what is wrong in every program; nothing else is demanded of it. Raises
    BadValueError for anything else, a machine or guest itself among it: an exploration needs one that nobody else uses.
    """
    if callable(getattr(what, "subject", None)):
        return cast("Explorable", what)
    if callable(what):
        try:
            inspect.signature(what).bind()
        except TypeError as error:
            raise BadValueError(
                f"the function to explore is called without arguments; {shown(what)}: {error}."
            ) from error
        except ValueError:  # a built-in function without a signature
            pass
        made = _Made(what)
        machine = made.make()
        if not isinstance(machine, Machine):
            raise BadValueError(f"the function to explore made {shown(machine)}; it must make a new Machine.")
        if made.make() is machine:
            raise BadValueError(
                "the function to explore returns the same machine twice; it must make a new one each time."
            )
        return made
    hint = " Give the function that made this machine, not the machine." if isinstance(what, Machine) else ""
    raise BadValueError(
        f"{shown(what)} cannot be explored; legal: a Scenario such as bl.scenario('inflate'), a bl.Program, "
        f"or a function that makes a new Machine.{hint}"
    )
