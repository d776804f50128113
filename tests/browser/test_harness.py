"""The harness itself: it clicks, it reads, and it does not let an error pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.lab import LabPage, notebook_of

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
