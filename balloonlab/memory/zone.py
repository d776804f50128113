"""Page frames: one uint8 state a page, one migratetype a pageblock, and the links that put pages on lists.

A guest's memory is one PageFrames; a Zone is a range of its PFNs with free lists of its own (Linux 3.6 and 6.1,
include/linux/mmzone.h).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import BadValueError, whole_number
from balloonlab.foundations.journal import Journal, Kind, Values
from balloonlab.foundations.words import counted
from balloonlab.memory.links import Links

PAGEBLOCK_ORDER = 9  # x86-64 with 2 MiB huge pages
PAGEBLOCK_PAGES = 1 << PAGEBLOCK_ORDER  # 512 guest pages
MAX_ORDER = 11  # orders 0..10, as in Linux 3.6 and 6.1
MOST_PAGES = 1 << 24  # 64 GiB of 4 KiB guest pages


class PageState(IntEnum):
    """What a page frame is used for, one uint8 a page. FREE is 0; bit 0 set means compaction may move it."""

    FREE = 0  # in the buddy allocator
    MOVABLE = 1  # the workload's, movable (anonymous memory, page cache)
    UNMOVABLE = 2  # the kernel's, not movable
    BALLOON = 3  # on the balloon's list of pages
    HOLE = 4  # no memory behind this PFN
    ISOLATED = 5  # a balloon page on compaction's private list
    IN_TRANSIT = 6  # allocated, on no list: being inflated, deflated or migrated to
    ISOLATED_MOVABLE = 7  # a workload page on compaction's private list
    CAPTURED = 8  # a free page that the free scanner set aside as a migration target


class Migratetype(IntEnum):
    """Mobility of a pageblock's pages. The numbers are ours: the kernel's own differ between versions."""

    UNMOVABLE = 0
    MOVABLE = 1
    RECLAIMABLE = 2
    RESERVE = 3  # Linux 3.6 only
    ISOLATE = 4


class PageFrames:
    """Every page frame of a guest, with journaled setters.

    states: uint8[pages] of PageState codes. block_types: uint8[ceil(pages / 512)] of Migratetype codes.
    `states` may be given: it is the memory that the map is kept in then.
    orders: int8[pages], the order of the free block headed at that PFN, -1 elsewhere.
    Unit everywhere: guest pages. Scalar access goes through memoryviews (`state_of`), several times faster from
    Python than numpy indexing; whole-array readers use the numpy arrays.
    """

    def __init__(
        self, pages: int, journal: Journal | None = None, heads: int = 512, states: NDArray[np.uint8] | None = None
    ) -> None:
        self.pages = whole_number("pages", pages, 1, MOST_PAGES, "guest pages", "64 GiB is the largest guest.")
        self.journal = journal if journal is not None else Journal()
        self.values = Values(self.journal)
        self.states = np.zeros(self.pages, np.uint8) if states is None else states
        self.orders = np.full(self.pages, -1, np.int8)
        self.block_types = np.full(-(-self.pages // PAGEBLOCK_PAGES), Migratetype.MOVABLE, np.uint8)
        self.state_of = self.states.data
        self.order_of = self.orders.data
        self.block_type_of = self.block_types.data
        self.links = Links(self.pages, heads, self.journal)
        self.journal.owns(Kind.STATE, self.state_of.__setitem__)
        self.journal.owns(Kind.ORDER, self.order_of.__setitem__)
        self.journal.owns(Kind.BLOCK_TYPE, self.block_type_of.__setitem__)

    def set_state(self, pfn: int, state: int) -> None:
        if self.journal.recording:
            self.journal.note(Kind.STATE, pfn, self.state_of[pfn], state)
        self.state_of[pfn] = state

    def set_order(self, pfn: int, order: int) -> None:
        if self.journal.recording:
            self.journal.note(Kind.ORDER, pfn, self.order_of[pfn], order)
        self.order_of[pfn] = order

    def set_block_type(self, block: int, migratetype: int) -> None:
        old = self.block_type_of[block]
        if old != migratetype:
            if self.journal.recording:
                self.journal.note(Kind.BLOCK_TYPE, block, old, migratetype)
            self.block_type_of[block] = migratetype

    def check_pfn(self, pfn: object, what: str = "PFN") -> int:
        """`pfn` as an int inside this guest; raises BadValueError otherwise."""
        return whole_number(what, pfn, 0, self.pages - 1, "guest page frame numbers")


class Zone:
    """The PFNs ``start..end-1`` of some page frames, as the allocator and compaction see them."""

    def __init__(self, frames: PageFrames, start: int = 0, end: int | None = None, name: str = "Normal") -> None:
        self.frames = frames
        self.start = start
        self.end = frames.pages if end is None else end
        self.name = name
        if not 0 <= self.start < self.end <= frames.pages:
            raise BadValueError(f"zone {name!r} spans PFNs {self.start}..{self.end}; the guest has 0..{frames.pages}.")

    def __repr__(self) -> str:
        size = counted(self.end - self.start, "guest page")
        return f"Zone({self.name!r}, PFN {self.start:#x}..{self.end - 1:#x}, {size})"
