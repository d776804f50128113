"""Units of time: which step ends a statement, a call, a page, a message or a round. The twin of static/levels.js.

The browser moves by them in what was recorded; past its end a step of a chosen unit is made here.
"""

from __future__ import annotations

from collections.abc import Callable

from balloonlab.foundations.journal import Kind
from balloonlab.guest.shortfall import COMPACTOR
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.timeline import OUTSIDE
from balloonlab.memory.zone import PageState

UNITS = ["statement", "call", "page", "message", "round"]
_STATEMENT, _CALL, _PAGE, _MESSAGE, _ROUND = range(len(UNITS))
_PASSING = frozenset(  # states on the way to another
    map(int, (PageState.IN_TRANSIT, PageState.ISOLATED, PageState.ISOLATED_MOVABLE, PageState.CAPTURED))
)


def unit_ended(machine: Machine) -> int:
    """The number, in UNITS, of the longest unit that ends with the step before the machine's position."""
    line, journal = machine.timeline, machine.journal
    row = machine.position - line.first - 1
    thread, verb = line.thread[row], line.verbs[line.verb[row]]
    if thread == OUTSIDE or verb == "end_batch":
        return _ROUND
    if verb == "virtqueue_get_buf" and line.result[row] == 1 and machine.names[thread] != COMPACTOR:
        return _ROUND  # the compactor's round is a batch
    changes = range(line.journal_at(machine.position - 1), line.journal_at(machine.position))
    kinds = [journal.kinds[i] for i in changes]
    if Kind.MESSAGE in kinds:
        return _MESSAGE
    if any(kind == Kind.STATE and journal.new[i] not in _PASSING for i, kind in zip(changes, kinds, strict=True)):
        return _PAGE
    moved = (i for i, kind in zip(changes, kinds, strict=True) if kind == Kind.THREAD_AT)
    return _CALL if any(_leaves(machine, journal.old[i], journal.new[i]) for i in moved) else _STATEMENT


def to_end_of(unit: int, machine: Machine, due: Callable[[], bool]) -> bool:
    """Let whoever can go on, until such a unit has ended or nobody can; False if `due` was true before.

    It is asked after each step. With the machine's lock held. Time passes only where nobody can go on without.
    """
    while machine.position > machine.timeline.first and unit_ended(machine) < unit and not machine.bugs:
        if not machine.run(1, time_passes=False).steps and not machine.run(1).steps:
            break
        if due():
            return False
    return True


def _leaves(machine: Machine, before: int, after: int) -> bool:
    """Whether going from one location to another leaves or enters a function."""
    stacks = (machine.timeline.locations[number] for number in (before, after))
    one, other = ([function for function, _ in stack] for stack in stacks)
    return one != other
