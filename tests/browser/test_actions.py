"""What a learner asks of the guest in a real JupyterLab: targets as people write them, and a scenario's beginning."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import (
    LabPage,
    aim,
    click,
    notebook_of,
    number,
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


LIFE = """
import balloonlab as bl
guest = bl.Guest(1024, driver="v9", lifecycle=True)
lab = bl.Lab(guest)
lab
"""
ASKED = {"Suspend": "suspend the system", "Resume": "resume", "Unload": "unload the driver", "Load": "load the driver"}
LOADED, ASLEEP, GONE = (  # of each of the four: "" if it may be pressed, else why not
    {"Suspend": "", "Resume": "the system is not suspended", "Unload": "", "Load": "the driver is loaded already"},
    {
        "Suspend": "the system is suspended already",
        "Resume": "",
        "Unload": "the system is suspended: resume it first",
        "Load": "the system is suspended: resume it first",
    },
    {
        "Suspend": "no driver is loaded",
        "Resume": "the system is not suspended",
        "Unload": "no driver is loaded",
        "Load": "",
    },
)


def refusals(root: Locator) -> dict[str, str]:
    """Which of the four may be pressed, and what the others' titles say."""
    found = {}
    for name in LOADED:
        button = root.locator(f"button:text-is('{name}')")
        off = button.get_attribute("aria-disabled") == "true"
        title = button.get_attribute("title") or ""
        assert title.startswith("Not now: ") == off
        found[name] = title.removeprefix("Not now: ") if off else ""
    return found


def test_the_driver_is_suspended_resumed_unloaded_and_loaded(lab_page: Open) -> None:
    lab = lab_page(notebook_of(LIFE, "print(guest.balloon_pages, guest.machine.bugs)"))
    root = lab.notebook.locator(".balloonlab")
    aim(root, 300)
    click(root, "Inflate")
    settled(root)
    assert refusals(root) == LOADED
    assert root.locator("button:text-is('Begin')").count() == 0, "nobody waits for it"
    for name, pages, now in (
        ("Suspend", 0, ASLEEP),
        ("Resume", 300, LOADED),
        ("Unload", 0, GONE),
        ("Load", 300, LOADED),
    ):
        click(root, name)
        expect(root.locator(".bl-said")).to_have_text(f"You ask the kernel to {ASKED[name]}: done.")
        settled(root)
        assert refusals(root) == now, name
        expect(number(root, "Balloon")).to_have_text(str(pages))
    click(root, "To start")  # the buttons speak of the moment that is shown
    assert refusals(root) == LOADED
    run_cell(lab, 1)
    expect(output_of(lab, 1)).to_have_text("300 ()\n")
    assert lab.thrown == []
