"""What an exploration found out: the verdict, what is wrong, the schedules that show it.

"Not finished" is never a pass: a limit was hit, or somebody interrupted. Nor is "not tested": what must hold at an end
was never looked at, for there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.preemption import fewest_preemptions, preemptions
from balloonlab.explore.learn.subject import Explorable, Property
from balloonlab.explore.search.counting import schedules
from balloonlab.explore.search.graph import Flags, Graph
from balloonlab.foundations.errors import BalloonlabError, whole_number
from balloonlab.foundations.words import shown
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.schedule import Schedule


class Verdict(StrEnum):
    """HOLDS: every state was looked at, nothing is wrong. VIOLATED: something is. NOT_FINISHED: not known.

    NOT_TESTED: nothing is wrong, but a check was never looked at, and nobody said that the threads go on for ever (the
    goal "rounds").
    """

    HOLDS = "holds"
    VIOLATED = "violated"
    NOT_FINISHED = "not finished"
    NOT_TESTED = "not tested"


_NEVER = {"at rest": "no end was reached", "between rounds": "no moment between two rounds was reached"}


@dataclass(frozen=True, repr=False)
class Finding:
    """Something wrong, with a shortest schedule to the first state that shows it.

    kind: e.g. "deadlock", "double free", "invariant". text: a sentence. state: the state's number in the graph.
    schedule: from a new guest on, the scenario's first actions included. steps: of the threads, so without what was
    asked before; a Lab's timeline counts both.
    """

    kind: str
    text: str
    state: int
    result: Result = field(repr=False)

    @property
    def choices(self) -> tuple[str, ...]:
        """The threads that step, in order."""
        graph = self.result.graph
        return tuple(graph.table.names[thread] for thread in graph.choices_to(self.state))

    @property
    def schedule(self) -> Schedule:
        return Schedule((*self.result.actions, *self.choices))

    @property
    def steps(self) -> int:
        return len(self.choices)

    @property
    def preemptions(self) -> int:
        """How often, in `schedule`, a thread that could have gone on had to let another run."""
        return preemptions(self.result.graph, self.result.graph.choices_to(self.state))

    def fewest_preemptions(self) -> Schedule:
        """A schedule to the same state with as few preemptions as possible, and as few steps as that allows."""
        names = self.result.graph.table.names
        choices = fewest_preemptions(self.result.graph, self.state)
        return Schedule((*self.result.actions, *(names[thread] for thread in choices)))

    def machine(self, step: int | None = None) -> Machine:
        """A new machine that has taken the schedule's first `step` steps (default: all of them), and can be undone."""
        step = self.steps if step is None else whole_number("step", step, 0, self.steps, "steps of the schedule")
        machine = self.result.subject.subject().machine
        start = machine.position
        machine.replay(Schedule(self.choices))
        if machine.recording:
            machine.seek(start + step)
        return machine

    def __str__(self) -> str:
        return f"{self.kind} after {self.steps:,} steps: {self.text}"

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Result:
    """Everything that an exploration found.

    why: in words, why it was not finished, else "". actions: the scenario's first actions, as a schedule writes them.
    findings: nearest first, one of each sort. graph: the states and the steps between them. wrong: uint8[states], what
    is wrong in each: 0 nothing, else 1 + the number of a kind in `kinds`. unseen: the properties that were never looked
    at, since their moment never came.
    """

    subject: Explorable = field(repr=False)
    graph: Graph = field(repr=False)
    why: str
    actions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    wrong: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8), repr=False)
    kinds: tuple[str, ...] = ()
    unseen: tuple[Property, ...] = ()

    @property
    def violated(self) -> Flags:
        """bool[states]: in which of them something is wrong."""
        return self.wrong > 0

    @property
    def states(self) -> int:
        """States found."""
        return self.graph.states

    @property
    def transitions(self) -> int:
        """Steps between them, those that lead back to a known state included."""
        return self.graph.transitions

    @property
    def depth(self) -> int:
        """Steps to the state that is farthest from the first."""
        return len(self.graph.choices_to(self.states - 1))

    @property
    def schedules(self) -> int | None:
        """How many complete schedules there are; None if some go on for ever. Raises NotFinishedError."""
        if self.why:
            raise NotFinishedError(f"the exploration has not finished ({self.why}): its schedules cannot be counted.")
        return schedules(self.graph)

    @property
    def verdict(self) -> Verdict:
        if self.findings:
            return Verdict.VIOLATED
        if self.why:
            return Verdict.NOT_FINISHED
        return Verdict.NOT_TESTED if self.unseen and self.graph.table.subject.goal != "rounds" else Verdict.HOLDS

    @property
    def doubt(self) -> str:
        """Where nothing wrong was found: in words, what speaks against relying on it; "" if nothing does."""
        if self.findings or self.why:
            return self.why
        names = {when: [each.name for each in self.unseen if each.when == when] for when in _NEVER}
        return "; ".join(
            f"{_NEVER[when]}, so this was never looked at: {', '.join(of)}" for when, of in names.items() if of
        )

    def __bool__(self) -> bool:
        """Whether it holds: True only if every state was looked at, every check too, and nothing is wrong."""
        return self.verdict is Verdict.HOLDS

    def finding(self, kind: str) -> Finding:
        """The nearest finding of a kind; raises NothingFoundError that lists the kinds there are."""
        for each in self.findings:
            if isinstance(kind, str) and each.kind == kind:
                return each
        kinds = ", ".join(dict.fromkeys(each.kind for each in self.findings)) or "nothing"
        raise NothingFoundError(f"no finding of kind {shown(kind)}; found: {kinds}.")

    def machine_at(self, state: int) -> Machine:
        """A new machine that has gone the shortest way to a state, by its number (0: the first), and can be undone."""
        state = whole_number("state", state, 0, self.states - 1, "number of a state in the graph")
        machine = self.subject.subject().machine
        names = self.graph.table.names
        machine.replay(Schedule(tuple(names[thread] for thread in self.graph.choices_to(state))))
        return machine

    def __str__(self) -> str:
        lines = [f"{self.verdict}: {self.states:,} states, {self.transitions:,} transitions"]
        if self.doubt:
            lines[0] += f"; {self.doubt}"
        lines += [f"  {finding}" for finding in self.findings]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


class NotFinishedError(BalloonlabError):
    """Something was asked of all states, and not all are known."""


class NothingFoundError(BalloonlabError, LookupError):
    """A finding was asked for that there is none of."""
