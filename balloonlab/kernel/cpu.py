"""The CPU of a thread, on which interrupts come in.

That is all there is of CPUs (the one that several threads may share is the explorer's business).
"""

from __future__ import annotations

from typing import NamedTuple

from balloonlab.kernel.machine import Machine
from balloonlab.kernel.world import Ref


class Cpu(NamedTuple):
    """The CPU of a thread.

    handler: 0, or 1 + the number of the thread that handles an interrupt there. irqs_off: how often interrupts were
    turned off, less how often on again.
    """

    handler: Ref
    irqs_off: Ref


def cpu_of(machine: Machine, name: str) -> Cpu:
    """Let interrupts come in on the CPU of a thread; before the machine starts."""
    world, thread = machine.world, machine.thread(name)
    cpu = Cpu(world.new_gate(f"interrupt on the CPU of {name}"), world.new_gate(f"interrupts off for {name}"))
    thread.held_up_by = cpu.handler
    world.irqs_off[thread.index] = cpu.irqs_off.number
    return cpu
