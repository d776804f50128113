"""The device tab and the kernel's log on the stage, at 1280 x 800 with JupyterLab's side bar."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage, by_statement, click, notebook_of, tab
from tests.browser.one_glance import check_tab
from tests.browser.test_stage import go, labs_of, small_window, where

Open = Callable[..., LabPage]
PUFF = """
import balloonlab as bl
machine = bl.scenario("fill-out-of-memory", "linux-3.6").machine()
for _ in range(40):
    machine.run()
bl.Lab(machine)
"""
FIGURES = """
import balloonlab as bl
guest = bl.Guest(512, "{0}")
guest.machine.record()
for pages in (20, 40):
    guest.inflate(pages)
    guest.machine.act("request_stats")
    guest.machine.run()
bl.Lab(guest)
"""


def member(root: Locator, name: str) -> Locator:
    return root.locator(".bl-members li", has=root.page.get_by_text(name, exact=True))


def test_the_structure_is_shown_with_what_guards_it_and_the_step_that_does_not_keep_to_that(lab_page: Open) -> None:
    lab = lab_page(notebook_of(FIGURES.format("v9"), FIGURES.format("linux-7.2")))
    small_window(lab)
    patch, later = labs_of(lab)
    for root, members in ((patch, 17), (later, 18)):
        tab(root, "device")
        click(root, "struct virtio_balloon")
        expect(root.locator(".bl-members li")).to_have_count(members)
        check_tab(root, samples=40)
    shown = patch.locator(".bl-members li:visible")
    expect(shown).to_have_count(17)  # all of v9's at one glance
    name = member(patch, "need_stats_update").locator("code")
    cut = "code => [getComputedStyle(code).fontSize, getComputedStyle(code.parentElement).overflowY]"
    assert name.evaluate(cut) == ["11px", "visible"]  # JupyterLab's own size is larger; a low line hangs below the row
    _, last = where(patch)
    against = patch.locator(".bl-members li.bl-against")
    go(patch, 5, last)
    expect(against).to_have_count(1)
    expect(against).to_contain_text("num_pagesatomic_t0read: no pages_lock")
    go(patch, 4, last)
    expect(against).to_have_count(0)
    expect(member(patch, "num_pages")).to_contain_text("pages_lock")
    few = later.locator(".bl-members li:visible").count()
    assert few < 18
    further = later.get_by_role("button", name="Further members")
    expect(further).to_have_text(f"1\u2013{few} of 18")
    further.click()
    expect(further).to_have_text(f"{19 - few}\u201318 of 18")
    expect(member(later, "stats")).to_be_visible()
    assert lab.thrown == []


def test_the_log_ends_in_the_latest_step_where_many_threads_leave_it_little_room(lab_page: Open) -> None:
    lab = lab_page(notebook_of("import balloonlab as bl\nbl.Lab(bl.scenario('probe-when-something-fails', 'v9'))"))
    small_window(lab)
    (root,) = labs_of(lab)
    tab(root, "log")
    step = root.get_by_role("button", name="Step", exact=True).first
    for _ in range(11):
        step.click()
    latest = root.locator(".bl-log li.bl-changed")
    expect(latest).to_have_count(1)
    expect(latest).to_be_visible()
    below = "(line) => line.getBoundingClientRect().bottom - line.closest('.bl-tabbody').getBoundingClientRect().bottom"
    assert latest.evaluate(below) <= 0, "the latest step is cut below"
    check_tab(root, samples=40)
    assert lab.thrown == []


def test_the_figures_are_shown_as_the_host_had_them_and_has_them(lab_page: Open) -> None:
    lab = lab_page(notebook_of(FIGURES.format("v9"), FIGURES.format("linux-7.2")))
    small_window(lab)
    for root, figures in zip(labs_of(lab), (6, 16), strict=True):
        tab(root, "device")
        click(root, "statistics")
        expect(root.locator(".bl-figures li:visible")).to_have_count(figures)
        free = root.locator(".bl-figures li", has_text="memfree")
        expect(free).to_have_text("memfree1,968 KiB \u2192 1,808 KiB")
        check_tab(root, samples=40)
        _, last = where(root)
        go(root, 1, last)
        expect(root.get_by_text("The host has no figures yet")).to_be_visible()
        click(root, "struct virtio_balloon")  # as other tests begin
    assert lab.thrown == []


def test_the_kernels_log_is_there_from_the_step_that_prints_it(lab_page: Open) -> None:
    lab = lab_page(notebook_of(PUFF))
    small_window(lab)
    (root,) = labs_of(lab)
    by_statement(root)
    tab(root, "log")
    check_tab(root, samples=60)
    _, last = where(root)
    log = root.get_by_role("list", name="Kernel log")
    go(root, 13, last)
    expect(log).to_have_text("13[    0.000000] Out of puff! Can't get 2 pages")
    click(root, "Back")
    expect(log).to_be_hidden()
    click(root, "Step")
    expect(log).to_be_visible()
    go(root, 377, last)
    expect(log.get_by_text("[    5.200000] fill_balloon: 16 callbacks suppressed")).to_be_visible()
    assert lab.thrown == []
