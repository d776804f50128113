"""A figure that is pulled in a real JupyterLab: map and text follow, and a saved copy keeps the last of it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.lab import LabPage, notebook_of

FIGURE = """
import balloonlab as bl

def scattered(workload="random", balloon=4096):
    guest = bl.Guest(pages=65_536, driver="v9", engine="arrays")
    guest.workload(workload, fraction=0.5)
    if balloon > 20_000:
        guest.inflate(1_000_000)
    guest.inflate(balloon)
    guest.release()
    return guest, f"{workload}: free 2 MiB blocks {guest.metrics().free_huge_pages}"

bl.interact(scattered, workload=["random", "runs"], balloon=(0, 24_576, 1024))
"""
SAVE = "window.jupyterapp.commands.execute('docmanager:save')"


def test_a_pull_redraws_map_and_text_and_a_saved_copy_keeps_it(lab_page: Callable[..., LabPage]) -> None:
    lab = lab_page(notebook_of(FIGURE))
    root = lab.notebook.locator(".balloonlab")
    text, balloon = root.locator(".bl-text"), root.locator(".bl-legend li", has_text="balloon").locator(".bl-count")
    expect(text).to_have_text("random: free 2 MiB blocks 0")
    expect(balloon).to_have_text("4,096")
    expect(lab.notebook.locator(".jp-RenderedImage")).to_have_count(1)
    expect(lab.notebook.locator(".jp-RenderedImage")).to_be_hidden()  # the live one stands in its place
    first = lab.page.evaluate("document.querySelector('canvas.bl-canvas').toDataURL()")
    slider = lab.notebook.get_by_role("slider")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    expect(balloon).to_have_text("7,168")
    assert lab.page.evaluate("document.querySelector('canvas.bl-canvas').toDataURL()") != first
    lab.notebook.get_by_role("combobox", name="workload").select_option("runs")
    expect(text).to_have_text(re.compile("^runs: free 2 MiB blocks"))
    expect(root.locator(".bl-title")).to_have_text("workload runs, balloon 7,168")
    said = text.inner_text()
    lab.page.evaluate(SAVE)
    outputs = json.loads(lab.file.read_text("utf-8"))["cells"][0]["outputs"]
    assert outputs[0]["metadata"]["image/png"]["alt"] == f"Page map. workload runs, balloon 7,168. {said}"
    assert base64.b64decode(outputs[0]["data"]["image/png"]).startswith(b"\x89PNG")
    slider.press("End")
    expect(text).to_have_text(re.compile("it must be a whole number"))  # what cannot be is said, and the map stays
    expect(balloon).to_have_text("7,168")
    assert lab.thrown == []


def test_a_long_slider_is_played_and_stopped(lab_page: Callable[..., LabPage]) -> None:
    drawn = "def drawn(count=1):\n    return [count % 2] * 64, f'{count} told'\n"
    lab = lab_page(notebook_of(f"import balloonlab as bl\n\n{drawn}\nbl.interact(drawn, count=(1, 20_000))"))
    text = lab.notebook.locator(".bl-text")
    expect(text).to_have_text("1 told")
    film = lab.notebook.locator(".widget-play button")
    film.first.click()
    expect(text).to_have_text(re.compile("^[1-9][0-9]{2,} told"))
    film.first.click()
    expect(lab.notebook.locator(".widget-readout").first).to_have_text(re.compile("^[1-9][0-9]{2,}"))
    assert lab.thrown == []
