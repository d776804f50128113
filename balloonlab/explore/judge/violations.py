"""What is wrong in the states of a graph, each thing with the first state that shows it.

Built in, for every program: bugs that a primitive runs into, a thread that waits for itself, threads that wait for each
other in a ring, a lock held by a finished call, nobody able to step while somebody has work to do. A subject's
properties come beside them, each evaluated once for every combination of the values it reads. What needs the ways
between states (doom, starvation) is liveness.py's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.liveness import endless
from balloonlab.explore.learn.automaton import LocalState
from balloonlab.explore.learn.keytable import KeyTable
from balloonlab.explore.learn.layout import split
from balloonlab.explore.learn.subject import Property
from balloonlab.explore.learn.table import Row, Table
from balloonlab.explore.search.graph import Flags, Graph

MOST_FOUND = 100  # different findings that are kept
MOST_KINDS = 255  # kinds of findings that are told apart
NOBODY = -1


class Found(NamedTuple):
    """One thing found: its kind, a sentence, the number of the first state that shows it."""

    kind: str
    text: str
    state: int


class Inspection(NamedTuple):
    """What is wrong, nearest first, one of each sort; and where.

    wrong: uint8[states], what is wrong in each state: 0 nothing, else 1 + the number of a kind in `kinds` (where
    several things are, the one that is looked for first). unseen: the properties that were never looked at, since no
    state is of their moment.
    """

    found: list[Found]
    wrong: NDArray[np.uint8]
    kinds: tuple[str, ...]
    unseen: tuple[Property, ...]


_NUMBERS = re.compile(r"[\d,]|(?<=[a-z])e?s?\b")  # what differs between "1 page" and "2 pages"
Sorted = Iterator[tuple[object, Found, NDArray[np.intp]]]  # what makes two the same, the finding, all its states


def inspect_graph(graph: Graph, *, finished: bool) -> Inspection:
    """Everything that is wrong in the graph's states; what goes on for ever only if the graph is whole."""
    table = graph.table
    seen: dict[object, Found] = {}
    wrong = np.zeros(graph.states, np.uint8)
    kinds: dict[str, int] = {}
    running = _running(graph)
    properties = table.subject.properties
    moments = {when: _moments(graph, when, running) for when in dict.fromkeys(each.when for each in properties)}

    def note(same: object, found: Found, states: NDArray[np.intp]) -> None:
        if same not in seen or found.state < seen[same].state:
            seen[same] = found
        number = kinds.setdefault(found.kind, min(len(kinds) + 1, MOST_KINDS))
        wrong[states[wrong[states] == 0]] = number

    for find in (_bugs(graph), _rings(graph), _held(graph), _stopped(graph, running), _violations(graph, moments)):
        for same, found, states in find:
            note(same, found, states)
    if finished:
        for kind, text, flags in list(endless(graph, wrong > 0)):
            states = np.flatnonzero(flags)
            note((kind, text), Found(kind, text, int(states[0])), states)
    graph.forget_columns()
    table.stand(table.initial())
    nearest = sorted(seen.values(), key=lambda each: each.state)[:MOST_FOUND]
    unseen = tuple(each for each in properties if not len(moments[each.when]))
    return Inspection(nearest, wrong, tuple(kinds)[:MOST_KINDS], unseen)


def _running(graph: Graph) -> Flags:
    """Which of the expanded states have a step; those where a bug stopped the guest count as running."""
    running = np.asarray((graph.following >= 0).any(axis=1), np.bool_)
    running[graph.halted[graph.halted < graph.expanded]] = True
    return running


def _bugs(graph: Graph) -> Sorted:
    table = graph.table
    for state in graph.halted.tolist():
        for thread in range(table.threads):
            local = table.local(thread, int(graph.column(thread)[state]))
            if local.crash is not None:
                text = f"{table.names[thread]}{_where(local)}: {local.crash}"
                found = Found(local.crash.kind, text, state)
                yield ("bug", thread, local.crash.kind, local.code, local.line), found, np.array([state])


# -- waiting --


