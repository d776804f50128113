"""The balloon's list of pages, replayed from what a real guest told its host.

Linux 6.1 (mm/balloon_compaction.c, drivers/virtio/virtio_balloon.c) keeps the balloon as a last in, first out list:
inflated pages enter at its head in message order and a deflate takes them from its head. Compaction takes a page
from anywhere (isolate); the page it migrated to enters at the head before the host is told, and a page put back
enters there too. So the messages, with the isolations and putbacks between them, give the list at any time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from operator import itemgetter

from balloonlab.foundations.errors import of_kind, real_number
from balloonlab.recordings.traffic import INFLATE, PUTBACK, ListEvents, Messages


class BalloonList:
    """The pages of a balloon (PFNs) in list order, and those that compaction holds isolated."""

    def __init__(self) -> None:
        self.listed: dict[int, None] = {}  # an ordered set; its last is the list's head
        self.isolated: dict[int, None] = {}  # in order of isolation

    def inflate(self, pfns: Iterable[int]) -> None:
        """These pages enter at the head, one after the other."""
        for pfn in pfns:
            self.listed[pfn] = None

    def deflate(self, pfns: Iterable[int]) -> None:
        """These pages leave, wherever they are."""
        for pfn in pfns:
            self.listed.pop(pfn, None)
            self.isolated.pop(pfn, None)

    def isolate(self, pfns: Iterable[int]) -> None:
        for pfn in pfns:
            self.listed.pop(pfn, None)
            self.isolated[pfn] = None

    def putback(self, pfns: Iterable[int]) -> None:
        for pfn in pfns:
            self.isolated.pop(pfn, None)
            self.listed[pfn] = None

    def head_first(self) -> list[int]:
        """PFNs on the list, from its head."""
        return list(reversed(self.listed))


def operations(messages: Messages, events: ListEvents) -> Iterator[tuple[float, float, str, list[int]]]:
    """(place, host seconds, BalloonList method, PFNs) of all that happened; message i has place i."""
    pfns = messages.pfns.tolist()
    bounds = zip(messages.start.tolist(), (messages.start + messages.count).tolist(), strict=True)
    told = (
        (number, time, "inflate" if queue == INFLATE else "deflate", pfns[start:stop])
        for number, (time, queue, (start, stop)) in enumerate(
            zip(messages.time.tolist(), messages.queue.tolist(), bounds, strict=True)
        )
    )
    between = (
        (after - 0.5, time, "putback" if kind == PUTBACK else "isolate", [pfn])
        for after, kind, pfn, time in zip(*(column.tolist() for column in events), strict=True)
    )
    return heapq.merge(told, between, key=itemgetter(0))


def replay(
    messages: Messages, events: ListEvents, until: float = math.inf, balloon: BalloonList | None = None
) -> BalloonList:
    """`balloon` (a new one if none is given) after all that happened up to host second `until`.

    Raises BadValueError for what is no recording's messages and list events, or no time.
    """
    of_kind("messages", messages, Messages, "a recording's (recording.messages)")
    of_kind("events", events, ListEvents, "a recording's (recording.list_events)")
    until = real_number("until", until, 0, math.inf, "host seconds, such as recording.snapshot_times['freed']")
    if balloon is not None:
        of_kind("balloon", balloon, BalloonList, "a BalloonList, or None")
    balloon = balloon if balloon is not None else BalloonList()
    for _, time, what, pfns in operations(messages, events):
        if time > until:
            break
        getattr(balloon, what)(pfns)
    return balloon
