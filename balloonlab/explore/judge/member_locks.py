"""Which member of struct virtio_balloon is touched by whom, holding which locks, in every interleaving.

The text's comments say which lock belongs to which member (kernel/members.py); this says what the code does. A member
that several threads touch, one of them writing, is protected by a lock that all of them hold: where there is none,
nobody protects it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.lock_order import holders
from balloonlab.explore.judge.result import Result
from balloonlab.foundations.errors import of_kind, pick
from balloonlab.foundations.words import counted
from balloonlab.kernel.members import HERE, LOCK, OWN, Touch, kept_with, list_of, touched
from balloonlab.kernel.primitives import Primitive
from balloonlab.kernel.world import Ref

_GUARDED_BY_THEMSELVES = (LOCK, OWN)


@dataclass(frozen=True, order=True)
class MemberUse:
    """A thread that touches a member in a routine, holding these locks. steps: in how many steps of the graph."""

    member: str
    thread: str
    routine: str
    writes: bool
    held: tuple[str, ...]
    steps: int

    def __str__(self) -> str:
        does = "writes" if self.writes else "reads"
        return f"{self.thread} {does} it in {self.routine}: {', '.join(self.held) or 'no lock held'}"


@dataclass(frozen=True)
class MemberLocks:
    """Every use of every member, sorted.

    guards: what the text's comments say, by member, in the structure's order; locks, and what guards itself, are not in
    it. Page locks do not count: each guards one page. finished: whether every state was looked at.
    """

    guards: Mapping[str, str]
    uses: tuple[MemberUse, ...]
    finished: bool

    def of(self, member: str) -> tuple[MemberUse, ...]:
        """The uses of one member; raises UnknownNameError that lists them."""
        pick("member", member, list(self.guards))
        return tuple(use for use in self.uses if use.member == member)

    def always(self, member: str) -> tuple[str, ...]:
        """The locks that are held whenever this member is touched, sorted; () where it never is."""
        first, *others = [set(use.held) for use in self.of(member)] or [set()]
        return tuple(sorted(first.intersection(*others)))

    @property
    def unprotected(self) -> tuple[str, ...]:
        """Members that nobody protects: several threads touch them, one of them writes, and they share no lock.

        That they cannot meet for another reason (one waits until the other has ended) is not looked at.
        """
        return tuple(member for member in self.guards if self._shared(member) and not self.always(member))

    @property
    def against_comments(self) -> tuple[MemberUse, ...]:
        """Uses that do not keep to what the comments say of the member."""
        return tuple(use for use in self.uses if kept_with(self.guards[use.member], use.held, use.thread) is False)

    def _shared(self, member: str) -> bool:
        uses = self.of(member)
        return len({use.thread for use in uses}) > 1 and any(use.writes for use in uses)

    def __str__(self) -> str:
        lines = [self._line(member, guard) for member, guard in self.guards.items()]
        return "\n".join(lines if self.finished else [*lines, "not every state was looked at: there may be more"])

    def _line(self, member: str, guard: str) -> str:
        uses = self.of(member)
        if not uses:
            return f"{member} ({guard}): not touched"
        threads = list(dict.fromkeys(use.thread for use in uses))
        common = "no lock in common" if len(threads) > 1 else "no lock always"
        always = f"always {', '.join(self.always(member))}" if self.always(member) else common
        against = sum(use.steps for use in self.against_comments if use.member == member)
        steps = counted(sum(use.steps for use in uses), "step")
        broken = f"; not as the comment says in {against:,} of {steps}" if against else ""
        return f"{member} ({guard}): {', '.join(threads)}; {always}{broken}"


def member_locks(result: Result) -> MemberLocks:
    """Every access to a member of the driver's structure (a program: to a number of it) that an exploration found."""
    of_kind("an exploration", result, Result, "what bl.explore(...) returned")
    table = result.graph.table
    members = {member.obj: member for member in table.machine.world.members if member.obj}
    members = {obj: member for obj, member in members.items() if member.guard not in _GUARDED_BY_THEMSELVES}
    found: Counter[tuple[str, str, str, bool, tuple[str, ...]]] = Counter()
    for thread, name in enumerate(table.names):
        held, sets = _held(result, thread)
        for routine, touch, at in _touches(result, thread):
            if touch.obj in members:
                numbers, steps = np.unique(held[at], return_counts=True)
                for number, times in zip(numbers.tolist(), steps.tolist(), strict=True):
                    found[members[touch.obj].name, name, routine, touch.writes, sets(number)] += times
    result.graph.forget_columns()
    uses = tuple(sorted(MemberUse(*use, steps) for use, steps in found.items()))
    return MemberLocks({member.name: member.guard for member in members.values()}, uses, not result.why)


def _touches(result: Result, thread: int) -> Iterator[tuple[str, Touch, NDArray[np.int64]]]:
    """What a thread touches: in which routine, and the states from which such a step leads."""
    graph, table = result.graph, result.graph.table
    stands = graph.column(thread)[: graph.expanded]
    goes = graph.following[:, thread] >= 0
    for number, local in enumerate(table.automata[thread].states):
        if local.pending is None:
            continue
        verb = local.pending.verb.name
        at = np.flatnonzero((stands == number) & goes)
        routine = local.calls[-1] if local.calls else ""
        for touch in touched(verb, _given(local.pending)):
            yield routine, touch, at
        if verb == HERE:
            yield from ((routine, Touch(name, writes=True), some) for name, some in _lists(result, local.pending, at))


def _given(primitive: Primitive) -> str:
    """The name of the first object that a primitive is given."""
    return next((arg.name for arg in primitive.args if type(arg) is Ref), "")


def _lists(result: Result, primitive: Primitive, at: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The states in which the page of list_del is on a list, by the list's name."""
    graph, table = result.graph, result.graph.table
    (register,) = table.registers.named(("lists",))
    numbers = graph.column(table.field_of(register))[at]
    for number in np.unique(numbers).tolist():
        table.registers.put(register, number)
        yield list_of(table.machine.world, primitive.args[0]), at[numbers == number]


def _held(result: Result, thread: int) -> tuple[NDArray[np.uint64], Callable[[int], tuple[str, ...]]]:
    """uint64[states]: the locks that a thread holds, as bits; and the names of the locks of such a number."""
    graph, table = result.graph, result.graph.table
    held = np.zeros(graph.states, np.uint64)
    registers = table.registers.named(("locks",))
    for bit, register in enumerate(registers):
        numbers = range(len(table.registers.values[register]))
        mine = np.array([thread in holders(table, register, number) for number in numbers])
        held |= mine[graph.column(table.field_of(register))].astype(np.uint64) << np.uint64(bit)

    def names(bits: int) -> tuple[str, ...]:
        return tuple(sorted(table.registers.title(each) for bit, each in enumerate(registers) if bits >> bit & 1))

    return held, names
