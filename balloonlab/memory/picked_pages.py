"""Compaction of a few named pages: for zones too small for two scanners, and for exploring every interleaving.

The same interface as CompactControl, so the same compacting thread drives it. Each round offers those of its pages
that are movable then; a target is whatever page the allocator gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compact_control import CompactControl
from balloonlab.memory.zone import Migratetype, PageState

_NEXT, _OFFERED = "round", "offered"


class PickedPages:
    """Offers the guest pages `candidates`, in that order: one a round, or together those of a tuple."""

    def __init__(
        self,
        buddy: Buddy,
        candidates: Sequence[int | tuple[int, ...]],
        *,
        movable_states: Iterable[int] = (PageState.MOVABLE,),
    ) -> None:
        self.buddy = buddy
        self.frames = buddy.frames
        self.links = buddy.links
        self.rounds = tuple(pages if isinstance(pages, tuple) else (pages,) for pages in candidates)
        self.movable_states = frozenset(map(int, movable_states))
        values = buddy.values
        self.values = values
        self.slots = {key: values.declare(f"picked pages {key}") for key in (_NEXT, _OFFERED)}
        self.migratepages = self.links.named_list("picked pages migratepages")

    def _get(self, key: str) -> int:
        return self.values.get(self.slots[key])

    def _set(self, key: str, number: int) -> None:
        self.values.set(self.slots[key], number)

    def begin(self) -> None:
        """Start with the first round."""
        self._set(_NEXT, 0)

    def finished(self) -> bool:
        """Whether every round is over."""
        return self._get(_NEXT) >= len(self.rounds)

    def begin_batch(self) -> None:
        """The next round."""
        self._set(_OFFERED, 0)

    def next_candidate(self) -> int | None:
        """The next page of this round that is movable now and was not offered yet."""
        pages = self.rounds[self._get(_NEXT)]
        while (offered := self._get(_OFFERED)) < len(pages):
            self._set(_OFFERED, offered + 1)
            if self.frames.state_of[pages[offered]] in self.movable_states:
                return pages[offered]
        return None

    def isolated(self, pfn: int) -> None:
        """The page was isolated: it goes on the private list."""
        if self.frames.state_of[pfn] == PageState.MOVABLE:
            self.frames.set_state(pfn, PageState.ISOLATED_MOVABLE)
        else:
            self.frames.set_state(pfn, PageState.ISOLATED)
        self.links.add(pfn, self.migratepages)

    def alloc_target(self) -> int | None:
        """A free page, IN_TRANSIT now; None if there is none."""
        return self.buddy.alloc(0, Migratetype.MOVABLE)

    def give_back_target(self, new: int) -> None:
        """A target that was not used is free again."""
        self.buddy.free(new)

    def moved(self, old: int, new: int, *, settled: bool = False, free_old: bool = True) -> None:
        """`old` lives at `new` now; arguments as for CompactControl."""
        if not settled:
            self.frames.set_state(new, PageState.MOVABLE)
        if self.links.listed(old):
            self.links.delete(old)
        if free_old:
            self.buddy.free(old)

    def put_back(self, pfn: int, *, settled: bool = False) -> None:
        """A page that did not move leaves the private list."""
        if not settled:
            self.frames.set_state(pfn, PageState.MOVABLE)
        if self.links.listed(pfn):
            self.links.delete(pfn)

    def end_batch(self) -> None:
        """The round is over."""
        self._set(_NEXT, self._get(_NEXT) + 1)

    def release(self) -> None:
        """Nothing was set aside."""


Control = CompactControl | PickedPages  # what a compacting thread can be driven by
