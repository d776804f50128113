"""Fate in a real JupyterLab: switched on, stepped, scrubbed, taken beyond what was explored."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage, by_hand, in_theme, notebook_of, tab, thread_row
from tests.browser.test_lab import CLIPPED

Open = Callable[..., LabPage]
SWITCH = "show fates"
LAB = "import balloonlab as bl\nlab = bl.Lab(bl.scenario({name!r}, 'v9'))\nlab"
PROGRAM = """
import balloonlab as bl
from balloonlab.kernel.primitives import mutex_lock, mutex_unlock

def taking(*names):
    def routine(shared):
        for name in names:
            yield mutex_lock(getattr(shared, name))
        for name in reversed(names):
            yield mutex_unlock(getattr(shared, name))
    return routine

lab = bl.Lab(bl.Program("two orders", {"one": taking("a", "b"), "two": taking("b", "a")}, locks=("a", "b")))
lab
"""
BOXES = """(root) => [...root.querySelectorAll(".bl-headline, .bl-thread, canvas, .bl-tabs, .bl-time")]
  .map((node) => { const { x, y, width, height } = node.getBoundingClientRect(); return [x, y, width, height]; })"""


def root_of(lab: LabPage) -> Locator:
    root = lab.notebook.locator(".balloonlab").first
    expect(root.locator(".bl-lab")).to_be_visible()
    return root


def fate_of(root: Locator, thread: str) -> Locator:
    return thread_row(root, thread).locator(".bl-word")


def step(root: Locator, thread: str) -> None:
    root.get_by_role("button", name=f"Step {thread}", exact=True).click()


def test_a_learner_sees_what_can_become_of_each_step(lab_page: Open) -> None:
    lab = lab_page(notebook_of(LAB.format(name="full-and-compact")))
    root = root_of(lab)
    expect(root.locator(".bl-fate:visible")).to_have_count(0)
    switch = root.get_by_role("checkbox", name=SWITCH)
    switch.focus()
    lab.page.keyboard.press("Space")
    for thread in ("vballoon", "compactor"):
        expect(fate_of(root, thread)).to_have_text("will go wrong")
    row = thread_row(root, "vballoon")
    expect(row.locator(".bl-wait")).to_have_text(
        "can run; lock held by a finished call 17 steps away, needs no preemption"
    )
    tab(root, "fates")
    live = root.get_by_role("status")
    expect(live).to_have_text(re.compile(r"Here: will go wrong\. .* Next: vballoon will go wrong, compactor will"))
    expect(root.locator(".bl-coverage")).to_have_text("The steps so far have seen 1 of 1,014 states.")
    where = root.locator(".bl-where")
    for taken in range(1, 17):
        step(root, "vballoon")
        expect(where).to_have_text(f"step {taken + 2} of {taken + 2}")
        expect(row.locator(".bl-wait")).to_contain_text(
            f"{17 - taken} steps away" if taken < 16 else "lock held by a finished call at this step"
        )
    expect(fate_of(root, "vballoon")).to_have_text("wrong here")
    step(root, "vballoon")
    here = root.locator(".bl-fate-here")
    expect(here).to_contain_text("wrong here")
    expect(here).to_contain_text("Lock held by a finished call.")
    root.get_by_role("button", name="Back", exact=True).click()
    expect(here).to_contain_text("1 step away.")
    root.get_by_label("Position in the timeline").fill("5")
    expect(here).to_contain_text("14 steps away.")
    boxes = root.evaluate(BOXES)
    for position in range(2, 20):
        root.get_by_label("Position in the timeline").fill(str(position))
        expect(where).to_have_text(f"step {position} of 19")
        assert root.evaluate(BOXES) == boxes, f"something moved at step {position}"
        assert root.evaluate(CLIPPED) == []
    root.get_by_label("Position in the timeline").fill("1")
    expect(here).to_contain_text("Not known. What was explored begins later in this timeline.")
    switch.uncheck()
    expect(root.locator(".bl-fate:visible")).to_have_count(0)
    expect(here).not_to_be_visible()
    assert lab.thrown == []


def test_beyond_what_was_explored_it_says_so_and_goes_on_from_there(lab_page: Open) -> None:
    lab = lab_page(notebook_of(LAB.format(name="fill-out-of-memory")))
    root = root_of(lab)
    root.get_by_role("checkbox", name=SWITCH).check()
    expect(fate_of(root, "vballoon")).to_have_text("will go wrong")
    go_on = root.get_by_role("button", name="Explore from here")
    expect(go_on).not_to_be_visible()
    by_hand(root)
    tab(root, "fates")
    root.get_by_role("button", name="Compact", exact=True).click()
    here = root.locator(".bl-fate-here")
    expect(here).to_contain_text("Not known. Something was asked for from outside")
    expect(root.locator(".bl-thread .bl-fate:visible")).to_have_count(0)
    go_on.click()
    expect(fate_of(root, "compactor")).to_have_text("will go wrong")
    expect(go_on).not_to_be_visible()
    expect(root.locator(".bl-coverage")).to_have_text(re.compile(r"have seen 1 of [\d,]+ states\.$"))


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_a_choice_decides_between_safe_and_wrong(lab_page: Open, theme: str) -> None:
    lab = lab_page(notebook_of(PROGRAM))
    in_theme(lab.page, theme)
    root = root_of(lab)
    root.get_by_role("checkbox", name=SWITCH).check()
    expect(fate_of(root, "one")).to_have_text("can go wrong")
    step(root, "one")
    expect(fate_of(root, "one")).to_have_text("safe")
    expect(fate_of(root, "two")).to_have_text("wrong here")
    glyph = thread_row(root, "two").locator(".bl-glyph")
    assert glyph.evaluate("(node) => getComputedStyle(node).backgroundColor") == "rgb(204, 121, 167)"
    expect(glyph).to_have_text("!")
    assert root.evaluate(CLIPPED) == []
