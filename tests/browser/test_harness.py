"""The harness itself: it clicks, it reads, and it does not let an error pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.lab import NO_SPLASH, LabPage, in_theme, notebook_of, output_of
from tests.browser.reused import LOOK, ReusedPage

COUNTER = """
import ipywidgets as widgets
button, label = widgets.Button(description="Step"), widgets.Label("step 0")
steps = []
def step(_):
    steps.append(1)
    label.value = f"step {len(steps)}"
button.on_click(step)
root = widgets.VBox([button, label])
root.add_class("balloonlab")
root
"""


def test_a_click_reaches_the_kernel_and_comes_back(lab_page: Callable[..., LabPage]) -> None:
    lab = lab_page(notebook_of(COUNTER, "print(len(steps))"))
    root = lab.notebook.locator(".balloonlab")
    for number in (1, 2, 3):
        root.get_by_role("button", name="Step").click()
        expect(root.get_by_text(f"step {number}", exact=True)).to_be_visible()
    lab.run_all()
    expect(lab.notebook.locator(".jp-OutputArea-output").last).to_have_text("0\n")


@pytest.mark.parametrize("source", ["1 / 0", "import sys; print('no', file=sys.stderr)"])
def test_a_failing_cell_fails_the_test(lab_page: Callable[..., LabPage], source: str) -> None:
    with pytest.raises(AssertionError, match="a cell wrote an error or to stderr"):
        lab_page(notebook_of(source, "2"))


def test_the_page_reaches_only_the_test_server(lab_page: Callable[..., LabPage]) -> None:
    lab = lab_page(notebook_of("1"))
    outcome = lab.page.evaluate("fetch('http://192.0.2.1/').then(() => 'reached', () => 'refused')")
    assert outcome == "refused"


MINE = "mine = 1\nopen('mine', 'w').close()"
OTHERS = "import os\nprint('mine' in globals(), os.path.exists('mine'))"


def test_a_page_is_used_again_and_nothing_of_the_test_before_is_there(reused_page: ReusedPage) -> None:
    first = reused_page.open(notebook_of(MINE))
    first.page.evaluate("window.balloonlab_tab = { name: 'fates' }")
    first.page.set_viewport_size({"width": 700, "height": 700})
    reused_page.clear(failed=False)
    second = reused_page.open(notebook_of(OTHERS))
    assert second.page is first.page
    expect(output_of(second, 0)).to_have_text("False False\n")
    expect(second.page.locator(".jp-NotebookPanel")).to_have_count(1)
    assert second.page.evaluate("[window.balloonlab_tab, innerWidth]") == [None, 1280]
    reused_page.clear(failed=False)


CHANGES = [
    "window.sends = 0",
    "WebSocket.prototype.send = function () {}",
    "window.jupyterapp.commands.execute('application:toggle-left-area')",
    "document.body.append(document.createElement('dialog'))",
    "localStorage.setItem('mine', '1')",
]


def test_a_page_that_was_changed_is_not_used_again(reused_page: ReusedPage) -> None:
    page = reused_page.open(notebook_of("1")).page
    for change in CHANGES:
        before = page.evaluate(LOOK)
        page.evaluate(f"() => {{ {change} }}")
        assert page.evaluate(LOOK) != before, change
    reused_page.clear(failed=False)
    assert page.is_closed()


def test_a_page_whose_test_failed_or_whose_script_threw_is_not_used_again(reused_page: ReusedPage) -> None:
    page = reused_page.open(notebook_of("1")).page
    reused_page.clear(failed=True)
    assert page.is_closed()
    lab = reused_page.open(notebook_of("1"))
    assert lab.page is not page
    with lab.page.expect_event("pageerror"):
        lab.page.evaluate("() => { setTimeout(() => { throw new Error('late'); }); }")
    assert "Error: late\n    at " in lab.thrown[0]  # and from where
    reused_page.clear(failed=False)
    assert lab.page.is_closed()


def test_a_theme_is_changed_only_between_two_splashes(lab_page: Callable[..., LabPage]) -> None:
    lab = lab_page(notebook_of("1"))
    for theme in ("Dark", "Light"):
        in_theme(lab.page, theme)
        assert lab.page.evaluate(NO_SPLASH)
    assert lab.thrown == []
