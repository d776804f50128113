"""How a guest of arrays comes to a machine: its steps are made from its opening, or its state is taken over.

While all that was asked of a guest takes no more than MOST_STEPS steps, about, they are made again: then its machine
is in every detail what it would be had they been made at once. For a longer life a machine is put where the arrays
stand. That has the same page map, free lists, balloon, messages and numbers. What a driver leaves behind of its last
round (its array of PFNs) and of the last compaction (the scanners' positions and counts) is not there, and a driver
that is short of its target is about to try again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.interrupt import raise_if_asked
from balloonlab.guest.array_guest import ArrayGuest
from balloonlab.guest.stepped_guest import SteppedGuest
from balloonlab.memory.arrays.list_order import load_lists

MOST_STEPS = 200_000  # a second or two
_A_PAGE = {"set_target": 18, "workload": 4, "release": 4, "compact": 6}  # steps, about, or as long as so many take
_A_MOVE = 30  # steps that compaction takes for a page that moves, besides
Make = Callable[..., SteppedGuest]  # of states, types, balloon; further keywords as SteppedGuest's


class Request(NamedTuple):
    """What was asked of a guest: a method that both kinds have, its arguments; steps: that it takes, about."""

    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    steps: int


class Life:
    """A guest of arrays from its opening, which is now, on: what it began with, and all requests since."""

    def __init__(self, arrays: ArrayGuest, make: Make) -> None:
        zone = arrays.zone
        self._opening = (zone.states.copy(), zone.block_types.copy(), arrays.balloon_list.astype(np.int64))
        self._make = make
        self._requests: list[Request] = []
        self._undone: list[Request] = []
        self._steps = 0
        self._forgotten = False

    def fits(self, more: int = 0) -> bool:
        """Whether its steps, and `more`, are few enough to be made again."""
        return not self._forgotten and self._steps + more <= MOST_STEPS

    def note(self, request: Request) -> None:
        """That was asked, and done."""
        self._undone.clear()
        self._add(request)

    def _add(self, request: Request) -> None:
        self._requests.append(request)
        self._steps += request.steps
        if self._steps > MOST_STEPS:
            self._forgotten = True
            self._requests.clear()

    def undone(self) -> None:
        """The last request was taken back."""
        if self._requests:
            self._undone.append(self._requests.pop())
            self._steps -= self._undone[-1].steps

    def redone(self) -> None:
        """The request that was taken back last was done again."""
        if self._undone:
            self._add(self._undone.pop())

    def again(self, memory: NDArray[np.uint8]) -> SteppedGuest:
        """The guest step by step, its page map in `memory`.

        Raises KeyboardInterrupt if an interrupt is held back; `memory` is as before then.
        """
        before = memory.copy()
        states, types, balloon = self._opening
        try:
            steps = self._make(states, types, balloon, memory=memory)
            steps.probe()
            for request in self._requests:
                getattr(steps, request.method)(*request.arguments, **request.options)
                raise_if_asked()
        except BaseException:
            memory[:] = before
            raise
        return steps


def steps_of(method: str, pages: int, moved: int = 0) -> int:
    """About how many steps a request takes that goes through so many guest pages, and moves some."""
    return 100 + _A_PAGE[method] * pages + _A_MOVE * moved


def taken_over(arrays: ArrayGuest, make: Make) -> SteppedGuest:
    """A stepped guest that stands where `arrays` does, and holds its page map in the same memory."""
    zone, log = arrays.zone, arrays.host.messages
    inside = arrays.balloon_list.astype(np.int64)
    steps = make(zone.states, zone.block_types, inside, memory=zone.states)
    load_lists(steps.buddies[0], zone.order)
    arrays.mark_moved_once(steps.world)
    steps.probe()
    steps.host.believe_again(arrays.host.beliefs())
    for name, number in zip(arrays.values.names, arrays.values.numbers, strict=True):
        steps.world.values[name] = number
    sent = int(log.count[0])  # the first message is the empty buffer for statistics, which both have
    steps.host.messages.extend(log.queue[1:], log.count[1:], log.pfns[sent:])
    if arrays.short:
        steps.vb.config_interrupt(steps.world)
        if not zone.free_pages:
            steps.come_to_rest()
    return steps


def stand_in(old: ArrayGuest, new: SteppedGuest) -> None:
    """Whoever holds the host of `old`, or its log, has from now on that of `new` in it."""
    old.host.messages.__dict__ = new.host.messages.__dict__
    old.host.__dict__ = new.host.__dict__
