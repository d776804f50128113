"""The free lists of a zone: one list for each order and migratetype, and the count of blocks of each order.

Linux 3.6 and 6.1, include/linux/mmzone.h (free_area). The lists are lists of `frames.links`; `frames.orders` says
where a free block begins and how large it is, as PageBuddy and page_order do.
"""

from __future__ import annotations

import numpy as np

from balloonlab.foundations.errors import whole_number
from balloonlab.memory.free_blocks import FreeLevels
from balloonlab.memory.zone import MAX_ORDER, PAGEBLOCK_ORDER, Migratetype, PageState, Zone


def merges_across_types(one: int, other: int) -> bool:
    """Whether pageblocks of these two Migratetypes may share a free block in Linux 6.1 (mm/page_alloc.c)."""
    plain = Migratetype.RESERVE
    return one == other or (one < plain and other < plain)


class FreeLists:
    """Free lists over the pages of `zone`, built from its page states and kept in step by `enlist` and `unlist`.

    `movable_states`: PageState codes that 6.1 counts as movable when it decides to claim a pageblock (fallback.py);
    take BALLOON out of it for a driver whose pages cannot move.
    """

    strict_types = False  # 6.1: pageblocks of types that have no fallback never merge with others

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.movable_states = frozenset((PageState.MOVABLE, PageState.BALLOON, PageState.ISOLATED))
        self.frames = zone.frames
        self.links = zone.frames.links
        self.values = zone.frames.values
        self.heads = [
            [self.links.named_list(f"{zone.name} free order {order} {kind.name}") for order in range(MAX_ORDER)]
            for kind in Migratetype
        ]
        self.slots = [
            self.values.declare(f"{zone.name} nr_free[{order}]", unit="free blocks") for order in range(MAX_ORDER)
        ]
        self.rebuild()

    def enlist(self, pfn: int, order: int, migratetype: int, *, tail: bool = False) -> None:
        """The free block at `pfn` enters a list, at its head or tail."""
        self.frames.set_order(pfn, order)
        head = self.heads[migratetype][order]
        if tail:
            self.links.add_tail(pfn, head)
        else:
            self.links.add(pfn, head)
        slot = self.slots[order]
        self.values.set(slot, self.values.numbers[slot] + 1)

    def unlist(self, pfn: int, order: int) -> None:
        """The free block of `order` at `pfn` leaves its list."""
        self.frames.set_order(pfn, -1)
        self.links.delete(pfn)
        slot = self.slots[order]
        self.values.set(slot, self.values.numbers[slot] - 1)

    def smallest(self, order: int, migratetype: int) -> int:
        """First block of the smallest order >= `order` that `migratetype` has, its PFN; -1 if it has none."""
        following = self.links.next
        for head in self.heads[migratetype][order:]:
            pfn = following[head]
            if pfn != head:
                return pfn
        return -1

    def block_counts(self) -> list[int]:
        """Free blocks of each order 0..10, all migratetypes together."""
        numbers = self.values.numbers
        return [numbers[slot] for slot in self.slots]

    @property
    def free_pages(self) -> int:
        """Free guest pages of the zone."""
        return sum(count << order for order, count in enumerate(self.block_counts()))

    def nr_free(self, order: int, migratetype: int | None = None) -> int:
        """Free blocks of `order`: of all migratetypes (kept count), or on the list of one (counted)."""
        order = whole_number("order", order, 0, MAX_ORDER - 1)
        if migratetype is None:
            return self.values.numbers[self.slots[order]]
        return len(self.free_blocks(order, migratetype))

    def free_blocks(self, order: int, migratetype: int | None = None) -> list[int]:
        """PFNs of the free blocks of `order` from head to tail, of one migratetype or of each in turn."""
        order = whole_number("order", order, 0, MAX_ORDER - 1)
        if migratetype is not None:
            migratetype = whole_number("migratetype", migratetype, 0, len(Migratetype) - 1)
        kinds = Migratetype if migratetype is None else [Migratetype(migratetype)]
        return [pfn for kind in kinds for pfn in self.links.walk(self.heads[kind][order])]

    def rebuild(self) -> None:
        """Build every list from the page states at once; not journaled.

        The lists are as if every page had been used and the free ones had then been given back one by one in
        ascending PFN order: so the highest block is the head, but for those that the tail rule put last. Call it
        after page states were set in bulk, and before other lists are filled: pages that were heads of free blocks
        are taken off whatever list they are on.
        """
        frames, links, first = self.frames, self.links, self.zone.start
        orders = frames.orders[first : self.zone.end]
        listed = first + np.flatnonzero(orders >= 0)
        links.next_array[listed] = -1
        links.prev_array[listed] = -1
        orders[:] = -1
        levels = FreeLevels(frames.states[first : self.zone.end], first)
        if self.strict_types:
            self._part_types(levels[MAX_ORDER - 1])
        blocks = [levels.heads(order) for order in range(MAX_ORDER)]
        for order, pfns in enumerate(blocks):
            frames.orders[pfns] = order
        for order, pfns in enumerate(blocks):
            self.values.numbers[self.slots[order]] = len(pfns)
            tail = self._likely_to_merge(pfns, order)
            kinds = frames.block_types[(pfns + (1 << order) - 1) >> PAGEBLOCK_ORDER]
            for kind in Migratetype:
                head = self.heads[kind][order]
                links.next[head] = links.prev[head] = head
                mine = kinds == kind
                links.fill(head, np.concatenate((pfns[mine & ~tail][::-1], pfns[mine & tail])))

    def _likely_to_merge(self, pfns: np.ndarray, order: int) -> np.ndarray:
        """Whether the block below the pair of each was free when it was given back: the tail rule, as bools."""
        if order >= MAX_ORDER - 2:
            return np.zeros(len(pfns), bool)
        below = ((pfns >> (order + 1)) ^ 1) << (order + 1)
        known = np.clip(below, self.zone.start, self.zone.end - 1)
        free: np.ndarray = self.frames.orders[known] == order + 1
        return free & (below < pfns) & (below >= self.zone.start)

    def _part_types(self, top: np.ndarray) -> None:
        """Take out of level 10 the pairs of pageblocks that 6.1 refuses to merge."""
        base = self.zone.start >> (MAX_ORDER - 1)
        types = self.frames.block_types
        for pair in np.flatnonzero(top):
            low = 2 * (base + int(pair))
            top[pair] = merges_across_types(types[low], types[low + 1])
