"""Looking backwards through a graph: who leads to a state, from where a set of states can be reached, and how soon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.search.graph import Flags, Graph

UNREACHABLE = -1


class Backwards:
    """The steps of a graph by the state they lead to: those of state s are `sources[first[s]:first[s + 1]]`."""

    def __init__(self, graph: Graph) -> None:
        self.states = graph.states
        targets = graph.following.ravel()
        steps = np.flatnonzero(targets >= 0)
        targets = targets[steps]
        order = np.argsort(targets, kind="stable")
        self.sources = (steps[order] // graph.table.threads).astype(np.int32)
        counts = np.bincount(targets, minlength=self.states)
        self.first = np.concatenate(([0], np.cumsum(counts)))

    def into(self, states: NDArray[np.intp]) -> NDArray[np.int32]:
        """The states from which one step leads into any of `states`; some may come several times."""
        lengths = self.first[states + 1] - self.first[states]
        ends = np.cumsum(lengths)
        if not len(ends) or ends[-1] == 0:
            return np.zeros(0, np.int32)
        places = np.arange(ends[-1]) + np.repeat(self.first[states] - (ends - lengths), lengths)
        before: NDArray[np.int32] = self.sources[places]
        return before

    def distance_to(self, goal: Flags) -> NDArray[np.int32]:
        """int32[states]: steps from each state to the nearest of the goal, -1 where there is no way."""
        distance = np.where(goal, 0, UNREACHABLE).astype(np.int32)
        wave, steps = np.flatnonzero(goal), 0
        while len(wave):
            steps += 1
            before = self.into(wave)
            wave = np.unique(before[distance[before] < 0]).astype(np.intp)
            distance[wave] = steps
        return distance

    def leads_to(self, goal: Flags) -> Flags:
        """From which states some schedule leads to the goal (those of the goal itself included)."""
        reached: Flags = self.distance_to(goal) >= 0
        return reached

    def bound_for(self, goal: Flags, choices: NDArray[np.intp]) -> Flags:
        """From which states every schedule leads to the goal, where a state has so many steps to choose from."""
        bound, left = goal.copy(), choices.copy()
        wave = np.flatnonzero(goal)
        while len(wave):
            before = self.into(wave)
            np.subtract.at(left, before, 1)
            before = np.unique(before).astype(np.intp)
            wave = before[(left[before] == 0) & ~bound[before]]
            bound[wave] = True
        return bound
