"""Interrupt the kernel: whatever a cell is at ends soon, in a real kernel, and the next call works."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator

import pytest
from jupyter_client.manager import start_new_kernel

PATIENCE = 20  # seconds; it takes one or two where nothing else runs, and each would take far longer than that
BEGIN = """
import threading, time
import balloonlab as bl
from balloonlab.kernel.primitives import read, write

def soon():
    threading.Timer(0.5, print, ("now",), {"flush": True}).start()

def with_fill(fill_balloon):
    return bl.find_driver("v9").replace(fill_balloon=fill_balloon)

def counter(name):
    def main(shared):
        for i in range(60):
            yield write(getattr(shared, name), i)
    return main

large = bl.Program("large", {"t" + k: counter(k) for k in "abcd"}, values=dict.fromkeys("abcd", 0))
recording = bl.recordings.load("S2_256M_alt")
"""
STUCK = """
def fill_balloon(vb, num):
    while True:
        {}
    yield
guest = bl.Guest(512, with_fill(fill_balloon))
"""
FEW_MOMENTS = """
from balloonlab.kernel import history
history.MOST_BYTES = 1
guest = bl.Guest(65536, 'v9', engine='steps'); guest.machine.most_steps = 20_000; guest.machine.record()
_ = guest.inflate(4_000)
history.MOST_BYTES = 64 << 20
"""
LARGE = "guest = bl.Guest(262144, {!r}, engine='steps')"
YIELDS = """
def fill_balloon(vb, num):
    while True:
        yield read(vb.num_pages)
guest = bl.Guest(1 << 18, with_fill(fill_balloon), engine='steps')
"""
SWEEP = """
def inflated(seed):
    if seed == 2:
        print("now", flush=True)
    return {'steps': bl.Guest(8192, engine='steps').inflate(2000).steps}
"""
USED = "guest.inflate(10) and print('fine')"
EXPLORED = "bl.explore(bl.scenario('inflate')) and print('fine')"
# what: (made before, the cell, what the next cell does; how the cell ends)
RUNS = {
    "inflate by steps": (LARGE.format("v9"), "guest.inflate(250_000)", USED),
    "inflate, recorded": (LARGE.format("v9") + "; guest.machine.record()", "guest.inflate(250_000)", USED),
    "inflate by arrays": (
        "guest = bl.Guest(1 << 24, 'linux-6.1', engine='arrays')",
        "while True: guest.inflate(1 << 20); guest.deflate(1 << 20)",
        "(guest.balloon_pages and guest.deflate(1)) or guest.inflate(1); print('fine')",
    ),
    "compact by steps": (
        LARGE.format("linux-6.1") + "; _ = guest.workload('holes', every=3)",
        "while True: guest.compact(); guest.release(0.5)",
        "guest.machine.run(1_000); print('fine')",
    ),
    "compact by arrays": (
        "guest = bl.Guest(1 << 22, 'linux-6.1', engine='arrays'); _ = guest.workload('holes', every=3)",
        "while True: guest.compact(); guest.undo()",
        USED,
    ),
    "a workload, recorded": (
        LARGE.format("v9") + "; guest.machine.record()",
        "while True: guest.workload('random'); guest.release()",
        "guest.release(); " + USED,
    ),
    "going back far": (
        FEW_MOMENTS,
        "while True: guest.machine.seek(1_000); guest.machine.seek(guest.machine.end)",
        "guest.machine.seek(guest.machine.end); " + USED,
    ),
    "a loop without a yield": (STUCK.format("pass"), "while True: bl.Guest(512, guest.driver).inflate(1)", EXPLORED),
    "a loop that sleeps": (
        STUCK.format("time.sleep(0.1)"),
        "guest.inflate(1)",
        "'was interrupted' in guest.machine.bugs[0].text and print('fine')",
    ),
    "one long sleep": (
        STUCK.format("time.sleep(600)"),
        "guest.inflate(1)",
        "'`time.sleep(600)` was interrupted' in guest.machine.bugs[0].text and print('fine')",
    ),
    "a wait for a lock of Python": (
        STUCK.format("threading.Semaphore(0).acquire()"),
        "guest.inflate(1)",
        "'was interrupted' in guest.machine.bugs[0].text and print('fine')",
    ),
    "a loop of yields": (
        YIELDS,
        "guest.inflate(250_000)",
        EXPLORED,
    ),
    "an exercise": ("ask = bl.exercises.suspicion('underflow')", "while True: ask.check(True)", EXPLORED),
    "a Lab with fates": (
        "where = bl.scenario('inflate'); _ = bl.Lab(where)",
        "while True: bl.Lab(where, fate=True)",
        EXPLORED,
    ),
    "checking a recording": ("", "while True: recording.check(driver='linux-6.1')", EXPLORED),
    "predicting compaction": ("", "while True: recording.predict_compaction('freed', 'compact1')", EXPLORED),
    "following a recording": ("", "while True: recording.follow()", EXPLORED),
}
PARTS = {  # an interrupt ends these, and they say what was done by then
    "exploring plainly": ("", "print(bl.explore(large, search='plain'))", "not finished"),
    "exploring in numpy": ("", "print(bl.explore(large, search='vectorized'))", "not finished"),
    "learning what sleeps": (
        STUCK.format("time.sleep(0.1)"),
        "print(bl.explore(bl.scenario('inflate', guest.driver)))",
        "it was interrupted",
    ),
    "learning what sleeps long": (
        STUCK.format("time.sleep(600)"),
        "print(bl.explore(bl.scenario('inflate', guest.driver)))",
        "it was interrupted",
    ),
    "a sweep": (
        SWEEP,
        "print(bl.sweep(inflated, seed=range(10_000)))",
        "interrupted after",
    ),
}


class Kernel:
    """A kernel that runs cells; `interrupt` sends the interrupt when a cell says "now"."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel()

    def run(self, source: str, *, interrupt: bool = False) -> str:
        """What the cell printed, and the name of what it raised; fails if it does not end."""
        cell, text, sent = self.client.execute(source), "", 0.0
        deadline = time.monotonic() + 3 * PATIENCE
        while time.monotonic() < deadline and not (sent and time.monotonic() > sent + PATIENCE):
            try:
                message = self.client.get_iopub_msg(timeout=0.2)
            except queue.Empty:
                continue
            content = message["content"]
            if interrupt and not sent and "now" in content.get("text", ""):
                self.manager.interrupt_kernel()
                sent = time.monotonic()
            if message["parent_header"].get("msg_id") != cell:
                continue
            text += content.get("text", "") + content.get("ename", "")
            if content.get("execution_state") == "idle":
                assert sent or not interrupt, f"it ended by itself: {text}"
                return text
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=3 * PATIENCE)
        self.run(BEGIN)
        pytest.fail(f"the cell did not end: {text}")


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    assert kernel.run(BEGIN) == ""
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("what", RUNS)
def test_a_run_ends_at_an_interrupt_and_leaves_a_usable_state(kernel: Kernel, what: str) -> None:
    made, cell, after = RUNS[what]
    assert kernel.run(made) == ""
    assert "KeyboardInterrupt" in kernel.run(f"soon()\n{cell}", interrupt=True)
    assert kernel.run(after) == "fine\n"


@pytest.mark.parametrize("what", PARTS)
def test_what_ends_in_parts_says_how_far_it_came(kernel: Kernel, what: str) -> None:
    made, cell, said = PARTS[what]
    assert kernel.run(made) == ""
    assert said in kernel.run(cell if "sweep" in cell else f"soon()\n{cell}", interrupt=True)
    assert kernel.run(EXPLORED) == "fine\n"
