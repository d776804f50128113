"""The balloon's list as a check follows it: what enters and leaves where, and whether that was possible.

Linux 6.1, mm/balloon_compaction.c. Two threads may work on the list at once (a fill and a compactor that puts pages
back, a leak and a compactor). A recording says in which order each of them worked, not how the two mixed; so where
several mixtures are possible, all of them are accepted. PFNs are of guest pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from balloonlab.recordings.traffic import PUTBACK

Operation = tuple[int, int]  # ISOLATE or PUTBACK, PFN

FILLED, RETURNED = 0, 1


class WatchedList:
    """Pages on the list, isolated pages, and what the host has been told of (PFNs).

    complaints: what list operations were impossible, as texts; whoever reads them empties it.
    """

    def __init__(self, *, passes_locked: bool) -> None:
        self.listed: dict[int, None] = {}  # an ordered set; its last is the list's head
        self.isolated: dict[int, None] = {}
        self.host: set[int] = set()
        self.complaints: list[str] = []
        self.passed_over = 0
        self._passes_locked = passes_locked
        self._latest = -1  # the page that a compactor moved or put back last: it may still have it locked
        self._mixed: dict[int, tuple[int, int]] = {}  # pages that entered while another thread's did: (when, whose)

    def operate(self, kind: int, pfn: int) -> None:
        """An isolation or a putback."""
        if kind == PUTBACK:
            if pfn not in self.isolated:
                self.complaints.append(f"PFN {pfn:#x} is put back; it was not isolated")
            self.isolated.pop(pfn, None)
            self._enter(pfn)
            self._latest = pfn
        else:
            if pfn not in self.listed:
                self.complaints.append(f"PFN {pfn:#x} is isolated; it was not on the list")
            self.listed.pop(pfn, None)
            self._mixed.pop(pfn, None)
            self.isolated[pfn] = None

    def fill(self, number: int, pfns: Sequence[int], meanwhile: Sequence[Operation]) -> None:
        """Round message `number` inflates `pfns`, while a compactor did `meanwhile`."""
        own = set(pfns)
        first = next((place for place, (_, pfn) in enumerate(meanwhile) if pfn in own), len(meanwhile))
        for operation in meanwhile[:first]:
            self.operate(*operation)
        for pfn in pfns:
            self._enter(pfn)
        self.host.update(pfns)
        self._latest = -1
        for operation in meanwhile[first:]:
            self.operate(*operation)
        returned = [pfn for kind, pfn in meanwhile if kind == PUTBACK and pfn in self.listed]
        if returned:
            self._mixed |= dict.fromkeys((pfn for pfn in pfns if pfn in self.listed), (number, FILLED))
            self._mixed |= dict.fromkeys(returned, (number, RETURNED))

    def migrate_to(self, pfn: int) -> None:
        """The first message of a migration: the new page."""
        self._enter(pfn)
        self.host.add(pfn)
        self._latest = pfn

    def forget(self, pfns: Sequence[int]) -> None:
        """These pages are deflated, wherever they were."""
        for pfn in pfns:
            self.listed.pop(pfn, None)
            self.isolated.pop(pfn, None)
            self._mixed.pop(pfn, None)
            self.host.discard(pfn)

    def leak(self, pfns: Sequence[int], meanwhile: Sequence[Operation]) -> tuple[int, int, int] | None:
        """A deflate of `pfns` from the head, while a compactor did `meanwhile`.

        None if the list gives them in this order; else (place in the message, PFN there, PFN expected; -1 for no
        page that could be taken). The pages leave in any case.
        """
        todo = list(meanwhile)
        last = {pfn: place for place, (_, pfn) in enumerate(todo)}
        done, wrong = 0, None
        for place, pfn in enumerate(pfns):
            while done <= last.get(pfn, -1):
                self.operate(*todo[done])
                done += 1
            while (expected := self._takes(pfn)) != pfn and done < len(todo):
                # What the compactor did may as well have come before this page was taken.
                self.operate(*todo[done])
                done += 1
            if expected != pfn:
                wrong = wrong or (place, pfn, expected)
                self.listed.pop(pfn, None)
                self.isolated.pop(pfn, None)
            self._mixed.pop(pfn, None)
        for operation in todo[done:]:
            self.operate(*operation)
        self.host.difference_update(pfns)
        return wrong

    def next_page(self) -> int:
        """The first page from the head that can certainly be taken, -1 if there is none."""
        return next((pfn for pfn in reversed(self.listed) if not (self._passes_locked and pfn == self._latest)), -1)

    def _enter(self, pfn: int) -> None:
        self.listed.pop(pfn, None)
        self._mixed.pop(pfn, None)
        self.listed[pfn] = None

    def _takes(self, pfn: int) -> int:
        """Take `pfn` if the list may give it now; returns it then, else the page that the list would give (or -1)."""
        if pfn not in self.listed:
            return self.next_page()
        above: list[int] = []
        while (head := self.listed.popitem()[0]) != pfn and self._may_stay(head, pfn):
            above.append(head)
        if head == pfn:
            self.passed_over += self._latest in above
        else:
            self.listed[head] = None
        self.listed.update(dict.fromkeys(reversed(above)))
        return head

    def _may_stay(self, head: int, taken: int) -> bool:
        """Whether a leak may take `taken` though `head` is nearer to the head."""
        if self._passes_locked and head == self._latest:
            return True
        mine, other = self._mixed.get(taken), self._mixed.get(head)
        return mine is not None and other is not None and mine[0] == other[0] and mine[1] != other[1]
