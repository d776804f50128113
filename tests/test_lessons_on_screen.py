"""What a reader of the lessons meets on a screen: links that lead somewhere, lines and pictures that fit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.test_notebooks import NOTEBOOKS, Node, code, good, headings, outputs, text

MOST_COLUMNS = 107  # of a line: JupyterLab at 1280 px with its side bar breaks a longer one amid a word, and cuts code
MOST_HEIGHT = 670  # pixels of a picture, which is to be seen without scrolling at 1280 x 800


def too_large(notebook: Node) -> list[str]:
    """What does not fit a window of 1280 x 800: lines of code and of text, and pictures."""
    lines = [*printed(notebook), *(line for cell in code(notebook) for line in text(cell["source"]).splitlines())]
    found = [f"a line of {len(line)} characters: {line[:60]}" for line in lines if len(line) > MOST_COLUMNS]
    pictures = [text(output.get("data", {}).get("text/plain", "")) for output in outputs(notebook)]
    heights = [int(size.group(1)) for size in map(re.compile(r"<Figure size \d+x(\d+)").match, pictures) if size]
    return found + [f"a picture {height} pixels high" for height in heights if height > MOST_HEIGHT]


def printed(notebook: Node) -> Iterator[str]:
    """The lines of text that a reader is shown as text; not what stands for a picture, a table or a widget."""
    for output in outputs(notebook):
        data = output.get("data", {})
        shown = text(output.get("text", "")) or ("" if set(data) - {"text/plain"} else text(data.get("text/plain", "")))
        yield from () if shown.startswith("<") else shown.splitlines()


def anchors(notebook: Node) -> set[str]:
    """What JupyterLab names the headings of a notebook: their text without marks, a hyphen for each space."""
    return {re.sub(r"[`*]", "", words).strip().replace(" ", "-") for _, words, _ in headings(notebook)}


def lost_links(path: Path, notebook: Node) -> list[str]:
    """Links that lead to no file of this copy, or to no heading of the notebook that they name."""
    found = []
    for cell in notebook["cells"]:
        prose = text(cell["source"]) if cell["cell_type"] == "markdown" else ""
        for link in re.findall(r"\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)", prose):
            if re.match(r"https?://", link):
                continue
            name, _, anchor = link.partition("#")
            target = (path.parent / unquote(name)).resolve() if name else path
            if not target.exists():
                found.append(link)
            elif anchor and target.suffix == ".ipynb":
                named = notebook if target == path else json.loads(target.read_text("utf-8"))
                if unquote(anchor) not in anchors(named):
                    found.append(link)
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_shows_fits_a_window(path: Path) -> None:
    assert too_large(json.loads(path.read_text("utf-8"))) == []


def test_what_is_too_large_for_a_window_is_seen() -> None:
    notebook, data = good(), {"text/plain": "<Figure size 800x700 with 1 Axes>", "image/png": "AAAA"}
    notebook["cells"][1]["outputs"][0]["text"].append("x" * (MOST_COLUMNS + 1))
    notebook["cells"][1]["outputs"].append({"output_type": "display_data", "metadata": {}, "data": data})
    notebook["cells"][1]["source"].append(f"\nprint({'1' * MOST_COLUMNS})")
    assert [line.split()[1] for line in too_large(notebook)] == ["line", "line", "picture"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_link_within_this_copy_leads_somewhere(path: Path) -> None:
    assert lost_links(path, json.loads(path.read_text("utf-8"))) == []


def test_a_link_that_leads_nowhere_is_seen() -> None:
    start, notebook = NOTEBOOKS[0], good()
    linked = "[a](#Section) [b](#section) [c](01-page-frames.ipynb#Last-in,-first-out) [d](01-page-frames.ipynb#Last)"
    notebook["cells"][0]["source"].append(
        f"\n\n{linked} [e](nowhere.ipynb) [f](images/lab.png) [g](https://example.org)"
    )
    assert lost_links(start, notebook) == ["#section", "01-page-frames.ipynb#Last", "nowhere.ipynb"]
