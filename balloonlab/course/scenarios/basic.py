"""The plain situations: a balloon grows, shrinks, meets compaction, runs out of memory."""

from __future__ import annotations

import numpy as np

from balloonlab.course.scenarios.scenario import Plot
from balloonlab.drivers import Driver
from balloonlab.guest.guest import Guest
from balloonlab.memory.zone import PageState

_F, _M, _U, _B = (int(s) for s in (PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON))


def _small(states: list[int], driver: Driver, page_size: int = 4096) -> Guest:
    return Guest.from_states(np.array(states, np.uint8), driver, page_size=page_size)


def _no_free_page(driver: Driver) -> Guest:
    return _small([_M, _M, _U, _M], driver)


def _stale_pfns(driver: Driver) -> Guest:
    guest = _small([_F] * 8, driver, page_size=65536)
    guest.inflate(4 * 16)
    return guest


def _four_free(driver: Driver) -> Guest:
    return _small([_F] * 4 + [_M] * 4, driver)


def _four_in_balloon(driver: Driver) -> Guest:
    return _small([_B] * 4 + [_M] * 4, driver)


def _promised(driver: Driver) -> Guest:
    states = np.array([_B, _B, _M], np.uint8)
    return Guest.from_states(states, driver, must_tell_host=True)


def _three_in_balloon(driver: Driver) -> Guest:
    return Guest.from_states(np.array([_B] * 3 + [_F] * 2, np.uint8), driver, candidates=(0, 1))


def _two_in_balloon(driver: Driver) -> Guest:
    return Guest.from_states(np.array([_B] * 2 + [_F] * 2, np.uint8), driver, candidates=(0,))


def _one_in_balloon(driver: Driver) -> Guest:
    return Guest.from_states(np.array([_F] * 3 + [_B], np.uint8), driver, candidates=(3,))


def _full_with_one(driver: Driver) -> Guest:
    return Guest.from_states(np.array([_M, _B, _M], np.uint8), driver, candidates=(1,))


PLOTS = (
    Plot(
        "inflate",
        "a balloon of two pages grows from nothing",
        "Which steps lie between the host's wish and its acknowledgement?",
        _four_free,
        (("set_target", 2),),
    ),
    Plot(
        "deflate",
        "a balloon of four pages gives two back",
        "When may somebody else use a page that has left the balloon?",
        _four_in_balloon,
        (("set_target", 2),),
    ),
    Plot(
        "deflate-promised",
        "the balloon gives its two pages back, and has promised to tell the host first",
        "MUST_TELL_HOST is negotiated. May the guest use a page that the host has not heard of?",
        _promised,
        (("set_target", 0),),
        invariants=("I1", "I2", "I6", "told first", "target"),
    ),
    Plot(
        "fill-out-of-memory",
        "the host asks for two pages and the guest has none free",
        "The driver sleeps 200 ms and tries again. Does it?",
        _no_free_page,
        (("set_target", 2),),
        goal="rounds",
    ),
    Plot(
        "leak-64k",
        "a 64 KiB guest is asked to give back half of a page",
        "One guest page is 16 PFNs. Which PFNs does the host hear?",
        _stale_pfns,
        (("set_target", 56),),
    ),
    Plot(
        "inflate-and-compact",
        "the balloon inflates while compaction moves one of its pages",
        "Both want balloon_lock. Can they get into each other's way for good?",
        _one_in_balloon,
        (("set_target", 2), ("compact", 0)),
    ),
    Plot(
        "deflate-and-compact",
        "the balloon gives a page back while compaction moves another",
        "A page can be leaving and moving at once. Who notices?",
        _two_in_balloon,
        (("set_target", 1), ("compact", 0)),
    ),
    Plot(
        "deflate-two-and-compact",
        "the balloon gives two pages back while compaction moves two",
        "The driver waits for isolated pages to come back. Do they?",
        _three_in_balloon,
        (("set_target", 1), ("compact", 0)),
    ),
    Plot(
        "full-and-compact",
        "no page is free, the host wants one more, and compaction looks at the balloon's only page",
        "Nobody can get what they want. Does everybody notice?",
        _full_with_one,
        (("set_target", 2), ("compact", 0)),
        goal="rounds",
    ),
)
