"""A timeline beside the graphs explored: which state each position is, and what can become of each step there.

A graph begins where its exploration did: after certain choices from the timeline's start. From there on every choice
leads along one of its steps, until something comes from outside, which no graph counts on.
"""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.fate import Fates
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.timeline import OUTSIDE

NO_STEP = 255  # the fate of a step that nobody can take, or of which nothing is known
Arrays = dict[str, NDArray[Any]]


class Known(IntEnum):
    """Whether the state at a position is known, and why not."""

    YES = 0
    BEFORE = 1  # what was explored begins later
    OUTSIDE = 2  # something came from outside that the exploration did not count on
    ELSEWHERE = 3  # a step was taken that the exploration does not know: after a bug, or with another CPU
    LOST = 4  # the timeline began anew

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Known.YES: "",
    Known.BEFORE: "What was explored begins later in this timeline.",
    Known.OUTSIDE: "Something was asked for from outside, which the exploration did not count on.",
    Known.ELSEWHERE: "A step was taken that the exploration stops short of: after a bug, or on a CPU of its own.",
    Known.LOST: "This timeline began after the steps that were explored.",
}


class Place(NamedTuple):
    """A position's state: number of the graph (-1: none) and of the state in it; whether that is known."""

    known: Known
    graph: int = -1
    state: int = -1


class TimelineFates:
    """What can become of each step along a machine's timeline, as far as `graphs` say. seen: states visited, by graph.

    Everything here is called with the machine's lock held.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.graphs: list[Fates] = []
        self.seen: list[set[int]] = []
        self.kinds: list[str] = []  # of violations, those of all graphs
        self.places: list[Place] = []
        self._kind_numbers: list[NDArray[np.uint8]] = []  # by graph: its kinds' numbers, from 1, in `kinds`
        self._run = machine.timeline.run
        self._line = machine.timeline
        self._followed: list[array[int]] = []  # columns of the steps that `places` are of

    def add(self, fates: Fates) -> None:
        """Use another graph, whose exploration began at `fates.result.actions`."""
        for kind in fates.result.kinds:
            if kind not in self.kinds:
                self.kinds.append(kind)
        numbers = [0, *(1 + self.kinds.index(kind) for kind in fates.result.kinds)]
        self._kind_numbers.append(np.array(numbers, np.uint8))
        self.graphs.append(fates)
        self.seen.append(set())
        self.places.clear()

    def follow(self) -> int:
        """Find the place of every position; returns the first position whose place may be another than before."""
        line = self.machine.timeline
        if line is not self._line:
            self._line = line
            self.places.clear()
        columns = [line.thread, line.verb, line.amount]
        same = min(map(_common, columns, self._followed), default=0)
        first = min(same + 1, len(self.places)) if self.places else 0
        del self.places[first:]
        self._followed = [column[:] for column in columns]
        for position in range(first, len(line) + 1):
            place = self._place(position)
            self.places.append(place)
            if place.graph >= 0:
                self.seen[place.graph].add(place.state)
        return first

    def _place(self, position: int) -> Place:
        line = self.machine.timeline
        if line.run is not self._run or line.first:
            return Place(Known.LOST)
        before = self.places[position - 1] if position else Place(Known.BEFORE)
        place = before
        if before.graph >= 0:
            thread = line.thread[position - 1]
            following = self.graphs[before.graph].graph.following
            there = int(following[before.state, thread]) if thread != OUTSIDE else -1
            if there >= 0:
                return Place(Known.YES, before.graph, there)
            place = Place(Known.OUTSIDE if thread == OUTSIDE else Known.ELSEWHERE)
        for number in range(len(self.graphs) - 1, -1, -1):
            start = self.graphs[number].result.actions
            if len(start) == position and self.machine.choices(position) == start:
                return Place(Known.YES, number, 0)
        return place

    def arrays(self, first: int) -> Arrays:
        """What the positions from `first` on have in store, one entry a position; `next_*`: one a position and thread.

        known: Known. graph: its number, 255 for none. fate, steps, kind: of the position (NO_STEP, -1 and 0 if not
        known or not ahead); kind is 1 + a number in `kinds`. next_fate, next_steps (that step included),
        next_preemptions, next_kind: of each thread's step there, NO_STEP if it has none.
        """
        places = self.places[first:]
        count, threads = len(places), len(self.machine.threads)
        arrays: Arrays = {
            "known": np.array([place.known for place in places], np.uint8),
            "graph": np.array([place.graph for place in places], np.int16).astype(np.uint8),
            "fate": np.full(count, NO_STEP, np.uint8),
            "steps": np.full(count, -1, np.int32),
            "kind": np.zeros(count, np.uint8),
            "next_fate": np.full((count, threads), NO_STEP, np.uint8),
            "next_steps": np.full((count, threads), -1, np.int32),
            "next_preemptions": np.full((count, threads), -1, np.int32),
            "next_kind": np.zeros((count, threads), np.uint8),
        }
        states = np.array([place.state for place in places], np.intp)
        ran = [self.machine.timeline.thread[at - 1] if at else OUTSIDE for at in range(first, first + count)]
        for number in range(len(self.graphs)):
            at = np.flatnonzero(arrays["graph"] == number)
            self._fill(arrays, at, number, states[at], np.array(ran, np.intp)[at])
        return {name: array.ravel() for name, array in arrays.items()}

    def _fill(
        self, arrays: Arrays, at: NDArray[np.intp], number: int, states: NDArray[np.intp], ran: NDArray[np.intp]
    ) -> None:
        """The entries of the positions `at`, which are `states` of one graph; ran: the thread that stepped last."""
        fates, kinds = self.graphs[number], self._kind_numbers[number]
        arrays["fate"][at] = fates.fates[states]
        arrays["steps"][at] = fates.distance[states]
        arrays["kind"][at] = kinds[fates.kinds[states]]
        following = fates.graph.following[states]
        can, there = following >= 0, np.maximum(following, 0)
        rows, threads = np.nonzero(can)
        goal = there[rows, threads]
        last = ran[rows]
        preempts = (last >= 0) & (last != threads) & can[rows, np.maximum(last, 0)]
        ahead = fates.distance[goal] >= 0
        where = at[rows], threads
        arrays["next_fate"][where] = fates.fates[goal]
        arrays["next_steps"][where] = np.where(ahead, fates.distance[goal] + 1, -1)
        arrays["next_preemptions"][where] = np.where(ahead, fates.preemptions[goal, threads] + preempts, -1)
        arrays["next_kind"][where] = kinds[fates.kinds[goal]]


def _common(now: array[int], before: array[int]) -> int:
    """How many entries two columns have in common from the start on."""
    length = min(len(now), len(before))
    differ = np.frombuffer(now[:length], now.typecode) != np.frombuffer(before[:length], now.typecode)
    return int(differ.argmax()) if length and differ.any() else length
