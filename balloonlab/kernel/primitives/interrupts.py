"""An interrupt on the CPU of a thread. It comes in when they are on, and the thread is held up until it returns.

Its handler is a thread of its own, which has no other place to run (cpu.py). Linux 3.6, kernel/softirq.c.
"""

from __future__ import annotations

from balloonlab.kernel.primitives.verb import Blocked, primitive
from balloonlab.kernel.world import Ref, World


def _interrupts_on(world: World, _thread: int, _handler: Ref, irqs_off: Ref) -> bool:
    return not world.values.get(irqs_off.number)


def _interrupts_off(_world: World, _thread: int, _handler: Ref, irqs_off: Ref) -> Blocked:
    return Blocked("idle", f"an end of {irqs_off.name}")


@primitive(_interrupts_on, _interrupts_off)
def irq_enter(world: World, thread: int, handler: Ref, _irqs_off: Ref) -> None:
    """An interrupt comes in: whoever ran on that CPU stands still."""
    world.values.set(handler.number, thread + 1)


@primitive()
def irq_exit(world: World, _thread: int, handler: Ref) -> None:
    """The handler returns: who ran there goes on."""
    world.values.set(handler.number, 0)
