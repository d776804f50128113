"""The page map alone, in a real JupyterLab: small and reduced maps, zoom windows, changes from Python."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from balloonlab.memory.palette import PALETTE
from tests.browser.lab import LabPage, notebook_of

Open = Callable[..., LabPage]
GUTTER = 60  # CSS pixels left of the map, for PFNs
SHOW = """
import numpy as np
import balloonlab as bl
states = np.zeros({pages}, np.uint8)
states[{busy}] = bl.PageState.MOVABLE
page_map = bl.PageMap(states)
page_map
"""
CHANGE = """
states[{pages}] = bl.PageState.BALLOON
page_map.show(states)
"""
PIXEL = """([x, y, colour]) => {
  const canvas = document.querySelector("canvas.bl-canvas");
  const [r, g, b] = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
  return "#" + [r, g, b].map((n) => n.toString(16).padStart(2, "0")).join("") === colour;
}"""
RUN_SECOND = """() => {
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;
  window.jupyterapp.commands.execute("notebook:run-cell");
}"""


def expect_colour(lab: LabPage, x: int, y: int, word: str) -> None:
    """Wait until the map's pixel at (x, y) has the colour of that state."""
    colour = next(look.light for look in PALETTE if look.word == word)
    lab.page.wait_for_function(PIXEL, arg=[GUTTER + x, y, colour])


def opened(lab_page: Open, pages: int, busy: str, change: str) -> tuple[LabPage, Locator]:
    lab = lab_page(notebook_of(SHOW.format(pages=pages, busy=busy), "0"))
    root = lab.notebook.locator(".balloonlab")
    expect(root.locator("canvas.bl-canvas")).to_be_visible()
    lab.page.evaluate(
        "(code) => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource(code)",
        CHANGE.format(pages=change),
    )
    return lab, root


def legend(root: Locator, word: str, count: str) -> None:
    expect(root.locator(".bl-legend li", has_text=re.compile(rf"{word}[\d,]+$")).locator(".bl-count")).to_have_text(
        count
    )


def test_a_small_map_follows_show(lab_page: Open) -> None:
    lab, root = opened(lab_page, 256, ":16", "[17, 255]")  # 16 x 16 cells of 32 pixels
    expect_colour(lab, 5, 5, "workload")
    expect_colour(lab, 32 + 5, 32 + 5, "free")
    legend(root, "workload", "16")
    lab.page.evaluate(RUN_SECOND)
    expect_colour(lab, 32 + 5, 32 + 5, "balloon")
    expect_colour(lab, 15 * 32 + 5, 15 * 32 + 5, "balloon")
    legend(root, "balloon", "2")
    root.locator("canvas.bl-canvas").focus()
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("ArrowRight")
    expect(root.get_by_role("status")).to_have_text("PFN 0x11 in pageblock 0: balloon. On the balloon's list of pages.")


def test_a_large_map_is_reduced_and_pages_come_when_zoomed(lab_page: Open) -> None:
    pages = 1 << 22  # 16 pages a cell, 512 x 512 cells
    lab, root = opened(lab_page, pages, "5", "[6, 3_000_000]")
    expect_colour(lab, 0, 0, "workload")
    expect_colour(lab, 1, 0, "free")
    expect(root.locator(".bl-range")).to_have_text(
        "PFN 0x0\u20130x3fffff of 4,194,304 pages, 16 a cell (free only where all of them are)"
    )
    canvas = root.locator("canvas.bl-canvas")
    canvas.focus()
    expect(root.get_by_role("status")).to_have_text("PFN 0x0\u20130xf (16 pages in pageblock 0): workload among them")
    for _ in range(7):
        lab.page.keyboard.press("+")
    expect(root.locator(".bl-range")).to_have_text("PFN 0x0\u20130xff of 4,194,304 pages")
    expect_colour(lab, 5 * 32 + 5, 5, "workload")  # only the window knows which of the sixteen it is
    expect_colour(lab, 6 * 32 + 5, 5, "free")
    lab.page.evaluate(RUN_SECOND)
    expect_colour(lab, 6 * 32 + 5, 5, "balloon")
    legend(root, "balloon", "2")
    canvas.focus()
    lab.page.keyboard.press("Control+End")
    expect(root.get_by_role("status")).to_contain_text("PFN 0x3fffff in pageblock 8,191: free.")
    lab.page.keyboard.press("0")
    cell = 3_000_000 // 16
    expect_colour(lab, cell % 512, cell // 512, "balloon")
    assert lab.thrown == []
