"""What whole operations on a guest come to, and how guest and host see one page: plain values with a sentence each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.words import counted
from balloonlab.memory.zone import PageState


@dataclass(frozen=True)
class Resized:
    """What a change of target did: the balloon before and after, the target (4 KiB pages), PFN messages sent.

    why: why the target was not reached, "" if it was. bug: the bugs that threads of this guest died of, then or before,
    each with its line, "" if none did. steps: of all threads, until they rested (0 where it was worked out at once);
    results are equal whatever it took.
    """

    before: int
    after: int
    target: int
    messages: int
    why: str = ""
    bug: str = ""
    steps: int = field(default=0, compare=False)

    def __str__(self) -> str:
        done = f"still {self.after:,}"
        if self.after != self.before:
            verb = "inflated" if self.after > self.before else "deflated"
            done = f"{verb} from {self.before:,} to {self.after:,}"
        told = counted(self.messages, "message")
        return bug_first(self.bug, f"{done} of {self.target:,} balloon pages, {told}{_because(self.why)}")


@dataclass(frozen=True, eq=False)
class Compacted:
    """What a run of compaction did. pairs: int (k, 2), old and new PFN of each moved guest page, in order.

    why: why it did not come to its end, or why pages were put back that could have moved, "" if all went as it should.
    bug, steps: as of Resized.
    """

    pairs: NDArray[np.signedinteger[Any]]
    messages: int
    free_huge_pages: tuple[int, int]
    why: str = ""
    bug: str = ""
    steps: int = field(default=0, compare=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Compacted):
            return NotImplemented
        mine, theirs = ((each.messages, each.free_huge_pages, each.why, each.bug) for each in (self, other))
        return mine == theirs and np.array_equal(self.pairs, other.pairs)

    __hash__ = None  # type: ignore[assignment]  # its pairs are an array

    def __str__(self) -> str:
        before, after = self.free_huge_pages
        pages, messages = counted(len(self.pairs), "page"), counted(self.messages, "message")
        done = f"moved {pages} with {messages}; free 2 MiB blocks {before} -> {after}"
        return bug_first(self.bug, f"{done}{_because(self.why)}")


def bug_first(bug: str, text: str) -> str:
    """A sentence on a guest, after the bugs that it met if there are any: nobody may overlook them."""
    return f"{bug}; {text}" if bug else text


def _because(why: str) -> str:
    return f": {why}" if why else ""


@dataclass(frozen=True)
class View:
    """One 4 KiB PFN as guest and host see it.

    must_tell_host: whether VIRTIO_BALLOON_F_MUST_TELL_HOST was negotiated.
    """

    balloon_pfn: int
    guest_page: int
    guest_state: PageState
    host_believes: bool
    must_tell_host: bool = False

    @property
    def agree(self) -> bool:
        """A page on its way in or out may be told or not; otherwise in the balloon means believed, and only then."""
        if self.guest_state == PageState.IN_TRANSIT:
            return True
        return self.host_believes == (self.guest_state in (PageState.BALLOON, PageState.ISOLATED))

    @property
    def data_at_risk(self) -> bool:
        """Whether what the guest writes to the page can be lost.

        The host has it in the balloon, the guest does not, and the guest promised to tell first. Without that promise
        the device leaves a page alone once it has acknowledged the inflation (virtio specification, "Traditional
        Memory Balloon Device", feature bits).
        """
        return self.must_tell_host and self.host_believes and not self.agree

    def __str__(self) -> str:
        host = "believes it is in the balloon" if self.host_believes else "believes the guest uses it"
        state = self.guest_state.name.lower().replace("_", " ")
        page = f"PFN {self.balloon_pfn:#x}: guest page {self.guest_page:#x}"
        return f"{page} is {state}, the host {host}: {self._verdict}"

    @property
    def _verdict(self) -> str:
        if self.agree:
            return "they agree"
        if self.data_at_risk:
            return "THEY DISAGREE, and what the guest writes there may be lost"
        if self.host_believes:
            return "they disagree; nothing is lost, for nobody promised to tell first (no MUST_TELL_HOST)"
        return "they disagree, which is harmless: memory given up that the host has not won"
