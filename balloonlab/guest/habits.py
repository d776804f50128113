"""What shows of a driver between two whole operations on an undisturbed guest, found out by running it on a few pages.

That is all a guest of arrays needs to know of its driver's routines; the rest stands in `Driver`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from balloonlab.drivers import DRIVERS, Driver
from balloonlab.guest.stepped_guest import SteppedGuest
from balloonlab.host.host import BALLOON_PAGE_SIZE
from balloonlab.memory.zone import Migratetype, PageState

_FREE, _USED, _BALLOON = PageState.FREE, PageState.MOVABLE, PageState.BALLOON
_PATIENCE = 1000  # steps; a round of one page takes less than a hundred


@dataclass(frozen=True)
class Habits:
    """What shows of a driver between two whole operations; in brackets the defects that it is a part of.

    fills_backwards: a round of inflation lists and tells its pages in the reverse of the order of allocation.
    frees_backwards: a round of deflation frees its pages in the reverse of the message's order. rounds_up: a target is
    rounded up to whole guest pages; otherwise the driver is not content with one that is none (M17; v10 hangs).
    hangs_without_memory: a round of inflation that gets no page keeps the lock (V1). moves_once: a page that was
    migrated never is again (M4). loses_put_back: a page that compaction puts back does not return to the list (M5).
    """

    fills_backwards: bool
    frees_backwards: bool
    rounds_up: bool
    hangs_without_memory: bool
    moves_once: bool
    loses_put_back: bool


@cache
def habits(name: str) -> Habits:
    """Of one of `DRIVERS`, by name."""
    driver = DRIVERS[name]
    fills_backwards, frees_backwards = _order(driver)
    return Habits(
        fills_backwards,
        frees_backwards,
        rounds_up=_rests_at_a_part(driver),
        hangs_without_memory=_hangs(driver),
        moves_once=_compacted(driver, [_BALLOON, _FREE], (0, 1)) == (1,),  # otherwise it goes on, back to page 0
        loses_put_back=_compacted(driver, [_BALLOON, _USED], (0,)) == (),
    )


def _order(driver: Driver) -> tuple[bool, bool]:
    """Which way round two pages that cannot merge are told when they are taken, and freed after they were told."""
    guest = _guest(driver, [_FREE, _USED] * 2)
    listed = guest.buddies[0].free_blocks(0, Migratetype.MOVABLE)  # the first is taken first
    guest.set_target(2)
    taken = guest.host.messages[-1].pfns.tolist()
    guest.set_target(0)
    told = guest.host.messages[-1].pfns.tolist()
    freed_last = guest.buddies[0].free_blocks(0, Migratetype.MOVABLE)[0]
    return taken[0] != listed[0], freed_last != told[-1]


def _rests_at_a_part(driver: Driver) -> bool:
    guest = _guest(driver, [_FREE] * 2, page_size=4 * BALLOON_PAGE_SIZE)
    guest.machine.act("set_target", 1)
    return guest.machine.run(_PATIENCE).reason == "idle" and guest.balloon_pages > 0


def _hangs(driver: Driver) -> bool:
    guest = _guest(driver, [_USED])
    guest.set_target(1)
    return any(wait.status == "blocked" for wait in guest.machine.blocked().values())


def _compacted(driver: Driver, states: Sequence[int], candidates: Sequence[int]) -> tuple[int, ...]:
    """The balloon's list after compaction has tried to move each of these pages."""
    guest = _guest(driver, states, candidates=candidates)
    guest.compact()
    return guest.balloon_list


def _guest(
    driver: Driver,
    states: Sequence[int],
    page_size: int = BALLOON_PAGE_SIZE,
    candidates: Sequence[int] | None = None,
) -> SteppedGuest:
    types = np.full(1, Migratetype.MOVABLE, np.uint8)
    array = np.array(states, np.uint8)
    guest = SteppedGuest(driver, page_size, array, types, None, BALLOON_PAGE_SIZE, candidates=candidates)
    guest.probe()
    return guest
