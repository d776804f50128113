"""An interrupt holds up the thread on whose CPU it comes in, and comes in only where they are on."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from balloonlab.explore import explore
from balloonlab.explore.learn.subject import Subject
from balloonlab.foundations.errors import NotRunnableError
from balloonlab.host.host import Host
from balloonlab.kernel.cpu import Cpu, cpu_of
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import (
    Routine,
    read,
    spin_lock,
    spin_lock_irq,
    spin_lock_irqsave,
    spin_unlock,
    spin_unlock_irq,
    spin_unlock_irqrestore,
)
from balloonlab.kernel.primitives.interrupts import irq_enter, irq_exit
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import Ref, World
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PageFrames, Zone

PAIRS = {
    "plain": (spin_lock, spin_unlock),
    "irq": (spin_lock_irq, spin_unlock_irq),
    "irqsave": (spin_lock_irqsave, spin_unlock_irqrestore),
}


def machine(kind: str) -> Machine:
    """A task that takes a lock, and an interrupt on its CPU that takes the same."""
    take, give = PAIRS[kind]
    frames = PageFrames(8)
    world = World(frames, [Buddy(Zone(frames))], Host(8, frames.journal, frames.values))
    lock, number = world.new_lock("lock"), world.new_value("number")
    cpu: list[Cpu] = []

    def task() -> Routine:
        yield read(number)
        yield take(lock)
        yield read(number)
        yield give(lock)

    def handler() -> Routine:
        yield irq_enter(*cpu[0])
        yield from locked(lock)
        yield irq_exit(cpu[0].handler)

    def locked(lock: Ref) -> Routine:
        yield spin_lock(lock)
        yield spin_unlock(lock)

    def late() -> Routine:
        yield read(number)
        yield from handler()

    made = Machine(world, [ThreadSpec("task", "", task), ThreadSpec("interrupt", "", late)])
    cpu.append(cpu_of(made, "task"))
    made.record()
    made.step("interrupt")
    return made


def test_the_thread_stands_still_until_the_handler_returns() -> None:
    here = machine("plain")
    here.step("interrupt")
    assert here.runnable() == ("interrupt",)
    wait = here.blocked()["task"]
    assert (wait.text, wait.holder) == ("waits for its CPU, held by interrupt", "interrupt")
    with pytest.raises(NotRunnableError, match="its CPU"):
        here.step("task")
    here.step_back()
    assert here.runnable() == ("task", "interrupt")
    for _ in range(4):
        here.step("interrupt")
    here.run()
    assert {wait.status for wait in here.blocked().values()} == {"finished"}


@pytest.mark.parametrize("kind", ["irq", "irqsave"])
def test_no_interrupt_comes_in_while_they_are_off(kind: str) -> None:
    here = machine(kind)
    here.step("task")
    here.step("task")
    assert here.runnable() == ("task",)
    assert here.blocked()["interrupt"].status == "idle"
    here.step("task")
    here.step("task")
    assert here.runnable() == ("interrupt",)


def test_a_lock_inside_another_gives_interrupts_back_as_they_were() -> None:
    frames = PageFrames(8)
    world = World(frames, [Buddy(Zone(frames))], Host(8, frames.journal, frames.values))
    outer, inner = world.new_lock("outer"), world.new_lock("inner")

    def task() -> Routine:
        yield spin_lock_irqsave(outer)
        yield spin_lock_irqsave(inner)
        yield spin_unlock_irqrestore(inner)
        yield spin_unlock_irqrestore(outer)

    made = Machine(world, [ThreadSpec("task", "", task)])
    cpu = cpu_of(made, "task")
    off = []
    for _ in range(4):
        made.step("task")
        off.append(world.values[cpu.irqs_off.name])
    assert off == [1, 2, 1, 0]


class Explorable(NamedTuple):
    """The machine above, for the explorer."""

    kind: str

    def subject(self) -> Subject:
        return Subject(machine(self.kind))


@pytest.mark.parametrize("kind", list(PAIRS))
def test_a_lock_that_an_interrupt_takes_must_be_taken_with_interrupts_off(kind: str) -> None:
    result = explore(Explorable(kind))
    kinds = {finding.kind for finding in result.findings}
    assert kinds == ({"wait cycle", "deadlock"} if kind == "plain" else set())
    if kind == "plain":
        assert result.findings[0].steps == 3, "the lock is taken, the interrupt comes in"
        assert result.finding("wait cycle").machine().runnable() == ()
