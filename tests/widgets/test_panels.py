"""The panels as text: a golden moment, and the same facts the machine has at any other."""

from __future__ import annotations

import re

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.drivers.review_variants import NO_BALLOON_LOCK
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.memory.zone import PageState
from balloonlab.widgets import panels


@pytest.fixture
def machine() -> Machine:
    """Eight pages; the balloon takes one and meets the compactor on the way."""
    states = np.array([0, 0, 0, 0, 1, 1, 1, 2], np.uint8)
    machine = Guest.from_states(states, "v9").machine
    machine.record()
    machine.act("set_target", 2)
    return machine


def test_the_start(machine: Machine) -> None:
    text = panels.panels(machine)
    for line in [
        "timeline: step 1 of 1",
        "  you: set_target(2)",
        "page map: 8 guest pages",
        "  free 4, workload 3, kernel 1",
        "  vballoon: can run",
        "    in balloon > wait_event",
        "  compactor: waits for somebody to ask for compaction",
        "  balloon_lock        free",
        "  pages               0 pages",
        "messages to the host: 1",
        "  target              2 (8 KiB)",
        "  num_pages                   0 4 KiB pages",
        "  flags set: none",
        "  free 2 MiB blocks: 0",
    ]:
        assert line in text.splitlines(), f"{line!r} is not in\n{text}"
    assert panels.short(machine).count("\n") < text.count("\n")
    assert max(map(len, text.splitlines())) <= 120


def test_the_current_line_is_the_statement_that_comes_next(machine: Machine) -> None:
    machine.run(60)
    for _ in range(25):
        machine.run(1)
        thread = machine.thread("vballoon")
        if thread.pending is None or "vballoon" not in machine.runnable():
            continue
        marked = [
            line for line in panels.threads(machine).split("compactor")[0].splitlines() if line.startswith("    >")
        ]
        assert len(marked) == 1
        assert thread.pending.verb.name in marked[0] or "condition" in marked[0]


def test_the_lines_that_were_remarked_on_say_so() -> None:
    machine = bl.scenario("remove-and-compact", "v9").machine()
    seen = {}
    while (able := machine.runnable()) and len(seen) < 3:
        machine.step(able[0])
        for name in ("isolate", "migrate", "putback"):
            if f"> virtballoon_{name}page\n" in (text := panels.threads(machine)):
                seen.setdefault(name, text)
    assert "def virtballoon_isolatepage(vb: VirtioBalloon, page: int) -> Routine:  # 2 remarks" in seen["isolate"]
    assert "yield spin_lock(vb.pages_lock)  # remark: under page lock" in seen["isolate"]
    assert "Routine:  # 3 remarks" in seen["migrate"]
    assert max(len(line) for text in seen.values() for line in text.splitlines() if "# " in line) <= 120


def test_locks_have_holders_and_waiters(machine: Machine) -> None:
    while machine.world.lock_holders[0] < 0:
        machine.step("vballoon")
    assert "  balloon_lock        held by vballoon" in panels.locks(machine).splitlines()
    machine.world.take_lock(machine.world.lock_names.index("pages_lock"), 1)
    machine.world.take_page_lock(3, 1)
    while machine.wait_of(machine.thread("vballoon")).status == "runnable":
        machine.step("vballoon")
    assert "  pages_lock          held by compactor; waiting: vballoon" in panels.locks(machine).splitlines()
    assert "  page 0x3            held by compactor" in panels.locks(machine).splitlines()
    assert "  vballoon: waits for pages_lock, held by compactor" in panels.threads(machine).splitlines()


def test_locked_pages_are_listed_the_same_whichever_way_one_came() -> None:
    for seed in range(20):
        machine = bl.scenario("message-on-its-way", NO_BALLOON_LOCK).machine()
        seen = {machine.position: panels.locks(machine)}
        while machine.walk(1, 1000 * seed + machine.position):
            seen[machine.position] = panels.locks(machine)
        for position in reversed(seen):
            machine.seek(position)
            assert panels.locks(machine) == seen[position]


def test_many_locked_pages_are_counted(machine: Machine) -> None:
    for page in range(8):
        machine.world.take_page_lock(page, 0)
    assert panels.locks(machine).splitlines()[-1] == "  and 2 more locked pages"


def test_lists_and_messages_show_the_newest_first(machine: Machine) -> None:
    machine.run()
    assert panels.lists(machine).splitlines()[1:] == [
        "  pages               2 pages: 0x1 0x0",
        "  migratepages        0 pages",
    ]
    assert panels.messages(machine).splitlines() == [
        "messages to the host: 2",
        "  inflateq   1    2 PFNs from 0x0             collected",
        "  statsq     1    no PFNs                     read",
    ]


def test_every_shared_number_is_in_one_panel_or_none(machine: Machine) -> None:
    shown = panels.shown_values(machine.world)
    assert len(shown) == len(machine.world.values.names)
    groups = {
        group: [s.name for s in shown if s.group == group]
        for group in ("host", "counter", "free", "scanner", "flag", "")
    }
    assert groups["host"] == ["target", "actual", "believed ballooned", "memory given back"]
    assert groups["counter"][:3] == ["num_pages", "num_pfns", "num_isolated_pages"]
    assert {"compact_pages_moved", "compact_balloon_migrated"} <= set(groups["counter"])
    assert len(groups["free"]) == 11
    assert [s.order for s in shown if s.group == "free"] == list(range(11))
    assert len(groups["scanner"]) == 2
    assert "compaction wanted" in groups["flag"]
    assert "should_stop" in groups["flag"]


def test_a_bug_is_told(machine: Machine) -> None:
    machine.world.page_locks[0] = 1  # so that trylock_page fails where the driver believes it cannot
    ran = machine.run()
    assert ran.reason == "bug"
    told = panels.timeline(machine).splitlines()[-1]
    assert re.fullmatch(r"  BUG in vballoon: BUG_ON\(!trylock_page\(page\)\) \(line \d+, in fill_balloon: `.*`\)", told)
    assert "  vballoon: has crashed" in panels.threads(machine).splitlines()


def test_the_kernels_log_is_told_once_it_says_something() -> None:
    machine = bl.scenario("fill-out-of-memory", "v9").machine()
    assert "kernel log" not in panels.panels(machine)
    for _ in range(2):
        machine.run()
    step = machine.log[0].step
    assert panels.panels(machine).endswith(
        f"kernel log: 1 line\n  step {step + 1:<7} [    0.000000] Out of puff! Can't get 2 pages"
    )
    machine.seek(step)
    assert "kernel log" not in panels.panels(machine)


def test_the_text_is_that_of_the_position(machine: Machine) -> None:
    texts = [panels.panels(machine)]
    for _ in range(40):
        machine.run(1)
        texts.append(panels.panels(machine))
    assert len(set(texts)) == len(texts)
    end = len(machine.timeline)
    for back, text in enumerate(reversed(texts)):
        machine.seek(end - back)
        assert panels.panels(machine).split("\n", 1)[1] == text.split("\n", 1)[1]


def test_several_zones_add_up() -> None:
    guest = Guest(pages=4096, driver="v9", zones=[("DMA", 0, 1024), ("Normal", 1024, 4096)])
    assert panels.free_memory(guest.machine).splitlines()[1].endswith("10:4")
    names = [shown.name for shown in panels.shown_values(guest.world)]
    assert "compact_pages_moved (DMA)" in names
    assert "compact_pages_moved" in names
    guest.inflate(4)
    assert int(np.count_nonzero(guest.page_states == PageState.BALLOON)) == 4
