"""What can still become of a state: all futures safe, a violation reachable, a violation unavoidable.

Passes over the graph of a finished exploration. A violation is a state in which something is wrong (every one of them,
not only the first of each sort).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.backwards import Backwards
from balloonlab.explore.judge.nearest_violation import fewest_ahead, kinds_ahead
from balloonlab.explore.judge.result import Result
from balloonlab.explore.search.graph import Flags, Graph
from balloonlab.foundations.errors import (
    BadScheduleError,
    BadValueError,
    as_text,
    each_of,
    of_kind,
    pick,
    whole_number,
)
from balloonlab.foundations.words import counted, shown
from balloonlab.kernel.schedule import Schedule


class Fate(IntEnum):
    """What can become of a state, or of taking a step."""

    SAFE = 0  # whatever is chosen, nothing goes wrong
    REACHABLE = 1  # some choices lead to a violation
    UNAVOIDABLE = 2  # all of them do
    VIOLATED = 3  # something is wrong here already

    @property
    def words(self) -> str:
        return ("all futures are safe", "a violation can be reached", "a violation is unavoidable", "violated")[self]


@dataclass(frozen=True, repr=False)
class NextStep:
    """A step that a thread can take: where it leads, its fate, and how near a violation is then (-1: none).

    steps: to the nearest violation, this step included. preemptions: on the way with the fewest. kind: of the nearest
    in steps.
    """

    thread: str
    state: int
    fate: Fate
    steps: int
    preemptions: int
    kind: str = ""

    def __str__(self) -> str:
        if self.steps < 0:
            return f"{self.thread}: {self.fate.words}"
        away = f"{counted(self.steps, 'step')} away, or {counted(self.preemptions, 'preemption')}"
        return f"{self.thread}: {self.fate.words}; the nearest is {away}"

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class Coverage:
    """How much of the graph some runs have seen. visited: numbers of the states, ascending."""

    visited: tuple[int, ...]
    states: int
    steps: int
    transitions: int

    def __str__(self) -> str:
        share = 100 * len(self.visited) / self.states
        return (
            f"{len(self.visited):,} of {self.states:,} states seen ({share:.1f} %), "
            f"{self.steps:,} of {self.transitions:,} transitions taken"
        )

    def __repr__(self) -> str:
        return str(self)


class Fates:
    """The fate of every state of a finished exploration. Raises BadValueError for one that is not finished."""

    def __init__(self, result: Result) -> None:
        of_kind("an exploration", result, Result, "what bl.explore(...) returned")
        if result.why:
            raise BadValueError(f"the exploration was not finished ({result.why}), so nobody's fate is known.")
        self.result = result
        self.graph: Graph = result.graph

    @cached_property
    def _backwards(self) -> Backwards:
        return Backwards(self.graph)

    @cached_property
    def violated(self) -> Flags:
        """bool[states]: something is wrong here."""
        return self.result.violated

    @cached_property
    def distance(self) -> NDArray[np.int32]:
        """int32[states]: steps to the nearest violation, -1 if none can be reached."""
        return self._backwards.distance_to(self.violated)

    @cached_property
    def fates(self) -> NDArray[np.uint8]:
        """uint8[states] of Fate codes."""
        choices = (self.graph.following >= 0).sum(axis=1).astype(np.intp)
        bound = self._backwards.bound_for(self.violated, choices)
        fates = np.where(self.distance >= 0, Fate.REACHABLE, Fate.SAFE)
        fates[bound] = Fate.UNAVOIDABLE
        fates[self.violated] = Fate.VIOLATED
        return fates.astype(np.uint8)

    @cached_property
    def kinds(self) -> NDArray[np.uint8]:
        """uint8[states]: of what kind the nearest violation is, as in `Result.wrong`; 0 if none can be reached."""
        return kinds_ahead(self.graph, self.distance, self.result.wrong)

    @cached_property
    def preemptions(self) -> NDArray[np.int32]:
        """int32[states, threads]: the fewest on a way to a violation if that thread ran last; -1 if there is none."""
        return fewest_ahead(self.graph, self.violated, self._backwards)

    def of(self, state: int) -> Fate:
        """The fate of a state, by its number."""
        return Fate(self.fates[self._check(state)])

    def next_steps(self, state: int, running: str = "") -> list[NextStep]:
        """Every step that can be taken from a state.

        running: the thread that ran last (it is preempted, or not); "" or an action from outside for nobody.
        """
        state, names = self._check(state), self.graph.table.names
        outside = as_text("running", running).startswith("!") or not running
        last = -1 if outside else names.index(pick("thread", running, names))
        steps = []
        for thread, there in enumerate(self.graph.following[state].tolist()):
            if there < 0:
                continue
            away, preempted = int(self.distance[there]), -1
            if away >= 0:
                costs = last not in (-1, thread) and self.graph.following[state, last] >= 0
                preempted = costs + int(self.preemptions[there, thread])
                away += 1
            steps.append(NextStep(names[thread], there, Fate(self.fates[there]), away, preempted, self.kind_at(there)))
        return steps

    def kind_at(self, state: int) -> str:
        """Of what kind the violation nearest to a state is, "" if none can be reached."""
        number = int(self.kinds[self._check(state)])
        return self.result.kinds[number - 1] if number else ""

    def after(self, choices: Sequence[str] | Schedule) -> list[int]:
        """The states that a run by hand goes through; raises BadScheduleError for a step that is not possible."""
        names, state = self.graph.table.names, 0
        states = [state]
        for i, choice in enumerate(_steps(choices)):
            there = self.graph.following[state, names.index(choice)] if choice in names else -1
            if there < 0:
                raise BadScheduleError(f"step {i} of the run is {shown(choice)}, who cannot step there.")
            state = int(there)
            states.append(state)
        return states

    def coverage(self, *runs: Sequence[str] | Schedule) -> Coverage:
        """How much of the graph some runs have seen; a run is thread names, as in `Schedule.choices`."""
        visited, steps = {0}, set()
        for run in runs:
            states = self.after([choice for choice in _steps(run) if not choice.startswith("!")])
            visited |= set(states)
            steps |= set(pairwise(states))
        return Coverage(tuple(sorted(visited)), self.graph.states, len(steps), self.graph.transitions)

    def by_depth(self) -> NDArray[np.intp]:
        """intp[depth + 1, 4]: how many states at each distance from the first have each fate."""
        depth = depths(self.graph)
        counts = np.zeros((int(depth.max()) + 1, len(Fate)), np.intp)
        np.add.at(counts, (depth, self.fates), 1)
        return counts

    def _check(self, state: int) -> int:
        return whole_number("state", state, 0, self.graph.states - 1, "number of a state in the graph")

    def __str__(self) -> str:
        counts = np.bincount(self.fates, minlength=len(Fate))
        lines = [f"{counts[fate]:>9,} states: {fate.words}" for fate in Fate]
        return "\n".join([*lines, *([self.result.doubt] if self.result.doubt else [])])

    def __repr__(self) -> str:
        return str(self)


def _steps(run: Sequence[str] | Schedule) -> list[str]:
    choices = run.choices if isinstance(run, Schedule) else run
    return [as_text("a step of the run", step) for step in each_of("a run", choices, "threads, as in schedule.choices")]


def depths(graph: Graph) -> NDArray[np.intp]:
    """intp[states]: steps from the first state to each, on the shortest way."""
    depth = np.zeros(graph.states, np.intp)
    parent = graph.parent
    start, stop = 0, 1
    level = 0
    while stop < graph.states:
        after = int(np.searchsorted(parent, stop))  # parents never fall
        start, stop = stop, after if after > stop else graph.states
        level += 1
        depth[start:stop] = level
    return depth
