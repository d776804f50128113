"""Every figure of a lesson that one can pull, pulled: each of its controls, by the keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage

LESSONS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
PULLED = [path for path in LESSONS if "bl.interact(" in path.read_text("utf-8")]
CONTROLS = ":is(select, [role=slider], input[type=checkbox], input[type=text], input[type=number])"
# An option that begins with another letter than the one that is chosen.
OTHER = """(list) => [...list.options].map((option) => option.text)
  .find((text) => text[0] !== list.selectedOptions[0].text[0])"""
PICTURE = "(figure) => figure.querySelector('canvas.bl-canvas').toDataURL()"


def figures_of(path: Path) -> nbformat.NotebookNode:
    """The lesson without its Labs and long runs: what its figures need, and the figures, each in its own cell."""
    notebook = nbformat.read(path, as_version=4)
    kept = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and ("bl.interact(" in cell.source or "bl.Lab(" not in cell.source):
            cell.outputs, cell.execution_count = [], None
            kept.append(cell)
    notebook.cells = kept
    return notebook


def pull(control: Locator) -> None:
    """Give a control another value with the keys that any user has."""
    control.focus()
    if control.evaluate("(node) => node.tagName") == "SELECT":
        control.press(control.evaluate(OTHER)[0])  # a list jumps to what begins with the letter
    elif control.get_attribute("role") == "slider":
        at_the_end = control.get_attribute("aria-valuenow") == control.get_attribute("aria-valuemax")
        control.press("ArrowLeft" if at_the_end else "ArrowRight")
    elif control.get_attribute("type") == "checkbox":
        control.press("Space")
    else:
        control.press("End")
        control.press("1")
        control.press("Enter")


@pytest.mark.parametrize("path", PULLED, ids=lambda path: path.stem)
def test_each_control_of_a_lesson_changes_what_one_looks_at(lab_page: Callable[..., LabPage], path: Path) -> None:
    lab = lab_page(figures_of(path))
    figures = lab.notebook.locator(".bl-figure")
    expect(figures).to_have_count(json.dumps(json.loads(path.read_text("utf-8"))).count("bl.interact("))
    for i in range(figures.count()):
        figure = figures.nth(i)
        figure.scroll_into_view_if_needed()
        said = figure.locator(".bl-text")
        controls = figure.locator(CONTROLS).and_(figure.locator(".widget-hbox *"))
        assert controls.count() > 0
        for k in range(controls.count()):
            before, name = said.inner_text(), f"control {k} of figure {i}"
            drawn = figure.evaluate(PICTURE)
            pull(controls.nth(k))
            changed = "([figure, said, drawn]) => figure.querySelector('.bl-text').textContent !== said"
            changed += f" || ({PICTURE})(figure) !== drawn"
            lab.page.wait_for_function(changed, arg=[figure.element_handle(), before, drawn])
            assert "This went wrong" not in said.inner_text(), name
    assert lab.thrown == []
