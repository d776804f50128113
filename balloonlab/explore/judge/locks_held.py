"""Who is in a routine, and which locks they hold there, in every state: "called under page lock", by run.

lock_order.py says what was ever held when a lock was asked for; this says what is held at every moment of a routine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.lock_order import PAGE_LOCK, holders
from balloonlab.explore.judge.result import Result
from balloonlab.foundations.errors import of_kind, pick
from balloonlab.foundations.words import counted


@dataclass(frozen=True)
class LocksHeld:
    """The locks of whoever is in a routine, or in one that it has called.

    threads: who was there. states: in how many states of the graph. fewest, most: how many locks of each name they hold
    at least and at most ("page lock" may be two); a lock that is never held there is in neither. finished: whether
    every state was looked at.
    """

    routine: str
    threads: tuple[str, ...]
    states: int
    fewest: Mapping[str, int]
    most: Mapping[str, int]
    finished: bool

    @property
    def always(self) -> tuple[str, ...]:
        """The locks that are held in every one of these states, sorted."""
        return tuple(sorted(lock for lock, number in self.fewest.items() if number))

    def __str__(self) -> str:
        times = sorted(lock for lock, number in self.most.items() if number > self.fewest[lock])
        always = [lock if self.fewest[lock] == 1 else f"{self.fewest[lock]} {lock}s" for lock in self.always]
        lines = [
            f"{self.routine}: {', '.join(self.threads)}, in {counted(self.states, 'state')}",
            f"  always: {', '.join(always) or 'no lock'}",
            f"  at times: {', '.join(times) or 'no other'}",
        ]
        return "\n".join(lines if self.finished else [*lines, "  not every state was looked at: there may be more"])


def locks_held(result: Result, routine: str) -> LocksHeld:
    """Which locks are held by those who are in `routine`, in every state that an exploration found.

    Raises UnknownNameError for a routine that nobody was ever in; it lists those that somebody was in.
    """
    of_kind("an exploration", result, Result, "what bl.explore(...) returned")
    graph, table = result.graph, result.graph.table
    inside = [[routine in local.calls for local in automaton.states] for automaton in table.automata]
    known = dict.fromkeys(name for automaton in table.automata for local in automaton.states for name in local.calls)
    pick("routine", routine, list(known), "Somebody was in each of these.")
    threads, states, counts = [], 0, []
    for thread, stands in enumerate(inside):
        at = np.flatnonzero(np.array(stands, np.bool_)[graph.column(thread)]) if any(stands) else np.array([], int)
        if len(at):
            threads.append(table.names[thread])
            states += len(at)
            counts.append(_counts(result, thread, at))
    graph.forget_columns()
    names = dict.fromkeys(lock for each in counts for lock in each)
    fewest = {lock: min(int(each[lock].min()) if lock in each else 0 for each in counts) for lock in names}
    most = {lock: max(int(each[lock].max()) if lock in each else 0 for each in counts) for lock in names}
    return LocksHeld(routine, tuple(threads), states, fewest, most, not result.why)


def _counts(result: Result, thread: int, at: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """int64[states] by lock: how many locks of that name a thread holds in each of these states; held ones only."""
    graph, table = result.graph, result.graph.table
    counts: dict[str, NDArray[np.int64]] = {}
    for register in table.registers.named(("locks", "page locks")):
        numbers = range(len(table.registers.values[register]))
        held = np.array([holders(table, register, number).count(thread) for number in numbers])
        found = held[graph.column(table.field_of(register))[at]]
        if found.any():
            page = table.registers.names[register] == "page locks"
            name = PAGE_LOCK if page else table.registers.title(register)
            counts[name] = counts.get(name, 0) + found
    return counts
