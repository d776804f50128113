"""Linux 3.6: what each round does, in which order, and that random schedules never break I1 to I6."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.course.scenarios import scenario
from balloonlab.drivers.invariants import check_always, check_at_rest
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.timeline import OUTSIDE
from balloonlab.memory.zone import Migratetype, PageState
from tests.memory.invariants import check_buddy


def verbs(guest: Guest, thread: str) -> list[str]:
    line = guest.machine.timeline
    index = guest.machine.names.index(thread)
    return [line.verbs[line.verb[i]] for i in range(len(line)) if line.thread[i] == index]


def test_one_round_of_two_pages_by_hand() -> None:
    guest = scenario("inflate", "linux-3.6").guest()
    guest.machine.run()
    before_sleep = verbs(guest, "vballoon")
    begin = before_sleep.index("write")
    page = ["read", "alloc_page", "set_page_pfns", "add", "add", "list_add", "add"]
    round_ = ["write", *page, *page, "read", "read", "virtqueue_add", "virtqueue_kick"]
    assert before_sleep[begin : begin + len(round_)] == round_
    assert guest.balloon_pages == guest.host.actual == 2
    assert [m.pfns.tolist() for m in guest.host.messages if m.queue == "inflateq"] == [[0, 1]]
    assert guest.balloon_list == (1, 0), "last in, first out"


def test_deflation_tells_the_host_before_it_frees() -> None:
    guest = scenario("deflate", "linux-3.6").guest()
    guest.machine.run()
    line, names = guest.machine.timeline, guest.machine.names
    steps = [line.text(i, names) for i in range(len(line)) if line.thread[i] != OUTSIDE]
    acknowledged = steps.index(next(s for s in steps if s.startswith("host-deflateq: host_acknowledge")))
    freed = [i for i, s in enumerate(steps) if "free_page" in s]
    assert len(freed) == 2
    assert min(freed) > acknowledged


def test_pages_come_from_unmovable_blocks_and_cannot_move() -> None:
    guest = Guest(8192, driver="linux-3.6")
    guest.inflate(1500)
    taken = guest.page_states.reshape(-1, 512)
    blocks = np.flatnonzero((taken == PageState.BALLOON).any(axis=1))
    assert set(guest.frames.block_types[blocks].tolist()) == {int(Migratetype.UNMOVABLE)}
    assert len(guest.compact().pairs) == 0


def test_out_of_memory_waits_and_tries_again() -> None:
    machine = scenario("fill-out-of-memory", "linux-3.6").machine()
    for _ in range(3):
        ran = machine.run()
        assert (ran.reason, ran.text) == ("idle", "vballoon sleeps for a time")
    assert machine.world.lock_holders == [-1] * len(machine.world.lock_names)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([4096, 65536]),
    st.lists(
        st.tuples(st.sampled_from(["target", "compact", "request_stats"]), st.integers(0, 24), st.integers(0, 80)),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 10_000),
)
def test_random_walks_never_break_the_invariants(page_size: int, plan: list[tuple[str, int, int]], seed: int) -> None:
    states = np.where(np.random.default_rng(seed).random(600) < 0.5, PageState.MOVABLE, PageState.FREE)
    guest = Guest.from_states(states.astype(np.uint8), "linux-3.6", page_size=page_size)
    machine = guest.machine
    machine.record()
    for i, (what, target, steps) in enumerate(plan):
        if what == "target":
            machine.act("set_target", target * (page_size // 4096))
        else:
            machine.act(what)
        for step in range(steps):
            if not machine.walk(1, seed + 1000 * i + step):
                break
            check_always(machine, guest.vb)
    machine.run()
    check_at_rest(machine, guest.vb)
    check_buddy(guest.buddies[0])
    assert machine.bugs == ()


@pytest.mark.parametrize("thread", ["virtballoon_remove", "virtballoon_freeze"])
def test_remove_and_freeze_empty_the_balloon(thread: str) -> None:
    guest = Guest(1024, driver="linux-3.6")
    guest.inflate(300)
    routine = getattr(guest.driver, thread)
    threads = [
        *guest._engines.stepped.threads(),
        ThreadSpec("remover", "unloads the driver", lambda: routine(guest.vb)),
    ]
    if thread == "virtballoon_freeze":
        guest.world.values["freezing"] = 1
    machine = Machine(guest.world, threads)
    assert machine.run().reason == "idle"
    assert machine.blocked()["remover"].status == "finished"
    assert machine.blocked()["vballoon"].status == ("finished" if thread == "virtballoon_remove" else "asleep")
    assert guest.balloon_pages == guest.host.actual == 0
    assert not guest.host.believed.any()
