"""A life longer than a timeline in a real JupyterLab: To start and every operation can be gone back to."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.lab import LabPage, aim, by_statement, click, notebook_of, tab

GUEST = """
import numpy as np
import balloonlab as bl
states = np.random.default_rng(1).choice([0, 1], 2048, p=[0.8, 0.2]).astype(np.uint8)
guest = bl.Guest.from_states(states, "v9")
guest.machine.most_steps = 4_000
bl.Lab(guest)
"""
DONE = re.compile(r"^Done after [\d,]+ steps")


def value(root: Locator, name: str) -> Locator:
    return root.get_by_role("row", name=re.compile(f"^{name} "))


def test_four_operations_can_all_be_gone_back_to(lab_page: Callable[..., LabPage]) -> None:
    page = lab_page(notebook_of(GUEST))
    root = page.notebook.locator(".balloonlab").first
    jumps = root.get_by_label("Jump to")
    operations = jumps.locator("optgroup[label=Operations] option")
    expect(operations).to_have_text(["0: the opening"])
    by_statement(root)
    tab(root, "device")
    click(root, "config space")
    ends, actual = [0], ["0"]
    for name, target in (("Inflate", 1_000), ("Compact", None), ("Deflate", 50), ("Inflate", 1_000)):
        if target is not None:
            aim(root, target)
        click(root, name)
        expect(root.locator(".bl-where")).not_to_have_text(re.compile(f"of {ends[-1]:,}$"))
        expect(root.locator(".bl-progress")).to_have_text(DONE)
        steps = int(re.findall(r"[\d,]+", root.locator(".bl-progress").inner_text())[0].replace(",", ""))
        end = ends[-1] + steps  # what was asked for is the first of them
        expect(root.locator(".bl-where")).to_have_text(f"step {end:,} of {end:,}")
        ends.append(end)
        actual.append(f"{target:,}" if target is not None else actual[-1])
    end = ends[-1]
    texts = ["set target 1,000", "compact", "set target 50", "set target 1,000"]
    shown = [f"{step:,}: {text}" for step, text in zip(ends, texts, strict=False)]
    expect(operations).to_have_text(["0: the opening", *shown])
    told = ["The host asks for a balloon of size 1,000.", "You ask the kernel to compact its memory."]
    told += ["The host asks for a balloon of size 50.", told[0]]

    click(root, "To start")
    expect(root.locator(".bl-where")).to_have_text(f"step 0 of {end:,}")
    expect(value(root, "actual 0")).to_be_visible()
    expect(root.locator(".bl-place")).to_contain_text(
        f"{end:,} steps were recorded from here on: what you do here replaces them"
    )
    click(root, "Step")
    expect(root.locator(".bl-where")).to_have_text(f"step 1 of {end:,}")
    for number in (3, 1, 2, 0):
        jumps.select_option(label=shown[number])
        expect(root.locator(".bl-where")).to_have_text(f"step {ends[number]:,} of {end:,}")
        expect(value(root, f"actual {actual[number]}")).to_be_visible()
        click(root, "Step")
        expect(root.locator(".bl-said")).to_have_text(told[number])
    jumps.select_option(label=shown[2])
    expect(root.locator(".bl-where")).to_have_text(f"step {ends[2]:,} of {end:,}")
    click(root, "Back")  # into the operation before, whose steps may have to be made again
    expect(root.locator(".bl-where")).to_have_text(f"step {ends[2] - 1:,} of {end:,}")
    click(root, "To end")
    expect(root.locator(".bl-where")).to_have_text(f"step {end:,} of {end:,}")
    expect(value(root, "actual 1,000")).to_be_visible()
    assert page.thrown == []
