"""The Lab in a real JupyterLab: clicked, walked by keyboard, read as text and as pixels."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from balloonlab.memory.palette import PALETTE
from tests.browser.lab import (
    LabPage,
    aim,
    by_hand,
    click,
    in_theme,
    notebook_of,
    number,
    output_of,
    run_cell,
    settled,
    size_field,
    tab,
)

Open = Callable[..., LabPage]
GUEST = """
import numpy as np
import balloonlab as bl
states = np.zeros(1024, np.uint8)
states[:100] = bl.PageState.MOVABLE
states[100] = bl.PageState.UNMOVABLE
guest = bl.Guest.from_states(states, "v9")
lab = bl.Lab(guest)
lab
"""
GUTTER = 48  # CSS pixels left of the map, for PFNs
COLUMNS = 32  # of a guest of 1,024 pages
COLOURS = """(canvas, pages) => {
  const wide = Math.floor((canvas.clientWidth - 48 - 20) / 32), high = Math.floor(canvas.clientHeight / 32);
  return pages.map((page) => {
    const x = 48 + (page % 32) * wide + 3, y = Math.floor(page / 32) * high + 2;
    const [r, g, b] = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
    return "#" + [r, g, b].map((n) => n.toString(16).padStart(2, "0")).join("");
  });
}"""
WATCH_SENDS = """() => {
  window.sends = 0;
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...args) { window.sends++; return send.apply(this, args); };
}"""
# What is cut without an ellipsis and a title that has it whole, or scrolls, among the visible elements of a Lab.
CLIPPED = """(root) => [...root.querySelectorAll("*")].filter((node) => {
  const style = getComputedStyle(node);
  if (node.closest(".bl-hidden") || !node.getClientRects().length || node.tagName === "INPUT") return false;
  const scrolls = [style.overflowX, style.overflowY].some((way) => ["auto", "scroll"].includes(way));
  const cut = node.scrollWidth > node.clientWidth + 1 && style.display !== "inline" && node.clientWidth > 0;
  const told = node.closest("[title]")?.title.length >= node.textContent.trim().length - 8;
  return scrolls || (cut && !(style.textOverflow === "ellipsis" && told));
}).map((node) => `${node.tagName}.${node.className} ${node.scrollWidth}: ${node.textContent.slice(0, 60)}`)"""
BOXES = """(root) => [...root.querySelectorAll(
  ".bl-headline, .bl-time, canvas, .bl-thread, .bl-tabs, .bl-wire, .bl-five > div")]
  .map((node) => { const { x, y, width, height } = node.getBoundingClientRect(); return [x, y, width, height]; })"""


def root_of(lab: LabPage) -> Locator:
    root = lab.notebook.locator(".balloonlab").first
    expect(root.locator("canvas.bl-canvas")).to_be_visible()
    return root


def colours_of(root: Locator, pages: Sequence[int]) -> list[str]:
    """The colours in which pages' cells are painted, a little off their middles: there may be a glyph."""
    found: list[str] = root.locator("canvas.bl-canvas").evaluate(COLOURS, list(pages))
    return found


def palette(theme: str) -> dict[str, str]:
    """Word to colour, as Python has them."""
    return {look.word: getattr(look, theme) for look in PALETTE}


