"""Everything that can differ between two moments of a machine, as one comparable value."""

from __future__ import annotations

from balloonlab.kernel.machine import Machine


def fingerprint(machine: Machine) -> tuple[object, ...]:
    world = machine.world
    frames, host = world.frames, world.host
    log = host.messages
    return (
        frames.states.tobytes(),
        frames.orders.tobytes(),
        frames.block_types.tobytes(),
        frames.links.next_array.tobytes(),
        frames.links.prev_array.tobytes(),
        tuple(frames.values.numbers),
        tuple(world.lock_holders),
        tuple(sorted(world.page_locks.items())),
        tuple(sorted(world.refcounts.items())),
        tuple(sorted(world.page_flags.items())),
        tuple(world.slots),
        tuple(world.sleeping),
        host.believed.tobytes(),
        host.memory_given_back,
        tuple(log.queue.tolist()),
        tuple(log.status.tolist()),
        tuple(tuple(message.pfns.tolist()) for message in log),
        tuple((thread.done, thread.pending, thread.crashed) for thread in machine.threads),
        tuple(machine.thread_at),
        tuple(machine.thread_wait),
        machine.bugs,
        machine.position,
    )
