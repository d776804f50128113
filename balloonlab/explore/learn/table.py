"""The guarded-command table of a subject: learned rows "this thread, standing there, with these values, does that".

A row is learned the first time it is needed: the primitive's effect (registers.py) and the thread's way on
(automaton.py). From then on a step is a lookup: mask the packed state, find the row, replace the bits it changes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from balloonlab.explore.learn.automaton import Automaton, LocalState
from balloonlab.explore.learn.layout import LOW, WORD, Overflow, fitting
from balloonlab.explore.learn.registers import Registers
from balloonlab.explore.learn.subject import Subject
from balloonlab.explore.learn.unbounded import MOST_LOCAL, MOST_VALUES, shared_number, too_many
from balloonlab.kernel.timeline import FINISHED, Wait


class TallyReadError(Exception):
    """A tally turned out to be read: it must be part of the state from the beginning."""


class Row(NamedTuple):
    """A step, or why there is none, of one thread.

    thread, local: who, standing where. registers, before: what it depends on. wait: why it cannot step, else None.
    after: values of its registers, following: its next local state. holder: number of the thread it waits for, or -1.
    bug: the step ran into a bug. naps: it lets time pass.
    """

    thread: int
    local: int
    registers: tuple[int, ...]
    before: tuple[int, ...]
    wait: Wait | None
    after: tuple[int, ...]
    following: int
    holder: int = -1
    bug: bool = False
    naps: bool = False


STEP, BUG, NAPS = 1, 2, 4  # what a row is, as bits


class RowColumns:
    """Packed rows as typed arrays, for the vectorized search.

    key and flips: the bits that a row looks at, and those that its step flips, as two words each. reads, writes: the
    registers that it depends on and that its step changes, as bits (two registers may share one). kind: STEP | BUG |
    NAPS. thread: whose row it is.
    """

    def __init__(self) -> None:
        self.key_low, self.key_high = array("Q"), array("Q")
        self.flips_low, self.flips_high = array("Q"), array("Q")
        self.reads, self.writes = array("Q"), array("Q")
        self.kind, self.thread = array("B"), array("q")

    def __len__(self) -> int:
        return len(self.kind)

    def append(self, row: Row, key: int, flips: int) -> None:
        reads = writes = 0
        for register, before, after in zip(row.registers, row.before, row.after, strict=True):
            reads |= 1 << register % WORD
            writes |= (before != after) << register % WORD
        self.key_low.append(key & LOW)
        self.key_high.append(key >> WORD)
        self.flips_low.append(flips & LOW)
        self.flips_high.append(flips >> WORD)
        self.reads.append(reads)
        self.writes.append(writes)
        self.kind.append((row.wait is None) * STEP | row.bug * BUG | row.naps * NAPS)
        self.thread.append(row.thread)


class Table:
    """Rows and the packing of states.

    masks[t][local]: the bits that thread t, standing there, looks at. codes[t]: what it does where these bits are so:
    above 0 the bits that its step flips; 0 for no step; ``-2 - n`` for a step that is row n and needs care: it runs
    into a bug, or flips nothing.

    Fields of a state: the threads' local states, the live registers, and last, if some threads share a CPU, which of
    them has it (0 nobody, else 1 + its number).
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.machine = subject.machine
        self.names = self.machine.names
        self.registers = Registers(self.machine)
        self.automata = [Automaton(thread, self.machine.world) for thread in self.machine.threads]
        self.threads = len(self.automata)
        self.cpu = frozenset(self.names.index(name) for name in subject.cpu)
        self.rows: list[Row] = []
        for prop in subject.properties:
            self.registers.read_tallies |= self.registers.tallies & set(self.registers.named(prop.reads))
        self.restart()

    def restart(self) -> None:
        """Forget the rows, and choose anew which registers are part of a state."""
        registers = self.registers
        for thread, automaton in enumerate(self.automata):
            for local in automaton.states:
                if local.pending is not None:
                    registers.deps(local.pending, thread)  # finds who reads tallies, the very first step included
        registers.forget_deps()
        dropped = registers.tallies - registers.read_tallies
        self.live = [i for i in range(len(registers)) if i not in dropped]
        self._known_tallies = set(registers.read_tallies)
        self._field = {register: self.threads + i for i, register in enumerate(self.live)}
        self.rows.clear()
        self.relayout()

    @property
    def fields(self) -> int:
        return self.threads + len(self.live) + bool(self.cpu)

    def relayout(self) -> None:
        """Make every field wide enough for the numbers known by now, and pack the rows again."""
        counts = [len(automaton) for automaton in self.automata]
        counts += [len(self.registers.values[register]) for register in self.live]
        counts += [self.threads + 1] if self.cpu else []
        self.layout = fitting(counts, self.threads)
        self.masks: list[list[int]] = [[0] * (ones + 1) for ones in self.layout.ones[: self.threads]]
        self.codes: list[dict[int, int]] = [{} for _ in self.automata]
        self._row_numbers: list[dict[int, int]] = [{} for _ in self.automata]
        self._flips: list[int] = []
        self.columns = RowColumns()
        for thread, automaton in enumerate(self.automata):
            for local in range(1, len(automaton)):
                self._see(thread, local)
        for number, row in enumerate(self.rows):
            self._pack(number, row)

    def _see(self, thread: int, local: int) -> None:
        """Note what a thread that stands at `local` looks at."""
        pending = self.automata[thread].states[local].pending
        registers = self.registers.deps(pending, thread) if pending is not None else ()
        if self.registers.read_tallies != self._known_tallies:
            raise TallyReadError
        self.masks[thread][local] = self.layout.mask([thread, *(self._field[r] for r in registers)])

    def initial(self) -> int:
        """The packed state that the subject's machine stood at."""
        return self.layout.pack([1] * self.threads + [0] * (self.fields - self.threads))

    def local(self, thread: int, local: int) -> LocalState:
        return self.automata[thread].states[local]

    def register_numbers(self, state: int, registers: tuple[int, ...]) -> tuple[int, ...]:
        """The numbers that some live registers have in a packed state."""
        layout, field = self.layout, self._field
        return tuple([state >> layout.shifts[field[r]] & layout.ones[field[r]] for r in registers])

    def field_of(self, register: int) -> int:
        """The number of a live register's field."""
        return self._field[register]

    def mask_of(self, registers: tuple[int, ...]) -> int:
        """The bits of some registers in a packed state (those that are live)."""
        return self.layout.mask([self._field[r] for r in registers if r in self._field])

    def stand(self, state: int, registers: tuple[int, ...] | None = None) -> None:
        """Set the scratch world to a packed state: all of it, threads too, or these registers only."""
        wanted = self.live if registers is None else [r for r in registers if r in self._field]
        for register, number in zip(wanted, self.register_numbers(state, tuple(wanted)), strict=True):
            self.registers.put(register, number)
        if registers is None:
            self.stand_threads(state)

    def threads_in(self, reads: Sequence[str]) -> list[int]:
        """Numbers of the threads that a Property looks at, by its `reads`."""
        every = not reads or "threads" in reads
        return [number for number, name in enumerate(self.names) if every or name in reads]

    def stand_threads(self, state: int, threads: Sequence[int] | None = None) -> None:
        """Let the scratch machine's threads, or these of them, stand where they stand in a packed state."""
        layout = self.layout
        for thread in range(self.threads) if threads is None else threads:
            number = state >> layout.shifts[thread] & layout.ones[thread]
            local = self.automata[thread].states[number]
            self.machine.threads[thread].stand(local.pending, local.crash, local.calls)

    def row_number(self, thread: int, state: int) -> int:
        """The number of the row for a thread in a packed state; learns it if need be (see `learn`)."""
        layout = self.layout
        local = state >> layout.shifts[thread] & layout.ones[thread]
        number = self._row_numbers[thread].get(state & self.masks[thread][local])
        return self.learn(thread, state) if number is None else number

    def after(self, state: int, row: int) -> int:
        """The packed state after a row's step."""
        return self.on_cpu(state ^ self._flips[row], self.rows[row].thread)

    def on_cpu(self, state: int, thread: int) -> int:
        """The packed state, with the shared CPU given to the thread if it is one of those that share it."""
        if thread not in self.cpu:
            return state
        return state & ~self.layout.masks[-1] | (thread + 1) << self.layout.shifts[-1]

    def allowed(self, state: int, rows: list[Row]) -> list[bool]:
        """Who may step: whoever can, but on a shared CPU only its thread, unless that waits or lets time pass."""
        able = [row.wait is None for row in rows]
        if self.cpu:
            running = (state >> self.layout.shifts[-1] & self.layout.ones[-1]) - 1
            if running >= 0 and able[running] and not rows[running].naps:
                return [can and (thread == running or thread not in self.cpu) for thread, can in enumerate(able)]
        return able

    def learn(self, thread: int, state: int) -> int:
        """Learn the row for a thread in a packed state, into `rows` and `codes`; returns its number.

        Raises Overflow if something new does not fit the layout (relayout, pack the states again, try again),
        TallyReadError (restart), UnboundedError.
        """
        layout, automaton = self.layout, self.automata[thread]
        local = state >> layout.shifts[thread] & layout.ones[thread]
        here = automaton.states[local]
        if here.pending is None:
            row = Row(thread, local, (), (), FINISHED, (), local)
        else:
            registers = self.registers.deps(here.pending, thread)
            before = self.register_numbers(state, registers)
            row = self._learn_step(thread, local, registers, before)
            self._suspect(row)
        self.rows.append(row)
        self._pack(len(self.rows) - 1, row)
        return len(self.rows) - 1

    def _learn_step(self, thread: int, local: int, registers: tuple[int, ...], before: tuple[int, ...]) -> Row:
        automaton = self.automata[thread]
        here = automaton.states[local]
        assert here.pending is not None
        effect = self.registers.effect(here.pending, thread, before)
        if effect.blocked is not None:
            holder = self.names.index(effect.blocked.holder) if effect.blocked.holder else -1
            return Row(thread, local, registers, before, effect.blocked, before, local, holder)
        if effect.bug is not None:
            following = automaton.crashed(local, effect.bug)
        else:
            following = automaton.advance(local, effect.result)
        there = automaton.states[following]
        return Row(
            *(thread, local, registers, before, None, effect.after, following),
            bug=there.crash is not None,
            naps=here.pending.verb.naps,
        )

    def _pack(self, number: int, row: Row) -> None:
        layout, field = self.layout, self._field
        if row.local > layout.ones[row.thread] or row.following > layout.ones[row.thread]:
            raise Overflow
        if not self.masks[row.thread][row.following]:
            self._see(row.thread, row.following)
        key, after = row.local << layout.shifts[row.thread], row.following << layout.shifts[row.thread]
        for register, old, new in zip(row.registers, row.before, row.after, strict=True):
            at = field[register]
            if old > layout.ones[at] or new > layout.ones[at]:
                raise Overflow
            key |= old << layout.shifts[at]
            after |= new << layout.shifts[at]
        code = key ^ after if key != after and not row.bug else -2 - number
        self.codes[row.thread][key] = 0 if row.wait is not None else code
        self._row_numbers[row.thread][key] = number
        self._flips.append(key ^ after)
        if not layout.wide:
            self.columns.append(row, key, key ^ after)

    def _suspect(self, row: Row) -> None:
        """Raise UnboundedError for too many local states of its thread, or too many values of what it changed."""
        name, here = self.names[row.thread], self.local(row.thread, row.local)
        if len(self.automata[row.thread]) > MOST_LOCAL:
            raise too_many(f"{name} is in more than {MOST_LOCAL:,} different local states, the last in {here.where}")
        for register in row.registers:
            values = len(self.registers.values[register])
            if values > MOST_VALUES and self.registers.names[register].startswith("value "):
                raise shared_number(self.registers.title(register), name, here.code, here.line)
            if values > MOST_LOCAL:
                title = self.registers.title(register)
                raise too_many(f"{title} has taken more than {MOST_LOCAL:,} different values, the last in {here.where}")
