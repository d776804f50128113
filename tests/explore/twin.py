"""The slow, obvious twin of an exploration: it replays schedules on a machine, and knows nothing of tables.

A state is everything in the world that can matter (no tallies, no collected messages) and where each thread stands.
"""

from __future__ import annotations

import copy
import gc
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import takewhile
from types import FunctionType, GeneratorType
from typing import Any, NamedTuple

from balloonlab.explore.learn.subject import Explorable, Subject
from balloonlab.host.host import MessageStatus
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Primitive
from balloonlab.kernel.thread import Thread
from balloonlab.kernel.world import Ref

NOWHERE = -1
FROM_WAYS = ("doom", "starvation")  # kinds that follow from ways between states: no single state shows them


class Twin(NamedTuple):
    """following: for each state in the order they were found the states that each thread's step leads to. nearest:
    kind of finding (and of an invariant its name) to the steps after which it first shows. schedules: to each state.
    """

    following: list[list[int]]
    parent: list[int]
    nearest: dict[str, int]
    schedules: list[tuple[str, ...]]

    @property
    def transitions(self) -> int:
        return sum(there != NOWHERE for row in self.following for there in row)


def explored_by_hand(scenario: Explorable, tallies: Sequence[str] = ()) -> Twin:
    """Breadth first, one replay a state. tallies: names of those that somebody reads."""
    subject = scenario.subject()
    machine = subject.machine
    start = machine.position
    known = {identity(machine, {}, "", tallies): 0}
    twin = Twin([], [NOWHERE], {}, [()])
    waiting = deque(twin.schedules)
    while waiting:
        schedule = waiting.popleft()
        taken = machine.schedule.choices[start:]
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(schedule, taken, strict=False)))
        machine.seek(start + common)
        for name in schedule[common:]:
            machine.step(name)
        for kind in wrong(subject):
            twin.nearest.setdefault(kind, len(schedule))
        row = [NOWHERE] * len(machine.threads)
        for name in [] if machine.bugs else allowed(subject, schedule):
            thread = machine.thread(name)
            before = place(thread)
            machine.step(name)
            ended = {thread.index: (before, repr(thread.results[-1]))} if thread.crash else {}
            state = identity(machine, ended, on_cpu(subject, (*schedule, name)), tallies)
            if state not in known:
                known[state] = len(known)
                twin.parent.append(len(twin.following))
                twin.schedules.append((*schedule, name))
                waiting.append((*schedule, name))
            row[thread.index] = known[state]
            machine.step_back()
        twin.following.append(row)
    return twin


# -- who may step --


def on_cpu(subject: Subject, schedule: tuple[str, ...]) -> str:
    """The thread that has the shared CPU; "" for none."""
    return next((name for name in reversed(schedule) if name in subject.cpu), "")


def allowed(subject: Subject, schedule: tuple[str, ...]) -> list[str]:
    able = subject.machine.runnable()
    running = on_cpu(subject, schedule)
    if running in able and running not in subject.machine.naps():
        return [name for name in able if name == running or name not in subject.cpu]
    return list(able)


# -- what a state is --


def identity(machine: Machine, ended: dict[int, object], cpu: str, tallies: Sequence[str]) -> tuple[object, ...]:
    world = machine.world
    frames, host, names = world.frames, world.host, world.values.names
    dropped = {slot for slot in world.tallies if names[slot] not in tallies}
    log = host.messages
    return (
        *(array.tobytes() for array in (frames.states, frames.orders, frames.block_types)),
        *(array.tobytes() for array in (frames.links.next_array, frames.links.prev_array)),
        tuple(number for slot, number in enumerate(world.values.numbers) if slot not in dropped),
        tuple(world.lock_holders),
        *(tuple(sorted(table.items())) for table in (world.page_locks, world.refcounts, world.page_flags)),
        tuple(world.slots),
        tuple(world.sleeping),
        host.believed.tobytes(),
        host.memory_given_back,
        tuple(
            (m.queue, tuple(m.pfns), s) for m, s in zip(log, log.status, strict=True) if s != MessageStatus.COLLECTED
        ),
        tuple((place(thread), ended.get(thread.index)) for thread in machine.threads),
        cpu,
    )


def place(thread: Thread) -> object:
    """Where a thread stands, as text: of each routine the instruction, the locals, what its loops have left."""
    if thread.pending is None:
        return ("ended", repr(thread.crash))
    return standing(thread.generator)


def standing(routine: object) -> list[object] | tuple[object, ...]:
    levels: list[object] = []
    while isinstance(routine, GeneratorType):
        frame = routine.gi_frame
        values = sorted((name, repr(shown(value))) for name, value in frame.f_locals.items())
        loops = [
            shown(x) for x in gc.get_referents(routine) if hasattr(x, "__next__") and x is not routine.gi_yieldfrom
        ]
        levels.append((routine.gi_code.co_qualname, frame.f_lasti, repr(values), repr(loops)))
        routine = routine.gi_yieldfrom
    return (*levels, repr(shown(routine)))  # it may yield from an iterator that is no generator


def shown(x: Any) -> object:  # noqa: ANN401, PLR0911
    """A value as text that tells it from others; what belongs to the machine by its class only."""
    if isinstance(x, GeneratorType):
        return standing(x)
    if hasattr(x, "__next__"):
        return type(x).__name__, [shown(each) for each in copy.deepcopy(x)]
    if isinstance(x, Ref | Primitive):
        return repr(x)
    if isinstance(x, (list, tuple, set, frozenset)):
        return type(x).__name__, [shown(each) for each in x]
    if isinstance(x, dict):
        return [(shown(k), shown(v)) for k, v in x.items()]
    if isinstance(x, FunctionType):
        return x.__qualname__, [shown(cell.cell_contents) for cell in x.__closure__ or ()]
    if type(x).__repr__ is object.__repr__ or type(x).__module__.startswith("balloonlab.drivers"):
        return type(x).__name__
    return repr(x)


# -- what is wrong --


def wrong(subject: Subject) -> Iterator[str]:
    """The kinds of everything that is wrong where the subject's machine stands."""
    machine = subject.machine
    threads = machine.threads
    if machine.bugs:
        yield machine.bugs[-1].kind
    waits = machine.blocked()
    resting = [rests(thread) for thread in threads]
    if not machine.bugs:
        yield from rings({name: wait.holder for name, wait in waits.items()})
    for holder in (*machine.world.lock_holders, *machine.world.page_locks.values()):
        if holder >= 0 and resting[holder]:
            yield "lock held by a finished call"
    still = not machine.runnable() and not machine.bugs
    if still and not all(resting):
        yield "deadlock"
    for each in subject.properties:
        due = {"always": True, "between rounds": all(resting), "at rest": still and all(resting)}[each.when]
        if due:
            try:
                each.check()
            except AssertionError:
                yield f"{each.kind} {each.name}"


def rings(ahead: dict[str, str]) -> Iterator[str]:
    for name, holder in ahead.items():
        steps, on = 1, holder
        while on and on != name and steps <= len(ahead):
            steps, on = steps + 1, ahead.get(on, "")
        if on == name:
            yield "waits for itself" if steps == 1 else "wait cycle"


def rests(thread: Thread) -> bool:
    if thread.pending is None:
        return thread.crash is None
    waits_in_main = thread.pending.verb.name == "schedule" and len(thread.calls) == thread.rests_in_wait + 1
    return thread.pending.verb.rests or (thread.rests_in_wait > 0 and waits_in_main)
