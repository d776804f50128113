"""Situations for the defects of merged kernels (3.19 to 7.2): what the balloon does when memory runs out, and units."""

from __future__ import annotations

import numpy as np

from balloonlab.course.scenarios.scenario import Plot
from balloonlab.drivers import Driver
from balloonlab.drivers.merged_variants.broken_device import UNPLUGGER, breakable
from balloonlab.drivers.merged_variants.reclaim import OUT_OF_MEMORY, WRITER, reclaiming, shrink_the_balloon
from balloonlab.explore.learn.subject import Property
from balloonlab.foundations.words import counted
from balloonlab.guest.guest import Guest
from balloonlab.memory.zone import PageState

_F, _M, _U, _B = (int(s) for s in (PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON))
_PLAIN = ("I1", "I2", "I5", "I6")
_64K = 65536
_SHRINK = 17  # guest pages of 64 KiB: one more than a message holds


def _states(states: list[int]) -> np.ndarray:
    return np.array(states, np.uint8)


# -- properties --


def only_its_own_pages(guest: Guest) -> Property:
    """The host takes no page away that the guest uses."""

    def check() -> None:
        believed = guest.host.believed.reshape(-1, guest.world.pages_per_page).any(axis=1)
        used = np.isin(guest.frames.states, (PageState.MOVABLE, PageState.UNMOVABLE))
        wrong = np.flatnonzero(believed & used)
        assert not len(wrong), f"the host has taken page {wrong[0]:#x} away, and the guest uses it"

    return Property("the host takes no used page", "used page taken", "always", ("lists", "beliefs"), check)


def freed_is_counted_in_guest_pages(guest: Guest) -> Property:
    """What the OOM notifier says it has freed is what has left the balloon, in guest pages."""
    before = guest.balloon_pages

    def check() -> None:
        said = guest.world.values.get(guest.vb.oom_freed.number)
        freed = (before - guest.balloon_pages) // guest.world.pages_per_page
        assert said in (0, freed), f"the notifier says it has freed {counted(said, 'guest page')}; it has freed {freed}"

    return Property("freed pages are guest pages", "wrong unit", "always", ("oom_freed", "num_pages"), check)


def no_more_than_asked_for(guest: Guest) -> Property:
    """The shrinker frees no more guest pages than it is asked for."""
    before, ppp = guest.balloon_pages, guest.world.pages_per_page

    def check() -> None:
        freed = (before - guest.balloon_pages) // ppp
        assert freed <= _SHRINK, f"{_SHRINK} guest pages are asked for, and {freed} are freed"

    return Property("no more than asked for", "freed too much", "always", ("num_pages",), check)


# -- guests --


def _one_page(driver: Driver) -> Guest:
    return Guest.from_states(_states([_B, _U]), _oom(driver), actors=(OUT_OF_MEMORY,))


def _two_pages(driver: Driver) -> Guest:
    return Guest.from_states(_states([_B, _B, _U]), _oom(driver), actors=(OUT_OF_MEMORY,))


def _a_message_and_one(driver: Driver) -> Guest:
    states = _states([_B] * 17)
    return Guest.from_states(states, _oom(driver), page_size=_64K, actors=(OUT_OF_MEMORY,))


def _oom(driver: Driver) -> Driver:
    return driver.sharing(oom_lock="lock", oom_freed="value")


def _writer(driver: Driver) -> Guest:
    return Guest.from_states(_states([_B, _U, _U]), reclaiming(driver), actors=(WRITER,))


def _page_cache(driver: Driver) -> Guest:
    return Guest.from_states(_states([_B, _M, _U]), reclaiming(driver))


def _large_page_cache(driver: Driver) -> Guest:
    return Guest.from_states(_states([_B] * 16 + [_M] * 17), reclaiming(driver), page_size=_64K)


def _shrinkable(driver: Driver) -> Guest:
    states = _states([_B] * (_SHRINK + 2))
    return Guest.from_states(states, driver, page_size=_64K, actors=(shrink_the_balloon(_SHRINK),))


def _used_memory_first(driver: Driver) -> Guest:
    return Guest.from_states(_states([_U, _U, _F, _F]), driver)


def _a_full_message(driver: Driver) -> Guest:
    return Guest.from_states(_states([_F] * 16), driver, page_size=_64K)


def _two_large_pages(driver: Driver) -> Guest:
    return Guest.from_states(_states([_F] * 2), driver, page_size=_64K)


def _breakable(driver: Driver) -> Guest:
    return Guest.from_states(_states([_F] * 2), breakable(driver), actors=(UNPLUGGER,))


PLOTS = (
    Plot(
        "oom-with-a-small-balloon",
        "memory runs out, and the balloon holds less than the notifier wants to give back",
        "The notifier deflates 256 balloon pages. What if there is one?",
        _one_page,
        (("begin", 0),),
        invariants=_PLAIN,
    ),
    Plot(
        "oom-and-deflate",
        "memory runs out while the balloon gives one of its two pages back",
        "Two threads deflate, and both write how much is left. Who writes last?",
        _two_pages,
        (("set_target", 1), ("begin", 0)),
        invariants=_PLAIN,
    ),
    Plot(
        "oom-with-large-pages",
        "memory runs out in a guest of 64 KiB pages",
        "A message names 256 balloon pages. How many pages has the guest got back?",
        _a_message_and_one,
        (("begin", 0),),
        watch=lambda guest: (freed_is_counted_in_guest_pages(guest),),
        invariants=_PLAIN,
    ),
    Plot(
        "oom-in-a-filesystem",
        "the balloon inflates, no page is free, and a filesystem needs one with a lock held",
        "The balloon waits for the filesystem. For whom does the filesystem wait?",
        _writer,
        (("set_target", 2), ("begin", 0)),
        goal="rounds",
        invariants=_PLAIN,
    ),
    Plot(
        "inflate-under-pressure",
        "the balloon inflates, no page is free, and one page of the page cache could be",
        "An allocation reclaims. From whom?",
        _page_cache,
        (("set_target", 2),),
    ),
    Plot(
        "inflate-much-under-pressure",
        "the balloon is to take 17 more pages of 64 KiB, which are all in the page cache",
        "Every round inflates 16 pages. Does the balloon become larger?",
        _large_page_cache,
        (("set_target", 33 * 16),),
    ),
    Plot(
        "shrink-more-than-a-message",
        "reclaim asks the balloon for 17 pages of 64 KiB; a message names 16",
        "Two messages, and then?",
        _shrinkable,
        (("begin", 0),),
        watch=lambda guest: (no_more_than_asked_for(guest),),
        invariants=_PLAIN,
    ),
    Plot(
        "inflate-beside-used-memory",
        "a balloon of two pages grows where other pages are used",
        "The host throws away what it is told of. Which pages are these?",
        _used_memory_first,
        (("set_target", 2),),
        watch=lambda guest: (only_its_own_pages(guest),),
    ),
    Plot(
        "inflate-a-full-message",
        "a balloon of 16 pages of 64 KiB grows: the PFNs of one full message",
        "The array has 256 places. Where is the last PFN written?",
        _a_full_message,
        (("set_target", 256),),
    ),
    Plot(
        "inflate-half-a-page",
        "the host asks a guest of 64 KiB pages for half a page",
        "The target lies between nothing and one page. When is it met?",
        _two_large_pages,
        (("set_target", 8),),
    ),
    Plot(
        "inflate-a-device-that-breaks",
        "the device goes away while the balloon inflates",
        "A message cannot be sent. Who waits for its answer?",
        _breakable,
        (("set_target", 1), ("begin", 0)),
        invariants=("I1", "I2"),
    ),
)
