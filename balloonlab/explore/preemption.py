"""Schedules with few preemptions: a preemption takes the CPU from a thread that could have gone on.

A schedule with few of them is easier to read than a shortest one, and likelier to happen on a real machine.
"""

from __future__ import annotations

from collections import deque

from balloonlab.explore.graph import Graph

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
    path = search(graph, 0, lambda state: state == goal)
    assert path is not None
    return path


def search(graph: Graph, start: int, wanted, most: int | None = None) -> list[int] | None:  # noqa: ANN001
    """A schedule from `start` to the nearest wanted state, counted in preemptions and then in steps; None: no way.

    Breadth first within a number of preemptions: a state is reached together with the thread that ran last.
    """
    following, threads = graph.following, graph.table.threads
    first = (start, NOBODY)
    before: dict[tuple[int, int], tuple[int, int]] = {first: first}
    now: deque[tuple[int, int]] = deque([first])
    later: deque[tuple[int, int]] = deque()
    settled: set[tuple[int, int]] = set()
    count = 0
    while now or later:
        if not now:
            count += 1
            if most is not None and count > most:
                return None
            now, later = later, deque()
        node = now.popleft()
        if node in settled:
            continue
        settled.add(node)
        state, running = node
        if wanted(state):
            return _way(before, node)
        if state >= len(following):
            continue
        goes_on = running != NOBODY and following[state, running] >= 0
        for thread in range(threads):
            there = int(following[state, thread])
            if there < 0 or (there, thread) in settled:
                continue
            costs = goes_on and thread != running
            reached = (there, thread)
            if reached not in before:
                before[reached] = node
                (later if costs else now).append(reached)
            elif not costs and reached in before and reached not in settled:
                before[reached] = node
                now.append(reached)
    return None


def _way(before: dict[tuple[int, int], tuple[int, int]], node: tuple[int, int]) -> list[int]:
    choices = []
    while before[node] != node:
        choices.append(node[1])
        node = before[node]
    return choices[::-1]
