"""The violation nearest to every state at once: what it is, and how few preemptions lead to one.

preemption.py answers the same question for one state, by settling places one after the other; here waves go backwards
through the graph until nothing gets nearer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.backwards import UNREACHABLE, Backwards
from balloonlab.explore.search.graph import Flags, Graph

_FAR = 1 << 30  # preemptions, where no way is known yet


def kinds_ahead(graph: Graph, distance: NDArray[np.int32], wrong: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8[states]: `wrong` where it is not 0, elsewhere that of the violation nearest in steps (0 if there is none).

    distance: steps from each state to the nearest violation. Of several that are as near, that of the first thread.
    """
    kinds = wrong.copy()
    order = np.argsort(distance, kind="stable")
    starts = np.searchsorted(distance[order], np.arange(1, int(distance.max(initial=0)) + 2))
    for away, (start, stop) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True), 1):
        states = order[start:stop]
        following = graph.following[states]
        nearer = (following >= 0) & (distance[np.maximum(following, 0)] == away - 1)
        kinds[states] = kinds[following[np.arange(len(states)), nearer.argmax(axis=1)]]
    return kinds


def fewest_ahead(graph: Graph, goal: Flags, backwards: Backwards) -> NDArray[np.int32]:
    """int32[states, threads]: the fewest preemptions from a state in which that thread ran last to the goal, -1: none.

    Going on costs nothing; whoever else steps preempts it if it could have gone on.
    """
    fewest = np.full((graph.states, graph.table.threads), _FAR, np.int32)
    fewest[goal] = 0
    wave = np.flatnonzero(goal)
    while len(wave):
        before = np.unique(backwards.into(wave)).astype(np.intp)
        before = before[~goal[before]]
        following = graph.following[before]
        can = following >= 0
        after = np.where(can, fewest[np.maximum(following, 0), np.arange(graph.table.threads)], _FAR)
        anybody = after.min(axis=1, keepdims=True)
        found = np.where(can, np.minimum(after, anybody + 1), anybody)
        nearer = (found < fewest[before]).any(axis=1)
        wave = before[nearer]
        fewest[wave] = np.minimum(found[nearer], fewest[wave])
    fewest[fewest >= _FAR] = UNREACHABLE
    return fewest
