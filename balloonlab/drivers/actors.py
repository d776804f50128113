"""Actors: threads beside the driver's, the compactor and the host, that a scenario brings onto the stage.

Who unloads the driver, an interrupt, a host that changes its mind. An actor waits until the action "begin" happens; so
a guest is at rest before its play starts. Who suspends the system is in suspend.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.learner_code import foreign_functions
from balloonlab.kernel.primitives import (
    Routine,
    config_write,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    wait_for_completion,
    wake_up,
)
from balloonlab.kernel.primitives.interrupts import irq_enter, irq_exit
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import Ref


class Actor(NamedTuple):
    """A thread by name, one line on what it is for, and the routine it runs once, given the device and compaction.

    at_once: it does not wait for the action "begin".
    """

    name: str
    role: str
    routine: Callable[[VirtioBalloon, Compaction], Routine]
    at_once: bool = False

    def thread(self, vb: VirtioBalloon, mm: Compaction, begin: Ref | None) -> ThreadSpec:
        """The actor as a thread that waits for `begin`, if there is such a thing and it is to wait."""

        def play() -> Routine:
            if begin is not None and not self.at_once:
                yield wait_for_completion(begin)
            yield from self.routine(vb, mm)

        return ThreadSpec(self.name, self.role, play, foreign_functions((self.routine, *vb.driver.foreign)))


def end_page_writeback(vb: VirtioBalloon, mm: Compaction) -> Routine:
    """A disk has written a page: rotate_reclaimable_page takes the LRU lock (mm/filemap.c, mm/swap.c, Linux 3.6)."""
    yield irq_enter(*vb.cpu)
    yield spin_lock_irqsave(mm.lru_lock)
    yield spin_unlock_irqrestore(mm.lru_lock)
    yield irq_exit(vb.cpu.handler)


def wish(balloon_pages: int) -> Callable[[VirtioBalloon, Compaction], Routine]:
    """The host sets another target, as the action set_target does, but at any moment."""

    def set_target(vb: VirtioBalloon, _mm: Compaction) -> Routine:
        yield config_write(vb.config_num_pages, balloon_pages)
        if vb.driver.workqueue:
            yield from vb.driver.virtballoon_changed(vb)
        else:
            yield wake_up(vb.config_change)

    return set_target


INTERRUPT = Actor("interrupt", "a disk's interrupt on the CPU of the driver's thread", end_page_writeback)
REMOVER = Actor("remover", "somebody unloads the driver", lambda vb, _mm: vb.driver.virtballoon_remove(vb))
