"""What a learner asks of the guest in a real JupyterLab: targets as people write them, and a scenario's beginning."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.lab import (
    LabPage,
    aim,
    click,
    notebook_of,
    output_of,
    resizing,
    run_cell,
    settled,
    size_field,
    thread_row,
)

Open = Callable[..., LabPage]
LARGE = """
import numpy as np
import balloonlab as bl
states = np.zeros(16_384, np.uint8)
states[:10_200] = bl.PageState.BALLOON
guest = bl.Guest.from_states(states, "v9")
lab = bl.Lab(guest)
lab
"""
SCENARIO = "import balloonlab as bl\nlab = bl.Lab(bl.scenario({name!r}, {driver!r}))\nlab"


def test_a_target_with_commas_is_read_as_python_reads_it(lab_page: Open) -> None:
    lab = lab_page(notebook_of(LARGE, "print(guest.balloon_pages, guest.host.target)"))
    root = lab.notebook.locator(".balloonlab")
    aim(root, "10,000")
    expect(root.get_by_text("of 16,384 pages", exact=True)).to_have_attribute(
        "title", "of 16,384 pages: 39.1 MiB of 64 MiB"
    )
    expect(root.get_by_role("button", name="Deflate by 200")).to_be_enabled()
    expect(root.get_by_label("Size of the balloon, in 4 KiB pages", exact=True)).to_have_value("10000")
    size_field(root).press("Enter")
    expect(root.locator(".bl-said")).to_have_text("The balloon holds 10,000 pages: 200 fewer, in 1 message.")
    expect(root.get_by_role("alert")).to_be_empty()
    run_cell(lab, 1)
    expect(output_of(lab, 1)).to_have_text("10000 10000\n")
    for text in ("1e3", "0x10", "12.0", "16,385"):  # which Python refuses
        aim(root, text)
        expect(root.get_by_text("0 to 16,384 pages")).to_be_visible()
        size_field(root).press("Enter")
        expect(root.get_by_role("alert")).to_contain_text("it must be a whole number from 0 to 16,384")
    assert lab.thrown == []


def test_how_the_last_run_ended_goes_when_the_next_is_asked_for(lab_page: Open) -> None:
    lab = lab_page(notebook_of(LARGE))
    root = lab.notebook.locator(".balloonlab")
    aim(root, 10_000)
    click(root, "Deflate")
    settled(root)
    aim(root, 10_100)
    pressed = (
        "button => { button.click(); return button.closest('.balloonlab').querySelector('.bl-progress').textContent; }"
    )
    assert resizing(root).evaluate(pressed) == "", "it speaks of the run before"
    settled(root)
    expect(root.locator(".bl-said")).to_have_text("The balloon holds 10,100 pages: 100 more, in 1 message.")


@pytest.mark.parametrize(
    ("name", "driver", "actor"),
    [("resume-without-target", "linux-6.1", "suspend"), ("remove-and-compact", "linux-6.1", "remover")],
)
def test_what_a_scenario_began_with_can_be_asked_again(lab_page: Open, name: str, driver: str, actor: str) -> None:
    lab = lab_page(notebook_of(SCENARIO.format(name=name, driver=driver)))
    root = lab.notebook.locator(".balloonlab")
    click(root, "To start")
    click(root, "Compact")  # another future begins, in which nobody has begun
    expect(root.locator(".bl-said")).to_have_text(re.compile("^Compaction is over: "))
    row = thread_row(root, actor)
    expect(row).to_contain_text("waits for begin")
    click(root, "Begin")
    expect(row).not_to_contain_text("waits for begin")
    assert lab.thrown == []
