"""Questions on free memory in pieces, and on what a balloon takes of it."""

from __future__ import annotations

import numpy as np

from balloonlab.course.exercises.question import Question
from balloonlab.guest.guest import Guest
from balloonlab.memory.zone import PAGEBLOCK_PAGES, PageState


def _pages_that_spoil_all() -> int:
    states, used = np.zeros(16 * PAGEBLOCK_PAGES, np.uint8), 0
    while Guest.from_states(states, engine="arrays").metrics().free_huge_pages:
        states[used * PAGEBLOCK_PAGES] = PageState.MOVABLE
        used += 1
    return used


def _unusable_of_three_pieces() -> int:
    states = np.ones(2048, np.uint8)  # in use
    states[:768] = PageState.FREE  # pageblock 0, and half of pageblock 1
    states[1024:1536:2] = PageState.FREE  # every second page of pageblock 2
    return Guest.from_states(states).metrics().unusable_free_index()


def _fragmentation_of_eight_pieces() -> int:
    states = np.ones(8 * PAGEBLOCK_PAGES, np.uint8)
    for first in range(0, len(states), PAGEBLOCK_PAGES):
        states[first : first + 128] = PageState.FREE  # a block of order 7
    return Guest.from_states(states).metrics().fragmentation_index(9)


def _balloon_that_takes_a_huge_page() -> int:
    low, high = 0, 5245  # a balloon that spares all five, and one that takes all that is free
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _huge_pages_beside(middle) == 5 else (low, middle)  # noqa: PLR2004  (all)
    return high


def _huge_pages_beside(balloon: int) -> int:
    guest = Guest(16 * PAGEBLOCK_PAGES, engine="arrays")
    guest.workload("runs", fraction=0.6, length=300)
    guest.inflate(balloon)
    return guest.metrics().free_huge_pages


QUESTIONS_ON_FRAGMENTS = [
    Question(
        "spoil",
        "16 pageblocks are wholly free. How few pages, once in use, leave not a single free 2 MiB block?",
        *(8192, "pages: the guest has no more"),
        _pages_that_spoil_all,
        "One in each pageblock. A second page in the same pageblock spoils nothing more.",
        lambda given, truth: (
            "So many can spoil them all, but fewer can. What does a second page in the same pageblock spoil?"
            if given > truth
            else "Each of them spoils a pageblock, and some pageblocks are left. Spread them evenly and pull further."
        ),
    ),
    Question(
        "unusable",
        "Free: a block of order 9, one of order 8, 256 single pages. What is the unusable free index for order 9, in "
        "thousandths?",
        *(1000, "thousandths: half of it is 500"),
        _unusable_of_three_pieces,
        "512 + 256 + 256 = 1,024 pages are free, and 512 of them are a huge page. The other half is of no use.",
        lambda given, truth: (
            "How many pages are free, and how many of them lie in blocks of order 9 or more? "
            + ("You have called too much unusable." if given > truth else "You have called too little unusable.")
        ),
    ),
    Question(
        "fragmentation",
        "Free: eight blocks of order 7, nothing else. What is the fragmentation index for order 9, in thousandths?",
        *(1000, "thousandths: half of it is 500"),
        _fragmentation_of_eight_pieces,
        "8 blocks of 128 pages are 1,024, enough for 2 huge pages: 1000 - (1000 + 2000) / 8.",
        lambda given, truth: (
            "That is what is taken away from 1000: one step more."
            if given == 1000 - truth
            else "The number of blocks is given, and eight blocks of 128 pages would serve how many huge pages? "
            + ("Your number is that of more pieces." if given > truth else "Your number is that of fewer pieces.")
        ),
    ),
    Question(
        "first huge page",
        "5,245 pages are free, in 5 wholly free pageblocks and in smaller holes. How large is the smallest balloon "
        "with which v9 breaks one of the five?",
        *(5245, "balloon pages: no more are free"),
        _balloon_that_takes_a_huge_page,
        "The holes hold 5,245 - 5 * 512 = 2,685 pages. They all go first; the next page breaks a pageblock.",
        lambda given, truth: (
            "So many fit into the holes just so. And the next one?"
            if given == truth - 1
            else "v9 takes the smallest block that will do, so the holes go first. How many pages are free outside the "
            "five pageblocks? " + ("Fewer than you think." if given > truth else "More than you think.")
        ),
    ),
]
