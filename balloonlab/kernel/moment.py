"""A moment of a machine, kept as a whole: everything that threads share, and where each thread stands.

The journal takes steps back one by one; a moment is there for steps whose record was let go. What the journal
covers is what is kept here.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.host.messages import MessageStatus
from balloonlab.kernel.stepper import Stepper
from balloonlab.kernel.thread import Packed, Thread, is_same
from balloonlab.kernel.world import World


class Moment:
    """What a machine was like after `step` steps.

    `done`: by thread, the results it had received. `size`: bytes that this takes, about (a twentieth to a half of what
    the guest's memory map takes).
    """

    def __init__(self, machine: Stepper) -> None:
        world = machine.world
        self.step, self.turn = machine.position, machine.turn
        self.clock = machine.timeline.log.at(self.step)
        self._arrays = zlib.compress(b"".join(array.tobytes() for array in _arrays(world)), 1)
        self._tables = [_packed(table) for table in _tables(world)]
        self._lists = [Packed(numbers) for numbers in _lists(machine)]
        log = world.host.messages
        under_way = np.flatnonzero(log.status != MessageStatus.COLLECTED)
        self._messages, self._overwritten = len(log), dict(log.overwritten)
        self._under_way = dict(zip(under_way.tolist(), log.status[under_way].tolist(), strict=True))
        self.done = [thread.done for thread in machine.threads]
        self._threads = [(thread.pending, thread.crash if thread.crashed else None) for thread in machine.threads]
        self.size = 1000 + len(self._arrays) + sum(map(len, self._tables)) + sum(kept.size for kept in self._lists)

    def restore_world(self, machine: Stepper) -> None:
        """Make everything that threads share what it was."""
        world = machine.world
        data, at = zlib.decompress(self._arrays), 0
        for array in _arrays(world):
            array[:] = np.frombuffer(data, array.dtype, len(array), at)
            at += array.nbytes
        for table, packed in zip(_tables(world), self._tables, strict=True):
            pairs = np.frombuffer(zlib.decompress(packed), np.int64).reshape(2, -1).tolist()
            table.clear()
            table.update(zip(*pairs, strict=True))
        for numbers, kept in zip(_lists(machine), self._lists, strict=True):
            numbers[:] = kept.items()
        log = world.host.messages
        for i in range(len(log) - 1, self._messages - 1, -1):
            log.put(i, -1)
        for i in range(len(log), self._messages):  # what they held is still there, or was sent again as it was
            log.put(i, MessageStatus.COLLECTED)
        wanted = np.full(self._messages, MessageStatus.COLLECTED, np.int8)
        wanted[list(self._under_way)] = list(self._under_way.values())
        for i in np.flatnonzero(log.status != wanted).tolist():
            log.put(i, int(wanted[i]))
        log.overwritten.clear()
        log.overwritten.update(self._overwritten)

    def restore(self, thread: Thread, packed: list[Any]) -> None:
        """Let the thread stand where it stood; packed: every result that it had received."""
        thread.stand_again(packed, self.done[thread.index], *self._threads[thread.index])

    def differs(self, machine: Stepper) -> str:
        """The name of a thread that does not stand where it stood, "" if all do."""
        stand = zip(machine.threads, self._threads, self.done, strict=True)
        moved = (t.name for t, (pending, _), done in stand if t.done != done or not is_same(t.pending, pending))
        return next(moved, "")


def _arrays(world: World) -> list[NDArray[Any]]:
    frames, links, host = world.frames, world.frames.links, world.host
    mapped: list[NDArray[Any]] = [frames.states, frames.orders, frames.block_types]
    return [*mapped, links.next_array, links.prev_array, host.believed, host.given_back]


def _tables(world: World) -> list[dict[int, int]]:
    return [world.page_locks, world.refcounts, world.page_flags]


def _lists(machine: Stepper) -> list[list[int]]:
    world = machine.world
    shared = [world.values.numbers, world.lock_holders, world.slots, world.sleeping]
    return [*shared, machine.thread_at, machine.thread_wait]


def _packed(table: dict[int, int]) -> bytes:
    pairs = np.array([list(table.keys()), list(table.values())], np.int64)
    return zlib.compress(pairs.tobytes(), 1)