def _holders(graph: Graph) -> NDArray[np.int8]:
    """int8[states, threads]: the thread that each thread waits for, -1 if it can step or waits for nobody's lock."""
    table = graph.table
    places: dict[tuple[int, int, tuple[int, ...]], list[Row]] = defaultdict(list)
    for row in table.rows:
        if row.holder >= 0:
            places[row.thread, row.local, row.registers].append(row)
    holders = np.full((graph.states, table.threads), NOBODY, np.int8)
    for (thread, local, registers), rows in places.items():
        at = np.flatnonzero(graph.column(thread) == local)
        columns = [graph.column(table.field_of(r))[at] for r in registers]
        for row in rows:
            same = np.ones(len(at), np.bool_)
            for column, number in zip(columns, row.before, strict=True):
                same &= column == number
            holders[at[same], thread] = row.holder
    holders[graph.halted] = NOBODY
    return holders


def _rings(graph: Graph) -> Sorted:
    """Threads that wait for each other in a ring, or for themselves."""
    holders = _holders(graph)
    table = graph.table
    waiting = np.flatnonzero((holders >= 0).any(axis=1))
    holders = holders[waiting].astype(np.intp)
    itself = np.arange(table.threads)
    ahead, alone = holders, (holders == itself).any(axis=1)
    ring = np.zeros(len(waiting), np.bool_)
    for _ in range(table.threads - 1):
        ahead = np.where(ahead >= 0, np.take_along_axis(holders, np.maximum(ahead, 0), axis=1), NOBODY)
        ring |= ((ahead == itself) & (holders != itself)).any(axis=1)
    seen: set[object] = set()
    for at in np.flatnonzero(alone | ring).tolist():
        state = int(waiting[at])
        for members in _cycles(holders[at].tolist()):
            same = ("ring", *((t, int(graph.column(t)[state])) for t in members))
            if same not in seen:
                seen.add(same)
                yield *_ring(graph, members, state), waiting[alone if len(members) == 1 else ring]


def _cycles(holders: list[int]) -> list[list[int]]:
    found = []
    for thread in range(len(holders)):
        members = [thread]
        while (ahead := holders[members[-1]]) >= 0 and ahead not in members:
            members.append(ahead)
        if ahead == thread and min(members) == thread:
            found.append(members)
    return found


def _ring(graph: Graph, members: list[int], state: int) -> tuple[object, Found]:
    table, packed = graph.table, graph.state(state)
    kind = "waits for itself" if len(members) == 1 else "wait cycle"
    text = "; ".join(_waiting(table, thread, packed) for thread in members)
    locals_ = [table.local(t, int(graph.column(t)[state])) for t in members]
    places = tuple((t, local.code, local.line) for t, local in zip(members, locals_, strict=True))
    return (kind, places), Found(kind, text, state)


def _waiting(table: Table, thread: int, packed: int) -> str:
    row = table.rows[table.row_number(thread, packed)]
    local = table.local(thread, row.local)
    why = row.wait.text if row.wait is not None else "may not run"
    return f"{table.names[thread]} in {local.where} {why}"


# -- locks held by who has finished --


def _held(graph: Graph) -> Sorted:
    """Locks whose holder is between two rounds of its work, or has ended."""
    table, registers = graph.table, graph.table.registers
    resting = [graph.resting(thread) for thread in range(table.threads)]
    for register in registers.named(("locks", "page locks")):
        column = graph.column(table.field_of(register))
        for number, value in enumerate(registers.values[register]):
            held = value if isinstance(value, tuple) else ((None, value),)
            for page, holder in held:
                if holder == NOBODY:
                    continue
                at = np.flatnonzero((column == number) & resting[holder])
                if len(at):
                    lock = registers.title(register) if page is None else f"the lock of page {page:#x}"
                    text = f"{table.names[holder]} has done its work and still holds {lock}"
                    yield ("held", holder, lock), Found("lock held by a finished call", text, int(at[0])), at


# -- nobody can step --


