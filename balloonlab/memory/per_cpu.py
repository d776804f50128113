"""The free pages that a CPU keeps to itself, in front of a zone's buddy allocator (Linux 6.1, mm/page_alloc.c).

A freed page goes to a list of its CPU first (free_unref_page_commit): to nobody else is it free, and it merges with
nothing. With `high` pages on the lists, the oldest go to the buddy allocator (free_pcppages_bulk): `batch` of them, and
each time after that twice as many, if nothing was allocated in between (nr_pcp_free).

Only pages of order 0, and only freeing. Nothing is journaled: for runs that are never undone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PageState

_LISTED = int(PageState.UNMOVABLE)  # as in the page flags of a real guest, where they carry no mark


class PerCpuLists:
    """One CPU's lists for the zone of `buddy`, one list a migratetype of pageblocks. Unit: guest pages.

    count: pages on all the lists; it may be more than are known. high, batch: as in /proc/zoneinfo. known: PFNs of
    pages that are on the lists already, oldest first; their state becomes UNMOVABLE. Pages that are counted and not
    known are never given back. `known`: those of them that were not given back yet.
    """

    def __init__(self, buddy: Buddy, *, count: int, high: int, batch: int, known: Collection[int] = ()) -> None:
        self.buddy = buddy
        self.high = high
        self.batch = batch
        self.free_factor = 0  # how often the batch was doubled; each allocation halves it
        self._lists: dict[int, deque[int]] = {}
        listed = [self._put(pfn) for pfn in known]
        self.known = set(known)
        self.count = max(count, len(listed))

    def free(self, pfn: int) -> None:
        """A page comes back; BadValueError, and nothing changes, for one that is free or no memory."""
        state = self.buddy.frames.state_of[pfn]
        if state in (PageState.FREE, PageState.HOLE):
            raise BadValueError(f"PFN {pfn} is {PageState(state).name}; only a page in use can be given back.")
        own = self._put(pfn)
        self.count += 1
        if self.count >= self.high:
            self._give_back(min(self._due(), self.count), own)

    def take(self) -> list[int]:
        """Take all known pages off the lists, oldest first of each list, and leave their fate to the caller."""
        pages = [pfn for listed in self._lists.values() for pfn in listed]
        self._lists.clear()
        self.count -= len(pages)
        return pages

    def _put(self, pfn: int) -> deque[int]:
        kind = self.buddy.frames.block_type_of[pfn >> PAGEBLOCK_ORDER]
        pages = self._lists.setdefault(kind, deque())
        pages.append(pfn)
        self.buddy.frames.set_state(pfn, _LISTED)
        return pages

    def _due(self) -> int:
        """nr_pcp_free: how many pages go back now."""
        if self.high < self.batch:  # no lists: every page is passed on
            return 1
        most = self.high - self.batch
        due = self.batch << self.free_factor
        if due < most:
            self.free_factor += 1
        return min(max(due, self.batch), most)

    def _give_back(self, pages: int, first: deque[int]) -> None:
        """free_pcppages_bulk: the list of the page just freed first, wholly if need be, then the next in turn."""
        self.count -= pages
        in_turn = [self._lists[kind] for kind in sorted(self._lists)]
        at = next(i for i, listed in enumerate(in_turn) if listed is first)
        for listed in (*in_turn[at:], *in_turn[:at]):
            while pages and listed:
                pfn = listed.popleft()
                self.known.discard(pfn)
                self.buddy.free(pfn)
                pages -= 1
