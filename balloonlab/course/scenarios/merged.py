"""Situations for the defects of merged kernels (3.8 to 7.2): what compaction and deflation do to one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from balloonlab.course.scenarios.scenario import Plot, Scenario
from balloonlab.drivers import Driver
from balloonlab.explore.learn.subject import Property
from balloonlab.foundations.words import counted
from balloonlab.guest.guest import Guest
from balloonlab.host.host import MessageStatus, Queue
from balloonlab.memory.zone import PageState

_F, _M, _U, _B = (int(s) for s in (PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON))
_PLAIN = ("I1", "I2", "I5", "I6")


def _guest(states: list[int], driver: Driver, *candidates: int) -> Guest:
    return Guest.from_states(np.array(states, np.uint8), driver, candidates=candidates)


# -- properties --


def no_empty_message(guest: Guest) -> Property:
    """A message that is under way names a page."""

    def check() -> None:
        log = guest.host.messages
        empty = (log.count == 0) & (log.queue != Queue.STATS) & (log.status != MessageStatus.COLLECTED)
        assert not empty.any(), "the host is sent a message that names no page"

    return Property("every message names a page", "empty message", "always", ("messages",), check)


def naming_pages(where: Scenario) -> Scenario:
    """The same situation, in which no message may be empty: to wait for its answer is no way to let others run (M3)."""
    return replace(where, plot=where.plot._replace(watch=lambda guest: (no_empty_message(guest),)))


def isolated_pages_are_counted(guest: Guest) -> Property:
    """Nobody runs: as many pages are isolated as the driver counts. That is none."""

    def check() -> None:
        said = guest.world.values.get(guest.vb.num_isolated_pages.number)
        unit = guest.world.pages_per_page if "4 KiB" in guest.driver.isolated_counter[1] else 1
        isolated = unit * int(np.count_nonzero(guest.frames.states == PageState.ISOLATED))
        found = f"everybody rests, {counted(isolated, 'page')} {'is' if isolated == 1 else 'are'} isolated"
        assert said == isolated, f"{found}, and the balloon counts {said}"

    reads = ("lists", guest.driver.isolated_counter[0])
    return Property("isolated pages are counted", "isolated count", "at rest", reads, check)


def nothing_lost_on_the_lru(guest: Guest) -> Property:
    """No page with the balloon's marks is on the kernel's LRU lists."""

    def check() -> None:
        for page in guest.world.page_flags:
            lost = guest.frames.state_of[page] == PageState.MOVABLE
            assert not lost, f"page {page:#x} is marked as the balloon's, and is on the LRU"

    return Property("no balloon page on the LRU", "balloon page on the LRU", "always", ("lists", "marks"), check)


def listed_pages_are_marked(guest: Guest) -> Property:
    """At rest: every page on the balloon's list carries the marks by which compaction knows it."""

    def check() -> None:
        marks = int(guest.driver.page_flags)
        for page in guest.balloon_list:
            known = guest.world.page_flags.get(page, 0) & marks == marks
            assert known, f"page {page:#x} is in the balloon, and compaction will never know it again"

    return Property(
        "compaction knows the balloon's pages", "unknown to compaction", "at rest", ("lists", "marks"), check
    )


# -- guests --


def _two_and_the_other_moves(driver: Driver) -> Guest:
    return _guest([_B, _B, _F], driver, 1)


def _one_and_it_moves(driver: Driver) -> Guest:
    return _guest([_B, _F], driver, 0)


def _no_room(driver: Driver) -> Guest:
    return _guest([_U, _B, _U], driver, 1)


PLOTS = (
    Plot(
        "deflate-and-compact-another",
        "the balloon gives one of its two pages back while compaction moves the other",
        "Pages are freed by what stands in vb->pfns. Whose are they by then?",
        _two_and_the_other_moves,
        (("set_target", 1), ("compact", 0)),
        invariants=(*_PLAIN, "I2 between rounds", "target"),
    ),
    Plot(
        "deflate-the-last-and-compact",
        "the balloon gives its only page back while compaction moves it",
        "Two threads take one page off one list. What does each of them look at, under which lock?",
        _one_and_it_moves,
        (("set_target", 0), ("compact", 0)),
        watch=lambda guest: (no_empty_message(guest), isolated_pages_are_counted(guest)),
        invariants=(*_PLAIN, "I2 between rounds", "target"),
    ),
    Plot(
        "compact-one",
        "compaction moves the balloon's only page",
        "The page has moved. Could it move again?",
        _one_and_it_moves,
        (("compact", 0),),
        watch=lambda guest: (listed_pages_are_marked(guest),),
    ),
    Plot(
        "compact-without-room",
        "compaction isolates the balloon's only page, and has no free page to move it to",
        "What was isolated and did not move goes back to where it came from. Does it?",
        _no_room,
        (("compact", 0),),
        watch=lambda guest: (nothing_lost_on_the_lru(guest), isolated_pages_are_counted(guest)),
    ),
)
