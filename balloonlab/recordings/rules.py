"""What each driver version may tell its host: the facts that a check of a recording needs, in one table.

Retold from drivers/virtio/virtio_balloon.c of Linux 3.6, 3.8, 6.1 and 7.2 and from the posted patches v9 to v11. A
recording holds messages, accesses to the config space and, if the guest was traced, isolations and putbacks; so only
what shows in those is a rule here. Not visible, and no rule: when a page was allocated or freed (in 6.1 and 7.2 PFNs
stand in a message in reverse of allocation), which locks were held, and whether a migrated page was on the list before
its messages (up to 6.1) or after them (7.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from balloonlab.drivers import DRIVERS, Driver, find_driver
from balloonlab.foundations.errors import BadValueError

MESSAGE_PFNS = 256  # VIRTIO_BALLOON_ARRAY_PFNS_MAX, 4 KiB balloon pages: the most of a message, and of a round
OUT_OF_PUFF = 0.2  # seconds that fill_balloon sleeps when it gets no page, before it tells what it has
DEFLATE_ON_OOM = 2  # feature bit


@dataclass(frozen=True)
class Rules:
    """A driver's side of the protocol, as far as a recording shows it.

    driver: its name. migrates: compaction moves its pages, each by two messages of one page. passes_locked: a deflate
    passes over a page that the compactor still has locked. short_deflates: a deflate may take fewer pages than are due
    when no other can be taken. many_deflates: one round may send several deflate messages. oom_rounds: with feature
    bit 2 it deflates 256 pages when memory runs out. one_read: a round reads the config once, when work is queued;
    otherwise a thread reads it as often as it wakes, and writes ``actual`` after statistics too.
    """

    driver: str
    migrates: bool = True
    passes_locked: bool = True
    short_deflates: bool = True
    many_deflates: bool = False
    oom_rounds: bool = False
    one_read: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The rules in sentences, in the order in which a message or a config event meets them."""
        taken = "its pages are those at the head of the list, in list order"
        if self.passes_locked:
            taken += "; at most the page that compaction moved or put back last, still locked, is passed over"
        short = "a deflate always has all pages that are due"
        if self.short_deflates:
            short = "a deflate has fewer pages than are due only if no other can be taken"
        sends = "sends one inflate or several deflates" if self.many_deflates else "sends one message"
        return (
            f"a message has 1 to {MESSAGE_PFNS} PFNs, each once",
            "no page is inflated that the host already has, none deflated that it has not",
            "the guest's own trace, where there is one, has the same messages",
            "num_pages is what the host set last, and is read once a round, when work is queued"
            if self.one_read
            else "num_pages is what the host set last, and is read before each round",
            f"a round {sends}, towards the target: min({MESSAGE_PFNS}, what is missing to it) pages",
            f"an inflate has fewer pages than are due only after {OUT_OF_PUFF:g} s asleep",
            short,
            f"inflated pages enter the list at its head; of a deflate, {taken}",
            "a migration is two messages of one page with none between: the new page inflated, the old one (isolated) "
            "deflated; the new page enters at the head"
            if self.migrates
            else "no page migrates",
            "a page put back was isolated, and enters at the head; an isolated page was on the list",
            "actual is written once after each round, also if nothing was told, never for a migration; it is the size",
            f"out of memory: with feature bit {DEFLATE_ON_OOM}, a deflate of {MESSAGE_PFNS} (all, if there are fewer) "
            "without a read, then actual"
            if self.oom_rounds
            else "no deflate without a read",
        )


_TABLE = (
    Rules("linux-3.6", migrates=False, passes_locked=False, short_deflates=False),
    Rules("v9", passes_locked=False, short_deflates=False),
    Rules("v10", passes_locked=False, many_deflates=True),
    Rules("v11"),
    Rules("linux-3.8"),
    Rules("linux-6.1", oom_rounds=True, one_read=True),
    Rules("linux-7.2", oom_rounds=True, one_read=True),
)
RULES = {rules.driver: rules for rules in _TABLE}


def find_rules(driver: str | Driver) -> Rules:
    """The rules of a driver, by name or Driver.

    UnknownNameError for a name nobody knows; BadValueError for a driver that somebody edited: it has no rules known.
    """
    found = find_driver(driver)
    if found.name not in RULES:
        raise BadValueError(
            f"the driver is {found.name!r}; a recording can be checked by the rules of {', '.join(DRIVERS)}. "
            "A driver with replaced routines may tell its host anything."
        )
    return RULES[found.name]
