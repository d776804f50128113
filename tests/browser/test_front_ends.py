"""The Lab in Voila and in Notebook 7: shown and pressed; and what Notebook 7 saves of it, for a new kernel."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.lab import TOKEN, LabPage, Server, aim, click, notebook_of
from tests.browser.one_glance import check_all_in_one_window

LAB = """
import balloonlab as bl
from balloonlab.foundations.interrupt import interruptible
with interruptible("a long call") as state:
    state._began -= 60
    state.say("7 steps", 0.5)
bl.Lab(bl.Guest(pages=512, driver="v9"))
"""
NAME = "front.ipynb"
Show = Callable[[str], Page]


@pytest.fixture
def show(context: BrowserContext, lab_server: Server) -> Show:
    """`show(where)`: the notebook with a Lab, as the front end there shows it (as it was saved, from the second on)."""
    (lab_server.root / NAME).write_text(nbformat.writes(notebook_of(LAB)), "utf-8")

    def there(where: str) -> Page:
        page = context.new_page()
        page.goto(f"{lab_server.url}/{where}/{NAME}?token={TOKEN}")
        return page

    return there


def inflate(page: Page) -> None:
    """Press Inflate, and see pages change their state; nothing else is seen of the long call or of the picture."""
    root = page.locator(".balloonlab")
    balloon = root.locator(".bl-legend li", has_text="balloon").locator(".bl-count")
    expect(balloon).to_have_text("0")
    aim(root, 100)
    click(root, "Inflate")
    expect(balloon).to_have_text("100")
    expect(page.locator(".jp-RenderedImage")).not_to_be_visible()
    expect(page.get_by_text("model not found")).to_have_count(0)


def test_voila_shows_a_lab_that_acts(show: Show) -> None:
    inflate(show("voila/render"))


def test_notebook_7_shows_a_lab_that_acts_and_saves_how_it_looks(show: Show, lab_server: Server) -> None:
    page = show("notebooks")
    LabPage(page, [], lab_server.root / NAME).run_all()
    inflate(page)
    root = page.locator(".balloonlab")
    for width, height in ((1280, 800), (1440, 900), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        check_all_in_one_window(root, samples=8)
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.close()
    lab_server.end_kernels()
    saved: dict[str, Any] = json.loads((lab_server.root / NAME).read_text("utf-8"))
    picture, view = saved["cells"][0]["outputs"]
    assert "step 1,338 of 1,338" in picture["metadata"]["image/png"]["alt"]
    assert "application/vnd.jupyter.widget-view+json" in view["data"]
    again = show("notebooks")
    expect(again.get_by_text("This is how it looked when the notebook was saved.")).to_be_visible()
    expect(again.locator(".jp-RenderedImage")).to_be_visible()
    expect(again.get_by_text("model not found")).to_have_count(0)
