"""A message is a pointer to the driver's array until the host has read it: held against a log that keeps no copies."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.drivers.review_variants import NO_BALLOON_LOCK
from balloonlab.host.host import MessageStatus, Queue
from balloonlab.kernel.machine import Machine
from balloonlab.widgets.panels import messages
from tests.kernel.fingerprint import fingerprint
from tests.kernel.test_machine import bare_world

Act = tuple[str, int, int]
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 1), st.integers(0, 4)),
        st.tuples(st.just("write"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("read"), st.integers(0, 1), st.just(0)),
    ),
    max_size=40,
)


@dataclass
class Twin:
    """Messages as the host finds them: who looks at one that is not read looks at the array."""

    array: list[int] = field(default_factory=lambda: [0] * 4)
    sent: list[tuple[int, list[int]]] = field(default_factory=list)
    read: dict[int, list[int]] = field(default_factory=dict)

    def pfns(self, i: int) -> list[int]:
        return self.read.get(i, self.array[: len(self.sent[i][1])])

    def do(self, act: Act) -> int | None:
        """Returns the message that is read, if one is."""
        what, a, b = act
        if what == "add":
            self.sent.append((a, self.array[:b]))
        elif what == "write":
            self.array[a] = b
        else:
            waiting = [i for i, (queue, _) in enumerate(self.sent) if queue == a and i not in self.read]
            if waiting:
                self.read[waiting[0]] = self.pfns(waiting[0])
                return waiting[0]
        return None


@given(ACTS)
def test_until_it_is_read_a_message_holds_what_the_array_holds(acts: list[Act]) -> None:
    world, twin = bare_world(), Twin()
    log, journal = world.host.messages, world.journal
    journal.recording = True
    shots = []

    def shot() -> tuple[object, ...]:
        held = [message.pfns.tolist() for message in log]
        marked = [log.is_overwritten(i) for i in range(len(log))]
        return held, marked, log.pfns.tolist(), world.host.believed.tolist(), list(world.slots), len(journal)

    for act in acts:
        shots.append(shot())
        what, a, b = act
        if what == "add":
            log.advance(log.add(a, world.slots[:b]), MessageStatus.KICKED)
        elif what == "write":
            world.set_slot(a, b)
        read = twin.do(act)
        if read is not None:
            world.host.read(read)
            assert set(np.flatnonzero(world.host.believed)) & set(twin.pfns(read)) == (
                set(twin.pfns(read)) if a == Queue.INFLATE else set()
            )
        for i, (_, at_first) in enumerate(twin.sent):
            assert log[i].pfns.tolist() == twin.pfns(i)
            assert log.is_overwritten(i) == (twin.pfns(i) != at_first)
        assert log.pfns.tolist() == [pfn for i in range(len(twin.sent)) for pfn in twin.pfns(i)]
    shots.append(shot())
    for before, after in zip(shots[-2::-1], shots[:0:-1], strict=True):
        journal.undo(before[-1], after[-1])  # type: ignore[arg-type]
        assert shot()[:-1] == before[:-1]
    for before, after in pairwise(shots):
        journal.redo(before[-1], after[-1])  # type: ignore[arg-type]
        assert shot()[:-1] == after[:-1]


def overwritten() -> Machine:
    """v9 without balloon_lock: vballoon and compactor write over each other's messages. Stands at the end."""
    result = bl.explore(bl.scenario("message-on-its-way", NO_BALLOON_LOCK))
    machine = result.finding("message overwritten").machine()
    machine.run()
    return machine


def test_the_host_acts_on_what_it_reads_and_the_panel_says_so() -> None:
    machine = overwritten()
    world = machine.world
    assert [world.host.messages.is_overwritten(i) for i in range(len(world.host.messages))].count(True) >= 1
    assert "overwritten on its way" in messages(machine)
    held = {page for page in range(4) if world.host.believes(page)}
    assert held != set(world.list_pages(world.lists["pages"])), "the host was told of other pages"
    machine.seek(0)
    assert "overwritten" not in messages(machine)


def test_a_moment_knows_what_was_overwritten() -> None:
    machine = overwritten()
    shots = {}
    for position in range(machine.position + 1):
        machine.seek(position)
        shots[position] = fingerprint(machine)
    where = bl.scenario("message-on-its-way", NO_BALLOON_LOCK)
    short = where.plot.build(where.driver).machine
    short.most_steps = 24  # one by one; there are moments before
    short.record()
    short.replay(machine.schedule)
    assert short.timeline.first > 0
    for position in [*reversed(range(len(shots))), *range(0, len(shots), 7), len(shots) - 1, 3]:
        short.seek(position)
        assert fingerprint(short) == shots[position]
