"""Starting situations by name: a small guest, who runs in it, and what to look for.

A scenario is a value: the same name and driver always give the same machine, so a schedule's token can be replayed
on it by anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from balloonlab.drivers import Driver, find_driver
from balloonlab.errors import pick
from balloonlab.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.schedule import Schedule
from balloonlab.memory.zone import PageState

_F, _M, _U, _B = (int(s) for s in (PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON))


@dataclass(frozen=True)
class Scenario:
    """A starting situation. question: what to find out by stepping. actions: what is asked for first, from outside."""

    name: str
    title: str
    question: str
    driver: Driver
    build: Callable[[Driver], Guest]
    actions: tuple[tuple[str, int], ...]

    def guest(self) -> Guest:
        """A new guest in the starting situation; its machine records and has had the first actions."""
        guest = self.build(self.driver)
        guest.machine.record()
        for name, value in self.actions:
            guest.machine.act(name, value)
        return guest

    def machine(self) -> Machine:
        """The machine of a new guest, standing after the first actions."""
        return self.guest().machine

    def __repr__(self) -> str:
        return f"<scenario {self.name}, driver {self.driver.name}: {self.title}>"


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


def _three_in_balloon(driver: Driver) -> Guest:
    return Guest.from_states(np.array([_B] * 3 + [_F] * 2, np.uint8), driver, candidates=(0, 1))


def _two_in_balloon(driver: Driver) -> Guest:
    return Guest.from_states(np.array([_B] * 2 + [_F] * 2, np.uint8), driver, candidates=(0,))


def _one_in_balloon(driver: Driver) -> Guest:
    return Guest.from_states(np.array([_F] * 3 + [_B], np.uint8), driver, candidates=(3,))


def _full_with_one(driver: Driver) -> Guest:
    return Guest.from_states(np.array([_M, _B, _M], np.uint8), driver, candidates=(1,))


_BUILT: dict[str, tuple[str, str, Callable[[Driver], Guest], tuple[tuple[str, int], ...]]] = {
    "inflate": (
        "a balloon of two pages grows from nothing",
        "Which steps lie between the host's wish and its acknowledgement?",
        _four_free,
        (("set_target", 2),),
    ),
    "deflate": (
        "a balloon of four pages gives two back",
        "When may somebody else use a page that has left the balloon?",
        _four_in_balloon,
        (("set_target", 2),),
    ),
    "fill-out-of-memory": (
        "the host asks for two pages and the guest has none free",
        "The driver sleeps 200 ms and tries again. Does it?",
        _no_free_page,
        (("set_target", 2),),
    ),
    "leak-64k": (
        "a 64 KiB guest is asked to give back half of a page",
        "One guest page is 16 PFNs. Which PFNs does the host hear?",
        _stale_pfns,
        (("set_target", 56),),
    ),
    "inflate-and-compact": (
        "the balloon inflates while compaction moves one of its pages",
        "Both want balloon_lock. Can they get into each other's way for good?",
        _one_in_balloon,
        (("set_target", 2), ("compact", 0)),
    ),
    "deflate-and-compact": (
        "the balloon gives a page back while compaction moves another",
        "A page can be leaving and moving at once. Who notices?",
        _two_in_balloon,
        (("set_target", 1), ("compact", 0)),
    ),
    "deflate-two-and-compact": (
        "the balloon gives two pages back while compaction moves two",
        "The driver waits for isolated pages to come back. Do they?",
        _three_in_balloon,
        (("set_target", 1), ("compact", 0)),
    ),
    "full-and-compact": (
        "no page is free, the host wants one more, and compaction looks at the balloon's only page",
        "Nobody can get what they want. Does everybody notice?",
        _full_with_one,
        (("set_target", 2), ("compact", 0)),
    ),
}
SCENARIOS = list(_BUILT)


def scenario(name: str, driver: str | Driver = "v9") -> Scenario:
    """The scenario of that name with that driver; raises UnknownNameError that lists the names."""
    title, question, build, actions = _BUILT[pick("scenario", name, SCENARIOS)]
    return Scenario(name, title, question, find_driver(driver), build, actions)


def replay(where: Scenario, token: str) -> Machine:
    """A new machine of the scenario after the schedule that `token` stands for.

    The token of `machine.schedule` includes the scenario's first actions. Raises BadScheduleError for a damaged
    token, or one that was made for another scenario or driver.
    """
    guest = where.build(where.driver)
    guest.machine.record()
    guest.machine.replay(Schedule.from_token(token))
    return guest.machine
