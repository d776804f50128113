"""Schedules with few preemptions: a preemption takes the CPU from a thread that could have gone on.

A schedule with few of them is easier to read than a shortest one, and likelier to happen on a real machine.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from balloonlab.explore.search.graph import Graph

NOBODY = -1


def preemptions(graph: Graph, choices: list[int]) -> int:
    """How often a schedule of thread numbers, from the first state on, preempts."""
    count, state, running = 0, 0, NOBODY
    for thread in choices:
        if running not in (NOBODY, thread) and graph.following[state, running] >= 0:
            count += 1
        running = thread
        state = int(graph.following[state, thread])
    return count


def fewest_preemptions(graph: Graph, goal: int) -> list[int]:
    """Thread numbers of a schedule from the first state to `goal` with the fewest preemptions, then steps."""
    found = search(graph, 0, lambda state: state == goal)
    assert found is not None
    return found[1]


def search(
    graph: Graph, start: int, wanted: Callable[[int], bool], running: int = NOBODY
) -> tuple[int, list[int]] | None:
    """The fewest preemptions from `start` to a wanted state, and a schedule with no more steps than that allows.

    running: the thread that ran last. None if there is no way. A place on the way is a state together with the thread
    that ran last; places are settled in the order of preemptions, then steps.
    """
    first = (start, running)
    before: dict[tuple[int, int], tuple[int, int]] = {}
    heap: list[tuple[int, int, tuple[int, int], tuple[int, int]]] = [(0, 0, first, first)]
    while heap:
        count, steps, place, source = heappop(heap)
        if place in before:
            continue
        before[place] = source
        state, last = place
        if wanted(state):
            return count, _way(before, place)
        if state >= graph.expanded:
            continue
        following: list[int] = graph.following[state].tolist()
        goes_on = last != NOBODY and following[last] >= 0
        for thread, there in enumerate(following):
            if there >= 0 and (there, thread) not in before:
                costs = goes_on and thread != last
                heappush(heap, (count + costs, steps + 1, (there, thread), place))
    return None


def _way(before: dict[tuple[int, int], tuple[int, int]], place: tuple[int, int]) -> list[int]:
    choices = []
    while before[place] != place:
        choices.append(place[1])
        place = before[place]
    return choices[::-1]
