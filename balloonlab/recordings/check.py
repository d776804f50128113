"""Every message and every access to the config space of a recording, held against the rules of a driver (rules.py).

One walk in the order in which the host saw them. After a rejection the walk takes what was recorded as given and goes
on, so that each rejection is about its own place; but one wrong thing may show in several places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from balloonlab.foundations.interrupt import interruptible
from balloonlab.foundations.words import counted
from balloonlab.recordings.balloon_list import Operation, WatchedList
from balloonlab.recordings.rounds import Rounds
from balloonlab.recordings.rules import DEFLATE_ON_OOM, MESSAGE_PFNS, Rules
from balloonlab.recordings.traffic import INFLATE, ConfigEvent, ListEvents, Messages, Told

_SHOWN = 10  # rejections that a printed check lists
_SAY_EVERY = 2_000  # events


@dataclass(frozen=True)
class Rejection:
    """One thing that the driver would not have done.

    where: "message", "config event" or "end". number: of the message (from 0), or the config event's seq. seq: place
    in the numbering that both share. Texts say what was expected and what was found (4 KiB balloon pages).
    """

    where: str
    number: int
    seq: int
    expected: str
    found: str

    def __str__(self) -> str:
        place = f"message {self.number:,} (seq {self.seq:,})" if self.where == "message" else f"seq {self.seq:,}"
        return f"{place}: expected {self.expected}; found {self.found}"


@dataclass(frozen=True)
class Check:
    """What a check found; true if it rejected nothing.

    counts: how many of each kind were seen: inflate rounds, deflate rounds, migrations, OOM rounds, short rounds (fewer
    pages than were due), empty rounds (no message), isolations, putbacks, passed-over pages. traced: whether
    isolations and putbacks were recorded.
    """

    name: str
    rules: Rules = field(repr=False)
    messages: int
    config_events: int
    counts: dict[str, int]
    traced: bool
    rejections: tuple[Rejection, ...]

    def __bool__(self) -> bool:
        return not self.rejections

    def __str__(self) -> str:
        seen = ", ".join(counted(count, what.removesuffix("s")) for what, count in self.counts.items() if count)
        verdict = "all accepted" if self else f"{len(self.rejections):,} rejected"
        told = f"{counted(self.messages, 'message')} and {counted(self.config_events, 'config event')}"
        lines = [
            f"{self.name} by the rules of {self.rules.driver}: {told}, {verdict}",
            f"  seen: {seen or 'nothing'}",
        ]
        if not self.traced and self.messages:
            lines.append("  (the guest was not traced: isolations show only by the migrations that follow them)")
        lines += [f"  {rejection}" for rejection in self.rejections[:_SHOWN]]
        if len(self.rejections) > _SHOWN:
            lines.append(f"  and {len(self.rejections) - _SHOWN:,} more")
        return "\n".join(lines)


def check(
    name: str,
    messages: Messages,
    config: Sequence[ConfigEvent],
    list_events: ListEvents,
    rules: Rules,
    *,
    told: Told | None = None,
    features: frozenset[int] | None = None,
) -> Check:
    """Walk a recording whose balloon is empty at first.

    told: the guest's own record of its messages, if there is one. features: bits negotiated; None if unknown (then
    deflate-on-oom is taken to be possible).
    """
    walk = _Walk(messages, list_events, rules, told, features)
    events = iter([*config, None])
    event = next(events)
    with interruptible("checking the recording") as interruption:
        for number in range(len(messages) + 1):
            seq = int(messages.seq[number]) if number < len(messages) else 1 << 62
            while event is not None and event.seq < seq:
                walk.config(event)
                event = next(events)
            if number < len(messages):
                walk.message(number)
            if number % _SAY_EVERY == 0:
                interruption.say(f"{number:,} of {counted(len(messages), 'message')}")
                if interruption.asked:
                    break
    walk.end(config)
    return Check(name, rules, len(messages), len(config), dict(walk.counts), walk.traced, tuple(walk.rejections))


class _Walk:
    """The state of a check on its way: the list, the rounds, and what was rejected."""

    def __init__(
        self, messages: Messages, events: ListEvents, rules: Rules, told: Told | None, features: frozenset[int] | None
    ) -> None:
        self.messages = messages
        self.rules = rules
        self.told = told
        self.oom = rules.oom_rounds and (features is None or DEFLATE_ON_OOM in features)
        self.pages = WatchedList(passes_locked=rules.passes_locked)
        self.rounds = Rounds(rules)
        self.counts: Counter[str] = Counter()
        self.rejections: list[Rejection] = []
        self.traced = told is not None or len(events.kind) > 0
        self.moving = -1  # the new page of a migration whose old page is yet to be told
        self.owed = False  # a migration told its old page first; its new page may still come
        self._number, self._seq = 0, 0
        self._operations: dict[int, list[Operation]] = {}
        for after, kind, pfn in zip(events.after.tolist(), events.kind.tolist(), events.pfn.tolist(), strict=True):
            self._operations.setdefault(after, []).append((kind, pfn))
            self.counts["putbacks" if kind else "isolations"] += 1

    def reject(self, expected: str, found: str) -> None:
        self.rejections.append(Rejection("message", self._number, self._seq, expected, found))

    def config(self, event: ConfigEvent) -> None:
        """One access to the config space."""
        empty = self.pages.next_page() < 0
        for expected, found in self.rounds.config(event, nothing_to_take=empty):
            self.rejections.append(Rejection("config event", event.seq, event.seq, expected, found))

    def message(self, number: int) -> None:
        """One message: what every message obeys, then what its kind does."""
        self._number, self._seq = number, int(self.messages.seq[number])
        pfns = self.messages.of(number).tolist()
        inflate = int(self.messages.queue[number]) == INFLATE
        meanwhile = self._operations.get(number, [])
        if self._sane(number, pfns, inflate=inflate):
            if self.moving >= 0:
                self._second_of_migration(pfns, meanwhile)
            elif inflate and self._begins_migration(number, pfns, meanwhile):
                self._first_of_migration(number, pfns, meanwhile)
            elif not inflate and len(pfns) == 1 and self._is_isolated(pfns[0], meanwhile):
                self.reject("the new page of a migration inflated before the old one", f"PFN {pfns[0]:#x} deflated")
                self._operate(meanwhile)
                self.pages.forget(pfns)
                self.owed = True
            else:
                self._round(number, pfns, meanwhile, inflate=inflate)
        for complaint in self.pages.complaints:
            self.reject("list operations that are possible", complaint)
        self.pages.complaints.clear()

    def end(self, config: Sequence[ConfigEvent]) -> None:
        """Nothing may be left half done."""
        self.counts["empty rounds"] = self.rounds.empty
        self.counts["passed-over pages"] = self.pages.passed_over
        last = max([self._seq, *(event.seq for event in config[-1:])])
        if self.moving >= 0:
            self.rejections.append(
                Rejection("end", 0, last, "the old page of the last migration deflated", "the end of the recording")
            )
        if self.rounds.owes_actual:
            self.rejections.append(
                Rejection("end", 0, last, "a write of actual after the last round", "the end of the recording")
            )

    def _sane(self, number: int, pfns: list[int], *, inflate: bool) -> bool:
        """What holds for every message; False if the pages make no sense (they are then taken as given)."""
        before = len(self.rejections)
        verb = "inflate" if inflate else "deflate"
        if not 1 <= len(pfns) <= MESSAGE_PFNS:
            self.reject(f"1 to {MESSAGE_PFNS} PFNs in a message", f"{len(pfns):,}")
        if self.told is not None and number < len(self.told.queue):
            queue, count = int(self.told.queue[number]), int(self.told.pages[number])
            if queue not in (-1, int(self.messages.queue[number])) or count not in (-1, len(pfns)):
                trace = f"{'deflate' if queue else 'inflate'} of {count} as in the guest's own trace"
                self.reject(trace, f"{verb} of {len(pfns)}")
        seen: set[int] = set()
        host = self.pages.host
        for place, pfn in enumerate(pfns):
            if pfn in seen or (pfn in host) == inflate:
                known = "has already" if inflate else "does not have"
                twice = "that stands in the message twice" if pfn in seen else f"that the host {known}"
                self.reject(f"no {verb} of a page twice", f"PFN {pfn:#x} at place {place}, {twice}")
                break
            seen.add(pfn)
        if len(self.rejections) == before:
            return True
        self._operate(self._operations.get(number, []))
        if inflate:
            self.pages.fill(number, list(dict.fromkeys(pfns)), [])
        else:
            self.pages.forget(pfns)
        self.moving = -1
        if self.rounds.reading or len(pfns) > 1:  # else it is likely of a migration
            self.rounds.take(len(pfns) if inflate else -len(pfns))
        return False

    def _operate(self, operations: list[Operation]) -> None:
        for operation in operations:
            self.pages.operate(*operation)

    def _is_isolated(self, pfn: int, meanwhile: list[Operation]) -> bool:
        state = pfn in self.pages.isolated
        for kind, page in meanwhile:
            state = not kind if page == pfn else state
        return state

    def _begins_migration(self, number: int, pfns: list[int], meanwhile: list[Operation]) -> bool:
        """Whether this one-page inflate is followed at once by the deflate of another, isolated page."""
        messages, after = self.messages, number + 1
        if len(pfns) != 1 or after == len(messages) or messages.count[after] != 1 or messages.queue[after] == INFLATE:
            return False
        old = int(messages.of(after)[0])
        if old == pfns[0]:
            return False
        if self.traced:
            return self._is_isolated(old, [*meanwhile, *self._operations.get(after, [])])
        return int(messages.seq[after]) == self._seq + 1 or old != self.pages.next_page()

    def _first_of_migration(self, number: int, pfns: list[int], meanwhile: list[Operation]) -> None:
        if not self.rules.migrates:
            self.reject(f"no migration by {self.rules.driver}", f"PFN {pfns[0]:#x} inflated for a page that moves")
        self._operate(meanwhile)
        if not self.traced:
            old = int(self.messages.of(number + 1)[0])
            self.pages.listed.pop(old, None)
            self.pages.isolated[old] = None
        self.pages.migrate_to(pfns[0])
        self.moving = pfns[0]

    def _second_of_migration(self, pfns: list[int], meanwhile: list[Operation]) -> None:
        self._operate(meanwhile)
        self.pages.forget(pfns)
        self.counts["migrations"] += 1
        self.moving = -1

    def _round(self, number: int, pfns: list[int], meanwhile: list[Operation], *, inflate: bool) -> None:
        """A message that resizes the balloon: of a round, or of a notice that memory ran out."""
        if self.owed and inflate and len(pfns) == 1:
            self.owed = False
            self._operate(meanwhile)
            self.pages.migrate_to(pfns[0])
            return
        wrong = None
        if inflate:
            self.pages.fill(number, pfns, meanwhile)
        else:
            wrong = self.pages.leak(pfns, meanwhile)
        if wrong:
            place, found, expected = wrong
            wanted = f"PFN {expected:#x}, the first page from the list's head," if expected >= 0 else "no page"
            self.reject(f"{wanted} at place {place}", f"PFN {found:#x}")
        more = not inflate and self.pages.next_page() >= 0
        time = float(self.messages.time[number])
        kind, problem = self.rounds.message(len(pfns), time, inflate=inflate, oom=self.oom, more=more)
        self.counts[kind] += 1
        if problem:
            self.reject(*problem)
