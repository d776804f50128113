"""Who takes which lock while holding which: the lock orders that a driver really uses in what was explored.

Read off the learned table: each of its rows that takes a lock, met in some state of the graph, with the locks that the
thread holds there. Two edges that close a ring are a deadlock waiting for its moment, unless one of them only tries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from balloonlab.explore.judge.liveness import strong_components
from balloonlab.explore.judge.result import Result
from balloonlab.explore.learn.table import Row, Table
from balloonlab.foundations.errors import of_kind, truth
from balloonlab.kernel.world import Ref

PAGE_LOCK = "page lock"
_TAKES = frozenset(
    ("mutex_lock", "mutex_trylock", "mutex_lock_slowpath", "spin_lock", "spin_lock_irq", "spin_lock_irqsave")
)
_TAKES_PAGE = frozenset(("lock_page", "trylock_page"))


@dataclass(frozen=True, order=True)
class LockEdge:
    """A thread that holds one lock asked for another. trying: without waiting. routine: in which function."""

    held: str
    wanted: str
    thread: str
    routine: str
    trying: bool

    def __str__(self) -> str:
        how = "tries" if self.trying else "waits for"
        return f"{self.held} -> {self.wanted}: {self.thread} in {self.routine} {how} it"


@dataclass(frozen=True)
class LockOrder:
    """The locks that were taken at all, and every edge, sorted. finished: whether every state was looked at."""

    locks: tuple[str, ...]
    edges: tuple[LockEdge, ...]
    finished: bool

    def __or__(self, other: LockOrder) -> LockOrder:
        """What was found in either of two explorations."""
        of_kind("the other", other, LockOrder, "the lock order of another exploration")
        locks = tuple(dict.fromkeys((*self.locks, *other.locks)))
        return LockOrder(locks, tuple(sorted({*self.edges, *other.edges})), self.finished and other.finished)

    def rings(self, *, tries: bool = False) -> list[tuple[str, ...]]:
        """Sets of locks each of which is waited for while another is held; tries: or only tried."""
        tries = truth("tries", tries)
        waits = {(edge.held, edge.wanted) for edge in self.edges if tries or not edge.trying}
        ahead = [[i for i, lock in enumerate(self.locks) if (held, lock) in waits] for held in self.locks]
        found = [sorted(members) for members in strong_components(ahead)]
        return [
            tuple(self.locks[i] for i in members)
            for members in found
            if len(members) > 1 or members[0] in ahead[members[0]]
        ]

    def ring_lines(self) -> list[str]:
        """What there is to say about rings."""
        waited = self.rings()
        lines = [f"ring: {', '.join(ring)}" for ring in waited] or ["no ring of locks that are waited for"]
        tried = [ring for ring in self.rings(tries=True) if ring not in waited and len(ring) > 1]
        return lines + [f"a ring but for trying: {', '.join(ring)}" for ring in tried]

    def __str__(self) -> str:
        lines = [str(edge) for edge in self.edges] or ["no lock is asked for while another is held"]
        lines += self.ring_lines()
        return "\n".join(lines if self.finished else [*lines, "not every state was looked at: there may be more"])


def lock_order(result: Result) -> LockOrder:
    """Every lock that was asked for while another was held, in any state that an exploration found.

    Page locks count as one lock, "page lock": a driver takes them on whatever page it meets.
    """
    of_kind("an exploration", result, Result, "what bl.explore(...) returned")
    table = result.graph.table
    locks: dict[str, None] = {}
    edges: set[LockEdge] = set()
    for row in table.rows:
        wanted, trying = _wanted(table, row)
        if not wanted:
            continue
        locks[wanted] = None
        local = table.local(row.thread, row.local)
        routine = local.calls[-1] if local.calls else ""
        for held in _held(result, row):
            locks[held] = None
            edges.add(LockEdge(held, wanted, table.names[row.thread], routine, trying))
    result.graph.forget_columns()
    return LockOrder(tuple(locks), tuple(sorted(edges)), not result.why)


def _wanted(table: Table, row: Row) -> tuple[str, bool]:
    """The lock that a row asks for, "" if none, and whether it only tries."""
    pending = table.local(row.thread, row.local).pending
    if pending is None:
        return "", False
    name = pending.verb.name
    if name in _TAKES_PAGE:
        return PAGE_LOCK, name.startswith("try")
    ref = next((arg for arg in pending.args if type(arg) is Ref and arg.kind == "lock"), None)
    return (ref.name, name == "mutex_trylock") if ref is not None and name in _TAKES else ("", False)


def _held(result: Result, row: Row) -> set[str]:
    """The locks that a row's thread holds in at least one state where it stands at this row."""
    graph, table = result.graph, result.graph.table
    at = np.flatnonzero(graph.column(row.thread) == row.local)
    for register, number in zip(row.registers, row.before, strict=True):
        if len(at):
            at = at[graph.column(table.field_of(register))[at] == number]
    held = set()
    for register in table.registers.named(("locks", "page locks")):
        numbers = np.unique(graph.column(table.field_of(register))[at])
        if any(row.thread in holders(table, register, number) for number in numbers.tolist()):
            page = table.registers.names[register] == "page locks"
            held.add(PAGE_LOCK if page else table.registers.title(register))
    return held


def holders(table: Table, register: int, number: int) -> list[int]:
    """The threads that hold a lock, or locks of pages (each as often as it holds one), at a value of its register."""
    value = table.registers.values[register][number]
    return [holder for _, holder in value] if isinstance(value, tuple) else [value]
