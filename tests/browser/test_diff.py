"""The view of two versions side by side, in a real JupyterLab, whose own rules for tables and code stand around it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.lab import LabPage, notebook_of

SHOW = 'import balloonlab as bl\n\nbl.diff("v11", "linux-3.8", "fill_balloon")'


def test_code_stands_on_the_left_in_the_colour_of_its_row(lab_page: Callable[..., LabPage]) -> None:
    table = lab_page(notebook_of(SHOW)).notebook.get_by_role("table", name="fill_balloon, line by line")
    cells = table.locator("td.left, td.right")
    assert cells.count() > 20
    for cell in (cells.first, cells.last):
        expect(cell).to_have_css("text-align", "left")
        expect(cell.locator("code")).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(table.get_by_role("rowheader").first).to_have_css("text-align", "left")
