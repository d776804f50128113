"""The functions that lessons define for learners to use, with what a learner may give them."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import balloonlab as bl

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def defined_in(stem: str) -> dict[str, Any]:
    """What a notebook's imports and functions make, without what its cells run."""
    notebook = json.loads((NOTEBOOKS / f"{stem}.ipynb").read_text("utf-8"))
    source = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)]
    names: dict[str, Any] = {}
    exec(compile(tree, stem, "exec"), names)  # noqa: S102 - a lesson of our own
    return names


def test_a_huge_page_has_a_price_even_if_none_is_gained() -> None:
    price = defined_in("11-at-scale")["price"]
    none = price(pages=512, balloon=0.2, run=1)  # one pageblock cannot be emptied
    assert none["before"] == none["after"] == 0
    assert none["each"] == float("inf")
    assert bl.sweep(price, pages=[512, 8192], balloon=0.2, run=1)["each"][0] == float("inf")


def test_a_lie_told_twice_in_the_same_way_is_not_noticed_and_half_of_it_is_told_what_to_mend() -> None:
    lesson = defined_in("10-a-real-guest")
    quiet = lesson["quiet"] = bl.recordings.load("S1_256M_16384")
    swap, judge = lesson["swap"], lesson["judge"]
    assert judge(quiet).startswith("Nothing is damaged yet")
    half = swap(quiet, 10, 3, 4)
    assert "2 places changed: noticed" in judge(half)
    assert "message 117 (seq 355)" in judge(half)
    assert judge(swap(half, 117, 251, 252)).startswith("4 places changed, and nobody noticed")


def test_two_places_of_one_message_are_exchanged_and_those_of_two_are_not() -> None:
    swap = defined_in("10-a-real-guest")["swap"]
    quiet = bl.recordings.load("S1_256M_16384")
    changed = np.flatnonzero(swap(quiet, 10, 0, 255).messages.pfns != quiet.messages.pfns)
    assert changed.tolist() == [2560, 2815]
    for one, other in ((0, 256), (-1, 3)):
        with pytest.raises(IndexError, match="message 10 has the places 0 to 255"):
            swap(quiet, 10, one, other)


def test_what_08_counts_is_what_the_catalogue_has() -> None:
    notebook = json.loads((NOTEBOOKS / "09-from-v9-to-mainline.ipynb").read_text("utf-8"))
    prose = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    read_in_v9 = [name for name in bl.defects if name[0] == "V"]
    in_v9 = [name for name in read_in_v9 if "v9" in bl.defects[name].versions]
    dumb = [name for name in in_v9 if not shown("v9", name)]
    everywhere = {driver: sum(shown(driver, name) for name in bl.defects) for driver in bl.DRIVERS}
    assert f"`bl.defects`, {len(bl.defects)} entries" in prose
    assert f"{len(read_in_v9)} of them are of the family V" in prose
    assert f"{len(in_v9)} of those are in v9. (V10 is" in prose
    assert set(read_in_v9) - set(in_v9) == {"V10"}
    assert f"Scenarios show {len(in_v9) - len(dumb)} of the {len(in_v9)}; {' and '.join(dumb)}, a build" in prose
    assert f"in all, {everywhere['v9']} defects are shown in v9, and {everywhere['linux-7.2']} in Linux 7.2" in prose


def shown(driver: str, defect: str) -> bool:
    """Whether a scenario of the catalogue shows the defect in that driver."""
    return any(driver in case.shortest for case in bl.defects[defect].cases)
