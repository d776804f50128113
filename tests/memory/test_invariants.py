from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PageState
from tests.memory.invariants import check_buddy


@pytest.fixture
def buddy(make_buddy: Callable[..., Buddy]) -> None:
    states = np.ones(2048)
    states[::4] = PageState.FREE
    states[1024:] = PageState.FREE
    buddy = make_buddy(states, "3.6")
    check_buddy(buddy)
    return buddy


def free_state(buddy: Buddy) -> None:
    buddy.frames.set_state(5, PageState.FREE)


def used_state(buddy: Buddy) -> None:
    buddy.frames.set_state(1030, PageState.MOVABLE)


def count(buddy: Buddy) -> None:
    buddy.values["Normal nr_free[0]"] = 3


def order(buddy: Buddy) -> None:
    buddy.frames.set_order(8, 1)


def missing(buddy: Buddy) -> None:
    buddy.unlist(8, 0)


def link(buddy: Buddy) -> None:
    buddy.links.next[8] = 16


def circle(buddy: Buddy) -> None:
    first, second, third = buddy.free_blocks(0)[:3]
    buddy.links.next[third], buddy.links.prev[second] = second, third
    buddy.links.next[second], buddy.links.prev[third] = third, second
    assert buddy.links.next[first] == second


def overlap(buddy: Buddy) -> None:
    buddy.enlist(1032, 3, 1)


def unaligned(buddy: Buddy) -> None:
    buddy.unlist(1024, 10)
    buddy.frames.states[1024:] = PageState.UNMOVABLE
    buddy.frames.states[1025:1027] = PageState.FREE
    buddy.enlist(1025, 1, 1)


def outside(buddy: Buddy) -> None:
    buddy.zone.end = 2000


def unmerged(buddy: Buddy) -> None:
    buddy.unlist(1024, 10)
    buddy.enlist(1024, 9, 1)
    buddy.enlist(1536, 9, 1)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (free_state, "PFN 5: its state and the free lists disagree"),
        (used_state, "PFN 1030: its state"),
        (count, r"nr_free\[0\] is 3, but 256 blocks of order 0 are listed"),
        (order, "PFN 8: the noted order differs"),
        (missing, "PFN 8: its state"),
        (link, "links beside node 8 of list 'Normal free order 0 MOVABLE' are broken"),
        (circle, "links beside node|two free lists"),
        (overlap, "PFN 1032 is in more than one free block"),
        (unaligned, "order 1 at PFN 1025 is not aligned"),
        (outside, "order 10 at PFN 1024 reaches beyond its zone"),
        (unmerged, "free buddies of order 9 at PFN 1536 and 1024 did not merge"),
    ],
)
def test_each_damage_is_named(buddy: Buddy, damage: Callable[[Buddy], None], sentence: str) -> None:
    damage(buddy)
    with pytest.raises(AssertionError, match=sentence):
        check_buddy(buddy)


def test_pageblocks_that_6_1_keeps_apart_are_no_damage(make_buddy: Callable[..., Buddy]) -> None:
    for rules, counts in (("6.1", [2, 0]), ("3.6", [0, 1])):
        buddy = make_buddy(np.zeros(1024), rules, types=[1, 4])
        check_buddy(buddy)
        assert buddy.block_counts()[9:] == counts
