"""The code pane folds, opens helpers and shows returns; terms have a sentence; one main button, whatever the moment."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage, by_statement, click, notebook_of, tab
from tests.browser.test_stage import RECORDED, SCENARIO, labs_of, small_window, where

Open = Callable[..., LabPage]
INFLATED = SCENARIO.format("inflate-and-compact", "v9") + "bl.Lab(machine)"
TERMS_TABBED = "(root) => [...root.querySelectorAll('.bl-term')].filter((node) => node.tabIndex === 0).length"


def step_until(root: Locator, found: Locator) -> None:
    """Step by statements until something is to be seen."""
    step = root.get_by_role("button", name="Step", exact=True)
    for _ in range(200):
        if found.first.is_visible():
            return
        at, last = where(root)
        step.click()
        expect(root.locator(".bl-where")).to_have_text(f"step {at + 1:,} of {last:,}")
    raise AssertionError("it was not seen")


def at_start(lab: LabPage) -> Locator:
    small_window(lab)
    root = labs_of(lab)[0]
    by_statement(root)
    click(root, "To start")
    return root


def test_a_helper_opens_stays_open_inside_it_and_closes(lab_page: Open) -> None:
    lab = lab_page(notebook_of(INFLATED))
    root = at_start(lab)
    helper = root.locator(".bl-code").get_by_role("button", name="wait_event")
    told = root.get_by_role("region", name="Code of vballoon in tell_host")
    step_until(root, told.get_by_role("button", name="wait_event"))
    expect(told.locator("li[aria-current]").first).to_contain_text("wait_event(vb.acked")  # the driver's own line
    helper.focus()
    lab.page.keyboard.press("Enter")
    inside = root.get_by_role("region", name="Code of vballoon in wait_event")
    expect(inside).to_contain_text("prepare_to_wait")
    back = inside.get_by_role("button", name="tell_host")
    expect(back).to_be_focused()
    click(root, "Step")
    expect(inside).to_be_visible()  # remembered while it is inside
    back.click()
    expect(told).to_be_visible()
    helper.click()
    after = root.get_by_role("region", name="Code of vballoon in fill_balloon")
    step_until(root, after)
    expect(after).to_contain_text("back from tell_host")
    called = after.locator(".bl-back-line").first  # the line is wrapped
    expect(called).to_contain_text("tell_host(vb,")
    expect(called.locator(".bl-sign")).to_have_text("\u21a9")
    expect(after.locator("li[aria-current]")).to_contain_text("mutex_unlock(vb.balloon_lock)")
    assert lab.thrown == []


def test_where_the_host_acts_the_pane_says_that_it_is_not_its_threads_step(lab_page: Open) -> None:
    lab = lab_page(notebook_of(INFLATED))
    root = at_start(lab)
    head = root.locator(".bl-pane:visible header").first
    step_until(root, head.get_by_text("(last step: host-inflateq)"))
    expect(root.locator(".bl-said")).to_have_text(re.compile("^host-inflateq "))
    expect(root.locator(".bl-pane:visible .bl-done-line")).to_have_count(0)
    keys = root.locator(".bl-legend .bl-key:visible")
    step_until(root, keys.filter(has_text="locked"))
    tab(root, "locks")
    locks = root.get_by_role("table", name="Locks")
    expect(locks.get_by_role("row", name=re.compile("^page 0x")).first).to_be_visible()
    click(root, "To start")
    expect(keys).to_have_count(0)


def test_the_line_of_a_held_lock_stays_and_a_fold_opens(lab_page: Open) -> None:
    lab = lab_page(notebook_of(INFLATED))
    root = at_start(lab)
    code = root.get_by_role("region", name="Code of vballoon in fill_balloon").locator(".bl-code")
    step_until(root, code.locator("li[aria-current]", has_text="spin_unlock(vb.pages_lock)"))
    expect(code.locator("li", has_text="mutex_lock(vb.balloon_lock)").locator(".bl-sign")).to_have_text("\u2022")
    expect(code.locator("li", has_text="spin_lock(vb.pages_lock)").locator(".bl-sign")).to_have_text("\u2022")
    after = code.locator("li", has_text="mutex_lock(vb.balloon_lock)").locator("+ li").get_by_role("button")
    expect(after).to_have_text(re.compile(r"^\u2026 \d+ lines$"))
    expect(code.get_by_text("while (slot")).not_to_be_visible()
    after.click()
    expect(code.get_by_text("while (slot")).to_be_visible()
    expect(code.locator("li[aria-current]").first).to_be_visible()
    assert code.evaluate("(node) => node.scrollHeight <= node.clientHeight + 1")
    click(root, "Step")
    expect(code.get_by_text("while (slot")).not_to_be_visible()  # the pane follows the step
    assert lab.thrown == []


def test_a_term_has_its_sentence_on_hover_and_focus_and_all_are_one_tab_stop(lab_page: Open) -> None:
    lab = lab_page(notebook_of(RECORDED))
    small_window(lab)
    (root,) = labs_of(lab)
    tip = root.get_by_role("tooltip")
    numbers = root.locator(".bl-five")
    numbers.get_by_text("isolated").hover()
    expect(tip).to_have_text("isolated: A balloon page held by compaction.")
    root.locator(".bl-where").hover()
    expect(tip).not_to_be_visible()
    root.get_by_label("Unit of time").focus()
    expect(tip).to_contain_text("round: What the driver does for one message")
    numbers.get_by_text("isolated").focus()
    expect(tip).to_contain_text("isolated: ")
    expect(numbers.get_by_text("isolated")).to_have_attribute("aria-describedby", re.compile("bl-tip"))
    lab.page.keyboard.press("ArrowRight")
    expect(numbers.get_by_text("believed")).to_be_focused()
    expect(tip).to_contain_text("believed: ")
    lab.page.keyboard.press("Escape")
    expect(tip).not_to_be_visible()
    assert root.evaluate(TERMS_TABBED) == 1
    assert lab.thrown == []


def test_step_leads_while_somebody_can_go_on_and_nothing_covers_the_map(lab_page: Open) -> None:
    lab = lab_page(notebook_of('import balloonlab as bl\nbl.Lab(bl.scenario("inflate", "v9"))', RECORDED))
    small_window(lab)
    scenario, recorded = labs_of(lab)
    main = "bl-main"
    expect(scenario.get_by_role("button", name="Step", exact=True)).to_have_class(re.compile(main))
    expect(scenario.get_by_role("button", name=re.compile("^Inflate"))).not_to_have_class(re.compile(main))
    recorded.get_by_label("Size of the balloon, in 4 KiB pages, as a number").fill("17000")
    expect(recorded.get_by_role("button", name=re.compile("^Inflate"))).to_have_class(re.compile(main))
    expect(recorded.get_by_role("button", name="Step", exact=True)).not_to_have_class(re.compile(main))
    for root in (scenario, recorded):
        root.locator("canvas.bl-canvas").hover()
        covered = root.locator("canvas.bl-canvas").evaluate(
            """(canvas) => { const box = canvas.getBoundingClientRect(), found = [];
            for (let x = 0.1; x < 1; x += 0.2) for (let y = 0.02; y < 1; y += 0.12) {
              const at = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
              if (at !== canvas) found.push(at?.className); }
            return found; }"""
        )
        assert covered == []
    assert lab.thrown == []


def test_in_the_whole_window_a_line_about_python_leaves_the_time_row_in_sight(lab_page: Open) -> None:
    lab = lab_page(notebook_of(RECORDED))
    small_window(lab)
    (root,) = labs_of(lab)
    root.get_by_role("button", name="Full", exact=True).click()
    lab.page.wait_for_function("document.fullscreenElement?.classList.contains('balloonlab')")
    root.evaluate(
        """(root) => { const line = document.createElement("p"); line.className = "bl-lost";
        line.textContent = "Python is not heard from. ".repeat(12); root.prepend(line); }"""
    )
    inside = "(node) => node.getBoundingClientRect().bottom <= window.innerHeight + 1"
    assert root.locator(".bl-timeline").evaluate(inside)
    assert root.locator(".bl-where").evaluate(inside)
    lab.page.keyboard.press("Escape")
    assert lab.thrown == []
