"""Recordings for tests: the shipped ones taken apart into events, changed, and put together again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import HealthCheck, settings

from balloonlab import recordings
from balloonlab.recordings import ConfigEvent, ListEvents, Messages
from balloonlab.recordings.check import Check, check
from balloonlab.recordings.rules import find_rules
from balloonlab.recordings.traffic import DEFLATE, INFLATE


@dataclass(frozen=True)
class Said:
    """A message (queue, PFNs) or a config event (event, a, b), and the isolations and putbacks just before it."""

    time: float
    queue: int = -1
    pfns: tuple[int, ...] = ()
    event: str = ""
    a: int = 0
    b: int = 0
    before: tuple[tuple[int, int], ...] = field(default=())

    @property
    def is_message(self) -> bool:
        return self.queue >= 0

    def pages(self, *pfns: int) -> Said:
        return replace(self, pfns=pfns)


def taken_apart(name: str, most: int = 1 << 30) -> list[Said]:
    """The first `most` messages of a shipped recording with all else that happened up to them, in order."""
    recording = recordings.load(name)
    messages, events = recording.messages, recording.list_events
    before: dict[int, list[tuple[int, int]]] = {}
    for after, kind, pfn in zip(events.after.tolist(), events.kind.tolist(), events.pfn.tolist(), strict=True):
        before.setdefault(after, []).append((kind, pfn))
    said = []
    for i in range(min(most, len(messages))):
        pfns = tuple(messages.of(i).tolist())
        one = Said(float(messages.time[i]), int(messages.queue[i]), pfns, before=tuple(before.get(i, ())))
        said.append((int(messages.seq[i]), one))
    last = said[-1][0] if most < len(messages) else 1 << 40
    said += [(e.seq, Said(e.time, event=e.event, a=e.a, b=e.b)) for e in recording.config if e.seq < last]
    return [one for _, one in sorted(said, key=lambda pair: pair[0])]


def checked(said: list[Said], driver: str = "linux-6.1", features: frozenset[int] | None = frozenset()) -> Check:
    """The check of these events, numbered from seq 0; the guest's own trace of its messages is left out."""
    told = [(seq, one) for seq, one in enumerate(said) if one.is_message]
    count = np.array([len(one.pfns) for _, one in told], np.int64)
    messages = Messages(
        np.array([one.queue for _, one in told], np.int64),
        np.cumsum(count) - count,
        count,
        np.array([pfn for _, one in told for pfn in one.pfns], np.int64),
        np.array([one.time for _, one in told]),
        np.array([seq for seq, _ in told], np.int64),
    )
    rows = [(number, *row) for number, (_, one) in enumerate(told) for row in one.before]
    table = np.array(rows, np.int64).reshape(-1, 3)
    events = ListEvents(table[:, 0], table[:, 1], table[:, 2], np.zeros(len(table)))
    config = [ConfigEvent(seq, o.time, o.event, o.a, o.b) for seq, o in enumerate(said) if not o.is_message]
    return check("made", messages, config, events, find_rules(driver), features=features)


def script(*lines: str) -> list[Said]:
    """Events from words: ``target 3``, ``read 3 0``, ``wrote 3 0``, ``I 1 2 3``, ``D 3``.

    ``isolate 1`` and ``putback 1`` come before the message after them; ``wait 0.3`` lets seconds pass.
    """
    said: list[Said] = []
    before: list[tuple[int, int]] = []
    time = 0.0
    names = {"target": "to_target", "read": "get_config", "wrote": "set_config"}
    for word, *numbers in (line.split() for line in lines):
        if word == "wait":
            time += float(numbers[0])
        elif word in ("isolate", "putback"):
            before += [(int(word == "putback"), int(pfn)) for pfn in numbers]
        elif word in ("I", "D"):
            queue = INFLATE if word == "I" else DEFLATE
            said.append(Said(time, queue, tuple(map(int, numbers)), before=tuple(before)))
            before = []
        else:
            a, b = (0, int(numbers[0])) if word == "target" else map(int, numbers)
            said.append(Said(time, event=names[word], a=a, b=b))
    return said


quick = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@functools.cache
def resized() -> tuple[Said, ...]:
    """64 rounds of inflate, 64 of deflate."""
    return tuple(taken_apart("S1_256M_16384"))


@functools.cache
def migrated() -> tuple[Said, ...]:
    """64 rounds of inflate with 766 migrations among and after them."""
    return tuple(taken_apart("S2_256M_alt", 64 + 2 * 766))


def places(said: tuple[Said, ...], wanted: Callable[[Said], bool]) -> list[int]:
    return [place for place, one in enumerate(said) if wanted(one)]


def rounds(queue: int) -> list[int]:
    return places(resized(), lambda one: one.queue == queue)


def news() -> list[int]:
    """Where migrations begin, but for the last."""
    return places(migrated(), lambda one: one.queue == INFLATE and len(one.pfns) == 1)[:-1]


def first_wrong(said: list[Said]) -> int:
    """The place of the first rejection."""
    result = checked(said)
    assert not result
    return result.rejections[0].seq


def changed(said: tuple[Said, ...], place: int, one: Said) -> list[Said]:
    return [*said[:place], one, *said[place + 1 :]]
