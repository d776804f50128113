"""What whole operations on a guest come to, and how guest and host see one page: plain values with a sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.memory.zone import PageState


@dataclass(frozen=True)
class Resized:
    """What a change of target did: the balloon before and after, the target (4 KiB pages), PFN messages sent.

    steps: of all threads, until they rested. text: how it ended, in words.
    """

    before: int
    after: int
    target: int
    messages: int
    text: str
    steps: int = 0

    def __str__(self) -> str:
        told = f"{self.messages:,} message{'' if self.messages == 1 else 's'}"
        if self.after == self.before:
            why = "" if self.after == self.target else f": {self.text}"
            return f"still {self.after:,} of {self.target:,} balloon pages, {told}{why}"
        verb = "inflated" if self.after > self.before else "deflated"
        return f"{verb} from {self.before:,} to {self.after:,} of {self.target:,} balloon pages, {told}"


@dataclass(frozen=True)
class Compacted:
    """What a run of compaction did. pairs: int (k, 2), old and new PFN of each moved guest page, in order.

    steps: of all threads, until they rested (0 where it was done at once). text: how it ended, in words.
    """

    pairs: NDArray[np.signedinteger[Any]]
    messages: int
    free_huge_pages: tuple[int, int]
    text: str
    steps: int = 0

    def __str__(self) -> str:
        before, after = self.free_huge_pages
        return f"moved {len(self.pairs):,} pages with {self.messages:,} messages; free 2 MiB blocks {before} -> {after}"


@dataclass(frozen=True)
class View:
    """One 4 KiB PFN as guest and host see it."""

    balloon_pfn: int
    guest_page: int
    guest_state: PageState
    host_believes: bool

    @property
    def agree(self) -> bool:
        """A page on its way in or out may be told or not; otherwise in the balloon means believed, and only then."""
        if self.guest_state == PageState.IN_TRANSIT:
            return True
        return self.host_believes == (self.guest_state in (PageState.BALLOON, PageState.ISOLATED))

    def __str__(self) -> str:
        host = "believes it is in the balloon" if self.host_believes else "believes the guest uses it"
        mark = "they agree" if self.agree else "THEY DISAGREE"
        state = self.guest_state.name.lower().replace("_", " ")
        return f"PFN {self.balloon_pfn:#x}: guest page {self.guest_page:#x} is {state}, the host {host}: {mark}"
