"""What a notebook in JupyterLab shows and keeps of its widgets: each in its place, and pictures of the last state."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

from matplotlib import image
from playwright.sync_api import Locator, expect

from balloonlab.memory.palette import PALETTE
from tests.browser.lab import LabPage, aim, click, notebook_of, run_cell
from tests.contrast import contrast

Open = Callable[..., LabPage]
ALIKE = (
    "import balloonlab as bl\nlab = bl.Lab(bl.Guest(pages=512, driver='v9'))\nlab",
    "bl.Lab(bl.Guest(pages=512, driver='v9'))",
    "page_map = bl.PageMap([0, 1, 2] * 100)\npage_map",
    "lab",
    "page_map",
    "bl.PageMap([0, 1, 2] * 100)",
    "display(lab, page_map, lab)",
)
VIEWS = [1, 1, 1, 1, 1, 1, 3]
INSIDE = """
import ipywidgets
from IPython.display import Image
inside = bl.Lab(bl.Guest(pages=512, driver='v9'))
display(Image(inside._repr_mimebundle_()[0]["image/png"]), ipywidgets.VBox([inside]))
"""
LONG = """
from pathlib import Path
from threading import Event
from balloonlab.foundations.interrupt import interruptible
with interruptible("a long call") as state:
    while not Path("seen").exists():
        state.say("7 steps", 0.5)
        Event().wait(0.05)
print("done")
"""
SET = (
    "([index, text]) => window.jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.setSource(text)"
)
SAVED = "!window.jupyterapp.shell.currentWidget.context.model.dirty"


def cells(lab: LabPage) -> list[Locator]:
    return lab.notebook.locator(".jp-CodeCell").all()


def saved(lab: LabPage) -> dict[str, Any]:
    """Save the notebook; what the file holds."""
    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_function(SAVED)
    found: dict[str, Any] = json.loads(lab.file.read_text("utf-8"))
    return found


def reopened(lab: LabPage) -> LabPage:
    lab.page.reload()
    lab.wait_idle()
    return lab


def has_colour(picture: dict[str, Any], word: str) -> bool:
    """Whether a saved picture has many pixels in which pages of that state are painted."""
    pixels = image.imread(io.BytesIO(base64.b64decode(picture["data"]["image/png"])), "png")[..., :3]
    colour = next(look.light for look in PALETTE if look.word == word)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int(((pixels * 255).round() == wanted).all(axis=-1).sum()) > 5_000


def has_its_own_paper(picture: dict[str, Any]) -> bool:
    """Whether a saved picture hides the page below it, and ends in a border that differs from what is inside."""
    pixels = image.imread(io.BytesIO(base64.b64decode(picture["data"]["image/png"])), "png")
    border, paper = ([round(255 * part) for part in pixels[at, at, :3].tolist()] for at in (0, 5))
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    whole = all((edge == pixels[0, 0]).all() for edge in edges)
    return whole and bool((pixels[..., 3] == 1).all()) and contrast(border, paper) > 1.5


def test_widgets_that_look_alike_are_all_there(lab_page: Open) -> None:
    lab = lab_page(notebook_of(*ALIKE, INSIDE))
    *alike, inside = cells(lab)
    for cell, views in zip(alike, VIEWS, strict=True):
        expect(cell.locator("canvas.bl-canvas")).to_have_count(views)
        for canvas in cell.locator("canvas.bl-canvas").all():
            expect(canvas).to_be_visible()
        expect(cell.locator(".jp-RenderedImage")).to_have_count(views)
        for picture in cell.locator(".jp-RenderedImage").all():
            expect(picture).not_to_be_visible()
    expect(inside.locator("canvas.bl-canvas")).to_be_visible()
    expect(inside.locator(".jp-RenderedImage")).to_be_visible()  # it is not that Lab's own
    run_cell(lab, 0)  # another Lab takes the place of the first; the view of it in the fourth cell stays
    for cell in alike:
        expect(cell.locator("canvas.bl-canvas").first).to_be_visible()
    assert lab.thrown == []


def test_a_saved_picture_shows_the_last_state(lab_page: Open) -> None:
    lab = lab_page(notebook_of(*ALIKE[:3]))
    root = cells(lab)[0].locator(".balloonlab")
    aim(root, 100)
    click(root, "Inflate")
    expect(root.locator(".bl-where")).to_have_text("step 1,338 of 1,338")
    acted, quiet, page_map = (cell["outputs"] for cell in saved(lab)["cells"])
    assert "step 1,338 of 1,338" in "".join(acted[0]["data"]["text/plain"])
    assert acted[0]["metadata"]["image/png"]["alt"] == "".join(acted[0]["data"]["text/plain"])
    assert all(map(has_its_own_paper, (acted[0], quiet[0], page_map[0])))
    assert has_colour(acted[0], "balloon")
    assert not has_colour(quiet[0], "balloon")
    assert "step 0 of 0" in quiet[0]["metadata"]["image/png"]["alt"]
    assert page_map[0]["metadata"]["image/png"]["alt"] == "Page map. 300 guest pages"
    click(root, "To start")  # no message to Python: the picture shows what the learner saw
    expect(root.locator(".bl-where")).to_have_text("step 0 of 1,338")
    again = saved(lab)["cells"][0]["outputs"]
    assert "step 0 of 1,338" in again[0]["metadata"]["image/png"]["alt"]
    assert not has_colour(again[0], "balloon")


def test_a_saved_copy_comes_to_life_again_or_says_what_to_do(lab_page: Open) -> None:
    lab = lab_page(notebook_of(*ALIKE[:4]))
    expect(lab.notebook.locator("canvas.bl-canvas")).to_have_count(4)
    notes = saved(lab)["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert len(notes) == 3  # one Lab is shown twice
    lab = reopened(lab)  # the kernel is the same
    expect(lab.notebook.locator("canvas.bl-canvas")).to_have_count(4)
    run_cell(lab, 2)
    expect(lab.notebook.locator("canvas.bl-canvas")).to_have_count(4)  # only a view that is there leaves a note
    renewed = saved(lab)["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert len(renewed) == 3  # the note of the view that is gone went with it
    assert renewed.keys() != notes.keys()
    lab.page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    lab = reopened(lab)
    expect(lab.notebook.get_by_text("This is how it looked when the notebook was saved.")).to_have_count(4)
    expect(lab.notebook.get_by_text("model not found")).to_have_count(0)
    for picture in lab.notebook.locator(".jp-RenderedImage").all():
        expect(picture).to_be_visible()
    lab.run_all()
    expect(lab.notebook.locator("canvas.bl-canvas")).to_have_count(4)


def test_a_long_call_says_how_far_it_is_and_leaves_nothing(lab_page: Open) -> None:
    lab = lab_page(notebook_of("0"))
    lab.page.evaluate(SET, [0, LONG])
    run_cell(lab, 0, wait=False)
    line = lab.page.get_by_role("progressbar", name="a long call: 7 steps (interrupt the kernel to stop)")
    expect(line).to_be_visible()
    (lab.file.parent / "seen").touch()
    lab.page.wait_for_function("window.cellDone")
    expect(line).to_have_count(0)
    (output,) = saved(lab)["cells"][0]["outputs"]
    assert output["text"] == ["done\n"]