def _stopped(graph: Graph, running: Flags) -> Sorted:
    """States where nobody can step, but somebody's work is not done."""
    table = graph.table
    still = np.flatnonzero(~running)
    all_rest = np.ones(len(still), np.bool_)
    for thread in range(table.threads):
        all_rest &= graph.resting(thread)[still]
    seen: set[object] = set()
    stuck_states = still[~all_rest]
    for state in stuck_states.tolist():
        stuck = [t for t in range(table.threads) if not graph.resting(t)[state]]
        places = tuple((t, int(graph.column(t)[state])) for t in stuck)
        if places in seen:
            continue
        seen.add(places)
        packed = graph.state(state)
        text = "; ".join(_waiting(table, thread, packed) for thread in stuck)
        lines = tuple((t, table.local(t, local).line, table.local(t, local).calls) for t, local in places)
        yield ("deadlock", lines), Found("deadlock", text, state), stuck_states


# -- properties --


def _violations(graph: Graph, moments: dict[str, NDArray[np.intp]]) -> Sorted:
    for prop in graph.table.subject.properties:
        yield from _check(graph, prop, moments[prop.when])


def _moments(graph: Graph, when: str, running: Flags) -> NDArray[np.intp]:
    """Numbers of the states in which a property with this `when` must hold."""
    if when == "always":
        return np.arange(graph.states)
    rest = np.ones(graph.states, np.bool_)
    for thread in range(graph.table.threads):
        rest &= graph.resting(thread)
    if when == "at rest":
        rest[: len(running)] &= ~running
        rest[len(running) :] = False
    return np.flatnonzero(rest)


def _check(graph: Graph, prop: Property, states: NDArray[np.intp]) -> Sorted:
    """Evaluate a property once for each combination of the bits it reads."""
    table = graph.table
    registers, threads = table.registers.named(prop.reads), table.threads_in(prop.reads)
    mask = table.mask_of(registers) | table.layout.mask(threads)
    first, which = _first_of_each(graph, mask, states)
    wrong = np.zeros(len(first), np.bool_)
    texts: dict[int, str] = {}
    for i, state in enumerate(first):
        if (text := verdict_on(table, prop, graph.state(state), registers, threads)) is not None:
            wrong[i] = True
            texts[state] = text
    everywhere = states[wrong[which]]
    for state, text in texts.items():
        same = ("property", prop.name, _NUMBERS.sub("", text))
        named = text if text.startswith(f"{prop.name}:") else f"{prop.name}: {text}"
        yield same, Found(prop.kind, named, state), everywhere


def _first_of_each(graph: Graph, mask: int, states: NDArray[np.intp]) -> tuple[list[int], NDArray[np.intp]]:
    """The first of `states` with each combination of the masked bits; and which combination each of `states` has."""
    if isinstance(graph.packed, list):
        first: dict[int, int] = {}
        packed = graph.packed
        which = [first.setdefault(packed[state] & mask, len(first)) for state in states.tolist()]
        numbers = np.array(which, np.intp)
        return states[np.unique(numbers, return_index=True)[1]].tolist(), numbers
    low_mask, high_mask = (np.uint64(word) for word in split(mask))
    low, high = graph.packed
    keys, found, parts = KeyTable(), [], [np.zeros(0, np.intp)]
    for start in range(0, len(states), 1 << 16):
        some = states[start : start + (1 << 16)]
        which_some, new = keys.find_or_add(low[some] & low_mask, high[some] & high_mask)
        found += some[new].tolist()
        parts.append(which_some.astype(np.intp))
    return found, np.concatenate(parts)


def verdict_on(table: Table, prop: Property, packed: int, registers: tuple[int, ...], threads: list[int]) -> str | None:
    """What is wrong with a property in a packed state, or None; registers and threads are those that it reads."""
    table.stand(packed, registers)
    table.stand_threads(packed, threads)
    try:
        prop.check()
    except AssertionError as wrong:
        return str(wrong) or "does not hold"
    return None


def _where(local: LocalState) -> str:
    """Where a thread crashed, unless the bug's own sentence says it."""
    return "" if str(local.crash).startswith("line ") else f" in {local.where}"
