"""Lines that somebody remarked on carry a mark, which opens the remark; the head of the code says where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage, click, notebook_of
from tests.browser.test_accessibility import FRAMES, turned, violations
from tests.browser.test_stage import labs_of, small_window

Open = Callable[..., LabPage]
LEAKING = """
import balloonlab as bl
lab = bl.Lab(bl.scenario("deflate-and-compact", "{driver}"))
while "> leak_balloon" not in bl.panels.threads(lab.machine):
    lab.machine.step(lab.machine.runnable()[0])
lab
"""
# What of the opened remark is outside the Lab, cut, or scrolls; and what of the code it covers.
AMISS = """(root) => {
  const panel = root.querySelector(".bl-remarks"), box = panel.getBoundingClientRect(), found = [];
  const lab = root.querySelector(".bl-lab").getBoundingClientRect();
  const code = root.querySelector(".bl-tabs").getBoundingClientRect();
  const beyond = [lab.left - box.left, box.right - lab.right, lab.top - box.top, box.bottom - lab.bottom];
  if (Math.max(...beyond) > 0) found.push("outside");
  for (const node of [panel, ...panel.querySelectorAll("*")]) {
    if (node.scrollWidth > node.clientWidth + 1 && node.clientWidth) found.push(`${node.className} is cut`);
    if (["auto", "scroll"].includes(getComputedStyle(node).overflowY)) found.push(`${node.className} scrolls`);
  }
  if (panel.scrollHeight > panel.clientHeight + 1) found.push("cut below");
  if (box.right > code.left && box.left < code.right) found.push("over the code");
  return found;
}"""


def opened(lab_page: Open, driver: str = "v9") -> tuple[LabPage, Locator]:
    lab = lab_page(notebook_of(LEAKING.format(driver=driver)))
    small_window(lab)
    (root,) = labs_of(lab)
    expect(root.get_by_role("region", name=re.compile("leak_balloon"))).to_be_visible()
    return lab, root


def test_a_mark_opens_its_remark_and_escape_a_click_and_a_step_close_it(lab_page: Open) -> None:
    lab, root = opened(lab_page)
    press = lab.page.keyboard.press
    marks, panel = root.locator(".bl-remark-mark:visible"), root.get_by_role("dialog")
    expect(marks).to_have_count(2)
    expect(panel).not_to_be_visible()
    stack = root.locator("li", has_text="pfns: tuple[int, ...] = ()").get_by_role(
        "button", name=re.compile("^Remark on")
    )
    stack.click()
    for words in ("1K on stack", "bug on leak_balloon: u32 pfns", "Verdict: Right; but", "06-the-review", "A kilobyte"):
        expect(panel).to_contain_text(words)
    expect(panel).to_be_focused()
    assert root.evaluate(AMISS) == []
    press("Escape")
    expect(panel).not_to_be_visible()
    expect(stack).to_be_focused()
    press("ArrowDown")
    press("Enter")
    expect(panel).to_contain_text("busy waiting")
    expect(panel).to_contain_text("Waiting without sleeping")
    panel.get_by_role("button", name="Close").click()
    expect(panel).not_to_be_visible()
    stack.click()
    root.locator(".bl-five").click()
    expect(panel).not_to_be_visible()
    stack.click()
    stack.click()
    expect(panel).not_to_be_visible()
    root.get_by_role("button", name="Step", exact=True).focus()
    press("r")
    expect(marks.first).to_be_focused()
    press("Enter")
    expect(panel).to_be_visible()
    root.get_by_role("button", name="To start").click()
    expect(panel).not_to_be_visible()  # another function is shown
    assert lab.thrown == []


def test_the_code_says_where_it_stands_in_the_kernel(lab_page: Open) -> None:
    lab, root = opened(lab_page)
    place = root.locator(".bl-where-in-kernel:visible")
    expect(place).to_have_text("drivers/virtio/virtio_balloon.c, line 236 (v9 3/5 on v3.6)")
    click(root, "To start")
    expect(place).to_have_text("drivers/virtio/virtio_balloon.c, line 396 (v9 3/5 on v3.6)")  # in balloon
    assert lab.thrown == []


def test_another_versions_own_text_has_no_mark(lab_page: Open) -> None:
    _, root = opened(lab_page, "linux-3.6")
    expect(root.locator(".bl-where-in-kernel:visible")).to_have_text(re.compile(r"line 165 \(v3\.6\)$"))
    expect(root.locator(".bl-remark-mark:visible")).to_have_count(0)
    root.get_by_role("button", name="Step", exact=True).focus()
    root.page.keyboard.press("r")
    expect(root.locator(".bl-heard")).to_have_text("Not here: no line in sight has a remark")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing_in_an_opened_remark(own_lab_page: Open, theme: str) -> None:
    lab, root = opened(own_lab_page)
    turned(lab, theme)
    root.locator(".bl-remark-mark:visible").last.click()
    expect(root.get_by_role("dialog")).to_be_visible()
    lab.page.evaluate(FRAMES)
    assert violations(root) == []
    lab.page.emulate_media(forced_colors="active")
    assert violations(root) == []
    assert lab.thrown == []
