"""Everything that can differ between two moments of a machine, as one comparable value."""

from __future__ import annotations

from balloonlab.kernel.machine import Machine


def fingerprint(machine: Machine) -> tuple[object, ...]:
    world = machine.world
    frames, host = world.frames, world.host
    log = host.messages
    line = machine.timeline
    functions = [(function.name, function.module) for function in line.functions]
    places = [tuple((functions[f], at) for f, at in line.locations[number]) for number in machine.thread_at]
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
        tuple(places),  # not their numbers: those are given in order of first sight, abandoned futures included
        tuple(line.waits[number] for number in machine.thread_wait),
        machine.bugs,
        machine.position,
    )
