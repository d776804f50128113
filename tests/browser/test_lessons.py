"""Every figure of a lesson that one can pull, pulled: each of its controls, by the keyboard alone."""

from __future__ import annotations

import ast
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
SEEN = "(figure) => figure.querySelector('.bl-text').textContent + figure.querySelector('canvas.bl-canvas').toDataURL()"


def figures_of(path: Path) -> nbformat.NotebookNode:
    """The lesson without its Labs: what its figures need, and the figures."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in notebook.cells:
        cell.outputs, cell.execution_count = [], None
        lines = cell.source.splitlines()
        for statement in reversed(ast.parse(cell.source).body):
            if ast.unparse(statement).startswith("bl.Lab("):
                lines[statement.lineno - 1 : statement.end_lineno] = ["pass"]
        cell.source = "\n".join(lines)
    return notebook


def pull(control: Locator) -> None:
    """Give a control another value with the keys that any user has."""
    control.focus()
    if control.evaluate("(node) => node.tagName") == "SELECT":
        last = control.evaluate("(list) => list.selectedIndex === list.options.length - 1")
        control.press("ArrowUp" if last else "ArrowDown")
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
        controls = figure.locator(CONTROLS).and_(figure.locator(".widget-hbox *"))
        assert controls.count() > 0
        drawn, title = figure.evaluate(SEEN), figure.locator(".bl-title")
        for k in range(controls.count()):
            values, name = title.inner_text(), f"control {k} of figure {i}"
            pull(controls.nth(k))
            expect(title, name).not_to_have_text(values)  # text and map come with it
            assert "This went wrong" not in figure.locator(".bl-text").inner_text(), name
        assert figure.evaluate(SEEN) != drawn, f"no control of figure {i} changes text or map"
    assert lab.thrown == []
