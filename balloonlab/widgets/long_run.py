"""A run in chunks, between which whoever asked for it hears of it and others have the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

from balloonlab.foundations.words import counted
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.machine_events import Ran
from balloonlab.kernel.running import Settling
from balloonlab.widgets.wire import Arrays, Content

_MOST_STEPS = 1_000_000_000


class LongRun:
    """Until all rests. steps: so far, with that of the request which began it; ended: how its last chunk did.

    told: what it will come to, until the Labs know.
    """

    def __init__(self, machine: Machine) -> None:
        self.steps = 0
        self.ended: Ran | None = None
        self.told: tuple[Content, Arrays] | None = None
        self._settling, self._began = Settling(machine), time.monotonic()

    def go_on(self, due: Callable[[], bool]) -> None:
        """Another chunk, until `due`. With the machine's lock held."""
        self.ended = self._settling.go_on(_MOST_STEPS, due)
        self.steps += self.ended.steps

    @property
    def text(self) -> str:
        """How far it is."""
        rate = self.steps / max(1e-9, time.monotonic() - self._began)
        return f"Running: {counted(self.steps, 'step')}, {rate:,.0f} a second"
