"""Which pageblock of a recorded guest had which migratetype: counted by the guest, placed by inference.

/proc/pagetypeinfo says how many pageblocks of a zone have each type, and how many free blocks of each order lie on the
lists of each type (Linux 6.1, mm/vmstat.c). It does not say where. Free pages lie, but for a few, on the list of their
pageblock's type (mm/page_alloc.c), so a choice of places is good if the free blocks in them add up to the lists.
Everything here is of one snapshot; nothing is taken from a later one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from balloonlab.memory.free_blocks import FreeLevels
from balloonlab.memory.zone import MAX_ORDER, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype, PageState
from balloonlab.recordings.snapshots import (
    ANON,
    BUDDY,
    LRU,
    MIGRATETYPES,
    NOPAGE,
    OFFLINE,
    RESERVED,
    SLAB,
    Flags,
    States,
    TypeCounts,
    ZoneSpan,
)

SECTION_PAGES = 1 << 15  # of x86-64's sparse memory: 128 MiB
_RARE = (Migratetype.RECLAIMABLE, Migratetype.UNMOVABLE, Migratetype.ISOLATE)
_PAGES_OF_ORDER = 1 << np.arange(MAX_ORDER)

Integers = npt.NDArray[np.int64]


class _Blocks(NamedTuple):
    """One entry a pageblock: pages that cannot move, slab pages among them, other pages, free blocks by order."""

    fixed: Integers
    slab: Integers
    other: Integers
    free: Integers  # (blocks, 11)
    reserved: npt.NDArray[np.bool_]  # whether the first page was reserved at boot


def block_types(
    flags: Flags, zones: list[ZoneSpan], counts: TypeCounts, free: TypeCounts, *, balloon_movable: bool = True
) -> States:
    """uint8 Migratetype codes, one a pageblock: the guest's own number of each type in each zone, our guess which.

    counts, free: by zone and type's word, the pageblocks of that type and the free blocks of each order on its lists.
    balloon_movable: False for a driver whose balloon pages cannot move: they count as the kernel's then.
    Taken first are blocks that never got a type (_late_pfn); then those with pages that cannot move, as far as their
    free blocks fit what the lists of the type still lack; then those without a free page, for which the type matters
    to nobody, but for as many as the lists ask for wholly free ones; then these; at last whatever is left.
    """
    blocks = _survey(flags, balloon_movable=balloon_movable)
    types = np.full(len(blocks.fixed), Migratetype.MOVABLE, np.uint8)
    for zone in zones:
        here = np.arange(zone.start_pfn // PAGEBLOCK_PAGES, -(-zone.end_pfn // PAGEBLOCK_PAGES))
        chooser = _Chooser(blocks, types, counts.get(zone.name, {}), free.get(zone.name, {}))
        ranked = here[np.lexsort((here, blocks.other[here], -blocks.fixed[here]))].tolist()
        if zone == zones[-1]:
            late = _late_pfn(zone) >> PAGEBLOCK_ORDER
            chooser.take([block for block in here.tolist() if block >= late and blocks.reserved[block]])
        used = [block for block in ranked if blocks.fixed[block] > 0]
        chooser.take([block for block in used if blocks.free[block].any()], fitting=True)
        chooser.take([block for block in used if not blocks.free[block].any()], but=chooser.asked_for())
        chooser.take_free(here.tolist())
        chooser.take([block for block in used if not blocks.free[block].any()])
        chooser.take([block for block in ranked if not blocks.free[block].any()])
        chooser.take([block for block in ranked if not blocks.free[block, PAGEBLOCK_ORDER:].any()])
        chooser.take(ranked)
    return types


def _late_pfn(zone: ZoneSpan) -> int:
    """From which PFN on struct pages of the last zone were initialised late.

    With CONFIG_DEFERRED_STRUCT_PAGE_INIT (x86-64 kernels of distributions) the boot initialises more than one section
    of 128 MiB, and stops where the next begins (mm/page_alloc.c, defer_init). What follows gets a type only for
    pageblocks that begin with a free page: one that was reserved at boot stays UNMOVABLE.
    """
    return -(-(zone.start_pfn + SECTION_PAGES) // SECTION_PAGES) * SECTION_PAGES


def _survey(flags: Flags, *, balloon_movable: bool) -> _Blocks:
    """What the page flags say of each pageblock."""
    blocks = -(-len(flags) // PAGEBLOCK_PAGES)
    padded = np.concatenate((flags, np.full(blocks * PAGEBLOCK_PAGES - len(flags), RESERVED))).reshape(blocks, -1)
    loose = LRU | ANON | BUDDY | (OFFLINE if balloon_movable else 0)
    states = np.where(padded & BUDDY != 0, PageState.FREE, PageState.UNMOVABLE).astype(np.uint8).reshape(-1)
    free = np.zeros((blocks, MAX_ORDER), np.int64)
    levels = FreeLevels(states)
    for order in range(MAX_ORDER):
        np.add.at(free[:, order], levels.heads(order) >> PAGEBLOCK_ORDER, 1)
    return _Blocks(
        fixed=(padded & (loose | RESERVED | NOPAGE) == 0).sum(axis=1),
        slab=(padded & SLAB != 0).sum(axis=1),
        other=(padded & loose != 0).sum(axis=1),
        free=free,
        reserved=padded[:, 0] & RESERVED != 0,
    )


class _Chooser:
    """Gives the rarer types to pageblocks of one zone, until each is used up."""

    def __init__(
        self, blocks: _Blocks, types: States, counts: dict[str, list[int]], free: dict[str, list[int]]
    ) -> None:
        self.blocks = blocks
        self.types = types
        self.wanted = dict.fromkeys(_RARE, 0)
        self.lacking = {kind: np.zeros(MAX_ORDER, np.int64) for kind in _RARE}
        for word, (count, *_) in counts.items():
            if (kind := MIGRATETYPES.get(word, Migratetype.UNMOVABLE)) in self.wanted:
                self.wanted[kind] += count
        for word, row in free.items():
            if (kind := MIGRATETYPES.get(word, Migratetype.UNMOVABLE)) in self.lacking:
                self.lacking[kind] += np.array(row, np.int64)

    def take(self, ranked: list[int], *, fitting: bool = False, but: dict[Migratetype, int] | None = None) -> None:
        """Go through the blocks in order; fitting: only those whose free blocks bring a type's lists nearer.

        but: how many of each type to leave for later.
        """
        left = but or {}
        for block in ranked:
            if self.types[block] == Migratetype.MOVABLE:
                for kind in self._likely(block):
                    if self.wanted[kind] > left.get(kind, 0) and (not fitting or self._fits(block, kind)):
                        self._give(block, kind)
                        break

    def asked_for(self) -> dict[Migratetype, int]:
        """How many wholly free pageblocks the lists of each type still lack."""
        return {
            kind: max(int(row[PAGEBLOCK_ORDER]), 0) + 2 * max(int(row[PAGEBLOCK_ORDER + 1]), 0)
            for kind, row in self.lacking.items()
        }

    def take_free(self, here: list[int]) -> None:
        """Wholly free blocks, for the free blocks of orders 9 and 10 that a list lacks; near its own kind first."""
        for kind in _RARE:
            for order in (PAGEBLOCK_ORDER + 1, PAGEBLOCK_ORDER):
                size = 1 << (order - PAGEBLOCK_ORDER)
                heads = [b for b in here if self.blocks.free[b, order] and self.types[b] == Migratetype.MOVABLE]
                heads.sort(key=lambda block, kind=kind, size=size: self._away(block, size, kind))  # type: ignore[misc]
                for head in heads[: max(int(self.lacking[kind][order]), 0)]:
                    if self.wanted[kind] >= size:
                        for block in range(head, head + size):
                            self._give(block, kind)

    def _likely(self, block: int) -> tuple[Migratetype, ...]:
        """The types in the order in which this block may have them: wholly slab is reclaimable."""
        mostly_slab = 4 * self.blocks.slab[block] >= 3 * max(self.blocks.fixed[block], 1)
        return _RARE if mostly_slab else (Migratetype.UNMOVABLE, Migratetype.RECLAIMABLE, Migratetype.ISOLATE)

    def _fits(self, block: int, kind: Migratetype) -> bool:
        now = self.lacking[kind]
        return bool((abs(now - self.blocks.free[block]) @ _PAGES_OF_ORDER) < abs(now) @ _PAGES_OF_ORDER)

    def _give(self, block: int, kind: Migratetype) -> None:
        self.types[block] = kind
        self.wanted[kind] -= 1
        self.lacking[kind] -= self.blocks.free[block]

    def _away(self, block: int, size: int, kind: Migratetype) -> tuple[bool, int]:
        """How unlikely it is that a free block has this type: it is near others that have it, its buddy first."""
        same = np.flatnonzero(self.types == kind)
        buddy = bool(np.isin(block ^ size, same))
        return not buddy, int(abs(same - block).min(initial=len(self.types)))
