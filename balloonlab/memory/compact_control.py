"""Compaction of one zone, as the kernel's two scanners do it in a full run (order -1, /proc/sys/vm/compact_memory).

Retells compact_zone and what it calls (mm/compaction.c of Linux 3.6 and 6.1). A migrate scanner goes up and isolates
batches of movable pages, a free scanner (free_scanner.py) comes down and supplies targets; the run ends when they meet.
How one page is isolated and migrated is the caller's: a plain runner (compaction.py), or a driver step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.free_scanner import ISOLATE_FREEPAGES
from balloonlab.memory.scanner_state import ScannerState
from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype, PageState

COMPACT_CLUSTER_MAX = 32  # pages of a batch
_MOVABLE, _BALLOON = int(PageState.MOVABLE), int(PageState.BALLOON)
_ISOLATED, _ISOLATED_MOVABLE = int(PageState.ISOLATED), int(PageState.ISOLATED_MOVABLE)
_CAPTURED, _IN_TRANSIT = int(PageState.CAPTURED), int(PageState.IN_TRANSIT)


class CompactControl(ScannerState):
    """The state of one compactor (the kernel's compact_control), and the rules of its run, one page at a time.

    Use: ``begin()``; while not ``finished()``: ``begin_batch()``; for each ``next_candidate()`` that the caller manages
    to isolate, ``isolated(pfn)``; for each page of ``batch()`` take ``alloc_target()`` (None ends the run) and either
    ``moved(old, new)`` or ``give_back_target(new)``; ``put_back(pfn)`` what did not move; ``end_batch()``. At last
    ``release()``. Everything that changes lives in journaled Values and Links, so undo works amid a run.

    name: of this compactor, before the names of its numbers and lists; two compactors of one guest need two names.
    movable_states: PageState codes that can be isolated; without BALLOON for a driver without balloon compaction.
    sync: False is 3.6's asynchronous mode, in which only MOVABLE pageblocks are scanned for pages to move.
    free: who is given pages that are free again, called as ``free(pfn)``; the buddy allocator itself if None.
    Raises BadValueError for sync=False with 6.1 rules, whose full runs always wait.
    """

    def __init__(
        self,
        buddy: Buddy,
        *,
        name: str = "compact",
        movable_states: Iterable[int] = (PageState.MOVABLE, PageState.BALLOON),
        sync: bool = True,
        free: Callable[[int], None] | None = None,
    ) -> None:
        if not sync and buddy.rules != "3.6":
            raise BadValueError(f"sync is False; a full run of Linux {buddy.rules} always waits, so it must be True.")
        super().__init__(buddy, name)
        self.frames = buddy.frames
        self.sync = sync
        self.free = free or buddy.free
        self.movable_states = frozenset(map(int, movable_states))

    def begin(self) -> None:
        """Start a run: scanners at the ends of the zone, the counters of the run at 0.

        BadValueError if the last run was not released (its private lists still hold pages).
        """
        if self.links.first(self.migratepages) >= 0 or self.links.first(self.freepages) >= 0:
            raise BadValueError(f"{self.name!r} still holds pages of a run that was not ended and released.")
        for slot in self.slots.values():
            self.values.set(slot, 0)
        zone = self.buddy.zone
        last = zone.end if self.buddy.rules == "3.6" else zone.end - 1
        self.migrate_pfn = self.scan_end = zone.start
        self.free_pfn = last - last % PAGEBLOCK_PAGES

    def finished(self) -> bool:
        """Whether the run is over: the scanners have met, or no targets were left."""
        return bool(self.no_target) or self.scanners_met()

    def complete(self) -> bool:
        """Whether the run covered the zone: in 6.1 also if there were no more targets because the scanners met."""
        return self.scanners_met() and not (self.no_target and self.buddy.rules == "3.6")

    def scanners_met(self) -> bool:
        """Whether the free scanner is at or below the other: 3.6 compares their positions, 6.1 their pageblocks."""
        if self.buddy.rules == "3.6":
            return self.free_pfn <= self.migrate_pfn
        return self.free_pfn >> PAGEBLOCK_ORDER <= self.migrate_pfn >> PAGEBLOCK_ORDER

    def begin_batch(self) -> None:
        """Choose how far the next batch may scan: to the end of a pageblock, never across the free scanner.

        3.6 scans to the end of the *next* pageblock if it begins amid one, and leaps over the range (a round that
        is not counted) if that would cross.
        """
        self.nr_migratepages = self.batch_moved = 0
        start = self.migrate_pfn
        if self.buddy.rules == "3.6":
            end = -(-(start + PAGEBLOCK_PAGES) // PAGEBLOCK_PAGES) * PAGEBLOCK_PAGES
            self.scanned_round = int(end <= self.free_pfn)
            if not self.scanned_round:
                self.migrate_pfn = end
        else:
            block = start - start % PAGEBLOCK_PAGES
            end = block + PAGEBLOCK_PAGES
            # last_migrated_pfn is 0 at first, so the batch of pageblock 0 counts as a rescan.
            self.rescan = int(self.last_migrated_pfn - self.last_migrated_pfn % PAGEBLOCK_PAGES == block)
            self.iteration_start_pfn = start
            self.scanned_round = int(end <= self.free_pfn)
            if not self.scanned_round:
                end = start
        self.scan_end = end
        self.rounds += self.scanned_round

    def next_candidate(self) -> int | None:
        """The next page that the scan would isolate (its PFN), None at the end of the batch's scan."""
        orders, states, movable = self.frames.order_of, self.frames.state_of, self.movable_states
        leap = self.buddy.rules != "3.6"
        pfn, end, scanned = self.migrate_pfn, self.scan_end, 0
        while pfn < end:
            scanned += 1
            order = orders[pfn]
            if order >= 0:
                pfn += 1 << order if leap else 1
            elif not self.sync and not self._async_suitable(pfn):
                # Amid a pageblock this leaps over the next one too, as 3.6 does.
                pfn = -(-(pfn + PAGEBLOCK_PAGES) // PAGEBLOCK_PAGES) * PAGEBLOCK_PAGES
            elif states[pfn] in movable:
                self.migrate_pfn = pfn + 1
                self.migrate_scanned += scanned
                return pfn
            else:
                pfn += 1
        if scanned:
            self.migrate_pfn = min(pfn, end) if leap else pfn
            self.migrate_scanned += scanned
        return None

    def isolated(self, pfn: int) -> None:
        """The caller isolated `pfn`: it becomes the head of the batch, ISOLATED (balloon) or ISOLATED_MOVABLE.

        A batch ends with its 32nd page; 6.1's second batch in a pageblock has no such limit. BadValueError if the
        page is not of a state that can be isolated (it changed since it was offered).
        """
        state = self.frames.state_of[pfn]
        if state == _BALLOON:
            self.frames.set_state(pfn, _ISOLATED)
        elif state == _MOVABLE:
            self.frames.set_state(pfn, _ISOLATED_MOVABLE)
        elif state != _ISOLATED:
            name = PageState(state).name
            raise BadValueError(f"PFN {pfn} is {name}; only a MOVABLE or BALLOON page can be isolated.")
        self.links.add(pfn, self.migratepages)
        self.nr_migratepages += 1
        if self.nr_migratepages >= COMPACT_CLUSTER_MAX and not self.rescan:
            self.scan_end = self.migrate_pfn

    def batch(self) -> list[int]:
        """PFNs of the isolated pages, from the head of the list on: the order in which they migrate."""
        return list(self.links.walk(self.migratepages))

    def alloc_target(self) -> int | None:
        """compaction_alloc: the head of the private list, searched for if it is empty; its PFN, now IN_TRANSIT.

        None if the free scanner finds nothing: the run is over, and the pages not moved are to be put back.
        """
        pfn = self.links.first(self.freepages)
        if pfn < 0:
            ISOLATE_FREEPAGES[self.buddy.rules](self)
            pfn = self.links.first(self.freepages)
            if pfn < 0:
                self.no_target = 1
                return None
        self.links.delete(pfn)
        self.nr_freepages -= 1
        self.frames.set_state(pfn, _IN_TRANSIT)
        return pfn

    def give_back_target(self, new: int) -> None:
        """compaction_free: a target that was not used becomes the head of the private list again."""
        self.frames.set_state(new, _CAPTURED)
        self.links.add(new, self.freepages)
        self.nr_freepages += 1

    def moved(self, old: int, new: int, *, settled: bool = False, free_old: bool = True) -> None:
        """`old` now lives at `new`; the old page leaves the batch and is freed at once.

        settled: the caller has given the new page its state (and list) already; else it becomes BALLOON or MOVABLE
        after the old one. free_old: False if the caller frees the old page itself (reference counts).
        """
        if not settled:
            self.frames.set_state(new, self._state_before(old))
        if self.links.listed(old):
            self.links.delete(old)
        self.batch_moved += 1
        if free_old:
            self.free(old)

    def put_back(self, pfn: int, *, settled: bool = False) -> None:
        """A page that did not move leaves the batch: BALLOON or MOVABLE again (settled: the caller sees to that)."""
        if not settled:
            self.frames.set_state(pfn, self._state_before(pfn))
        if self.links.listed(pfn):
            self.links.delete(pfn)

    def end_batch(self) -> None:
        """Count the batch; pages still isolated are put back first."""
        for pfn in self.batch():
            self.put_back(pfn)
        size = self.nr_migratepages
        if self.scanned_round and (size or self.buddy.rules == "3.6"):
            self.blocks_moved += 1
        self.pages_moved += self.batch_moved
        self.migrate_failed += size - self.batch_moved
        if size:
            self.last_migrated_pfn = self.iteration_start_pfn
        self.nr_migratepages = 0

    def release(self) -> None:
        """release_freepages: what is left of the targets is free again, in list order."""
        for pfn in list(self.links.walk(self.freepages)):
            self.links.delete(pfn)
            self.free(pfn)
        self.nr_freepages = 0

    def _async_suitable(self, pfn: int) -> bool:
        """3.6, asynchronous: only MOVABLE pageblocks, and pageblock 0, which the check takes for seen already."""
        block = pfn >> PAGEBLOCK_ORDER
        return block == 0 or self.frames.block_type_of[block] == Migratetype.MOVABLE

    def _state_before(self, pfn: int) -> int:
        return _MOVABLE if self.frames.state_of[pfn] == _ISOLATED_MOVABLE else _BALLOON
