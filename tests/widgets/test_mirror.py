"""The browser's mirror of a machine, fed with a session's messages, is the machine at every position."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.drivers.review_variants import NO_BALLOON_LOCK
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.sentences import sentence
from balloonlab.memory.palette import PALETTE
from balloonlab.memory.reduced_map import reduce_by
from balloonlab.memory.zone import PageState
from balloonlab.widgets import device, wire
from balloonlab.widgets.panels import free_memory, size_words
from balloonlab.widgets.session import Session
from balloonlab.widgets.units import unit_ended
from tests.widgets.receiver import Receiver

SCRIPT = Path(__file__).parents[1] / "js" / "dump.mjs"
UNITS = [pytest.param(1, id="every page"), pytest.param(16, id="reduced")]


class Recorder(Receiver):
    """Keeps messages as they crossed the wire, too."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.raw: list[dict[str, Any]] = []

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        super().send(content, buffers)
        if content["type"] in ("frame", "steps", "window"):
            if content["type"] == "frame":
                self.raw.clear()
            self.raw.append({"content": content, "buffer": base64.b64encode(buffers[0]).decode()})


def browser(view: Recorder, positions: list[int]) -> list[dict[str, Any]]:
    """What the mirror says at these positions."""
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("no node on this machine, and CI=true asks for it: apt install nodejs")
        pytest.skip("no node on this machine (Debian: apt install nodejs)")
    text = json.dumps({"messages": view.raw, "positions": positions})
    done = subprocess.run([node, str(SCRIPT)], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def check(machine: Machine, view: Recorder, unit: int, window: tuple[int, int] | None = None) -> None:
    """At random positions, forward and back, browser and machine agree on everything that is shown."""
    end = len(machine.timeline)
    machine.seek(0)
    opening = five(machine)
    positions = [end, 0, *np.random.default_rng(1).integers(0, end + 1, 60).tolist(), 1, end]
    for position, said in zip(positions, browser(view, positions), strict=True):
        machine.seek(position)
        world, line = machine.world, machine.timeline
        states = world.frames.states
        assert said["states"] == reduce_by(states, unit).tolist()
        assert said["counts"] == np.bincount(states, minlength=len(PALETTE)).tolist()
        assert said["values"] == world.values.numbers
        assert said["locks"] == world.lock_holders
        assert dict(map(tuple, said["page_locks"])) == world.page_locks
        assert said["lists"] == [list(world.list_pages(head)) for head in world.lists.values()]
        assert said["waits"] == [machine.wait_of(thread).text for thread in machine.threads]
        assert said["status"] == world.host.messages.status.tolist()
        assert said["pfns"] == [message.pfns.tolist() for message in world.host.messages]
        log = world.host.messages
        assert said["overwritten"] == [log.is_overwritten(i) for i in range(len(log))]
        assert said["nth"] == numbered_by_queue(world.host.messages.queue.tolist())
        assert said["words"] == (line.text(position - 1, machine.names) if position else "")
        assert said["sentence"] == (sentence(line, position - 1, machine.names) if position else "")
        printed = [{"step": each.step - line.first, "level": each.level, "text": str(each)} for each in machine.log]
        assert said["printed"] == printed
        assert said["slots"] == world.slots
        assert said["members"] == [list(row) for row in device.members(machine)]
        figures = [[tag, *(device.figure_words(tag, n) for n in both)] for tag, *both in device.figures(machine)]
        assert [said["figures"], said["buffer"], said["request"]] == [
            figures,
            device.buffer(machine),
            device.request(machine),
        ]
        assert said["numbers"] == [[now, now - then] for now, then in zip(five(machine), opening, strict=True)]
        stacks = [[(line.functions[f], at) for f, at in line.locations[n]] for n in machine.thread_at]
        assert said["lines"] == [[[f.name, at - f.first_line + 1] for f, at in stack] for stack in stacks]
        assert said["host"] == [[name, f"{n:,} ({size_words(n * 4096)})"] for name, n in host(machine)]
        assert free_memory(machine).endswith(f"free 2 MiB blocks: {said['huge']:,}")
        if unit == 1:
            assert dict(map(tuple, said["references"])) == world.refcounts
            assert dict(map(tuple, said["flags"])) == world.page_flags
            assert said["ended"] == (unit_ended(machine) if position else None)
            assert said["believed"] == world.host.believed.tolist()
            assert said["differ"]["pages"] == disagreeing(machine)
            assert said["differ"]["count"] == len(said["differ"]["pages"])
        if window:
            assert said["window"] == states[window[0] : window[0] + window[1]].tolist()


def numbered_by_queue(queues: list[int]) -> list[int]:
    """Each message's number among those of its queue, one by one."""
    return [queues[: i + 1].count(queue) for i, queue in enumerate(queues)]


def five(machine: Machine) -> list[int]:
    """The numbers that a Lab shows large."""
    world = machine.world
    count = np.bincount(world.frames.states, minlength=len(PALETTE)).tolist()
    values = world.values
    huge = sum(values[f"Normal nr_free[{order}]"] << (order - 9) for order in (9, 10))
    believed = values["host believes ballooned"]
    return [values["num_pages"], count[PageState.ISOLATED], believed, count[PageState.FREE], huge]


def disagreeing(machine: Machine) -> list[int]:
    """Guest pages of which host and guest think differently, one by one."""
    world = machine.world
    per = world.pages_per_page
    wrong = []
    for page, state in enumerate(world.frames.states.tolist()):
        believed = {bool(b) for b in world.host.believed[page * per : (page + 1) * per]}
        inside = state in (PageState.BALLOON, PageState.ISOLATED)
        if state != PageState.IN_TRANSIT and believed != {inside}:
            wrong.append(page)
    return wrong


def host(machine: Machine) -> list[tuple[str, int]]:
    values = machine.world.values
    return [
        ("target", values["target (config num_pages)"]),
        ("actual", values["actual (config actual)"]),
        ("believed ballooned", values["host believes ballooned"]),
        ("memory given back", values["host memory given back"]),
    ]


def a_machine(seed: int, page_size: int = 4096) -> Machine:
    rng = np.random.default_rng(seed)
    states = rng.choice([0, 1, 2, 3], 1024, p=[0.5, 0.35, 0.05, 0.1]).astype(np.uint8)
    return Guest.from_states(states, "v9", page_size=page_size).machine


@pytest.mark.parametrize("unit", UNITS)
def test_run_by_run_the_browser_follows(monkeypatch: pytest.MonkeyPatch, unit: int) -> None:
    monkeypatch.setattr(wire, "pages_per_cell", lambda _pages: unit)
    machine = a_machine(1)
    view = Recorder(Session.of(machine))
    view.hello()
    view.ask("act", name="inflate", value=200)
    view.ask("act", name="compact")
    view.ask("act", name="deflate", value="40")
    check(machine, view, unit)


def test_a_late_view_sees_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "pages_per_cell", lambda _pages: 16)
    machine = a_machine(2, page_size=65536)
    early = Recorder(Session.of(machine))
    early.hello()
    early.ask("act", name="inflate", value=16 * 200)
    machine.seek(len(machine.timeline) // 3)
    late = Recorder(Session.of(machine))
    late.hello()
    machine.seek(len(machine.timeline) // 2)
    late.session.ask(late, {"type": "window", "view": late.name, "first": 100, "count": 333})
    check(machine, late, 16, window=(100, 333))


def test_choices_that_replace_the_future_arrive() -> None:
    machine = a_machine(3)
    view = Recorder(Session.of(machine))
    view.hello()
    view.ask("act", name="inflate", value=110, by_hand=True)
    view.ask("act", name="compact", by_hand=True)
    pick = np.random.default_rng(5)
    for turn in range(120):
        at = view.length if turn % 10 else int(pick.integers(1, view.length))
        machine.seek(at)
        able = machine.runnable()
        machine.seek(len(machine.timeline))
        if able:
            view.ask("step", at=at, thread=str(pick.choice(able)))
    assert not view.errors
    assert view.epoch > 5
    check(machine, view, 1)


def test_the_kernels_log_arrives_with_its_steps() -> None:
    machine = bl.scenario("fill-out-of-memory", "linux-3.6").machine()
    view = Recorder(Session.of(machine))
    view.hello()
    for _ in range(60):
        view.ask("run")
    assert "fill_balloon: 16 callbacks suppressed" in [line.text for line in machine.log]
    view.ask("step", at=30, thread="vballoon")
    for _ in range(3):
        view.ask("run")
    machine.seek(machine.timeline.stop)
    assert 4 <= len(machine.log) <= 7
    check(machine, view, 1)


@pytest.mark.parametrize("driver", ["linux-3.6", "v11", "linux-7.2"])
def test_members_and_statistics_arrive_as_the_text_has_them(driver: str) -> None:
    machine = Guest(512, driver).machine
    view = Recorder(Session.of(machine))
    view.hello()
    view.ask("act", name="inflate", value=7)
    view.ask("act", name="request_stats")
    view.ask("act", name="inflate", value=9)
    view.ask("act", name="request_stats")
    view.ask("act", name="deflate", value=3)
    check(machine, view, 1)
    view.ask("act", at=view.length // 3, name="request_stats")  # other figures, under the numbers of those
    assert not view.errors
    check(machine, view, 1)


def test_a_walk_that_leaves_its_list_is_told_alike() -> None:
    machine = bl.defects["M2"].case().found_in(bl.defects["M2"].explore("v11")).machine()  # type: ignore[union-attr]
    view = Recorder(Session.of(machine))
    view.hello()
    check(machine, view, 1)


@pytest.mark.parametrize("late", [False, True])
def test_messages_overwritten_on_their_way_are_told_alike(*, late: bool) -> None:
    result = bl.explore(bl.scenario("message-on-its-way", NO_BALLOON_LOCK))
    machine = result.finding("message overwritten").machine()
    view = Recorder(Session.of(machine))
    if not late:
        view.hello()
    for name in ("vballoon", "compactor", "host-inflateq", "host-deflateq") * 4:
        if name in machine.runnable():
            view.ask("step", at=len(machine.timeline), thread=name) if not late else machine.step(name)
    if late:
        view.hello()
    log = machine.world.host.messages
    assert any(log.is_overwritten(i) for i in range(len(log)))
    check(machine, view, 1)
