"""The shared state of a machine, cut into registers: pieces that are read, set and compared one by one.

A primitive depends on few of them (it says on which: primitives/verb.py). So what it does is learned once for each
combination of their values, by doing it on a scratch world that is set to these values, and never computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Primitive
from balloonlab.kernel.primitives.verb import TOUCHED
from balloonlab.kernel.timeline import Wait
from balloonlab.kernel.world import KernelBugError, Ref, World

_OF_KIND = {"lock": "lock", "compact control": "scanners", "value": "value", "tally": "value"}
_MANY = {"locks": "lock", "scanners": "scanners", "all sleeps": "sleep"}
_GROUPS = frozenset(("locks", *TOUCHED))  # names that are nobody's to give
MOST_PAGES = 4096  # of a guest that can be explored; more would only cost time


class Register(NamedTuple):
    """A piece of shared state: its name, how to read it as a comparable value, how to set it (both unjournaled)."""

    name: str
    get: Callable[[], Hashable]
    set: Callable[[Any], None]


class Effect(NamedTuple):
    """What a primitive does to its registers.

    blocked: why it cannot happen (then the rest is void). result: what it returns. after: values of its registers.
    bug: what it ran into.
    """

    blocked: Wait | None
    result: object
    after: tuple[int, ...]
    bug: KernelBugError | None


class Registers:
    """The registers of a machine, whose world becomes the scratch world; values are interned to numbers from 0."""

    def __init__(self, machine: Machine) -> None:
        world = machine.world
        if world.frames.pages > MOST_PAGES:
            raise BadValueError(
                f"a guest of {world.frames.pages:,} pages is too large to explore; legal: up to {MOST_PAGES:,}. "
                "Interleavings show on a handful of pages: use a scenario."
            )
        self.machine, self.world = machine, world
        machine.journal.recording = False
        self.all = [*_shared(world), *_controls(world), *_locks(world), *_sleeps(machine), *_values(world)]
        self.names = [register.name for register in self.all]
        self._index = {name: i for i, name in enumerate(self.names)}
        self.tallies = {self._index[f"value {slot}"] for slot in world.tallies}
        self._numbers: list[dict[Hashable, int]] = []
        self.values: list[list[Any]] = []
        for register in self.all:
            value = register.get()
            self._numbers.append({value: 0})
            self.values.append([value])
        self._now = [0] * len(self.all)
        self._deps: dict[tuple[Hashable, int], tuple[int, ...]] = {}
        self._effects: dict[tuple[Hashable, int, tuple[int, ...]], Effect] = {}
        self.read_tallies: set[int] = set()

    def __len__(self) -> int:
        return len(self.all)

    def named(self, names: Iterable[str]) -> tuple[int, ...]:
        """Numbers of registers by names as a Property gives them: of TOUCHED, of locks, of numbers; () is all.

        Names of threads are no registers', and passed over.
        """
        wanted = list(names)
        if not wanted:
            return tuple(range(len(self.all)))
        found: set[int] = set()
        for name in wanted:
            if name in _GROUPS or (name != "threads" and name not in self.machine.names):
                found |= set(self._found(name))
        return tuple(sorted(found))

    def _built_in(self, name: str) -> list[int]:
        """The registers behind a name of TOUCHED, or "locks"; never those that somebody has named so."""
        if name == "tallies":
            return sorted(self.tallies)
        if name in _MANY:
            return [i for i, known in enumerate(self.names) if known.startswith(f"{_MANY[name]} ")]
        return [self._index[name]] if name in self._index else []

    def _found(self, name: str) -> list[int]:
        world = self.world
        if name in _GROUPS:
            return self._built_in(name)
        key = ""
        if name in world.lock_names:
            key = f"lock {world.lock_names.index(name)}"
        elif name in world.values:
            key = f"value {world.values.names.index(name)}"
        if key not in self._index:
            raise BadValueError(f"no shared state is called {name!r}; there is {', '.join(self.called())}.")
        return [self._index[key]]

    def called(self) -> list[str]:
        """What people call the registers, one name each."""
        return [self.title(i) for i in range(len(self.all))]

    def title(self, register: int) -> str:
        """What people call a register."""
        kind, _, number = self.names[register].rpartition(" ")
        if kind == "lock":
            return self.world.lock_names[int(number)]
        if kind == "value":
            return self.world.values.names[int(number)]
        if kind == "sleep":
            return f"{self.machine.names[int(number)]} asleep"
        return self.names[register]

    def number(self, register: int, value: Hashable) -> int:
        """The number of a value of a register, made if it is new."""
        known = self._numbers[register]
        number = known.get(value)
        if number is None:
            number = known[value] = len(known)
            self.values[register].append(value)
        return number

    def put(self, register: int, number: int) -> None:
        """Set the scratch world's register to the value of that number."""
        if self._now[register] != number:
            self.all[register].set(self.values[register][number])
            self._now[register] = number

    def deps(self, primitive: Primitive, thread: int) -> tuple[int, ...]:
        """The registers that a primitive of a thread reads or writes; tallies only if somebody reads them."""
        key = (_key(primitive), thread)
        deps = self._deps.get(key)
        if deps is None:
            deps = self._deps[key] = self._touched(primitive, thread)
        return deps

    def forget_deps(self) -> None:
        """Ask again what each primitive depends on: another tally is read by now."""
        self._deps.clear()
        self._effects.clear()
        for tally in self.tallies:
            self._now[tally] = -1  # nobody kept account of it

    def _touched(self, primitive: Primitive, thread: int) -> tuple[int, ...]:
        touches = primitive.verb.touches
        found: set[int] = set()
        for name in touches:
            if name == "own sleep":
                found.add(self._index[f"sleep {thread}"])
            elif name == "interrupts":
                found |= {
                    self._index[f"value {slot}"] for owner, slot in self.world.irqs_off.items() if owner == thread
                }
            elif name not in ("counter", "scanners"):
                found |= set(self._built_in(name))
        for arg in primitive.args:
            if type(arg) is Ref and arg.kind in _OF_KIND:
                found |= {i for i in [self._index.get(f"{_OF_KIND[arg.kind]} {arg.number}")] if i is not None}
        if (handler := self.machine.threads[thread].held_up_by) is not None:
            found.add(self._index[f"value {handler.number}"])
        if "counter" not in touches:
            self.read_tallies |= found & self.tallies
        return tuple(sorted(found - (self.tallies - self.read_tallies)))

    def effect(self, primitive: Primitive, thread: int, before: tuple[int, ...]) -> Effect:
        """What the primitive does where its registers (`deps`) have the values `before`; learned the first time."""
        key = (_key(primitive), thread, before)
        effect = self._effects.get(key)
        if effect is None:
            effect = self._effects[key] = self._perform(primitive, thread, before)
        return effect

    def _perform(self, primitive: Primitive, thread: int, before: tuple[int, ...]) -> Effect:
        deps = self.deps(primitive, thread)
        for register, number in zip(deps, before, strict=True):
            self.put(register, number)
        machine = self.machine
        subject = machine.threads[thread]
        subject.pending = primitive
        wait = machine.wait_of(subject)
        if wait.status != "runnable":
            return Effect(wait, None, before, None)
        journal, result, bug = machine.journal, None, None
        journal.truncate(0)
        journal.recording = True  # as on a machine that can be stepped back: it refuses what does not fit its arrays
        try:
            result = primitive.verb.effect(self.world, thread, *primitive.args)
        except KernelBugError as found:
            bug = found
        except Exception as error:  # noqa: BLE001  (arguments of a learner's primitive may be anything)
            bug = KernelBugError("exception", f"{primitive}: {type(error).__name__}: {error}")
            journal.undo(0, len(journal))
        journal.recording = False
        journal.truncate(0)
        after = []
        for register in deps:
            number = self._now[register] = self.number(register, self.all[register].get())
            after.append(number)
        return Effect(None, result, tuple(after), bug)


