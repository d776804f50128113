"""How long from the kernel to painted pixels, and whether a long timeline keeps up with the display.

Medians are printed, not asserted: they belong to the machine. Run with ``pytest tests/browser -m benchmark -s``.
What is asserted holds on any machine: how many messages cross, and that every state is painted.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.lab import LabPage, aim, by_hand, by_statement, click, notebook_of

pytestmark = pytest.mark.benchmark
REPEATS = 25
WATCH_PAINTS = """() => {
  window.paints = [];
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...args) {
    draw.apply(this, args);
    if (!this.canvas.classList.contains("bl-canvas")) return;
    const channel = new MessageChannel(); // its task comes after the frame that shows this drawing
    channel.port1.onmessage = () => window.paints.push(performance.timeOrigin + performance.now());
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
}"""
SHOW = """
import json, threading, time
import numpy as np
import balloonlab as bl
PAGES = {pages}
def frame(seed):
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(0, 9, PAGES // 64), 64).astype(np.uint8)
frames = [frame(seed) for seed in (1, 2)]
def patched(states, seed):
    states = states.copy()
    at = np.random.default_rng(seed).choice(PAGES, 256, replace=False)
    states[at] = (states[at] + 1) % 9
    return states
page_map = bl.PageMap(frames[0])
page_map
"""
RUN = """
stamps, states = [], page_map.states
for i in range({repeats} + 3):
    states = {change}
    time.sleep(0.12)
    stamps.append(time.time() * 1000)
    page_map.show(states)
time.sleep(0.5)
print(json.dumps(stamps[3:]))
"""


def medians(stamps: list[float], paints: list[float]) -> tuple[float, float]:
    """Median and 95th percentile of the time from each stamp to the next paint, in milliseconds."""
    waits = [min(paint for paint in paints if paint > stamp) - stamp for stamp in stamps]
    return statistics.median(waits), sorted(waits)[int(0.95 * len(waits))]


@pytest.mark.parametrize("pages", [4096, 65536, 1 << 20, 1 << 22])
@pytest.mark.parametrize(
    ("what", "change"), [("256 pages", "patched(states, i)"), ("a whole frame", "frames[(i + 1) % 2]")]
)
def test_kernel_to_painted(lab_page: Callable[..., LabPage], pages: int, what: str, change: str) -> None:
    lab = lab_page(notebook_of(SHOW.format(pages=pages), "0"))
    expect(lab.notebook.locator(".bl-canvas")).to_be_visible()
    lab.page.evaluate(WATCH_PAINTS)
    code = RUN.format(repeats=REPEATS, change=change)
    lab.page.evaluate(
        """async (code) => {
          const cell = window.jupyterapp.shell.currentWidget.content.widgets[1];
          cell.model.sharedModel.setSource(code);
          window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;
          await window.jupyterapp.commands.execute("notebook:run-cell");
        }""",
        code,
    )
    output = lab.notebook.locator(".jp-OutputArea-output pre").last
    expect(output).to_have_text(re.compile(r"^\[.*\]\s*$"))
    stamps = json.loads(output.inner_text())
    median, worst = medians(stamps, lab.page.evaluate("window.paints"))
    print(f"\n{what} of {pages:,}: median {median:.0f} ms, 95th percentile {worst:.0f} ms")  # noqa: T201
    assert len(stamps) == REPEATS


LAB = """
import numpy as np
import balloonlab as bl
states = np.random.default_rng(1).choice([0, 1, 2], {pages}, p=[0.5, 0.45, 0.05]).astype(np.uint8)
guest = bl.Guest.from_states(states, "v9")
lab = bl.Lab(guest)
while len(lab.machine.timeline) < 10_000:
    guest.inflate(200)
    guest.deflate(200)
lab
"""
WATCH_SENDS = """() => {
  window.sends = 0;
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...args) { window.sends++; return send.apply(this, args); };
}"""
# Move once each frame; the times of the frames come back.
SCRUB = """async ([frames, way]) => {
  const range = document.querySelector(".bl-strip input"), last = Number(range.max), times = [];
  for (let i = 0; i < frames; i++) {
    times.push(await new Promise(requestAnimationFrame));
    range.value = String(way === "near" ? last - frames + i : (i * 211) % last);
    range.dispatchEvent(new Event("input"));
  }
  return times;
}"""
# Click, and wait until the Lab says another position and has painted it.
CLICK = """async (name) => {
  const button = document.querySelector(`.balloonlab button[aria-label="${name}"]`);
  const where = document.querySelector(".bl-where"), before = where.textContent, start = performance.now();
  button.click();
  await new Promise((done) => new MutationObserver((_, o) => {
    if (where.textContent !== before) { o.disconnect(); done(); }
  }).observe(where, { childList: true, characterData: true, subtree: true }));
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""


@pytest.mark.parametrize("pages", [4096, 65536, 1 << 22])
def test_a_long_timeline_keeps_up_with_the_display(lab_page: Callable[..., LabPage], pages: int) -> None:
    lab = lab_page(notebook_of(LAB.format(pages=pages)))
    root = lab.notebook.locator(".balloonlab")
    expect(root.get_by_text(re.compile(r"^step 1\d,\d{3} of 1\d,\d{3}$"))).to_be_visible()
    lab.page.evaluate(WATCH_PAINTS)
    lab.page.evaluate(WATCH_SENDS)
    for way in ("near", "far"):
        gaps = [b - a for a, b in pairwise(lab.page.evaluate(SCRUB, [120, way]))]
        print(f"\n{pages:,} pages, scrubbing {way}: {1000 / statistics.median(gaps):.0f} frames a second", end="")  # noqa: T201
    by_statement(root)
    root.get_by_role("button", name="To start").click()
    root.get_by_label("Speed").select_option("1000")
    lab.page.evaluate("window.paints = []")
    root.get_by_role("button", name="Play", exact=True).click()
    lab.page.wait_for_function("window.paints.length > 120")
    root.get_by_role("button", name="Pause").click()
    gaps = [b - a for a, b in pairwise(lab.page.evaluate("window.paints"))]
    print(f"\n{pages:,} pages, playing: {1000 / statistics.median(gaps):.0f} frames a second", end="")  # noqa: T201
    assert lab.page.evaluate("window.sends") == 0, "looking at the past asked the kernel"
    root.get_by_role("button", name="To end").click()
    by_hand(root)
    aim(root, 900)
    click(root, "Inflate")
    expect(root.get_by_role("button", name="Step vballoon")).to_be_enabled()
    waits = [lab.page.evaluate(CLICK, "Step vballoon") for _ in range(REPEATS)]
    print(f"\n{pages:,} pages, a step by the kernel: {statistics.median(waits):.0f} ms")  # noqa: T201
