"""What crosses the wire from a machine to its Labs: typed arrays, cut from the timeline and the journal.

A *frame* is a base state and every step recorded; *steps* are what was recorded since. State codes cross, never
colours; one message carries any number of steps. Past MOST_CELLS guest pages the map crosses as a reduced grid, and a
*window* of pages in full where the learner zooms in. Units: guest pages, except `pfns` and `believed` (4 KiB pages).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.drivers.line_notes import NoteAt, notes_on
from balloonlab.foundations.journal import Kind
from balloonlab.guest.foretold import Foretold
from balloonlab.guest.shortfall import shortfall
from balloonlab.host.host import STAT_BYTES, unpack_stats
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.members import BESIDE, HERE, HOSTS, READS
from balloonlab.kernel.primitives.marks import FLAG_WORDS
from balloonlab.kernel.sentences import FINDS, SENTENCES
from balloonlab.kernel.timeline import Timeline
from balloonlab.memory.palette import PALETTE
from balloonlab.memory.reduced_map import pages_per_cell, reduce_by
from balloonlab.memory.zone import PageState
from balloonlab.widgets.own_variables import OwnVariables
from balloonlab.widgets.panels import has_guest, shown_values
from balloonlab.widgets.reduced_changes import cell_changes
from balloonlab.widgets.terms import TERMS

Arrays = dict[str, NDArray[Any]]
Content = dict[str, Any]
_TYPES = {"int8": "i1", "uint8": "u1", "uint16": "u2", "int32": "i4", "uint32": "u4"}
_PANEL_KINDS = (
    *(Kind.LINK, Kind.BLOCK_TYPE, Kind.VALUE, Kind.LOCK, Kind.PAGE_LOCK, Kind.MESSAGE),
    *(Kind.SLOT, Kind.SLEEP, Kind.THREAD_AT, Kind.WAIT, Kind.MESSAGE_PFN),
)
_PAGE_KINDS = (Kind.REFCOUNT, Kind.HOST_PAGE, Kind.PAGE_FLAGS)  # of single pages: only where every page crosses
_COLUMNS = ("thread", "verb", "obj", "page", "amount", "result")
MOST_MARKS = 200  # that a Lab lists
_TABLES = ("verbs", "objects", "locations", "functions", "waits")


def pack(arrays: Arrays) -> tuple[list[list[Any]], bytes]:
    """One buffer, and its directory of [name, type, offset, length]; each array starts at a multiple of 4 bytes."""
    directory: list[list[Any]] = []
    parts: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        part = np.ascontiguousarray(array).tobytes()
        directory.append([name, _TYPES[array.dtype.name], offset, len(array)])
        part += bytes(-len(part) % 4)
        parts.append(part)
        offset += len(part)
    return directory, b"".join(parts)


class Encoder:
    """Turns what a machine recorded into messages. Everything here is called with the machine's lock held.

    `sent`: steps that the Labs have. `epoch` changes whenever steps that they have are replaced.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.pages = machine.world.frames.pages
        self.unit = pages_per_cell(self.pages)
        self.epoch = self.sent = 0
        self._own = None if has_guest(machine.world) else OwnVariables()
        self.begin()

    def begin(self) -> None:
        """What is recorded now is known, or will be from a frame; what comes next are steps."""
        self._line: Timeline = self.machine.timeline
        self._cuts = self._line.cuts
        self._note_sent()
        self.epoch += 1

    @property
    def lost(self) -> bool:
        """Whether somebody else replaced recorded steps: then only a new frame tells the truth."""
        return self._line is not self.machine.timeline or self._cuts != self._line.cuts

    def cut(self, position: int) -> int:
        """The steps from `position` on were replaced, and this is known; returns the epoch before."""
        before = self.epoch
        self._cuts = self._line.cuts
        if position < self.sent:
            self.sent = position
            self.epoch += 1
        return before

    # -- messages --

    def frame(self) -> tuple[Content, Arrays]:
        """Everything a new view needs: tables, every step, and the state after the last one."""
        machine, world = self.machine, self.machine.world
        position = machine.position - self._line.first
        with at_end(machine):
            arrays = self._base_arrays() | self._steps(0) | self._messages(0) | self._own_rows(0)
            del arrays["new_messages"]
            base = {
                "counts": np.bincount(world.frames.states, minlength=len(PALETTE)).tolist(),
                "values": list(world.values.numbers),
                "locks": list(world.lock_holders),
                "page_locks": list(world.page_locks.items()),
                "thread_at": list(machine.thread_at),
                "waits": list(machine.thread_wait),
                "sleeps": list(world.sleeping),
                "slots": list(world.slots),
            }
            grown = {"printed": self._printed(0), "figures": self._figures(0)}
            bugs, short = self._bugs(), shortfall(self.machine)
        content = {
            "type": "frame",
            "epoch": self.epoch,
            "pages": self.pages,
            "unit": self.unit,
            "position": position,
            "steps": len(self._line),
            "bugs": bugs,
            "shortfall": short,
            **self._around(),
            "base": base,
            "tables": self._fixed_tables() | {name: self._table(name, 0) for name in _TABLES} | grown,
        }
        return content, arrays

    def steps(self) -> tuple[Content, Arrays] | None:
        """What was recorded since the last message; None if nothing was."""
        first, count = self.sent, len(self._line) - self.sent
        if count == 0:
            return None
        with at_end(self.machine):
            arrays = self._steps(first)
            sent_before = len(self.machine.world.host.messages) - int(arrays.pop("new_messages")[0])
            arrays |= self._messages(sent_before) | self._own_rows(first + 1)
            bugs, short = self._bugs(), shortfall(self.machine)
            printed, figures = self._printed(first), self._figures(sent_before)
        rows = {name: {"from": self._rows[name], "rows": self._table(name, self._rows[name])} for name in _TABLES}
        known = len(self.machine.printed(self._line.first, self._line.first + first))
        rows["printed"] = {"from": known, "rows": printed}
        rows["figures"] = {"from": len(self._figures(0)) - len(figures), "rows": figures}
        rows = {name: new for name, new in rows.items() if new["rows"]}
        self._note_sent()
        if self._own is not None:
            rows["own_words"] = {"from": 0, "rows": self._own.words}
        content = {"type": "steps", "epoch": self.epoch, "from": first, "count": count, "rows": rows}
        return content | {"messages_from": sent_before, "bugs": bugs, "shortfall": short} | self._around(), arrays

    def window(self, first: int, count: int) -> tuple[Content, Arrays]:
        """Pages ``first..first+count-1`` in full, as they are at the machine's position."""
        states = self.machine.world.frames.states[first : first + count].copy()
        content = {
            "type": "window",
            "epoch": self.epoch,
            "first": first,
            "position": self.machine.position - self._line.first,
        }
        return content, {"states": states}

    def foretold(self, name: str, number: int | None, told: Foretold) -> tuple[Content, Arrays]:
        """What an operation from where the machine stands will come to, as a Lab shows it before its steps are made."""
        states, world = told.states, self.machine.world
        content = {
            "type": "foretold",
            "verb": name,
            "amount": number,
            "before": world.values["num_pages"],
            "held": told.balloon_pages,
            "sent": told.messages,
            "moved": told.moved,
            "huge": told.huge,
            "free": [int(np.count_nonzero(each == PageState.FREE)) for each in (world.frames.states, states)],
            "counts": np.bincount(states, minlength=len(PALETTE)).tolist(),
            "why": told.why,
        }
        return content, {"grid": reduce_by(states, self.unit)}

    # -- parts of them --

    def _bugs(self) -> list[Content]:
        names = self.machine.names
        return [
            {"step": bug.step - self._line.first, "text": str(bug), "thread": names.index(bug.thread)}
            for bug in self.machine.bugs
        ]

    def _printed(self, first: int) -> list[Content]:
        """Lines of the kernel's log that the steps from row `first` on print, as they cross."""
        begin = self._line.first
        lines = self.machine.printed(begin + first, self._line.stop)
        return [{"step": line.step - begin, "level": line.level, "text": str(line)} for line in lines]

    def _figures(self, first: int) -> list[Content]:
        """The statistics that messages from number `first` on hold, by the number of the message."""
        log = self.machine.world.host.messages
        sent = sorted(i for i, payload in log.payloads.items() if payload and first <= i < len(log))
        return [{"message": i, "values": list(unpack_stats(log.payloads[i]).items())} for i in sent]

    def _around(self) -> Content:
        """What else the history has than the steps that cross: its length, steps before them, the latest marks."""
        machine = self.machine
        marks = [[mark.step, str(mark)] for mark in machine.marks[-MOST_MARKS:]]
        return {"first_step": self._line.first, "last_step": machine.end, "marks": marks}

    def _note_sent(self) -> None:
        self._rows = {name: len(getattr(self._line, name)) for name in _TABLES}
        self.sent = len(self._line)

    def _fixed_tables(self) -> Content:
        machine, world = self.machine, self.machine.world
        values = shown_values(world)
        return {
            "threads": [{"name": t.name, "role": t.role, "brief": t.name.startswith("host-")} for t in machine.threads],
            "values": [value._asdict() for value in values],
            "num_pages": next((i for i, value in enumerate(values) if value.name == "num_pages"), -1),
            "own_words": [] if self._own is None else self._own.words,
            "locks": list(world.lock_names),
            "lists": [{"name": name, "head": head} for name, head in world.lists.items()],
            "palette": [asdict(state) for state in PALETTE],
            "page_flags": [[int(flag), words] for flag, words in FLAG_WORDS.items()],
            "sentences": SENTENCES,
            "terms": TERMS,
            "finds": sorted(FINDS),
            "members": [member._asdict() for member in world.members],
            "touches": {"reads": sorted(READS), "hosts": sorted(HOSTS), "beside": BESIDE, "here": HERE},
            "stat_bytes": sorted(STAT_BYTES),
        }

    def _table(self, name: str, first: int) -> list[Any]:
        rows = getattr(self._line, name)[first:]
        if name == "functions":
            notes = [notes_on(self._line.code(first + i)) for i in range(len(rows))]
            return [row._asdict() | {"notes": noted(on)} for row, on in zip(rows, notes, strict=True)]
        return [row._asdict() for row in rows] if name == "waits" else list(rows)

    def _base_arrays(self) -> Arrays:
        world = self.machine.world
        frames, links = world.frames, world.frames.links
        arrays: Arrays = {  # copies: the machine goes elsewhere before they are sent
            "grid": reduce_by(frames.states, self.unit),
            "block_types": frames.block_types.copy(),
            "message_status": world.host.messages.status.copy(),
        }
        if overwritten := world.host.messages.overwritten:
            arrays["overwritten_at"] = np.array(list(overwritten), np.int32)
            arrays["overwritten"] = np.array(list(overwritten.values()), np.uint32)
        for i, head in enumerate(world.lists.values()):
            arrays[f"list_{i}"] = np.fromiter(links.walk(head), np.int32)
        if self.unit == 1:
            arrays["believed"] = world.host.believed.copy()
            arrays["referenced"] = np.fromiter(world.refcounts, np.int32, len(world.refcounts))
            arrays["references"] = np.fromiter(world.refcounts.values(), np.int32, len(world.refcounts))
            arrays["flagged"] = np.fromiter(world.page_flags, np.int32, len(world.page_flags))
            arrays["flags"] = np.fromiter(world.page_flags.values(), np.uint8, len(world.page_flags))
        return arrays

    def _own_rows(self, first: int) -> Arrays:
        """Each thread's own variables from position `first` on, of a program. The machine is left at the end."""
        return {} if self._own is None else {"own": self._own.rows(self.machine, first)}

    def _messages(self, first: int) -> Arrays:
        log = self.machine.world.host.messages
        start = log.start[first:]
        begin = int(start[0]) if len(start) else len(log.as_added)
        return {
            "message_queue": log.queue[first:],
            "message_start": start - np.uint32(begin),
            "message_count": log.count[first:],
            "message_pfns": log.as_added[begin:],  # what was written over them crosses as changes of steps
        }

    def _steps(self, first: int) -> Arrays:
        """Columns of the steps from `first` to the end. The machine is at the end of its timeline."""
        line, journal = self._line, self.machine.journal
        begin = line.end[first - 1] if first else 0
        ends = _cut(line.end, first).astype(np.int64) - begin
        changes = (journal.kinds, journal.keys, journal.old, journal.new)
        kind, key, old, new = (_cut(column, begin) for column in changes)
        arrays = {name: _cut(getattr(line, name), first) for name in _COLUMNS}

        wanted = np.zeros(256, bool)
        wanted[list(_PANEL_KINDS + (_PAGE_KINDS if self.unit == 1 else ()))] = True
        chosen = wanted[kind]
        arrays["event_end"] = _ends(chosen, ends)
        arrays["event_kind"], arrays["event_key"] = kind[chosen], key[chosen]
        arrays["event_old"], arrays["event_new"] = old[chosen], new[chosen]

        moved = (kind == Kind.STATE) & (old != new)
        page, before, after = key[moved], old[moved].astype(np.uint8), new[moved].astype(np.uint8)
        arrays["map_end"] = _ends(moved, ends)
        arrays["map_page"], arrays["map_old"], arrays["map_new"] = page.astype(np.uint32), before, after
        if self.unit > 1:
            states = self.machine.world.frames.states
            cell, seen, shown, changed = cell_changes(states, page, before, after, self.unit)
            arrays["cell_end"] = _ends(changed, arrays["map_end"].astype(np.int64))
            arrays["cell_page"], arrays["cell_old"], arrays["cell_new"] = cell, seen, shown
        arrays["new_messages"] = np.array([np.count_nonzero((kind == Kind.MESSAGE) & (old < 0))], np.uint32)
        return arrays


def noted(notes: Iterable[NoteAt]) -> list[Content]:
    """The notes on a function's lines, as the browser wants them."""
    return [{"line": at.line, **at.note._asdict()} for at in notes]


@contextmanager
def at_end(machine: Machine) -> Iterator[None]:
    """The machine at the end of its timeline, and back where it was afterwards."""
    position = machine.position
    machine.seek(machine.timeline.stop)
    try:
        yield
    finally:
        machine.seek(position)


def _cut(column: Any, first: int) -> NDArray[Any]:  # noqa: ANN401  (array.array of any type)
    """A copy of a growing array from `first` on (never a view: a view would keep it from growing)."""
    return np.frombuffer(column[first:], column.typecode) if len(column) > first else np.zeros(0, column.typecode)


def _ends(chosen: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Where each step's entries end once only the chosen ones are kept."""
    return np.concatenate(([0], np.cumsum(chosen)))[ends].astype(np.uint32)
