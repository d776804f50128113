"""What goes on for ever: states from which the work can never be finished, and endless runs that starve a thread.

Doom: from here no schedule leads to the goal any more, though no violation is ahead either (a livelock). Starvation: an
endless run, fair to everybody (who can step again and again, steps again and again), in which a thread never gets to a
point between two rounds of its work.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.backwards import Backwards
from balloonlab.explore.learn.subject import GOALS
from balloonlab.explore.search.graph import Flags, Graph

Endless = Iterator[tuple[str, str, Flags]]  # kind, sentence, the states


def endless(graph: Graph, violated: Flags) -> Endless:
    """Doom and starvation in a whole graph; violated: where something else is wrong."""
    goal = graph.table.subject.goal
    if not goal:
        return
    backwards = Backwards(graph)
    wrong_ahead = backwards.leads_to(violated)
    names = graph.table.names
    if goal == "rest":
        still = np.asarray(~(graph.following >= 0).any(axis=1), np.bool_)
        doomed = ~backwards.leads_to(still) & ~wrong_ahead
        if doomed.any():
            yield "doom", f"no schedule leads from here to {GOALS[goal]}", doomed
    else:
        for thread, name in enumerate(names):
            doomed = ~backwards.leads_to(graph.resting(thread)) & ~wrong_ahead
            if doomed.any():
                yield "doom", f"{name} can never finish what it is doing: no schedule leads there", doomed
    for thread, starved in _starved(graph, backwards):
        text = f"{names[thread]} may go on for ever without finishing, though everybody gets turns"
        yield "starvation", text, starved


def _starved(graph: Graph, backwards: Backwards) -> Iterator[tuple[int, Flags]]:
    """For each thread, the states of fair endless runs in which it is never between two rounds."""
    cyclic = on_cycles(graph, backwards, np.ones(graph.states, np.bool_))
    for thread in range(graph.table.threads):
        found = np.zeros(graph.states, np.bool_)
        for component in _fair(graph, backwards, cyclic & ~graph.resting(thread)):
            found[component] = True
        if found.any():
            yield thread, found


def _fair(graph: Graph, backwards: Backwards, inside: Flags) -> Iterator[NDArray[np.intp]]:
    """Strongly connected sets of states in which an endless run can be fair (strong fairness, after Streett).

    In such a set each thread that can step in some state of it must have a step that stays inside; otherwise the states
    where it can step are taken out and the rest is looked at again.
    """
    waiting = [inside]
    while waiting:
        states = on_cycles(graph, backwards, waiting.pop())
        for component in _components(graph, states):
            among = np.zeros(graph.states, np.bool_)
            among[component] = True
            following = graph.following[component]
            can = following >= 0
            stays = can & among[np.maximum(following, 0)]
            unfair = np.flatnonzero(can.any(axis=0) & ~stays.any(axis=0))
            if not len(unfair):
                yield component
                continue
            among[component[can[:, unfair].any(axis=1)]] = False
            if among.any():
                waiting.append(among)


def on_cycles(graph: Graph, backwards: Backwards, inside: Flags) -> Flags:
    """`inside` without the states that lead out of it for good: what is left lies on cycles, or on ways to them."""
    kept = inside.copy()
    following = graph.following
    inner = ((following >= 0) & kept[np.maximum(following, 0)]).sum(axis=1)
    wave = np.flatnonzero(kept & (inner == 0))
    while len(wave):
        kept[wave] = False
        before = backwards.into(wave)
        np.subtract.at(inner, before, 1)
        before = np.unique(before).astype(np.intp)
        wave = before[kept[before] & (inner[before] == 0)]
    return kept


def _components(graph: Graph, inside: Flags) -> Iterator[NDArray[np.intp]]:
    """Strongly connected sets with at least one step inside them (Tarjan's algorithm, without recursion)."""
    states = np.flatnonzero(inside)
    place = np.full(graph.states, -1, np.intp)
    place[states] = np.arange(len(states))
    following = np.where(graph.following[states] >= 0, place[graph.following[states]], -1)
    ahead = [[there for there in row if there >= 0] for row in following.tolist()]
    for members in strong_components(ahead):
        if len(members) > 1 or members[0] in ahead[members[0]]:
            yield states[np.sort(members)]


def strong_components(ahead: list[list[int]]) -> Iterator[list[int]]:
    """The strongly connected components of a graph given as lists of the nodes ahead of each."""
    order, low = [0] * len(ahead), [0] * len(ahead)  # order 0: not visited
    stack: list[int] = []
    on_stack = bytearray(len(ahead))
    visited = 0
    for root in range(len(ahead)):
        work = [] if order[root] else [(root, iter(ahead[root]))]
        while work:
            node, left = work[-1]
            if not order[node]:
                visited += 1
                order[node] = low[node] = visited
                stack.append(node)
                on_stack[node] = 1
            there = next((near for near in left if not order[near] or on_stack[near]), None)
            if there is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    yield _pop_to(node, stack, on_stack)
            elif not order[there]:
                work.append((there, iter(ahead[there])))
            else:
                low[node] = min(low[node], order[there])


def _pop_to(node: int, stack: list[int], on_stack: bytearray) -> list[int]:
    members: list[int] = []
    while not members or members[-1] != node:
        members.append(stack.pop())
        on_stack[members[-1]] = 0
    return members
