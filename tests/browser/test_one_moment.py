"""A Lab and the cells beside it in a real JupyterLab: which moment each stands at, and what a cell run again leaves."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage, aim, by_statement, click, notebook_of, number, output_of, run_cell, settled
from tests.browser.test_lab import GUEST

Open = Callable[..., LabPage]
SEEK = "guest.machine.seek(min(10, len(guest.machine.timeline)))"


def inflated(lab: LabPage) -> tuple[Locator, int]:
    root = lab.notebook.locator(".balloonlab")
    aim(root, 30)
    click(root, "Inflate")
    expect(root.locator(".bl-said")).to_have_text(re.compile("^The balloon holds 30 pages: "))
    settled(root)
    by_statement(root)
    expect(root.locator(".bl-where")).to_have_text(re.compile(r"^step (\d+) of \1$"))
    return root, int(root.locator(".bl-where").inner_text().split()[-1])


def test_a_cell_takes_the_lab_along_and_a_lab_elsewhere_says_so(lab_page: Open) -> None:
    lab = lab_page(notebook_of(GUEST, SEEK, "print(lab)", "guest.machine.act('set_target', 25)\nguest.machine.run()"))
    root, last = inflated(lab)
    where, place = root.locator(".bl-where"), root.locator(".bl-place")
    run_cell(lab, 1)
    expect(where).to_have_text(f"step 10 of {last}")
    expect(place).not_to_contain_text("cells see")
    click(root, "Back")
    expect(where).to_have_text(f"step 9 of {last}")
    expect(place).to_have_text(re.compile(" cells see step 10$"))
    run_cell(lab, 2)
    expect(output_of(lab, 2)).to_have_text(
        f"<Lab: guest of 1,024 pages (4 MiB), driver v9, machine at step 10 of {last}>\n"
    )
    expect(where).to_have_text(f"step 9 of {last}")  # a cell that moves nothing takes nobody along
    click(root, "To end")
    expect(place).to_have_text(re.compile(" cells see step 10$"))
    click(root, "Back")
    run_cell(lab, 3)
    expect(number(root, "in the balloon")).to_have_text("25")
    expect(where).to_have_text(re.compile(r"^step (\d+) of \1$"))
    expect(place).not_to_contain_text("cells see")
    assert lab.thrown == []


AGAIN = """
import gc, weakref
import balloonlab as bl
made = globals().get("made", [])
guest = bl.Guest(1024, "v9")
made.append(weakref.ref(guest.machine))
lab = bl.Lab(guest)
lab
"""
ALIVE = "gc.collect()\nprint(len(made), sum(known() is not None for known in made))"


def test_a_cell_run_again_and_again_keeps_the_last_guest_only(lab_page: Open) -> None:
    lab = lab_page(notebook_of(AGAIN, ALIVE))
    root = lab.notebook.locator(".balloonlab")
    for _ in range(11):
        expect(root.locator("canvas.bl-canvas")).to_be_visible()
        run_cell(lab, 0)
    expect(root).to_have_count(1)
    expect(root.locator("canvas.bl-canvas")).to_be_visible()
    run_cell(lab, 1)
    expect(output_of(lab, 1)).to_have_text("12 1\n")
    aim(root, 30)
    click(root, "Inflate")  # the last one is alive
    expect(number(root, "in the balloon")).to_have_text("30")
    assert lab.thrown == []
