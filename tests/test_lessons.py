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
    price = defined_in("10-at-scale")["price"]
    none = price(pages=512, balloon=0.2, run=1)  # one pageblock cannot be emptied
    assert none["before"] == none["after"] == 0
    assert none["each"] == float("inf")
    assert bl.sweep(price, pages=[512, 8192], balloon=0.2, run=1)["each"][0] == float("inf")


def test_a_lie_told_twice_in_the_same_way_is_not_noticed_and_half_of_it_is_told_what_to_mend() -> None:
    lesson = defined_in("09-a-real-guest")
    quiet = lesson["quiet"] = bl.recordings.load("S1_256M_16384")
    swap, judge = lesson["swap"], lesson["judge"]
    assert judge(quiet).startswith("Nothing is damaged yet")
    half = swap(quiet, 10, 3, 4)
    assert "2 places changed: noticed" in judge(half)
    assert "message 117 (seq 355)" in judge(half)
    assert judge(swap(half, 117, 251, 252)).startswith("4 places changed, and nobody noticed")


def test_two_places_of_one_message_are_exchanged_and_those_of_two_are_not() -> None:
    swap = defined_in("09-a-real-guest")["swap"]
    quiet = bl.recordings.load("S1_256M_16384")
    changed = np.flatnonzero(swap(quiet, 10, 0, 255).messages.pfns != quiet.messages.pfns)
    assert changed.tolist() == [2560, 2815]
    for one, other in ((0, 256), (-1, 3)):
        with pytest.raises(IndexError, match="message 10 has the places 0 to 255"):
            swap(quiet, 10, one, other)
