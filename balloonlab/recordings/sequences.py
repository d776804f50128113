"""How much of one sequence of pages another has, and how much of it in the same order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass


def longest_common(ours: Iterable[int], theirs: Iterable[int]) -> int:
    """Length of the longest common subsequence of two sequences that have no element twice each.

    Exact: with every element unique it is the longest increasing run of places (patience sorting), O(n log n).
    Elements that occur twice count at their last place in `theirs`, which may make the result too small.
    """
    places = {page: place for place, page in enumerate(theirs)}
    tails: list[int] = []
    for page in ours:
        place = places.get(page)
        if place is None:
            continue
        at = bisect_left(tails, place)
        if at == len(tails):
            tails.append(place)
        else:
            tails[at] = place
    return len(tails)


@dataclass(frozen=True)
class Overlap:
    """Two sequences of pages: how many each has, how many both have, and how many of those in one order (the LCS)."""

    ours: int
    theirs: int
    both: int
    ordered: int

    @classmethod
    def of(cls, ours: list[int], theirs: list[int]) -> Overlap:
        return cls(len(ours), len(theirs), len(set(ours) & set(theirs)), longest_common(ours, theirs))

    @property
    def share(self) -> float:
        """Pages that both have, of the longer sequence (1.0 for two empty ones)."""
        return self.both / max(self.ours, self.theirs) if max(self.ours, self.theirs) else 1.0

    @property
    def ordered_share(self) -> float:
        """Pages that both have in the same order, of the longer sequence (1.0 for two empty ones)."""
        return self.ordered / max(self.ours, self.theirs) if max(self.ours, self.theirs) else 1.0

    def __str__(self) -> str:
        if not self.ours and not self.theirs:
            return "none, as in the guest"
        return f"{self.both:,} of {self.theirs:,} ({self.share:.2%}), in the same order {self.ordered_share:.2%}"