def test_inflate_step_back_and_look_without_the_kernel(lab_page: Open) -> None:
    lab = lab_page(notebook_of(GUEST, "print(guest.balloon_pages, lab.machine.position, len(lab.machine.timeline))"))
    root = root_of(lab)
    colours = palette("light")
    assert colours_of(root, [5, 100, 500]) == [colours[word] for word in ("workload", "kernel", "free")]
    aim(root, 30)
    click(root, "Inflate")
    expect(root.locator(".bl-said")).to_have_text("The balloon holds 30 pages: 30 more, in 1 message.")
    settled(root)
    where = root.locator(".bl-where")
    expect(where).to_have_text(re.compile(r"^step (\d+) of \1$"))
    last = int(where.inner_text().split()[-1])
    expect(number(root, "in the balloon")).to_have_text("30")
    expect(number(root, "believed by the host")).to_have_text("30")
    expect(root.locator(".bl-legend li", has_text="balloon")).to_have_text(re.compile("balloon30$"))
    tab(root, "device")
    click(root, "config space")
    expect(root.get_by_role("row", name="target 30 (120 KiB)")).to_be_visible()
    painted = colours_of(root, range(1024))
    assert painted.count(colours["balloon"]) == 30

    lab.page.evaluate(WATCH_SENDS)
    root.get_by_label("Unit of time").select_option("statement")
    click(root, "Back")
    expect(where).to_have_text(f"step {last - 1} of {last}")
    expect(root.get_by_text("what you do here replaces the step after it")).to_be_visible()
    click(root, "Step")
    expect(where).to_have_text(f"step {last} of {last}")
    root.get_by_label("Position in the timeline").fill("1")
    expect(where).to_have_text(f"step 1 of {last}")
    expect(root.locator(".bl-said")).to_have_text("The host asks for a balloon of size 30.")
    assert colours_of(root, [painted.index(colours["balloon"])]) == [colours["free"]]
    root.get_by_label("Jump to").select_option("next: message sent or answered")
    expect(root.locator(".bl-said")).to_have_text("vballoon puts a message of page numbers on inflateq.")
    tab(root, "messages")
    expect(root.get_by_role("row", name=re.compile("inflate No. 1 .*added"))).to_have_class(re.compile("bl-changed"))
    root.get_by_label("Speed").select_option("1000")
    click(root, "To start")
    click(root, "Play")
    expect(where).to_have_text(f"step {last} of {last}")
    expect(root.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert lab.page.evaluate("window.sends") == 0
    run_cell(lab, 1)
    expect(output_of(lab, 1)).to_have_text(f"30 {last} {last}\n")


def test_bad_input_is_answered_in_the_page_and_changes_nothing(lab_page: Open) -> None:
    lab = lab_page(notebook_of(GUEST, "print(guest, len(lab.machine.timeline))"))
    root = root_of(lab)
    alert = root.get_by_role("alert")
    for text, sentence in [
        ("lots", "target is 'lots'; it must be a whole number from 0 to 1,024"),
        ("1025", "target is 1,025; it must be a whole number from 0 to 1,024 (4 KiB balloon pages). A target cannot"),
        ("-1", "target is -1"),
        ("<b>1</b>", "target is '<b>1</b>'"),
        ("", "Write it in digits."),
        ("0", "The balloon holds 0 pages already. Choose another target."),
    ]:
        aim(root, text)
        click(root, "Inflate")
        expect(alert).to_contain_text(sentence)
    assert alert.locator("b").count() == 0
    run_cell(lab, 1)
    expect(output_of(lab, 1)).to_have_text("<guest of 4 MiB, driver v9, balloon 0 of target 0 (4 KiB pages)> 0\n")
    aim(root, "3")
    click(root, "Inflate")
    expect(alert).to_be_empty()
    assert lab.thrown == []


def test_the_learner_chooses_who_steps_and_sees_why_not(lab_page: Open) -> None:
    lab = lab_page(notebook_of(GUEST))
    root = root_of(lab)
    expect(root.get_by_role("button", name="Step vballoon")).to_be_disabled()
    by_hand(root)
    aim(root, 20)
    click(root, "Inflate")
    where = root.locator(".bl-where")
    expect(where).to_have_text("step 1 of 1")
    click(root, "Compact")
    expect(where).to_have_text("step 2 of 2")
    root.get_by_label("Unit of time").select_option("statement")
    tab(root, "locks")
    locks = root.get_by_role("table", name="Locks")
    for _ in range(40):
        if "vballoon" in locks.get_by_role("row", name="pages_lock").inner_text():
            break
        before = where.inner_text()
        click(root, "Step vballoon")
        expect(where).not_to_have_text(before)
    expect(locks.get_by_role("row", name="pages_lock vballoon")).to_be_visible()
    row = root.get_by_role("listitem", name=re.compile("^Thread vballoon"))
    expect(row.locator(".bl-at")).to_contain_text("list_add(page, vb.pages)")
    expect(row.get_by_text("has pages_lock")).to_be_visible()
    expect(root.locator(".bl-said")).to_have_text("vballoon takes pages_lock.")
    expect(locks.get_by_role("row", name="pages_lock vballoon")).to_have_class(re.compile("bl-changed"))
    tab(root, "code")
    pane = root.get_by_role("region", name="Code of vballoon in fill_balloon")
    expect(pane.locator("[aria-current=step]")).to_contain_text("list_add(page, vb.pages)")
    expect(pane.locator(".bl-done-line")).to_contain_text("spin_lock(vb.pages_lock)")
    steps = int(where.inner_text().split()[-1])
    for _ in range(4):  # back and on again by the same choice: what is recorded is replayed, not forgotten
        click(root, "Back")
    click(root, "Step vballoon")
    expect(where).to_have_text(f"step {steps - 3} of {steps}")
    click(root, "Step compactor")  # another choice: a new future begins
    expect(where).to_have_text(f"step {steps - 2} of {steps - 2}")
    sleeper = root.get_by_role("button", name="Read (host-deflateq)")
    expect(sleeper).to_be_disabled()
    expect(sleeper).to_have_attribute("title", "waits for a message on deflateq")
    click(root, "Step")  # past the end somebody who can go on does
    expect(where).to_have_text(f"step {steps - 1} of {steps - 1}")
    assert lab.thrown == []


def test_everything_by_keyboard_and_no_key_leaks(lab_page: Open) -> None:
    lab = lab_page(notebook_of(GUEST))
    root = root_of(lab)
    cells = lab.notebook.locator(".jp-Cell").count()
    canvas = root.locator("canvas.bl-canvas")
    press = lab.page.keyboard.press
    canvas.focus()
    status = root.locator(".bl-here")
    expect(status).to_contain_text("PFN 0x0: workload")
    for key, pfn in [
        ("ArrowRight", "0x1"),
        ("ArrowDown", "0x21"),
        ("End", "0x3f"),
        ("Home", "0x20"),
        ("ArrowUp", "0x0"),
    ]:
        press(key)
        expect(status).to_contain_text(f"PFN {pfn}: ")
    press("Control+End")
    expect(status).to_contain_text("PFN 0x3ff: free")
    press("+")
    press("+")
    expect(root.get_by_role("button", name="Zoom in")).to_be_disabled()
    press("0")
    expect(root.get_by_role("button", name="Zoom out")).to_be_disabled()
    for key in "abdxymjk":
        press(key)
    canvas.focus()
    press("Shift+Tab")  # up to the actions above it
    expect(root.get_by_role("button", name="Full", exact=True)).to_be_focused()
    field = size_field(root)
    field.focus()
    field.select_text()
    for key in "12":
        press(key)
    press("Enter")
    expect(number(root, "in the balloon")).to_have_text("12")
    settled(root)
    root.get_by_label("Unit of time").select_option("statement")
    canvas.focus()
    where = root.locator(".bl-where")
    last = int(where.inner_text().split()[-1])
    press("[")
    press("[")
    expect(where).to_have_text(f"step {last - 2} of {last}")
    press("]")
    expect(where).to_have_text(f"step {last - 1} of {last}")
    root.get_by_label("Position in the timeline").focus()
    press("ArrowLeft")
    expect(where).to_have_text(f"step {last - 2} of {last}")
    root.get_by_role("button", name="Back", exact=True).focus()
    press("Enter")
    press("Space")
    expect(where).to_have_text(f"step {last - 4} of {last}")
    for key in "abdx":
        press(key)
    assert lab.notebook.locator(".jp-Cell").count() == cells
    assert canvas.get_attribute("data-lm-suppress-shortcuts") == "true"


def test_hover_wheel_and_pin(lab_page: Open) -> None:
    lab = lab_page(notebook_of(GUEST))
    root = root_of(lab)
    canvas = root.locator("canvas.bl-canvas")
    status = root.locator(".bl-here")
    wide, high = canvas.evaluate("(node) => [(node.clientWidth - 68) / 32, node.clientHeight / 32]")
    middle = {"x": GUTTER + 4 * int(wide) + wide / 2, "y": 3 * int(high) + high / 2}
    canvas.hover(position={"x": middle["x"] - 20, "y": middle["y"]})
    canvas.hover(position=middle)
    expect(status).to_contain_text("PFN 0x64: kernel")
    lab.page.mouse.wheel(0, -120)
    expect(root.get_by_role("button", name="Zoom out")).to_be_enabled()
    lab.page.mouse.wheel(0, 120)
    expect(root.get_by_role("button", name="Zoom out")).to_be_disabled()
    canvas.click(position=middle)
    root.get_by_role("button", name="Zoom in").hover()
    expect(status).to_contain_text("PFN 0x64: kernel")


@pytest.mark.parametrize("width", [1280, 990])  # 990: a Lab of 806 px, the narrowest that is one stage
def test_nothing_is_clipped_scrolls_or_jumps(lab_page: Open, width: int) -> None:
    lab = lab_page(notebook_of(GUEST))
    lab.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    lab.page.set_viewport_size({"width": width, "height": 1000})
    root = root_of(lab)
    aim(root, 260)
    click(root, "Inflate")
    said = root.locator(".bl-said")
    expect(said).to_have_text("The balloon holds 260 pages: 260 more, in 2 messages.")
    settled(root)
    before = root.locator(".bl-progress").inner_text()
    click(root, "Compact")
    expect(root.locator(".bl-progress")).not_to_have_text(before)
    expect(said).to_have_text(re.compile("^Compaction is over: "))
    settled(root)
    position = root.get_by_label("Position in the timeline")
    last = int(position.get_attribute("max"))
    first = None
    for step in sorted({*range(1, last, max(1, last // 40)), last - 1}):
        position.fill(str(step))
        expect(root.locator(".bl-where")).to_have_text(f"step {step:,} of {last:,}")
        boxes = root.evaluate(BOXES)
        first = first or boxes
        assert boxes == first, f"something moved at step {step}"
        assert root.evaluate(CLIPPED) == []


def test_the_theme_is_the_notebooks(lab_page: Open) -> None:
    lab = lab_page(notebook_of(GUEST))
    root = root_of(lab)
    for theme in ("Dark", "Light"):
        in_theme(lab.page, theme)
        colours = palette(theme.lower())
        lab.page.wait_for_function(
            f"([page, colour]) => ({COLOURS})(document.querySelector('canvas.bl-canvas'), [page])[0] === colour",
            arg=[640, colours["free"]],
        )
        assert colours_of(root, [5]) == [colours["workload"]]


def test_markup_from_anywhere_stays_text(lab_page: Open) -> None:
    nasty = "<img src=x onerror='window.broken=1'>"
    source = f"""
import balloonlab as bl
from balloonlab.kernel.primitives import read
nasty = {nasty!r}
def towards_target(vb):
    target = yield read(vb.num_pages)  # <img src=x onerror='window.broken=1'>
    return target
driver = bl.find_driver("v9").replace(towards_target=towards_target)
guest = bl.Guest(512, driver)
guest.machine.threads[0].role = nasty
bl.Lab(guest, title=nasty)
"""
    lab = lab_page(notebook_of(source))
    root = root_of(lab)
    expect(root.get_by_role("heading", name=nasty)).to_be_visible()
    by_hand(root)
    aim(root, nasty)
    click(root, "Inflate")
    expect(root.get_by_role("alert")).to_contain_text("<img src=x")
    aim(root, 5)
    click(root, "Inflate")
    for step in range(2, 6):
        click(root, "Step vballoon")
        expect(root.locator(".bl-where")).to_have_text(f"step {step} of {step}")
    assert root.locator("img").count() == 0
    assert lab.page.evaluate("window.broken") is None


def test_a_saved_notebook_shows_the_picture_without_a_kernel(lab_page: Open) -> None:
    lab = lab_page(notebook_of(GUEST))
    root_of(lab)
    pictures = lab.notebook.locator(".jp-RenderedImage img")
    expect(pictures).to_have_count(1)
    expect(pictures).not_to_be_visible()  # the live Lab stands in its place
    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    saved: dict[str, Any] = lab.page.evaluate("window.jupyterapp.shell.currentWidget.context.model.toJSON()")
    picture, view = saved["cells"][0]["outputs"]
    assert picture["data"]["image/png"].startswith("iVBOR")
    assert "step 0 of 0" in "".join(view["data"]["text/plain"])
    lab.page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    lab.page.reload()
    lab.page.wait_for_selector(".jp-RenderedImage img")
    expect(lab.notebook.locator(".jp-RenderedImage img")).to_be_visible()


SHORT = """
import balloonlab as bl
hangs = bl.Guest.from_states([0] * 512 + [1] * 512, "v9")
dead = bl.Guest(4096, "v11")
dead.workload("random", seed=1)
dead.inflate(800)
dead.machine.act("compact")
dead.machine.run(20)
dead.inflate(500)
"""


def test_a_lab_says_what_was_not_reached_and_why_and_a_bug_first(lab_page: Open) -> None:
    lab = lab_page(notebook_of(f"{SHORT}bl.Lab(hangs)"))
    root = root_of(lab)
    aim(root, 1024)
    click(root, "Inflate")
    said = root.locator(".bl-headline.bl-wrong .bl-said")
    stuck = "vballoon waits for balloon_lock, which it holds itself: nothing can go on."
    expect(said).to_have_text(stuck)
    expect(number(root, "in the balloon")).to_have_text("512")
    progress = root.locator(".bl-progress")
    expect(progress).to_have_text(re.compile("^At rest after [0-9,]+ steps: the balloon holds 512 of 1,024 pages: "))
    click(root, "Run")
    expect(progress).to_have_text(re.compile("pages: vballoon waits for balloon_lock, which it holds itself$"))
    expect(said).to_have_text(stuck)


def test_a_lab_of_a_driver_that_died_says_so_from_the_start(lab_page: Open) -> None:
    lab = lab_page(notebook_of(f"{SHORT}bl.Lab(dead)"))
    root = root_of(lab)
    bug = r"BUG_ON\(!trylock_page\(page\)\) \(line \d+, in balloon_page_enqueue: `.*`\)"
    headline = root.locator(".bl-headline.bl-wrong")
    for press in ("", "Compact"):
        if press:
            click(root, press)
        expect(headline.locator(".bl-said")).to_have_text("BUG in vballoon: this thread has stopped for good.")
        expect(headline.locator(".bl-place")).to_have_text(re.compile(bug))
    expect(root.locator(".bl-progress")).to_have_text(re.compile(f"^BUG in vballoon: {bug}"))
