"""The order of free blocks on their lists, as one number a block.

A list grows at its head, or at its tail by the rule for blocks that will likely merge (buddy.py). Every entry gets the
next number of a clock, negative if it was put at the tail: so a list read from its head is its blocks by descending
number. The number stands at the block's first page; what stands at other pages means nothing.

Pages given back are only noted; `settle` works their blocks out together. That is exact as long as nothing takes free
pages in between: a block was last put on a list when the last of its pages was given back, and the block whose being
free sends it to the tail (twice its size, next to its own pair) can have been whole and free at that moment only if
its number is smaller and it still is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.free_blocks import CHUNK, FreeLevels
from balloonlab.memory.zone import MAX_ORDER, PAGEBLOCK_ORDER, Migratetype

_LAST = (1 << 31) - 1  # of the clock
_TAIL_ORDERS = MAX_ORDER - 2  # orders 0..8 have a tail rule


@dataclass(frozen=True)
class Mark:
    """Where list order stood: what it was made of, and each write since, as (array, where, what stood there)."""

    numbers: np.ndarray | None
    kinds: np.ndarray | None
    given: tuple[np.ndarray, ...]
    clock: int
    written: list[tuple[np.ndarray, np.ndarray, np.ndarray]]


class ListOrder:
    """List positions of the free blocks of page states that start at PFN 0.

    states: uint8[pages]; block_types: uint8[pageblocks]; both are read, never written. Until something was given back
    nothing is stored: the lists are then as FreeLists.rebuild leaves them (given back one by one, ascending).
    numbers: int32[pages], 4 bytes a page, made at the first settling. kinds: uint8[pages], the Migratetype of the list
    of the block headed there; only where pageblocks are of several types.
    """

    def __init__(self, states: np.ndarray, block_types: np.ndarray) -> None:
        self.states = states
        self.block_types = block_types
        self.numbers: np.ndarray | None = None
        self.kinds: np.ndarray | None = None
        self._given: list[np.ndarray] = []
        self._clock = len(states)
        self._written: list[tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None

    def copy(self, states: np.ndarray, block_types: np.ndarray) -> ListOrder:
        """The same lists, of a copy of the states and types."""
        other = ListOrder(states, block_types)
        other.numbers = None if self.numbers is None else self.numbers.copy()
        other.kinds = None if self.kinds is None else self.kinds.copy()
        other._given, other._clock = list(self._given), self._clock
        return other

    def mark(self) -> Mark:
        """Remember this moment, and from now on what is written over: until the next mark, or until one is left."""
        self._written = []
        return Mark(self.numbers, self.kinds, tuple(self._given), self._clock, self._written)

    def back_to(self, mark: Mark, before: Mark | None) -> None:
        """Lists as they were at the last mark that was not left; `before` is the last but one, if there is any."""
        for array, where, old in reversed(mark.written):
            array[where] = old
        self.numbers, self.kinds, self._given, self._clock = mark.numbers, mark.kinds, list(mark.given), mark.clock
        self._written = before.written if before else None

    def _write(self, array: np.ndarray, where: np.ndarray, new: np.ndarray | int) -> None:
        if self._written is not None:
            self._written.append((array, where, array[where]))
        array[where] = new

    def reset(self) -> None:
        """Lists as FreeLists.rebuild leaves them."""
        self.numbers = self.kinds = None
        self._given = []
        self._clock = len(self.states)

    def given_back(self, pfns: np.ndarray) -> None:
        """These pages (int PFNs, in order) were given back, each as a block of order 0; states say FREE already."""
        if len(pfns):
            self._given.append(pfns)

    def mixed(self) -> bool:
        """Whether free blocks may be on lists of more than one type."""
        return self.kinds is not None or bool(np.any(self.block_types != self.block_types[0]))

    def settle(self, *, store: bool = False) -> None:
        """Work out the list positions of blocks made of pages given back. store: also when none were."""
        if not self._given and (self.numbers is not None or not store):
            return
        levels = FreeLevels(self.states)
        entered = self._store_all(levels) if self.numbers is None else None
        touched = self._enter(levels)
        self._put_tails(levels, entered or touched)

    def blocks(self, levels: FreeLevels, order: int, kind: int | None = None) -> np.ndarray:
        """PFNs of the free blocks of `order` on the list of `kind` (None: whatever list), head first; settle before."""
        heads = self._rebuilt(levels, order) if self.numbers is None else by_number(self.numbers, levels.heads(order))
        return heads if kind is None else heads[np.flatnonzero(self.kind_of(heads, order) == kind)]

    def kind_of(self, heads: np.ndarray, order: int) -> np.ndarray:
        """uint8 Migratetype of the list that each of these blocks is on."""
        if self.kinds is not None:
            kinds: np.ndarray = self.kinds[heads]
        else:
            kinds = self.block_types[(heads + (1 << order) - 1) >> PAGEBLOCK_ORDER]
        return kinds

    def opened(self, pfn: int, end: int, kind: int) -> None:
        """What is left of a block that was taken in part: ``pfn..end-1``, on lists of `kind` that were empty."""
        if self.numbers is None:
            return
        self._leave_room(MAX_ORDER)
        while pfn < end:
            self._clock += 1
            head = np.array([pfn])  # perhaps of a block that was free before the larger one was
            self._write(self.numbers, head, self._clock)
            if self.kinds is not None:
                self._write(self.kinds, head, kind)
            pfn += pfn & -pfn

    def taken_over(self, heads: np.ndarray, kind: int) -> None:
        """These blocks (those of an order head first) are on lists of `kind` now, which were empty."""
        assert self.numbers is not None
        assert self.kinds is not None
        self._leave_room(len(heads))
        self._write(self.numbers, heads[::-1], np.arange(self._clock + 1, self._clock + 1 + len(heads)))
        self._clock += len(heads)
        self._write(self.kinds, heads, np.full(len(heads), kind))

    def keep_kinds(self) -> None:
        """Settle, and keep the lists' types apart from those of the pageblocks: those are about to change."""
        self.settle(store=True)
        if self.kinds is None:
            levels = FreeLevels(self.states)
            kinds = np.zeros(len(self.states), np.uint8)
            for order in range(MAX_ORDER):
                heads = levels.heads(order)
                kinds[heads] = self.kind_of(heads, order)
            self.kinds = kinds

    def _store_all(self, levels: FreeLevels) -> list[np.ndarray]:
        """Numbers of every block, as if its last page had been given back at the time of that page's PFN."""
        self.numbers = numbers = np.zeros(len(self.states), np.int32)
        if self.mixed():
            self.kinds = np.zeros(len(self.states), np.uint8)
        heads_of = [levels.heads(order) for order in range(MAX_ORDER)]
        for order, heads in enumerate(heads_of):
            last = heads + ((1 << order) - 1)
            numbers[heads] = last + 1
            if self.kinds is not None:
                self.kinds[heads] = self.block_types[last >> PAGEBLOCK_ORDER]
        return heads_of

    def _enter(self, levels: FreeLevels) -> list[np.ndarray]:
        """Number the blocks of the pages given back by the last of them; returns their heads, by order."""
        if not self._given:
            return [np.zeros(0, np.int64)] * MAX_ORDER
        assert self.numbers is not None
        rest = np.concatenate(self._given).astype(np.intp)  # numpy is slow to index with int32
        self._given = []
        self._leave_room(len(rest), levels)
        when = np.arange(self._clock + 1, self._clock + 1 + len(rest), dtype=np.int32)
        self._clock += len(rest)
        entered = []
        for order in range(MAX_ORDER):
            if order + 1 < MAX_ORDER:
                larger = levels[order + 1][rest >> (order + 1)]
                mine, others = np.flatnonzero(~larger), np.flatnonzero(larger)
            else:
                mine, others = np.arange(len(rest)), np.zeros(0, np.int64)
            pages, times = rest[mine], when[mine]
            heads = pages >> order << order
            self._write(self.numbers, heads, times)  # of several pages of one block the last one stays
            last = self.numbers[heads] == times
            if self.kinds is not None:
                self._write(self.kinds, heads[last], self.block_types[pages[last] >> PAGEBLOCK_ORDER])
            entered.append(heads[last])
            rest, when = rest[others], when[others]
        return entered

    def _put_tails(self, levels: FreeLevels, entered: list[np.ndarray]) -> None:
        """Turn the numbers of those negative that were put at the tail."""
        assert self.numbers is not None
        tails = []
        for order in range(_TAIL_ORDERS):
            heads = entered[order]
            above = (heads >> (order + 1)) ^ 1
            whole = np.flatnonzero(levels[order + 1][above])
            heads, above = heads[whole], above[whole] << (order + 1)
            tails.append(heads[self.numbers[above] < self.numbers[heads]])
        for heads in tails:
            self._write(self.numbers, heads, -self.numbers[heads])

    def _rebuilt(self, levels: FreeLevels, order: int) -> np.ndarray:
        """Blocks of `order` as FreeLists.rebuild lists them: the highest first, then those at the tail, ascending."""
        if order >= _TAIL_ORDERS:
            return levels.heads(order, np.int32)[::-1]
        high = levels[order + 1]
        groups = 2 * len(high)
        heads, tails = np.empty((2, groups), np.int32)  # what is never written takes no memory
        at = tail_at = 0
        for start in range(0, groups, CHUNK):
            larger = high[start // 2 : (start + CHUNK) // 2]
            alone = levels.alone(order, start, start + CHUNK).view(np.uint32)  # four groups: two pairs
            # Where the lower pair is a free block of twice the size, the upper pair's blocks are at the tail.
            before = np.flatnonzero(larger[::2])
            upper = np.flatnonzero(alone[before].view(bool))
            late = (before[upper >> 2] << 2) + (upper & 3)
            alone[before] = 0
            found = np.flatnonzero(alone.view(bool))
            np.add(found, start, out=heads[at : at + len(found)], casting="unsafe")
            np.add(late, start, out=tails[tail_at : tail_at + len(late)], casting="unsafe")
            at, tail_at = at + len(found), tail_at + len(late)
        listed = np.concatenate((heads[:at][::-1], tails[:tail_at]))
        listed <<= order
        return listed

    def _leave_room(self, count: int, levels: FreeLevels | None = None) -> None:
        """So many numbers are about to be given; levels: of the states as they are now, if they are at hand."""
        if self._clock + count > _LAST:
            self._wind_back(levels or FreeLevels(self.states))

    def _wind_back(self, levels: FreeLevels) -> None:
        """Number the blocks anew, 1 and up (tails -1 and down), so that the clock starts over."""
        assert self.numbers is not None
        heads = np.concatenate([levels.heads(order) for order in range(MAX_ORDER)])
        old = self.numbers[heads]
        ranked = heads[np.argsort(old)]
        tails = int(np.count_nonzero(old < 0))
        rank = np.arange(len(heads)) - tails
        self._write(self.numbers, ranked, rank + (rank >= 0))
        self._clock = len(heads) + 1


def load_lists(buddy: Buddy, order: ListOrder) -> None:
    """Give `buddy`, which stands at the same page states, the lists of `order`."""
    order.settle()
    levels = FreeLevels(order.states)
    for kind in Migratetype:
        for size in range(MAX_ORDER):
            head = buddy.heads[kind][size]
            buddy.links.next[head] = buddy.links.prev[head] = head
            buddy.links.fill(head, order.blocks(levels, size, kind))


def lists_of(buddy: Buddy, states: np.ndarray, block_types: np.ndarray) -> ListOrder:
    """The lists of `buddy` as they are, for arrays that hold the same page states; the reverse of load_lists."""
    order = ListOrder(states, block_types)
    order.numbers = numbers = np.zeros(len(states), np.int32)
    order.kinds = kinds = np.zeros(len(states), np.uint8)
    pages, heads, ranks = buddy.links.ranks()
    numbers[pages] = len(states) + 1 - ranks  # of pages on other lists, too: that means nothing
    kind_of = np.zeros(len(buddy.links.next_array), np.uint8)
    for kind in Migratetype:
        kind_of[buddy.heads[kind]] = kind
    kinds[pages] = kind_of[heads]
    return order


def by_number(numbers: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """`heads` (PFNs) by descending number: number and PFN are sorted as one 64-bit word."""
    words = (-numbers[heads].astype(np.int64) << 32) | heads
    words.sort()
    pfns: np.ndarray = words & 0xFFFFFFFF
    return pfns
