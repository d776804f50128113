"""A zone at rest, as arrays: one uint8 a page, one migratetype a pageblock, and the order of its free lists."""

from __future__ import annotations

import numpy as np

from balloonlab.foundations.errors import BadValueError, pick, whole_number
from balloonlab.foundations.words import counted
from balloonlab.memory.arrays.compaction import CHUNK, ArrayRun, compact_arrays
from balloonlab.memory.arrays.fallback import steal
from balloonlab.memory.arrays.list_order import ListOrder
from balloonlab.memory.arrays.placement import choose
from balloonlab.memory.buddy import RULES
from balloonlab.memory.fallback import FALLBACKS
from balloonlab.memory.fragmentation import Metrics, counts_by_order, metrics_of_counts
from balloonlab.memory.free_blocks import FreeLevels
from balloonlab.memory.placement import Placement, placement_named
from balloonlab.memory.zone import MAX_ORDER, MOST_PAGES, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype, PageState


class ArrayZone:
    """Pages ``0..pages-1`` as one zone, allocated, freed and compacted whole arrays at a time.

    states: uint8[pages] of PageState codes at rest (FREE, MOVABLE, UNMOVABLE, BALLOON, HOLE); kept, not copied, and
    changed in place. block_types: uint8[pageblocks] of Migratetype codes UNMOVABLE, MOVABLE, RECLAIMABLE; by default
    all MOVABLE. rules: "3.6" or "6.1". ordered: whether list order is kept, which "lifo" needs (4 bytes a page from the
    first compaction on, or the first LIFO inflation after pages were given back; 5 where lists are of several types);
    without it lists are always as rebuilt. Every unit is guest pages. Free lists are at first as FreeLists.rebuild
    makes them. Raises BadValueError or UnknownNameError for anything else.
    """

    def __init__(
        self,
        states: np.ndarray,
        rules: str = "6.1",
        block_types: np.ndarray | None = None,
        *,
        ordered: bool = True,
    ) -> None:
        self.rules = pick("rules", rules, RULES, "They name the kernel whose page allocator is retold.")
        pages = whole_number("pages", len(states), 1, MOST_PAGES, "guest pages", "64 GiB is the largest guest.")
        if states.dtype != np.uint8 or states.ndim != 1 or not states.flags.c_contiguous:
            raise BadValueError(f"states is of {states.dtype}, shape {states.shape}; it must be one row of uint8.")
        if np.any(states > PageState.HOLE):
            raise BadValueError("states holds codes above HOLE; a zone at rest has no page in transit or isolated.")
        blocks = -(-pages // PAGEBLOCK_PAGES)
        self.states = states
        self.block_types = np.full(blocks, Migratetype.MOVABLE, np.uint8) if block_types is None else block_types
        if self.block_types.shape != (blocks,) or not np.isin(self.block_types, list(FALLBACKS)).all():
            raise BadValueError(f"block_types must be {counted(blocks, 'code')} of UNMOVABLE, MOVABLE or RECLAIMABLE.")
        self.ordered = ordered
        self.order = ListOrder(states, self.block_types)

    def __repr__(self) -> str:
        return f"ArrayZone({counted(len(self.states), 'guest page')}, rules {self.rules!r})"

    @property
    def free_pages(self) -> int:
        return len(self.states) - int(np.count_nonzero(self.states))

    def metrics(self) -> Metrics:
        """Free blocks by order and the fragmentation indexes."""
        return metrics_of_counts(counts_by_order(self.states))

    def free_blocks(self, order: int, migratetype: int | None = None) -> list[int]:
        """PFNs of the free blocks of `order` from head to tail, of one migratetype or of each in turn."""
        order = whole_number("order", order, 0, MAX_ORDER - 1)
        self.order.settle()
        levels = FreeLevels(self.states)
        kinds = Migratetype if migratetype is None else [migratetype]
        return [pfn for kind in kinds for pfn in self.order.blocks(levels, order, kind).tolist()]

    def allocate(
        self,
        count: int,
        placement: str = "lifo",
        *,
        migratetype: int = Migratetype.MOVABLE,
        state: int | np.ndarray = PageState.BALLOON,
        seed: int = 0,
        balloon_moves: bool = True,
    ) -> np.ndarray:
        """Take up to `count` pages, one by one as far as the result goes; int32 PFNs in the order taken.

        placement: "lifo" takes the first block on its list, as Buddy.alloc does; "lowest", "highest" and "random"
        (drawn from `seed`) choose among all free blocks of the smallest order, whatever `migratetype`, as
        Placement.alloc does, and leave the other blocks' places on their lists alone. state: what the pages become, or
        uint8[pages] with what each page of the zone would become. balloon_moves: whether 6.1 counts BALLOON pages as
        movable when it decides to claim a pageblock. Where the lists of `migratetype` end "lifo" steals (fallback.py).
        Fewer pages are returned if there are no more.
        """
        count = whole_number("count", count, 0, MOST_PAGES, "guest pages")
        chooses = placement_named(placement, seed)
        if chooses is None:
            return self._by_list_order(count, migratetype, state, balloon_moves=balloon_moves)
        return self._placed(count, chooses, state)

    def free(self, pfns: np.ndarray) -> None:
        """Give these pages back in this order, each as a block of order 0; they must be in use, none twice."""
        put(self.states, pfns, PageState.FREE)
        if self.ordered:
            self.order.given_back(pfns)

    def compact(self, *, balloon_moves: bool = True, fixed: np.ndarray | None = None) -> ArrayRun:
        """A full run (order -1) by the zone's rules; see compact_arrays."""
        if self.ordered:
            self.order.settle(store=True)
            if self.rules == "3.6" and np.any(self.block_types != Migratetype.MOVABLE):
                self.order.keep_kinds()  # it may retag pageblocks
        run = compact_arrays(self.states, self.block_types, self.rules, balloon_moves=balloon_moves, fixed=fixed)
        if self.ordered:
            self.order.given_back(run.pairs[:, 0])
            self.order.given_back(run.released)
        return run

    def _placed(self, count: int, placement: Placement, state: int | np.ndarray) -> np.ndarray:
        """A placement other than "lifo"."""
        if self.ordered:
            self.order.settle()
        else:
            self.order.reset()

        def arrange(levels: FreeLevels, order: int, most: int) -> np.ndarray:
            heads = levels.heads(order, np.int32, most=most if placement.ascending else None)
            return placement.arranged(heads, order)

        pages, rest = choose(self.states, count, arrange)
        put(self.states, pages, state)
        if rest is not None:  # of an order-10 block it may lie in two pageblocks, and so on lists of two types
            pfn, end = rest
            middle = min((pfn | (PAGEBLOCK_PAGES - 1)) + 1, end)
            for first, stop in ((pfn, middle), (middle, end)):
                if first < stop:
                    self.order.opened(first, stop, int(self.block_types[first >> PAGEBLOCK_ORDER]))
        return pages

    def _by_list_order(
        self, count: int, migratetype: int, state: int | np.ndarray, *, balloon_moves: bool
    ) -> np.ndarray:
        """The "lifo" placement."""
        mixed = self.order.mixed()
        self.order.settle(store=mixed)

        def arrange(levels: FreeLevels, order: int, _most: int) -> np.ndarray:
            return self.order.blocks(levels, order, migratetype if mixed else None)

        pages = np.zeros(0, np.int32)
        if mixed or self.block_types[0] == migratetype:
            pages, rest = choose(self.states, count, arrange)
            put(self.states, pages, state)
            if rest is not None:
                self.order.opened(*rest, migratetype)
        if len(pages) == count or not self.free_pages:
            return pages
        self.order.keep_kinds()
        stolen = steal(self.order, self.rules, count - len(pages), migratetype, balloon_moves=balloon_moves)
        put(self.states, stolen.pages, state)
        self.order.taken_over(stolen.left, migratetype)
        if stolen.rest is not None:
            self.order.opened(*stolen.rest, migratetype)
        self.block_types[stolen.retagged] = migratetype
        return np.concatenate((pages, stolen.pages))


def put(states: np.ndarray, pfns: np.ndarray, state: int | np.ndarray) -> None:
    """Give these pages a state, or each the one that stands at its PFN.

    A chunk at a time: numpy is slow to index with anything but the machine's own words.
    """
    for low in range(0, len(pfns), CHUNK):
        here = pfns[low : low + CHUNK].astype(np.intp)
        states[here] = state[here] if isinstance(state, np.ndarray) else int(state)