def _key(primitive: Primitive) -> Hashable:
    """The primitive itself; in words if a learner gave it an argument that cannot be looked up, such as a list."""
    try:
        hash(primitive)
    except TypeError:
        return repr(primitive)
    return primitive


def _shared(world: World) -> list[Register]:
    frames, host = world.frames, world.host
    free = [slot for buddy in world.buddies for slot in buddy.slots]
    numbers = frames.values.numbers
    nodes = frames.pages + len(frames.links.heads)
    arrays: list[NDArray[Any]] = [frames.states, frames.orders, frames.block_types]
    arrays += [frames.links.next_array[:nodes], frames.links.prev_array[:nodes]]

    def get_lists() -> Hashable:
        return *(array.tobytes() for array in arrays), tuple([numbers[slot] for slot in free])

    def set_lists(value: tuple[Any, ...]) -> None:
        for array, saved in zip(arrays, value, strict=False):
            array[:] = np.frombuffer(saved, array.dtype)
        for slot, number in zip(free, value[-1], strict=True):
            numbers[slot] = number

    def set_pfns(value: tuple[int, ...]) -> None:
        world.slots[:] = value

    return [
        Register("lists", get_lists, set_lists),
        _table("references", world.refcounts),
        _table("marks", world.page_flags),
        _table("page locks", world.page_locks),
        Register("pfns", lambda: tuple(world.slots), set_pfns),
        Register("messages", host.messages.under_way, host.messages.go_on_from),
        Register("beliefs", host.beliefs, host.believe_again),
    ]


def _table(name: str, table: dict[int, int]) -> Register:
    def put(items: tuple[tuple[int, int], ...]) -> None:
        table.clear()
        table.update(items)

    return Register(name, lambda: tuple(sorted(table.items())), put)


def _controls(world: World) -> list[Register]:
    numbers = world.values.numbers
    made = []
    for i, control in enumerate(world.controls):
        slots = tuple(control.slots.values())

        def get(slots: tuple[int, ...] = slots) -> Hashable:
            return tuple([numbers[slot] for slot in slots])

        def put(value: tuple[int, ...], slots: tuple[int, ...] = slots) -> None:
            for slot, number in zip(slots, value, strict=True):
                numbers[slot] = number

        made.append(Register(f"scanners {i}", get, put))
    return made


def _cells(name: str, row: list[int], cells: Iterable[int]) -> list[Register]:
    def cell(i: int) -> Register:
        return Register(f"{name} {i}", lambda: row[i], lambda value: row.__setitem__(i, value))

    return [cell(i) for i in cells]


def _locks(world: World) -> list[Register]:
    return _cells("lock", world.lock_holders, range(len(world.lock_holders)))


def _sleeps(machine: Machine) -> list[Register]:
    return _cells("sleep", machine.world.sleeping, range(len(machine.world.sleeping)))


def _values(world: World) -> list[Register]:
    """Every number that is no part of another register."""
    taken = {slot for buddy in world.buddies for slot in buddy.slots} | set(world.host.slots)
    taken |= {slot for control in world.controls for slot in control.slots.values()}
    return _cells("value", world.values.numbers, [i for i in range(len(world.values.names)) if i not in taken])
