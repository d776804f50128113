"""Work items: never twice at once, never lost, and gone when cancelled."""

from __future__ import annotations

import pytest

from balloonlab.foundations.errors import NotRunnableError
from balloonlab.host.host import Host
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import (
    Routine,
    add,
    cancel_work_sync,
    msleep,
    process_one_work,
    queue_work,
    work_done,
)
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import World
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PageFrames, Zone


def machine_with_work() -> Machine:
    frames = PageFrames(8)
    world = World(frames, [Buddy(Zone(frames))], Host(8, frames.journal, frames.values))
    work, freezing = world.new_gate("work"), world.new_gate("freezing")
    rounds = world.new_value("rounds")

    def worker() -> Routine:
        while True:
            yield process_one_work(work, freezing)
            yield add(rounds, 1)
            yield msleep(1)
            yield work_done(work)

    def asker() -> Routine:
        for _ in range(3):
            yield queue_work(work)

    def canceller() -> Routine:
        yield from cancel_work_sync(work)

    threads = {"worker": worker, "asker": asker, "canceller": canceller}
    machine = Machine(world, [ThreadSpec(name, "a test's", start) for name, start in threads.items()])
    machine.record()
    return machine


def results(machine: Machine, thread: str) -> list[int]:
    line = machine.timeline
    return [line.result[i] for i in range(len(line)) if machine.names[line.thread[i]] == thread]


def test_asked_for_twice_is_done_once_and_asked_for_meanwhile_once_more() -> None:
    machine = machine_with_work()
    assert machine.blocked()["worker"].text == "waits for somebody to queue work"
    machine.step("asker")
    machine.step("asker")
    machine.step("worker")
    machine.step("asker")
    assert results(machine, "asker") == [1, 0, 1]
    for _ in range(3):
        machine.step("worker")
    assert "worker" in machine.runnable()
    for _ in range(4):
        machine.step("worker")
    assert machine.blocked()["worker"].status == "idle"
    assert machine.world.values["rounds"] == 2


def test_cancelling_waits_for_the_work_and_lets_nobody_queue_it() -> None:
    machine = machine_with_work()
    machine.step("asker")
    machine.step("worker")
    machine.step("asker")
    machine.step("canceller")
    machine.step("asker")
    assert results(machine, "asker") == [1, 1, 0]
    with pytest.raises(NotRunnableError, match="the end of work"):
        machine.step("canceller")
    for _ in range(3):
        machine.step("worker")
    machine.step("canceller")
    assert machine.world.values["work"] == 0
    assert machine.blocked()["worker"].status == "idle"


def test_nothing_begins_while_the_system_is_being_suspended() -> None:
    machine = machine_with_work()
    machine.world.values["freezing"] = 1
    machine.step("asker")
    assert machine.blocked()["worker"].text == "waits for the end of the system's sleep"
    machine.world.values["freezing"] = 0
    assert "worker" in machine.runnable()
