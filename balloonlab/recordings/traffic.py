"""What passed between a real guest and its host: messages, the config space, and the guest's own list operations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from balloonlab.foundations.errors import whole_number
from balloonlab.foundations.words import counted, shown
from balloonlab.recordings.reading import Integers, damaged, integers, read_arrays, read_table, seconds, times, whole

INFLATE, DEFLATE = 0, 1  # the queues
MESSAGE_PFNS = 256  # VIRTIO_BALLOON_ARRAY_PFNS_MAX: no message holds more (Linux 3.6 to 6.1, virtio_balloon.c)
MOST_U32 = (1 << 32) - 1
MOST_BYTES = (1 << 63) - 1
ISOLATE, PUTBACK = 0, 1


@dataclass(frozen=True, eq=False)
class Messages:
    """PFN messages in the order in which the host read them; one row a message.

    Message i went through ``queue[i]`` (0 inflate, 1 deflate) at host second ``time[i]`` and carried
    ``pfns[start[i] : start[i] + count[i]]`` in the guest's order (4 KiB balloon pages; the recorded guests' pages are
    the same size). ``seq`` shares one numbering with the config events. int64 arrays, read-only; time is float64.
    """

    queue: Integers
    start: Integers
    count: Integers
    pfns: Integers
    time: npt.NDArray[np.float64]
    seq: Integers

    def __len__(self) -> int:
        return len(self.queue)

    def of(self, number: int) -> Integers:
        """The PFNs of one message, by its number from 0."""
        number = whole_number("message", number, 0, len(self) - 1)
        return self.pfns[self.start[number] : self.start[number] + self.count[number]]


class ConfigEvent(NamedTuple):
    """One access to the balloon's config space; `a` and `b` mean what the event says, in 4 KiB balloon pages.

    to_target: the host set a target; a = bytes the guest is to keep, b = pages the balloon is to hold.
    get_config: the guest read num_pages (a) and actual (b). set_config: the guest wrote actual: a new, b old.
    """

    seq: int
    time: float
    event: str
    a: int
    b: int


class ListEvents(NamedTuple):
    """The guest's own isolations and putbacks of balloon pages (one row each), placed among the messages.

    after: how many messages had been told before; kind: 0 isolate, 1 putback; pfn; time: host seconds, estimated
    from the guest's clock and the message before. Empty arrays if the guest was not traced.
    """

    after: Integers
    kind: Integers
    pfn: Integers
    time: npt.NDArray[np.float64]


class Told(NamedTuple):
    """What the guest's own trace says that it told; one row a message: the queue, and how many PFNs. -1: not said."""

    queue: Integers
    pages: Integers


def read_messages(path: Path, pages: int) -> Messages:
    """``messages.npz`` of a guest of that many pages."""
    arrays = read_arrays(path)
    pfns = integers(arrays, "pfn", path, 0, pages - 1)
    count = integers(arrays, "n", path, 1, MESSAGE_PFNS)
    start = integers(arrays, "start", path, 0, max(len(pfns) - 1, 0))
    queue = integers(arrays, "queue", path, INFLATE, DEFLATE)
    seq = integers(arrays, "seq", path, 0, MOST_U32)
    time = times(arrays, "t", path)
    if {len(row) for row in (count, start, queue, seq, time)} != {len(count)}:
        raise damaged(path, "its arrays differ in length")
    if not np.array_equal(np.concatenate((start, [len(pfns)])), np.concatenate(([0], np.cumsum(count)))):
        raise damaged(path, "the messages do not lie one after another in the array of PFNs")
    if (np.diff(seq) <= 0).any():
        raise damaged(path, "seq does not increase")
    _check_turns(pfns, np.repeat(queue, count), path)
    return Messages(queue, start, count, pfns, time, seq)


