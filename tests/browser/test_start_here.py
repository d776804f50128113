"""The front door: the first notebook in a real JupyterLab, with the mouse and with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage, aim, by_statement, click, settled, tab

START = Path(__file__).resolve().parents[2] / "notebooks" / "00-start-here.ipynb"
# How many of the map's pixels have each colour, as "r,g,b" -> count.
PIXELS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), found = {};
  for (let i = 0; i < data.length; i += 4) {
    const colour = `${data[i]},${data[i + 1]},${data[i + 2]}`;
    found[colour] = (found[colour] || 0) + 1;
  }
  return found;
}"""
BALLOON = "213,94,0"  # of the light theme


def painted(lab: Locator, colour: str) -> int:
    return int(lab.locator(".bl-canvas").evaluate(PIXELS).get(colour, 0))


def position(lab: Locator) -> tuple[int, int]:
    here, last = re.findall(r"[\d,]+", lab.locator(".bl-where").inner_text())
    return int(here.replace(",", "")), int(last.replace(",", ""))


def test_inflate_step_back_play_and_compact_a_real_guest(lab_page: Callable[..., LabPage]) -> None:
    page = lab_page(START)
    lab = page.notebook.locator(".balloonlab").first
    expect(lab.get_by_role("heading", name="driver v9")).to_be_visible()
    before = painted(lab, BALLOON)
    assert before > 0, "the recorded balloon is on the map"

    aim(lab, "18,000")
    click(lab, "Inflate")
    expect(lab.locator(".bl-said")).to_have_text("The balloon holds 18,000 pages: 1,616 more, in 7 messages.")
    settled(lab)
    assert painted(lab, BALLOON) > before, "more balloon is painted"
    tab(lab, "device")
    click(lab, "config space")
    expect(lab.get_by_role("row", name=re.compile("^target 18,000"))).to_be_visible()
    expect(lab.get_by_role("row", name=re.compile("^actual 18,000"))).to_be_visible()

    _, last = position(lab)
    assert last > 1616 * 10, "every page of the driver's work is in the timeline"
    by_statement(lab)
    lab.get_by_role("button", name="Back", exact=True).click()
    expect(lab.locator(".bl-where")).to_have_text(f"step {last - 1:,} of {last:,}")
    lab.get_by_role("button", name="Step", exact=True).click()
    expect(lab.locator(".bl-where")).to_have_text(f"step {last:,} of {last:,}")

    lab.get_by_role("button", name="To start").click()
    expect(lab.locator(".bl-where")).to_have_text(f"step 0 of {last:,}")
    page.page.wait_for_function(
        f"([canvas, colour, count]) => ({PIXELS})(canvas)[colour] === count",
        arg=[lab.locator(".bl-canvas").element_handle(), BALLOON, before],
    )
    lab.get_by_label("Speed").select_option("1000")
    lab.get_by_role("button", name="Play", exact=True).click()
    page.page.wait_for_function(
        "(where) => Number(where.textContent.match(/[\\d,]+/)[0].replace(/,/g, '')) > 500",
        arg=lab.locator(".bl-where").element_handle(),
    )
    lab.get_by_role("button", name="Pause").click()
    lab.get_by_role("button", name="To end").click()

    lab.get_by_role("button", name="Compact", exact=True).click()
    expect(lab.get_by_role("button", name="Stop")).to_be_enabled()
    tab(lab, "counters")
    expect(lab.get_by_role("row", name=re.compile("^compact_pages_moved [1-9]"))).to_be_visible()
    lab.get_by_role("button", name="Stop").click()
    expect(lab.get_by_text(re.compile("^Stopped after"))).to_be_visible()
    assert position(lab)[1] > last
    assert page.thrown == []


def test_bad_targets_are_answered_in_the_page(lab_page: Callable[..., LabPage]) -> None:
    page = lab_page(START)
    lab = page.notebook.locator(".balloonlab").first
    for wrong, words in (
        ("-5", "target is -5"),
        ("99999999", "0 to 65,536"),
        ("lots", "digits"),
        ("16384", "holds 16,384 pages already"),
    ):
        aim(lab, wrong)
        click(lab, "Inflate")
        expect(lab.get_by_role("alert")).to_contain_text(words)
        assert position(lab) == (0, 0), "nothing happened"


def test_a_page_that_is_clicked_is_looked_at_until_another_moment_is(lab_page: Callable[..., LabPage]) -> None:
    lab = lab_page(START).notebook.locator(".balloonlab").first
    aim(lab, "16,640")
    click(lab, "Inflate")
    settled(lab)
    page_map, lens = lab.locator(".bl-canvas"), lab.locator(".bl-lens-map")
    changed = re.search("page 0x[0-9a-f]+", str(lens.get_attribute("aria-label")))
    assert changed, "the lens is around the page that changed last"
    page_map.click(position={"x": 170, "y": 60})
    expect(lab.locator(".bl-lens-title")).to_have_text("around the page that you chose")
    clicked = re.search("page 0x([0-9a-f]+)", str(lens.get_attribute("aria-label")))
    assert clicked
    assert clicked.group() != changed.group()
    page_map.press("ArrowRight")
    expect(lens).to_have_attribute("aria-label", re.compile(f"page {int(clicked.group(1), 16) + 1:#x} "))
    by_statement(lab)
    lab.get_by_role("button", name="Back", exact=True).click()
    expect(lab.locator(".bl-lens-title")).not_to_have_text("around the page that you chose")


def test_the_keyboard_alone_is_enough(lab_page: Callable[..., LabPage]) -> None:
    page = lab_page(START)
    keys = page.page.keyboard
    cells = page.notebook.locator(".jp-Cell").count()
    lab = page.notebook.locator(".balloonlab").nth(1)  # the small machine, 25 steps from its start
    field = lab.get_by_role("button", name="Step vballoon")
    field.focus()
    for _ in range(3):
        keys.press("Enter")
    expect(lab.locator(".bl-where")).to_have_text("step 28 of 28")

    page_map = lab.locator(".bl-canvas")
    page_map.focus()
    status = lab.locator(".bl-here")
    keys.press("Home")
    expect(status).to_contain_text("PFN 0x0")
    keys.press("ArrowRight")
    expect(status).to_contain_text("PFN 0x1")
    keys.press("[")
    expect(lab.locator(".bl-where")).to_have_text("step 27 of 28")
    keys.press("]")
    expect(lab.locator(".bl-where")).to_have_text("step 28 of 28")
    keys.press("b")  # in JupyterLab this key would insert a cell
    assert page.notebook.locator(".jp-Cell").count() == cells
    assert page.thrown == []
