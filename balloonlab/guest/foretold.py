"""What a whole operation on a stepped guest will come to, before a step of it is made: arrays work it out.

Both engines give the same result. So whoever asked for an operation can be shown its end at once, while the steps that
lead there are made behind it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balloonlab.guest.array_guest import ArrayGuest, StepsNeededError, beyond_arrays
from balloonlab.guest.stepped_guest import SteppedGuest
from balloonlab.memory.arrays.list_order import lists_of
from balloonlab.memory.compact_control import CompactControl
from balloonlab.memory.zone import PageState


class Foretold(NamedTuple):
    """An end: uint8[pages] states, and what was done on the way there.

    balloon_pages: 4 KiB pages. free_blocks: by order. huge: free 2 MiB blocks before and after. messages: how many are
    sent. moved: guest pages that compaction moves. why: what is not reached, and why; "" if all is.
    """

    states: NDArray[np.uint8]
    balloon_pages: int
    free_blocks: tuple[int, ...]
    huge: tuple[int, int]
    messages: int
    moved: int
    why: str


def foretell(guest: SteppedGuest | ArrayGuest, target: int | None, settings: dict[str, Any]) -> Foretold | None:
    """What a target (4 KiB pages), or compaction if it is None, comes to from where `guest` stands.

    settings: of ArrayGuest. None where only the steps can tell: somebody is amid something, several zones, chosen
    candidates, an edited driver, pages that moved once and do not again (3.8), a driver that hangs on the way.
    """
    arrays = guest.copy(settings) if isinstance(guest, ArrayGuest) else _arrays_at(guest, settings)
    if arrays is None:
        return None
    sent, moved, why = len(arrays.host.messages), 0, ""
    try:
        if target is None:
            moved = len(arrays.compact().pairs)
        else:
            why = arrays.set_target(target)
    except (StepsNeededError, ValueError):
        return None
    messages, free = len(arrays.host.messages) - sent, arrays.metrics()
    huge = guest.metrics().free_huge_pages, free.free_huge_pages
    return Foretold(arrays.zone.states, arrays.balloon_pages, free.counts, huge, messages, moved, why)


def _arrays_at(guest: SteppedGuest, settings: dict[str, Any]) -> ArrayGuest | None:
    """Arrays where this guest stands; None where they could not."""
    with guest.machine.lock:
        if not _at_rest(guest):
            return None
        states, types = guest.frames.states.copy(), guest.frames.block_types.copy()
        balloon = np.fromiter(guest.frames.links.walk(guest.vb.pages.number), np.int64)
        arrays = ArrayGuest(guest.driver, guest.world.page_size, states, types, balloon, **settings)
        if arrays.fixed is not None:
            return None
        arrays.zone.order = lists_of(guest.buddies[0], states, types)
        arrays.host.set_target(guest.host.target)
        return arrays


def _at_rest(guest: SteppedGuest) -> bool:
    """Whether arrays could stand where this guest does, with nobody amid anything."""
    machine, states = guest.machine, guest.frames.states
    control = guest.world.controls[0] if len(guest.world.controls) == 1 else None
    return (
        len(guest.buddies) == 1
        and type(control) is CompactControl
        and beyond_arrays(guest.driver, guest.frames.block_types) is None
        and all(thread.rests for thread in machine.threads)
        and not machine.bugs
        and not np.any(states > PageState.HOLE)
    )