def _check_turns(pfns: Integers, queues: Integers, path: Path) -> None:
    """Every page is told inflated first, then deflated, then inflated again."""
    order = np.argsort(pfns, kind="stable")
    page, queue = pfns[order], queues[order]
    first = np.concatenate(([True], page[1:] != page[:-1]))[: len(page)]
    before = np.concatenate(([DEFLATE], queue[:-1]))[: len(page)]
    wrong = np.flatnonzero(queue == np.where(first, DEFLATE, before))
    if len(wrong):
        turn = "deflated when it is not in the balloon" if queue[wrong[0]] else "inflated when it is in the balloon"
        raise damaged(path, f"PFN {page[wrong[0]]:#x} is told {turn}")


def read_config(path: Path, pages: int) -> list[ConfigEvent]:
    """``config.csv`` of a guest of that many pages, oldest first."""
    limits = {"to_target": (MOST_BYTES, MOST_U32), "get_config": (MOST_U32, pages), "set_config": (pages, pages)}
    events: list[ConfigEvent] = []
    for number, (seq, time, event, a, b) in enumerate(read_table(path, ["seq", "t", "event", "a", "b"]), start=2):
        where = f"line {number}:"
        if event not in limits:
            raise damaged(path, f"{where} unknown event {shown(event)}; known: {', '.join(limits)}")
        most_a, most_b = limits[event]
        row = ConfigEvent(
            whole(seq, f"{where} seq", path, MOST_U32),
            seconds(time, f"{where} t", path),
            event,
            whole(a, f"{where} a of {event}", path, most_a),
            whole(b, f"{where} b of {event}", path, most_b),
        )
        if events and (row.seq <= events[-1].seq or row.time < events[-1].time):
            raise damaged(path, f"{where} out of order")
        events.append(row)
    return events


def read_guest_events(path: Path, messages: Messages, pages: int) -> tuple[ListEvents, Told | None]:
    """``guest_events.csv.xz``: the lines isolate and putback, and the lines tell_host; no file, no events and None.

    The guest's nth tell_host is the host's nth message, which ties the guest's clock to the host's.
    """
    us, rows = 0, []
    tell_us: list[int] = []
    tells: list[tuple[int, int]] = []
    for number, (t, _, _, event, args) in enumerate(
        read_table(path, ["t_us", "cpu", "task", "event", "args"]) if path.exists() else [], start=2
    ):
        if event in ("tell_host", "isolate", "putback"):
            us = whole(t, f"line {number}: t_us", path, MOST_BYTES)
            if event == "tell_host":
                tell_us.append(us)
                tells.append((_argument("q", args, number, path, DEFLATE), _argument("n", args, number, path, pages)))
            else:
                digits = args.partition("page_pfn=")[2].partition(" ")[0]
                pfn = whole(digits, f"line {number}: page_pfn", path, pages - 1)
                rows.append((len(tells), event == "putback", pfn, us))
    if path.exists() and len(tells) != len(messages):
        raise damaged(
            path, f"{counted(len(tells), 'tell_host line')}, but the host read {counted(len(messages), 'message')}"
        )
    table = np.array(rows, np.int64).reshape(-1, 4)
    after, kind, page = table[:, 0], table[:, 1], table[:, 2]
    told = Told(*np.array(tells, np.int64).reshape(-1, 2).T) if path.exists() else None
    if not len(messages):
        return ListEvents(after, kind, page, np.zeros(len(table))), told
    anchor = np.maximum(after - 1, 0)
    time = messages.time[anchor] + (table[:, 3] - np.array(tell_us, np.int64)[anchor]) / 1e6 if rows else np.zeros(0)
    latest = np.concatenate((messages.time, [np.inf]))[after]
    return ListEvents(after, kind, page, np.minimum(time, latest)), told


def _argument(name: str, args: str, number: int, path: Path, high: int) -> int:
    """The number that follows ``name=`` among the arguments of a line of the trace; -1 if it is not there."""
    for word in args.split():
        key, equals, digits = word.partition("=")
        if key == name and equals:
            return whole(digits, f"line {number}: {name}", path, high)
    return -1
