"""What the buddy allocator does, one small value an action, with a sentence for the reader.

Allocating is Stole (if the request's own lists are empty), Took, then one Split for each order too large; freeing is
one Merged for each free buddy, then Put. Units: PFNs of guest pages, orders (a block of order k is 2^k pages).
"""

from __future__ import annotations

from typing import NamedTuple

from balloonlab.foundations.words import counted
from balloonlab.memory.zone import Migratetype


class Took(NamedTuple):
    """A free block left its list to serve a request for `migratetype` (RESERVE: out of the emergency reserve)."""

    pfn: int
    order: int
    migratetype: int

    def __str__(self) -> str:
        return f"took the order-{self.order} block at PFN {self.pfn} for {Migratetype(self.migratetype).name}"


class Split(NamedTuple):
    """A block of `order` was halved; the upper half went to the head of the next lower list."""

    pfn: int
    order: int

    def __str__(self) -> str:
        lower = self.order - 1
        return (
            f"split order {self.order} at PFN {self.pfn}: upper half PFN {self.pfn + (1 << lower)} "
            f"goes to the order-{lower} list"
        )


class Merged(NamedTuple):
    """A freed block and its free buddy became one block of `order` at `pfn`."""

    pfn: int
    order: int

    def __str__(self) -> str:
        half = self.pfn + (1 << (self.order - 1))
        return f"merged PFN {self.pfn} and its buddy PFN {half} into order {self.order}"


class Put(NamedTuple):
    """A freed block entered the list of its order and `migratetype`, at the tail if it will likely merge soon."""

    pfn: int
    order: int
    migratetype: int
    tail: bool

    def __str__(self) -> str:
        end = "tail" if self.tail else "head"
        return f"put PFN {self.pfn} at the {end} of the order-{self.order} list of {Migratetype(self.migratetype).name}"


class Stole(NamedTuple):
    """A request for `to_type` fell back to a block of `from_type`.

    pages_moved: free pages moved to the requester's lists, the block's own included (0: only the block is taken).
    retagged: its pageblock became one of `to_type`.
    """

    pfn: int
    order: int
    from_type: int
    to_type: int
    pages_moved: int
    retagged: bool

    def __str__(self) -> str:
        text = (
            f"stole the order-{self.order} block at PFN {self.pfn} from {Migratetype(self.from_type).name} "
            f"for {Migratetype(self.to_type).name}: {counted(self.pages_moved, 'free page')} moved"
        )
        return f"{text}, pageblock retagged" if self.retagged else text


Event = Took | Split | Merged | Put | Stole
