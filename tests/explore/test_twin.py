"""An exploration and its slow twin find the same states in the same order, and the same wrong at the same depth."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.explore import Result, explore
from balloonlab.explore.learn.subject import Explorable, Property, Subject
from balloonlab.explore.program import Program
from balloonlab.host.host import QUEUE_NAMES
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import (
    Routine,
    atomic_inc,
    atomic_read,
    host_read,
    set_page_pfns,
    virtqueue_add,
    virtqueue_kick,
)
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import Ref
from balloonlab.memory.placement import PLACEMENTS
from tests.explore.programs import PROGRAMS, peterson
from tests.explore.twin import FROM_WAYS, Twin, explored_by_hand
from tests.kernel.test_machine import bare_world
from tests.memory.maps import BALLOON, FREE, MOVABLE

SMALL = [
    *((name, driver) for name in ("fill-out-of-memory", "leak-64k") for driver in DRIVERS),
    *((name, driver) for name in ("inflate", "deflate") for driver in ("v10", "linux-3.8", "linux-6.1")),
    *(("full-and-compact", driver) for driver in ("linux-3.6", "v9", "linux-7.2")),
    ("inflate-and-compact", "linux-3.6"),
    ("deflate-and-compact", "linux-3.6"),
]


def nearest(result: Result) -> dict[str, int]:
    """Kind of finding, and of an invariant its name, to the steps after which it first shows."""
    found: dict[str, int] = {}
    for each in result.findings:
        if each.kind not in FROM_WAYS:
            name = f" {each.text.partition(':')[0]}" if each.kind in ("invariant", "property") else ""
            found.setdefault(each.kind + name, each.steps)
    return found


def agree(result: Result, twin: Twin) -> None:
    assert (result.states, result.transitions) == (len(twin.parent), twin.transitions)
    assert np.array_equal(result.graph.following, twin.following)
    assert np.array_equal(result.graph.parent, twin.parent)
    assert result.depth == max(map(len, twin.schedules))
    assert nearest(result) == twin.nearest


@pytest.mark.parametrize(("name", "driver"), SMALL)
def test_a_scenario(name: str, driver: str) -> None:
    scenario = bl.scenario(name, driver)
    agree(explore(scenario), explored_by_hand(scenario))


class Placed(NamedTuple):
    """A page is to come, while compaction takes one of the free pages and gives another back."""

    placement: str

    def subject(self) -> Subject:
        states = [FREE, MOVABLE, FREE, MOVABLE, FREE, FREE, BALLOON, MOVABLE]
        guest = bl.Guest.from_states(states, "linux-3.6", candidates=(3,), placement=self.placement, seed=7)
        guest.machine.record()
        guest.machine.act("set_target", 2)
        guest.machine.act("compact")
        return Subject(guest.machine)


@pytest.mark.parametrize("placement", PLACEMENTS[1:])
def test_a_placement(placement: str) -> None:
    agree(explore(Placed(placement)), explored_by_hand(Placed(placement)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program(name: str) -> None:
    agree(explore(PROGRAMS[name]), explored_by_hand(PROGRAMS[name]))


@pytest.mark.parametrize("program", [peterson(swapped=True), peterson(rounds=2)], ids=["swapped", "two rounds"])
def test_a_larger_program(program: Program) -> None:
    agree(explore(program), explored_by_hand(program))


@pytest.mark.parametrize("driver", ["linux-3.6", "linux-6.1"])
def test_threads_that_share_a_cpu(driver: str) -> None:
    plain = bl.scenario("full-and-compact", driver)
    balloon, compactor, *_ = plain.machine().names
    scenario = bl.Scenario(plain.plot._replace(cpu=(balloon, compactor)), plain.driver)
    twin = explored_by_hand(scenario)
    agree(explore(scenario), twin)
    assert len(twin.parent) != explore(plain).states


class TwoOnOneArray:
    """Two threads tell the host of a page each, and have one array for that; nobody waits for an answer."""

    def subject(self) -> Subject:
        world = bare_world()
        count = world.new_value("num_pfns", 1)
        queues = [Ref("queue", queue, QUEUE_NAMES[queue]) for queue in (0, 1)]

        def tells(queue: Ref, page: int) -> Routine:
            yield set_page_pfns(0, page)
            yield virtqueue_add(queue, count)
            yield virtqueue_kick(queue)

        def reads(queue: Ref) -> Routine:
            yield host_read(queue)

        threads = [ThreadSpec(f"tells-{queue.name}", "", partial(tells, queue, 2 + queue.number)) for queue in queues]
        threads += [ThreadSpec(f"reads-{queue.name}", "", partial(reads, queue)) for queue in queues]
        machine = Machine(world, threads)
        machine.record()
        return Subject(machine, goal="")


def test_messages_that_are_overwritten_on_their_way() -> None:
    result = explore(TwoOnOneArray())
    agree(result, explored_by_hand(TwoOnOneArray()))
    beliefs = result.graph.table.registers.named(("beliefs",))[0]
    known = {
        tuple(np.flatnonzero(np.frombuffer(b, np.uint8))) for b, *_ in result.graph.table.registers.values[beliefs]
    }
    assert known == {(), (2,), (3,)}, "page 3 is believed inflated where its number came over that of page 2"


class Counting:
    """Two threads, each of which counts in a tally; one may read it, or a property may."""

    def __init__(self, *, somebody_reads: bool = False, property_reads: bool = False) -> None:
        self.somebody_reads, self.property_reads = somebody_reads, property_reads

    def subject(self) -> Subject:
        world = bare_world()
        tally = world.new_tally("tally")

        def counts() -> Routine:
            for _ in range(3):
                yield atomic_inc(tally)

        def reads() -> Routine:
            yield atomic_inc(tally)
            if self.somebody_reads:
                yield atomic_read(tally)

        threads = [ThreadSpec("counts", "", counts), ThreadSpec("reads", "", reads)]
        machine = Machine(world, threads)
        machine.record()

        def small() -> None:
            assert world.values["tally"] < len(("a", "b", "c", "d"))

        properties = (Property("small", "property", "always", ("tally",), small),) if self.property_reads else ()
        return Subject(machine, properties, "")


@pytest.mark.parametrize(
    ("counting", "read", "states"),
    [
        (Counting(), (), 8),
        (Counting(somebody_reads=True), ("tally",), 12),
        (Counting(property_reads=True), ("tally",), 8),
    ],
)
def test_a_tally_counts_only_if_somebody_reads_it(counting: Explorable, read: tuple[str, ...], states: int) -> None:
    result = explore(counting)
    agree(result, explored_by_hand(counting, read))
    assert result.states == states
    assert bool(result.findings) == counting.property_reads
