"""How many schedules there are: ways from the first state to an end, counted and never listed."""

from __future__ import annotations

from balloonlab.explore.search.graph import Graph


def schedules(graph: Graph) -> int | None:
    """Complete schedules, each as far as anybody can step; None if some never end, for then there is no such number.

    Two schedules are two if they differ in a choice, even where they pass through the same states. The graph must be
    whole: every state looked at.
    """
    steps = [[there for there in row if there >= 0] for row in graph.following.tolist()]
    waits_for = [0] * len(steps)
    for row in steps:
        for there in row:
            waits_for[there] += 1
    ways = [0] * len(steps)
    ways[0], ends, settled = 1, 0, 0
    ready = [0] if not waits_for[0] else []
    while ready:
        state = ready.pop()
        settled += 1
        if not steps[state]:
            ends += ways[state]
        for there in steps[state]:
            ways[there] += ways[state]
            waits_for[there] -= 1
            if not waits_for[there]:
                ready.append(there)
        ways[state] = 0  # large numbers take room
    return ends if settled == len(steps) else None
