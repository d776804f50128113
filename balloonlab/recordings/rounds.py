"""Rounds of resizing: the driver reads the target, tells the host one message, and writes ``actual``.

Retells update_balloon_size_func of Linux 6.1 (drivers/virtio/virtio_balloon.c) and the thread's loop before it, as the
host sees them. All sizes are 4 KiB balloon pages.
"""

from __future__ import annotations

from balloonlab.foundations.words import counted
from balloonlab.recordings.rules import MESSAGE_PFNS, OUT_OF_PUFF, Rules
from balloonlab.recordings.traffic import ConfigEvent

Problem = tuple[str, str]  # expected, found

_CLOCK = 0.005  # seconds by which the clocks of a host and its guest may disagree over OUT_OF_PUFF


class Rounds:
    """Where the driver is in its round, and what the config space holds (None: not seen yet)."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.size = 0  # by the messages
        self.target: int | None = None
        self.actual: int | None = None
        self.empty = 0  # rounds that ended without a message
        self.reading = False  # a round has read its target and not yet written actual
        self._read_at = 0.0
        self._due = 0  # pages that this round still has to tell, negative for a deflate
        self._left = 0  # what this round leaves to the next
        self._told = False  # this round has sent its message
        self._oom_writes = 0  # writes of actual that are owed after OOM rounds
        self._queued = False  # this round asked for another
        self._interrupts = 1  # changes of the config that may still start a round; a recording may begin with one

    @property
    def owes_actual(self) -> bool:
        """Whether something was told whose size was never written."""
        return (self.reading and self._told) or self._oom_writes > 0

    def take(self, change: int) -> None:
        """Pages came or went by a message that made no sense."""
        self.size += change
        self._told = self._told or (self.reading and change != 0)
        self._left -= change

    def message(self, pages: int, time: float, *, inflate: bool, oom: bool, more: bool) -> tuple[str, Problem | None]:
        """A message of a round, or of an OOM notice: what it is called in the counts, and what is wrong with it.

        more: the list has further pages that could have been taken.
        """
        problem: Problem | None = None
        change = pages if inflate else -pages
        verb = "inflate" if inflate else "deflate"
        kind = f"{verb} rounds"
        may_follow = self.rules.many_deflates and not inflate
        waiting = self.reading and (not self._told or may_follow)
        if waiting and (self._due > 0) == inflate and self._due:
            due = min(abs(self._due), MESSAGE_PFNS)
            if pages > due or (pages < due and not self._may_be_short(time, inflate=inflate, more=more)):
                problem = (f"{verb} of {counted(due, 'page')}, {self._reason(inflate=inflate)}", f"{pages:,}")
            elif pages < due:
                kind = "short rounds"
            self._due -= change
            self._left -= change
            self._told = True
        elif oom and not inflate:
            kind = "OOM rounds"
            due = min(self.size, MESSAGE_PFNS)
            if pages != due and (pages > due or more):
                problem = (f"deflate of {counted(due, 'page')}, as memory ran out", f"{pages:,}")
            self._oom_writes += 1
        elif waiting and self._due:
            problem = (
                f"{'inflate' if self._due > 0 else 'deflate'} of {counted(abs(self._due), 'page')}",
                f"{verb} of {pages:,}",
            )
            self._told = True
            self._left -= change
        else:
            wanted = "actual written after the message before" if self.reading else "the target read before a round"
            problem = (f"{wanted}", f"{verb} of {counted(pages, 'page')}")
        self.size += change
        return kind, problem

    def config(self, event: ConfigEvent, *, nothing_to_take: bool) -> list[Problem]:
        """An access to the config space, and what is wrong with it."""
        if event.event == "to_target":
            self.target = event.b
            self._interrupts += 1
            return []
        return self._get(event) if event.event == "get_config" else self._set(event, nothing_to_take=nothing_to_take)

    def _get(self, event: ConfigEvent) -> list[Problem]:
        problems: list[Problem] = []
        if self.target not in (None, event.a):
            problems.append((f"num_pages {self.target:,}, which the host set last", f"{event.a:,}"))
        if self.actual not in (None, event.b):
            problems.append((f"actual {self.actual:,}, which the guest wrote last", f"{event.b:,}"))
        if self.reading and self._told:
            problems.append((f"actual {self.size:,} written after the round", "another read of the config"))
        elif self.rules.one_read:
            if self.reading:
                problems.append(("one read of the config in a round", "another"))
            elif self._queued:
                self._queued = False
            elif self._interrupts:
                self._interrupts -= 1
            else:
                problems.append(("no read of the config, for nothing is left to do", "a read"))
        self.target, self.actual = event.a, event.b
        self._begin(event)
        return problems

    def _begin(self, event: ConfigEvent) -> None:
        """A round towards the target that was read."""
        missing = event.a - self.size
        self.reading = missing != 0
        self._told = False
        self._read_at = event.time
        self._due = max(-MESSAGE_PFNS, min(MESSAGE_PFNS, missing))
        self._left = missing

    def _set(self, event: ConfigEvent, *, nothing_to_take: bool) -> list[Problem]:
        problems: list[Problem] = []
        if self.actual not in (None, event.b):
            problems.append((f"the old value {self.actual:,}, which the guest wrote last", f"{event.b:,}"))
        if event.a != self.size:
            problems.append((f"actual {self.size:,}, the size by the messages", f"{event.a:,}"))
        self.actual = event.a
        if self.reading and self._told:
            self._finish()
        elif self._oom_writes:
            self._oom_writes -= 1
        elif self.reading:
            inflate = self._due > 0
            self.empty += 1
            if not self._may_be_short(event.time, inflate=inflate, more=not nothing_to_take):
                verb = "inflate" if inflate else "deflate"
                reason = self._reason(inflate=inflate)
                problems.append(
                    (f"{verb} of {counted(abs(self._due), 'page')}, {reason}", "a write of actual without a message")
                )
            self._finish()
        elif self.rules.one_read:
            problems.append(("no write of actual, for no round is going on", f"a write of {event.a:,}"))
        return problems

    def _finish(self) -> None:
        """The round is over; if pages are missing it asked for another."""
        self.reading = False
        self._queued = self._left != 0

    def _may_be_short(self, time: float, *, inflate: bool, more: bool) -> bool:
        if inflate:
            return time - self._read_at >= OUT_OF_PUFF - _CLOCK
        return self.rules.short_deflates and not more

    def _reason(self, *, inflate: bool) -> str:
        if inflate:
            return f"as the driver did not wait {OUT_OF_PUFF:g} s for memory"
        return "as the list has them"
