"""The buddy allocator of one zone: split to allocate, merge to free (Linux 3.6 and 6.1, mm/page_alloc.c).

Kept: free lists by order and migratetype, last in first out; the tail rule for blocks that will likely merge;
fallback with its rules for claiming pageblocks. Left out: per-cpu lists (see per_cpu.py), CMA, watermarks.
"""

from __future__ import annotations

from collections.abc import Generator

from balloonlab.foundations.errors import BadValueError, pick, whole_number
from balloonlab.foundations.words import counted
from balloonlab.memory.buddy_events import Event, Merged, Put, Split, Took
from balloonlab.memory.fallback import FALLBACKS, STEAL
from balloonlab.memory.free_lists import FreeLists, merges_across_types
from balloonlab.memory.zone import MAX_ORDER, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype, PageState, Zone

RULES = ["3.6", "6.1"]
TOP_ORDER = MAX_ORDER - 1
_FREE, _HOLE = int(PageState.FREE), int(PageState.HOLE)
_IN_TRANSIT, _CAPTURED = int(PageState.IN_TRANSIT), int(PageState.CAPTURED)

AllocSteps = Generator[Event, None, int | None]
FreeSteps = Generator[Event, None, None]


class Buddy(FreeLists):
    """Free pages of `zone`, allocated and freed by the `rules` of a kernel: "3.6" or "6.1".

    A new Buddy takes the pages whose state is FREE as free (see `rebuild`). Raises UnknownNameError for other rules.
    """

    def __init__(self, zone: Zone, rules: str = "6.1") -> None:
        self.rules = pick("rules", rules, RULES, "They name the kernel whose page allocator is retold.")
        self.strict_types = self.rules == "6.1"
        self._steal = STEAL[self.rules]
        super().__init__(zone)

    def __repr__(self) -> str:
        return f"Buddy({self.zone!r}, rules {self.rules!r}, {counted(self.free_pages, 'free guest page')})"

    def alloc(self, order: int = 0, migratetype: int = Migratetype.MOVABLE) -> int | None:
        """PFN of a block of 2^order pages, now IN_TRANSIT; None if there is none (nothing has changed then)."""
        steps = self.alloc_steps(order, migratetype)
        try:
            while True:
                next(steps)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    def free(self, pfn: int, order: int = 0) -> None:
        """Give 2^order pages back; they become FREE and merge.

        Raises BadValueError, and changes nothing, for an order out of 0..10, a block that is not aligned to its size
        or not inside the zone, and pages that are free already or no memory at all.
        """
        for _ in self.free_steps(pfn, order):
            pass

    def alloc_steps(self, order: int = 0, migratetype: int = Migratetype.MOVABLE) -> AllocSteps:
        """The allocation as a generator: an Event after each action, at last the PFN (or None) as its value."""
        order = whole_number("order", order, 0, TOP_ORDER, why="A block is 2^order guest pages.")
        if migratetype not in FALLBACKS:
            legal = ", ".join(f"{int(kind)} {kind.name}" for kind in sorted(Migratetype(k) for k in FALLBACKS))
            raise BadValueError(f"migratetype of a request is {migratetype!r}; it must be one of {legal}.")
        return self._allocate(order, migratetype)

    def free_steps(self, pfn: int, order: int = 0) -> FreeSteps:
        """Giving back as a generator: an Event after each action. Errors as `free`, raised at the call."""
        zone = self.zone
        if type(pfn) is not int or not zone.start <= pfn < zone.end:
            pfn = whole_number("PFN", pfn, zone.start, zone.end - 1, why=f"Those are the pages of zone {zone.name!r}.")
        if order != 0 or type(order) is not int:
            order = self._check_block(pfn, order)
        states = self.frames.state_of
        for page in range(pfn, pfn + (1 << order)):
            if states[page] == _FREE or states[page] == _HOLE:
                what = "free already; was it freed twice?" if states[page] == _FREE else "no memory (HOLE)."
                raise BadValueError(f"cannot free order {order} at PFN {pfn}: PFN {page} is {what}")
        return self._give_back(pfn, order)

    def isolate_block(self, pfn: int) -> int:
        """Take the free block headed at `pfn` off its list, its pages CAPTURED; returns its order.

        A block of half a pageblock or more (order >= 8) makes its pageblocks MOVABLE: 3.6 split_free_page, all but
        ISOLATE; 6.1 __isolate_free_page, only types that have fallbacks. BadValueError if no free block begins there.
        """
        pfn = whole_number("PFN", pfn, self.zone.start, self.zone.end - 1)
        order = self.frames.order_of[pfn]
        if order < 0:
            raise BadValueError(f"no free block begins at PFN {pfn}; only a whole free block can be isolated.")
        self.unlist(pfn, order)
        self._set_states(pfn, order, _CAPTURED)
        if order >= PAGEBLOCK_ORDER - 1:
            kept = (Migratetype.RESERVE, Migratetype.ISOLATE) if self.strict_types else (Migratetype.ISOLATE,)
            for page in range(pfn, pfn + (1 << order), PAGEBLOCK_PAGES):
                block = page >> PAGEBLOCK_ORDER
                if self.frames.block_type_of[block] not in kept:
                    self.frames.set_block_type(block, Migratetype.MOVABLE)
        return order

    def _allocate(self, order: int, wanted: int) -> AllocSteps:
        serves = wanted
        pfn = self.smallest(order, wanted)
        if pfn < 0:
            stolen = self._steal(self, order, wanted)
            if stolen is not None:
                yield stolen
                pfn = stolen.pfn if self.rules == "3.6" else self.smallest(order, wanted)
            elif self.rules == "3.6":
                serves = Migratetype.RESERVE
                pfn = self.smallest(order, serves)
            if pfn < 0:
                return None
        current = self.frames.order_of[pfn]
        self.unlist(pfn, current)
        self._set_states(pfn, order, _IN_TRANSIT)
        yield Took(pfn, current, serves)
        while current > order:
            current -= 1
            self.enlist(pfn + (1 << current), current, serves)
            yield Split(pfn, current + 1)
        return pfn

    def _give_back(self, pfn: int, order: int) -> FreeSteps:
        orders, start, end = self.frames.order_of, self.zone.start, self.zone.end
        migratetype = self.frames.block_type_of[pfn >> PAGEBLOCK_ORDER]
        self._set_states(pfn, order, _FREE)
        while order < TOP_ORDER:
            buddy = pfn ^ (1 << order)
            if not start <= buddy < end or orders[buddy] != order:
                break
            if order >= PAGEBLOCK_ORDER and not self._may_merge(buddy, migratetype):
                break
            self.unlist(buddy, order)
            pfn &= buddy
            order += 1
            yield Merged(pfn, order)
        tail = False
        if order < TOP_ORDER - 1:
            above = ((pfn >> (order + 1)) ^ 1) << (order + 1)  # buddy of the block that this one may become
            tail = start <= above < end and orders[above] == order + 1
        self.enlist(pfn, order, migratetype, tail=tail)
        yield Put(pfn, order, migratetype, tail)

    def _may_merge(self, buddy: int, migratetype: int) -> bool:
        """6.1: pageblocks of types without fallbacks merge only with their own kind."""
        other = self.frames.block_type_of[buddy >> PAGEBLOCK_ORDER]
        return not self.strict_types or merges_across_types(migratetype, other)

    def _set_states(self, pfn: int, order: int, state: int) -> None:
        set_state = self.frames.set_state
        for page in range(pfn, pfn + (1 << order)):
            set_state(page, state)

    def _check_block(self, pfn: int, order: int) -> int:
        """`order` as an int, if a block of that order may begin at `pfn`."""
        order = whole_number("order", order, 0, TOP_ORDER, why="A block is 2^order guest pages.")
        if pfn & ((1 << order) - 1):
            raise BadValueError(f"a block of order {order} begins at a multiple of {1 << order}, not at PFN {pfn}.")
        if pfn + (1 << order) > self.zone.end:
            raise BadValueError(f"order {order} at PFN {pfn} reaches beyond the zone, which ends at {self.zone.end}.")
        return order
