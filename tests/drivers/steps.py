"""Driving a machine by hand, and reading what a thread did."""

from __future__ import annotations

import numpy as np

from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.memory.zone import PageState


def compactable(balloon: int, driver: str, free: int = 24) -> Guest:
    """A guest with `balloon` pages at the zone's start and `free` ones at its end, and nothing else that could move."""
    states = np.full(2048, PageState.UNMOVABLE, np.uint8)
    states[:balloon], states[2048 - free :] = PageState.BALLOON, PageState.FREE
    guest = Guest.from_states(states, driver)
    guest.machine.record()
    return guest


def pending(machine: Machine, name: str) -> str:
    """What the thread will do next, in words; "" if it has ended."""
    primitive = machine.thread(name).pending
    return "" if primitive is None else str(primitive)


def verbs(guest: Guest, thread: str, since: int = 0) -> list[str]:
    """Names of the primitives that the thread performed, from a step of the timeline on."""
    line = guest.machine.timeline
    index = guest.machine.names.index(thread)
    return [line.verbs[line.verb[i]] for i in range(since, len(line)) if line.thread[i] == index]


def results(guest: Guest, thread: str, verb: str) -> list[int]:
    """Results of a thread's primitives of one kind."""
    line = guest.machine.timeline
    index = guest.machine.names.index(thread)
    rows = [i for i in range(len(line)) if line.thread[i] == index and line.verbs[line.verb[i]] == verb]
    return [line.result[i] for i in rows]


def go(guest: Guest, thread: str, until: str, most: int = 5000) -> None:
    """Step the thread until what it does next begins with `until`; while it cannot run the host may."""
    machine = guest.machine
    machine.step(thread)
    for _ in range(most):
        if pending(machine, thread).startswith(until):
            return
        able = machine.runnable()
        machine.step(thread if thread in able else next(name for name in able if name.startswith("host-")))
    raise AssertionError(f"{thread} never came to {until}; it stands before {pending(machine, thread)}")


def alone(guest: Guest, thread: str, most: int = 20_000) -> int:
    """Step nobody but the thread until it cannot go on; returns the steps."""
    for taken in range(most):
        if thread not in guest.machine.runnable():
            return taken
        guest.machine.step(thread)
    raise AssertionError(f"{thread} goes on for ever")


def told(guest: Guest, since: int = 0) -> list[tuple[str, list[int]]]:
    """Queue and PFNs of each message that has PFNs, or could have."""
    log = list(guest.host.messages)[since:]
    return [(m.queue, m.pfns.tolist()) for m in log if m.queue != "statsq"]


def lost_to_the_lru(guest: Guest) -> list[int]:
    """M5: balloon pages that ended on the LRU."""
    pages = [page for page, flags in guest.world.page_flags.items() if flags & PageFlag.MAPPING]
    return [page for page in pages if guest.page_states[page] == PageState.MOVABLE]
