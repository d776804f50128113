"""Requests that find nothing on their own lists, worked out together: what memory/fallback.py steals, one by one.

While the lists of the requests' type are empty nothing is given back, so all that is stolen follows from how the other
lists stand. It goes in rounds: a block is stolen, perhaps with the other free blocks of its pageblock, and all of it is
used up before the next is stolen. Blocks are stolen from the largest order down, in the order of the lists (6.1, for a
MOVABLE request: from order 4 on down, then from the smallest order up). In a round, blocks are used from the smallest
order up: those of one order descending in 3.6, which puts them at list heads, and ascending in 6.1, which puts them at
the tails. 3.6 breaks up the stolen block first: it gives its first page, and its parts go before the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from balloonlab.memory.arrays.census import Census
from balloonlab.memory.arrays.list_order import ListOrder
from balloonlab.memory.fallback import CLAIM_PAGES, FALLBACKS, LARGE_ORDER
from balloonlab.memory.free_blocks import FreeLevels
from balloonlab.memory.zone import MAX_ORDER, MOST_PAGES, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype

_RANK_BITS, _PLACE_BITS = 26, 30  # of numbers that blocks are sorted by: from a PFN; from an order and a PFN
_Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # of blocks: first PFN, round, place in it, pages


@dataclass
class Stolen:
    """What requests took, and what is left of the last round.

    pages: int32 PFNs in the order taken. rest: (first PFN, end) of a block taken in part, or None. left: heads of the
    whole blocks that are left, in the order in which they would be used. retagged: int64 pageblocks of the requests'
    type from now on.
    """

    pages: np.ndarray
    rest: tuple[int, int] | None
    left: np.ndarray
    retagged: np.ndarray


def steal(order: ListOrder, rules: str, count: int, wanted: int, *, balloon_moves: bool) -> Stolen:
    """Up to `count` pages for requests of order 0 and type `wanted`, whose own lists are empty; nothing is changed.

    rules: "3.6" or "6.1". balloon_moves: whether 6.1 counts BALLOON pages as movable when it decides to claim a
    pageblock.
    """
    levels = FreeLevels(order.states)
    rounds = _Rounds(order, levels, rules, count, wanted, Census(order.states, balloon_moves=balloon_moves))
    heads, sizes, number = rounds.used(levels)
    ends = np.cumsum(sizes)
    taken = min(count, int(ends[-1])) if len(ends) else 0
    if not taken:
        return Stolen(np.zeros(0, np.int32), None, heads, np.zeros(0, np.int64))
    last = int(np.searchsorted(ends, taken))  # the block that the last request takes from
    pages = _expanded(heads[: last + 1], sizes[: last + 1])[:taken].astype(np.int32)
    end = int(heads[last] + sizes[last])
    left = int(ends[last]) - taken
    return Stolen(pages, (end - left, end) if left else None, heads[last + 1 :], rounds.retagged(int(number[last]) + 1))


class _Rounds:
    """Rounds in turn, until they make `count` pages.

    lead, lead_order: the stolen block of each. of_block: for each pageblock the round that takes all its free blocks,
    or -1.
    """

    def __init__(
        self, order: ListOrder, levels: FreeLevels, rules: str, count: int, wanted: int, census: Census
    ) -> None:
        self.types, self.rules, self.wanted, self.census = order.block_types, rules, wanted, census
        self.whole = len(order.states) // PAGEBLOCK_PAGES  # a pageblock that the zone's end cuts is left alone
        self.of_block = np.full(len(self.types), -1, np.int64)
        leads, orders = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        done = pages = 0
        for size in self._orders():
            heads = np.concatenate([order.blocks(levels, size, kind) for kind in FALLBACKS[wanted]])
            heads = heads[np.flatnonzero(self.of_block[heads >> PAGEBLOCK_ORDER] < 0)]
            gives = np.full(len(heads), 1 << size)
            if self._takes_pageblock(size):
                heads = heads[self._first_of_pageblock(heads >> PAGEBLOCK_ORDER)]
                block = heads >> PAGEBLOCK_ORDER
                whole = np.flatnonzero(block < self.whole)
                self.of_block[block[whole]] = done + whole
                gives = np.where(block < self.whole, np.maximum(census.free[block], 1 << size), 1 << size)
            enough = int(np.searchsorted(np.cumsum(gives), count - pages)) + 1
            leads.append(heads[:enough])
            orders.append(np.full(len(leads[-1]), size))
            done += len(leads[-1])
            pages += int(gives[:enough].sum())
            if pages >= count:
                break
        self.lead, self.lead_order = np.concatenate(leads), np.concatenate(orders)
        self.of_block[self.of_block >= done] = -1

    def used(self, levels: FreeLevels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(first PFNs, pages, rounds) of blocks, in the order in which they are used."""
        parts = self._leads()
        for size in range(MAX_ORDER):
            heads = levels.heads(size)
            number = self.of_block[heads >> PAGEBLOCK_ORDER]
            others = np.flatnonzero(number >= 0)
            others = others[self.lead[number[others]] != heads[others]]
            parts.append((heads[others], number[others], *self._places(heads[others], size)))
        heads, number, places, sizes = (np.concatenate(column) for column in zip(*parts, strict=True))
        by_turn = np.argsort(number << _PLACE_BITS | places)
        return heads[by_turn], sizes[by_turn], number[by_turn]

    def retagged(self, begun: int) -> np.ndarray:
        """Pageblocks that the first `begun` rounds retag."""
        second = self.lead[:begun][self.lead_order[:begun] > PAGEBLOCK_ORDER] + PAGEBLOCK_PAGES  # of an order-10 block
        block = np.flatnonzero((self.of_block >= 0) & (self.of_block < begun))
        moved, movable = self.census.free[block], self.census.movable[block]
        alike = np.zeros(len(block), np.int64)
        if self.rules == "6.1" and self.wanted == Migratetype.MOVABLE:
            alike = movable
        elif self.rules == "6.1":
            alike = np.where(self.types[block] == Migratetype.MOVABLE, PAGEBLOCK_PAGES - moved - movable, 0)
        return np.concatenate((block[moved + alike >= CLAIM_PAGES], second >> PAGEBLOCK_ORDER))

    def _orders(self) -> list[int]:
        """Orders in the order in which blocks are stolen."""
        if self.rules == "6.1" and self.wanted == Migratetype.MOVABLE:
            return [*range(MAX_ORDER - 1, LARGE_ORDER - 1, -1), *range(LARGE_ORDER)]
        return list(range(MAX_ORDER - 1, -1, -1))

    def _takes_pageblock(self, order: int) -> bool:
        """Whether the other free blocks of its pageblock come along."""
        if self.rules == "3.6":
            return order >= LARGE_ORDER or self.wanted == Migratetype.RECLAIMABLE
        return order >= LARGE_ORDER or self.wanted != Migratetype.MOVABLE

    def _first_of_pageblock(self, block: np.ndarray) -> np.ndarray:
        """Which of the blocks in these pageblocks are the first of theirs; all in the one that is cut."""
        first = np.zeros(len(self.types), np.int64)
        first[block[::-1]] = np.arange(len(block))[::-1]  # the last write stays
        return np.flatnonzero((first[block] == np.arange(len(block))) | (block >= self.whole))

    def _leads(self) -> list[_Part]:
        """The stolen blocks, as they are used."""
        number = np.arange(len(self.lead))
        if self.rules == "6.1":
            return [(self.lead, number, *self._places(self.lead, self.lead_order))]
        nothing = np.zeros(len(number), np.int64)
        parts = [(self.lead, number, nothing, nothing + 1)]  # the first page of each comes first of all
        for order in range(MAX_ORDER - 1):
            larger = np.flatnonzero(self.lead_order > order)
            place = np.full(len(larger), (order + 1) << _RANK_BITS)
            parts.append((self.lead[larger] + (1 << order), number[larger], place, np.full(len(larger), 1 << order)))
        return parts

    def _places(self, heads: np.ndarray, order: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """(numbers that say which block of a round is used before which, their pages)."""
        rank = 1 + (heads if self.rules == "6.1" else MOST_PAGES - heads)
        orders = np.zeros(len(heads), np.int64) + order
        return (orders + 1) << _RANK_BITS | rank, 1 << orders


def _expanded(heads: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Every page of these blocks, block after block."""
    starts = np.cumsum(sizes) - sizes
    pages: np.ndarray = np.repeat(heads - starts, sizes) + np.arange(sizes.sum())
    return pages
