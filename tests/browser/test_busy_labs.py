"""Two Labs of one large guest in a real JupyterLab, while it runs: progress, Stop, and clicks beside a busy cell."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.lab import LabPage, aim, click, notebook_of, output_of, resizing, run_cell

Open = Callable[..., LabPage]
LONG = """
import time
import balloonlab as bl
guest = bl.Guest(200_000, "v9")
one, two = bl.Lab(guest, title="one"), bl.Lab(guest, title="two")
display(one)
display(two)
"""
BUSY = """
end = time.monotonic() + 3
laps = 0
while time.monotonic() < end:
    guest.set_target(200 + laps % 7 * 10)
    laps += 1
print(laps > 3)
"""
PROOF = """
from tests.memory.invariants import check_buddy
def everything(machine):
    world = machine.world
    return world.states().tobytes(), tuple(world.values.numbers), world.host.messages.pfns.tobytes()
assert one.session.settle()
with guest.machine.lock:
    check_buddy(guest.buddies[0])
    guest.machine.seek(len(guest.machine.timeline))
    again = bl.Guest(200_000, "v9").machine
    again.record()
    again.replay(guest.machine.schedule)
    print(everything(again) == everything(guest.machine), len(guest.machine.timeline) > 1000)
"""


def test_a_long_run_streams_and_stops(lab_page: Open) -> None:
    lab = lab_page(notebook_of(LONG, "print(0 < guest.balloon_pages < 200_000)"))
    one, two = (lab.notebook.locator(".balloonlab").nth(i) for i in (0, 1))
    aim(one, 200_000)
    click(one, "Inflate")
    expect(one.locator(".bl-progress")).to_have_text(re.compile("^Running: "))
    expect(two.locator(".bl-progress")).to_have_text(re.compile("^Running: "))
    expect(resizing(one)).to_be_disabled()
    click(two, "Stop")
    for root in (one, two):
        expect(root.locator(".bl-progress")).to_have_text(re.compile("^Stopped after "))
    assert one.locator(".bl-where").inner_text() == two.locator(".bl-where").inner_text()
    run_cell(lab, 1)
    expect(output_of(lab, 1)).to_have_text("True\n")


def test_clicks_from_two_labs_while_a_cell_runs_never_corrupt_the_guest(lab_page: Open) -> None:
    lab = lab_page(notebook_of(LONG, BUSY.replace("3", "0"), PROOF))
    one, two = (lab.notebook.locator(".balloonlab").nth(i) for i in (0, 1))
    lab.page.evaluate(
        """(source) => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource(source)""",
        BUSY,
    )
    run_cell(lab, 1, wait=False)
    for i in range(12):
        for root, target in ((one, 100 + 10 * i), (two, 300 + 10 * i)):
            aim(root, target)
            for button in (resizing(root), resizing(root), root.get_by_role("button", name="Stop", exact=True)):
                button.evaluate("(node) => node.click()")
            root.get_by_role("button", name="Back", exact=True).evaluate("(node) => node.click()")
            root.get_by_role("button", name="Step vballoon").evaluate("(node) => node.click()")
    lab.page.wait_for_function("window.cellDone", timeout=60_000)
    for root in (one, two):
        expect(root.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    run_cell(lab, 2)
    expect(output_of(lab, 2)).to_have_text("True True\n")
    assert lab.thrown == []
