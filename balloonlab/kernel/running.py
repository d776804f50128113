"""Loops around a step: running until all rests, walking at random, following a schedule.

Who comes next depends on the machine alone, whose turn it is included (timeline.Turn): not on where a run was cut in
two, nor on who asks for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from balloonlab.foundations.interrupt import held_back
from balloonlab.foundations.words import counted
from balloonlab.kernel.machine_events import Ran
from balloonlab.kernel.stepper import SLICE, Stepper
from balloonlab.kernel.thread import Thread


class Settling:
    """A run until all rests, in chunks of any size: time passes whenever the rest sleeps, while that leads on.

    It leads on if since the last rest the balloon changed, or a message was sent.
    """

    def __init__(self, machine: Stepper) -> None:
        self.machine = machine
        self._time_passes = True
        self._reached = (-1, -1)

    def go_on(self, budget: int, stop: Callable[[], bool] | None = None) -> Ran:
        """The next steps, as Machine.run takes them; it ends "idle" only where time leads no further either."""
        machine, steps = self.machine, 0
        while True:
            ran = run(machine, budget - steps, stop, time_passes=self._time_passes)
            steps += ran.steps
            self._time_passes = False
            if ran.reason == "idle" and machine.naps():
                before, self._reached = self._reached, self._now()
                self._time_passes = before != self._reached
            if not self._time_passes:
                return Ran(steps, ran.reason, ran.text)
            if stop is not None and stop():  # runs between two rests may all be too short to ask
                return Ran(steps, "stopped", "stopped on request")
            if steps >= budget:
                return Ran(steps, "budget", f"still busy after {counted(steps, 'step')}")

    def _now(self) -> tuple[int, int]:
        world = self.machine.world
        return world.values["num_pages"], len(world.host.messages)


def run(machine: Stepper, budget: int, stop: Callable[[], bool] | None, *, time_passes: bool) -> Ran:
    """See Machine.run."""
    with held_back() as held, machine.lock:
        steps = 0
        if time_passes:
            for thread in machine.threads:
                if thread.naps and steps < budget:
                    machine.take(thread)
                    steps += 1
        while steps < budget and not held.asked:
            current = machine.threads[machine.turn.last]
            if machine.turn.used >= SLICE or not _ready(machine, current):
                following = _next_ready(machine, current)
                if following is None:
                    return Ran(steps, "idle", _rest_text(machine))
                current = following
            bug = machine.take(current)
            steps += 1
            if bug is not None:
                return Ran(steps, "bug", str(bug))
            if stop is not None and steps % 256 == 0 and stop():
                return Ran(steps, "stopped", "stopped on request")
        return Ran(steps, "budget", f"still busy after {counted(steps, 'step')}")


def walk(machine: Stepper, steps: int, seed: int) -> int:
    """See Machine.walk."""
    choose = random.Random(seed).choice  # noqa: S311  (a schedule, not a secret)
    with held_back() as held, machine.lock:
        for taken in range(steps):
            able = [t for t in machine.threads if t.enabled(machine.world)]
            if not able or machine.bugs or held.asked:
                return taken
            machine.take(choose(able))
    return steps


def _ready(machine: Stepper, thread: Thread) -> bool:
    return not thread.naps and thread.enabled(machine.world)


def _next_ready(machine: Stepper, after: Thread) -> Thread | None:
    count = len(machine.threads)
    for offset in range(1, count + 1):
        thread = machine.threads[(after.index + offset) % count]
        if _ready(machine, thread):
            return thread
    return None


def _rest_text(machine: Stepper) -> str:
    napping = machine.naps()
    return f"{' and '.join(napping)} sleeps for a time" if napping else "nothing more can happen"
