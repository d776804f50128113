"""Actors: threads beside the driver's, the compactor and the host, that a scenario brings onto the stage.

Who unloads or suspends the driver, a second compactor, an interrupt, a task that runs out of memory. An actor waits
until the action "begin" happens; so a guest is at rest before its play starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.foreign import foreign_functions
from balloonlab.kernel.primitives import Routine, wait_for_completion
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import Ref


class Actor(NamedTuple):
    """A thread by name, one line on what it is for, and the routine it runs once, given the device and compaction."""

    name: str
    role: str
    routine: Callable[[VirtioBalloon, Compaction], Routine]

    def thread(self, vb: VirtioBalloon, mm: Compaction, begin: Ref) -> ThreadSpec:
        """The actor as a thread that waits for `begin`."""

        def play() -> Routine:
            yield wait_for_completion(begin)
            yield from self.routine(vb, mm)

        return ThreadSpec(self.name, self.role, play, foreign_functions((self.routine, *vb.driver.foreign)))


REMOVER = Actor("remover", "somebody unloads the driver", lambda vb, _mm: vb.driver.virtballoon_remove(vb))
