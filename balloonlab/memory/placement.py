"""Placement: which free block a balloon page is taken from, where it is not the one the kernel would take.

The kernel takes the head of a list, "lifo": what was given back last. The other placements are no kernel's; they are
here to be compared with it. Each takes the lowest page of a free block of the smallest order there is, and chooses
among all blocks of that order: the free pages alone decide, whatever lists they are on. Lists of migratetypes are
passed over, so nothing is stolen and no pageblock is retagged (fallback.py has no part in it).

The rules stand here once; an allocation page by page (`alloc`) and whole arrays (arrays/placement.py) both ask them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import pick
from balloonlab.memory.zone import MAX_ORDER, PAGEBLOCK_ORDER, Migratetype, PageState

if TYPE_CHECKING:
    from balloonlab.memory.buddy import Buddy

Pfns = NDArray[np.signedinteger[Any]]
PLACEMENTS = ["lifo", "lowest", "highest", "random"]
_WHY = "It says which free block of the smallest order a balloon page is taken from."
_RESERVE, _ISOLATE = int(Migratetype.RESERVE), int(Migratetype.ISOLATE)
_GAMMA = 0x9E3779B97F4A7C15  # splitmix64: the stride of its state, and its mix below
_64_BITS = (1 << 64) - 1


def check_placement(name: object) -> str:
    """`name` if it is one of PLACEMENTS; raises UnknownNameError otherwise."""
    return pick("placement", name, PLACEMENTS, _WHY)


def placement_named(name: str, seed: int) -> Placement | None:
    """The placement called `name`; None for "lifo", which is the lists' own. Errors as check_placement."""
    return None if check_placement(name) == "lifo" else Placement(name, seed)


class Placement:
    """Which of several free blocks of one order comes first. PFNs are guest pages.

    name: "lowest" or "highest" PFN, or "random": the block whose number drawn from (seed, order, PFN) is the lowest.
    Nothing is remembered from one choice to the next, so a choice can be undone and made again.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name = pick("placement", name, PLACEMENTS[1:], _WHY)
        states = np.array([(seed + (order + 1) * _GAMMA) & _64_BITS for order in range(MAX_ORDER)], np.uint64)
        self._start = splitmix64(states)  # of each order's own sequence

    def arranged(self, heads: Pfns, order: int) -> Pfns:
        """Free blocks of `order` (first PFNs, ascending) in the order in which they are taken."""
        if self.name == "random":
            return heads[np.argsort(self._drawn(heads, order))]
        return heads if self.ascending else heads[::-1]

    @property
    def ascending(self) -> bool:
        """Whether the blocks of an order are taken from the lowest up: those above the last one do not matter."""
        return self.name == "lowest"

    def first(self, heads: Pfns, order: int) -> int:
        """The first of `arranged`, without arranging the others; there is at least one."""
        if self.name == "random":
            return int(heads[np.argmin(self._drawn(heads, order))])
        return int(self.arranged(heads, order)[0])

    def alloc(self, buddy: Buddy) -> int | None:
        """A page of the block that comes first, now IN_TRANSIT; None if there is none (nothing has changed then).

        What is left of the block goes to the heads of the lists of its pageblocks' types; no other list changes.
        """
        pfn = self._block(buddy)
        if pfn is None:
            return None
        frames = buddy.frames
        order = frames.order_of[pfn]
        buddy.unlist(pfn, order)
        frames.set_state(pfn, PageState.IN_TRANSIT)
        while order > 0:
            order -= 1
            rest = pfn + (1 << order)
            buddy.enlist(rest, order, frames.block_type_of[rest >> PAGEBLOCK_ORDER])
        return pfn

    def _block(self, buddy: Buddy) -> int | None:
        """PFN of the block to take from.

        An ISOLATE pageblock's pages are nobody's; those of RESERVE are the last that 3.6 gives away, and 6.1 never.
        """
        start, types = buddy.zone.start, buddy.frames.block_types
        orders = buddy.frames.orders[start : buddy.zone.end]
        counts = buddy.block_counts()
        barred = [_RESERVE, _ISOLATE] if buddy.rules == "3.6" else [_RESERVE]
        plain = not (types >= _RESERVE).any()
        for lowest_barred in barred[:1] if plain else barred:
            for order in range(MAX_ORDER):
                if counts[order] == 0:
                    continue
                heads = np.flatnonzero(orders == order) + start
                if not plain:
                    heads = heads[types[heads >> PAGEBLOCK_ORDER] < lowest_barred]
                if len(heads):
                    return self.first(heads, order)
        return None

    def _drawn(self, heads: Pfns, order: int) -> NDArray[np.uint64]:
        """A number for each block; those of one order all differ, for splitmix64 and the stride are one to one."""
        return splitmix64(heads.astype(np.uint64) * np.uint64(_GAMMA) + self._start[order])


def splitmix64(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The mix of the generator splitmix64 (Steele, Lea and Flood, 2014): 64 bits to 64 bits, one to one."""
    z = state ^ (state >> np.uint64(30))
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z
