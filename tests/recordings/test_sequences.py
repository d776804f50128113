"""The longest common subsequence is exact."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from balloonlab.recordings.sequences import Overlap, longest_common

unique = st.lists(st.integers(0, 30), unique=True)


def slow(ours: list[int], theirs: list[int]) -> int:
    """By the textbook's table."""
    row = [0] * (len(theirs) + 1)
    for one in ours:
        before = row
        row = [0]
        for place, other in enumerate(theirs):
            row.append(before[place] + 1 if one == other else max(row[place], before[place + 1]))
    return row[-1]


@given(unique, unique)
def test_longest_common(ours: list[int], theirs: list[int]) -> None:
    assert longest_common(ours, theirs) == slow(ours, theirs)


@given(unique, unique)
def test_overlap(ours: list[int], theirs: list[int]) -> None:
    overlap = Overlap.of(ours, theirs)
    assert overlap.ordered <= overlap.both <= min(overlap.ours, overlap.theirs)
    assert 0 <= overlap.ordered_share <= overlap.share <= 1
    assert Overlap.of(ours, ours).ordered_share == 1


def test_nothing_is_the_same_as_nothing() -> None:
    assert Overlap.of([], []).share == 1
    assert str(Overlap.of([], [])) == "none, as in the guest"


def test_a_shift_costs_one() -> None:
    overlap = Overlap.of(list(range(1000)), list(range(1, 1001)))
    assert (overlap.both, overlap.ordered) == (999, 999)
    assert str(overlap) == "999 of 1,000 (99.90%), in the same order 99.90%"
