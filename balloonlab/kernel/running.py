"""Loops around a step: running until all rests, walking at random, following a schedule.

Who comes next depends on the machine alone, whose turn it is included (timeline.Turn): not on where a run was cut in
two, nor on who asks for it. Where threads share a CPU (Stepper.sharing), whoever has it keeps it until he waits.
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
        steps, sharing, on_cpu = 0, machine.sharing, _last_on_cpu(machine)
        if time_passes:
            for thread in machine.threads:
                if thread.naps and steps < budget and not _kept_off(machine, thread, on_cpu):
                    machine.take(thread)
                    steps += 1
        while steps < budget and not held.asked:
            current = machine.threads[machine.turn.last]
            if machine.turn.used >= SLICE or not _ready(machine, current, on_cpu):
                following = _next_ready(machine, current, on_cpu)
                if following is None:
                    return Ran(steps, "idle", _rest_text(machine))
                current = following
            bug = machine.take(current)
            steps += 1
            if current.index in sharing:
                on_cpu = current.index
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


def _last_on_cpu(machine: Stepper) -> int:
    """The number of the thread that had the shared CPU last, by the timeline; -1 if none had."""
    rows = machine.timeline.thread
    taken = range(machine.position - machine.timeline.first - 1, -1, -1) if machine.sharing else ()
    return next((rows[i] for i in taken if rows[i] in machine.sharing), -1)


def _kept_off(machine: Stepper, thread: Thread, on_cpu: int) -> bool:
    """Whether the thread shares a CPU that another one has, who could go on and lets no time pass."""
    if on_cpu < 0 or thread.index == on_cpu or thread.index not in machine.sharing:
        return False
    other = machine.threads[on_cpu]
    return not other.naps and other.enabled(machine.world)


def _ready(machine: Stepper, thread: Thread, on_cpu: int) -> bool:
    return not thread.naps and thread.enabled(machine.world) and not _kept_off(machine, thread, on_cpu)


def _next_ready(machine: Stepper, after: Thread, on_cpu: int) -> Thread | None:
    count = len(machine.threads)
    for offset in range(1, count + 1):
        thread = machine.threads[(after.index + offset) % count]
        if _ready(machine, thread, on_cpu):
            return thread
    return None


def _rest_text(machine: Stepper) -> str:
    napping = machine.naps()
    return f"{' and '.join(napping)} sleeps for a time" if napping else "nothing more can happen"
