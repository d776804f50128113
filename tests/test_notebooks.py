"""The rules that keep the lessons checkable (nbval compares only cells that were run) and readable by everyone."""

from __future__ import annotations

import ast
import copy
import json
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest

import balloonlab as bl
from tests.execute_notebooks import ANSWER, normalise

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))  # and not JupyterLab's checkpoints below
MOST_OUTPUT = 100_000  # characters of one output, pictures aside
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
WIDGET = "application/vnd.jupyter.widget-view+json"
ASKS = re.compile(r"\b(guess|predict|decide)\b", re.IGNORECASE)  # the reader, wherever it stands
ANNOUNCED = ("Afterwards you can", "What you need", "Time", "Exercises")  # in the first cell
READABLE = re.compile(r"balloonlab\.(kernel\.primitives|drivers)\b")  # the verbs, and the texts written in them
IMPORTABLE = {"anywidget", "balloonlab", "ipywidgets", "IPython", "matplotlib", "numpy"}

Node = dict[str, Any]


def text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def code(notebook: Node) -> list[Node]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def outputs(notebook: Node) -> Iterator[Node]:
    for cell in code(notebook):
        yield from cell["outputs"]


def headings(notebook: Node) -> Iterator[tuple[int, str, int]]:
    """(level, words, number of the cell) of each heading, fenced code aside."""
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "markdown":
            prose = re.sub(r"^```.*?^```", "", text(cell["source"]), flags=re.DOTALL | re.MULTILINE)
            for marks, words in re.findall(r"^(#{1,6})\s+(.+)$", prose, flags=re.MULTILINE):
                yield len(marks), words, number


def problems(notebook: Node) -> list[str]:  # noqa: C901 - one list of rules
    """What is wrong with a notebook, in words; an empty list if nothing is."""
    found = []
    counts = [cell["execution_count"] for cell in code(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"execution counts are {counts}")
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("kernelspec is not python3")
    if "widgets" in notebook["metadata"]:
        found.append("metadata.widgets is kept")
    whole = json.dumps(notebook)
    if place := re.search(r"(/(root|work|home|Users|tmp)/\w+|\b[A-Z]:\\\\\w+)", whole):
        found.append(f"an absolute path: {place.group()}")
    if address := re.search(r"\bat 0x[0-9a-fA-F]{6,}", whole):
        found.append(f"an address: {address.group()}")
    for output in outputs(notebook):
        data = output.get("data", {})
        texts = [text(part) for kind, part in data.items() if kind not in PICTURES and isinstance(part, str | list)]
        if sum(map(len, texts)) + len(text(output.get("text", ""))) > MOST_OUTPUT:
            found.append("an output of more than 100 KB")
        if any(kind in data for kind in PICTURES) and not text(data.get("text/plain", "")).strip():
            found.append("a picture without text/plain")
        if WIDGET in data:
            found.append("a widget's view without its state (tests/execute_notebooks.py drops it)")
        if output.get("name") == "stderr":
            found.append(f"stderr: {text(output['text'])[:80]}")
    for cell in code(notebook):
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        if failed and "raises-exception" not in cell["metadata"].get("tags", []):
            found.append(f"an error nobody expects in: {text(cell['source'])[:80]}")
    return found + heading_problems(notebook) + picture_problems(notebook) + question_problems(notebook)


def heading_problems(notebook: Node) -> list[str]:
    found = []
    levels = list(headings(notebook))
    if [level for level, _, _ in levels].count(1) != 1 or levels[0][0] != 1 or levels[0][2] != 0:
        found.append("not exactly one H1, in the first cell")
    first = text(notebook["cells"][0]["source"])
    found += [f"the first cell does not say: {word}" for word in ANNOUNCED if f"**{word}:**" not in first]
    found += [f"level skipped before {b[1]!r}" for a, b in pairwise(levels) if b[0] > a[0] + 1]
    sections = [(words, number) for level, words, number in levels if level == 2]
    for (words, start), (_, stop) in zip(sections, [*sections[1:], ("", len(notebook["cells"]))], strict=True):
        if not any(cell.get("outputs") for cell in notebook["cells"][start:stop]):
            found.append(f"section {words!r} has no cell with an output")
    return found


def question_problems(notebook: Node) -> list[str]:
    """What gives an answer away. Whoever is asked to guess, predict or decide opens the next cell by running it.

    A question ends where its answer is checked (`bl.exercises`), or with its section: that one is for the reader alone.
    """
    found, asked = [], ""
    for cell in notebook["cells"][1:]:
        source = text(cell["source"])
        if cell["cell_type"] == "markdown":
            prose = re.sub(r"^#.*$|`[^`]*`", "", source, flags=re.MULTILINE)
            if re.search(r"^## ", source, flags=re.MULTILINE):
                asked = ""
            if word := ASKS.search(prose):
                asked = prose[word.start() : word.start() + 60].partition("\n")[0]
        elif asked:
            hidden = cell["metadata"].get("jupyter", {}).get("outputs_hidden", False)
            if not hidden and "exercises." not in source:
                found.append(f"answered below the question: {asked}")
            asked = ""
    hiding = [cell for cell in code(notebook) if ANSWER in cell["metadata"].get("tags", [])]
    if any(not cell["metadata"].get("jupyter", {}).get("outputs_hidden") for cell in hiding):
        found.append("an answer that is not hidden (tests/execute_notebooks.py hides it)")
    found += [f"shown though it is hidden: {line}" for line in map(shown_when_hidden, hiding) if re.search(r"\d", line)]
    return found


def shown_when_hidden(cell: Node) -> str:
    """The first line that was printed of a hidden output. JupyterLab shows it, so it must be a heading without numbers.

    "" if the output is open or nothing was printed first.
    """
    hidden = cell["metadata"].get("jupyter", {}).get("outputs_hidden", False)
    printed = text(cell["outputs"][0].get("text", "")) if hidden and cell["outputs"] else ""
    return next(filter(None, printed.splitlines()), "")


def picture_problems(notebook: Node) -> list[str]:
    prose = "\n".join(text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    found = ["a picture without alt text" for alt in re.findall(r"!\[(.*?)\]\(", prose) if not alt.strip()]
    for output in outputs(notebook):
        kinds = [kind for kind in PICTURES if kind in output.get("data", {})]
        if not all(output["metadata"].get(kind, {}).get("alt") for kind in kinds):
            found.append("a picture without alternative text in its metadata")
    return found + ["an img without alt text" for tag in re.findall(r"<img[^>]*>", prose) if "alt=" not in tag]


def nodes(notebook: Node) -> list[ast.AST]:
    source = "\n".join(text(cell["source"]) for cell in code(notebook))
    return list(ast.walk(ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE))))


def imports(notebook: Node) -> set[str]:
    """Every dotted name that is imported, ``from a import b`` as a.b."""
    found = set()
    for node in nodes(notebook):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def beyond_the_public(notebook: Node) -> list[str]:
    """What a notebook reaches for that a reader should not have to know of, sorted."""
    deeper = [name for name in imports(notebook) if name.startswith("balloonlab.") and not READABLE.match(name)]
    names = {node.attr for node in nodes(notebook) if isinstance(node, ast.Attribute) and is_bl(node.value)}
    return sorted(deeper) + sorted(f"bl.{name}" for name in names - set(bl.__all__))


def is_bl(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "bl"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_the_rules(path: Path) -> None:
    assert problems(json.loads(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_what_is_declared(path: Path) -> None:
    packages = {name.partition(".")[0] for name in imports(json.loads(path.read_text("utf-8")))}
    assert packages - set(sys.stdlib_module_names) <= IMPORTABLE


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_reaches_for_nothing_but_the_public_names_the_verbs_and_the_drivers(path: Path) -> None:
    assert beyond_the_public(json.loads(path.read_text("utf-8"))) == []


def test_reaching_deeper_is_seen() -> None:
    notebook = good()
    lines = ["import balloonlab as bl", "from balloonlab.kernel import primitives as k, world", "bl.memory.zone.Zone"]
    lines += ["from balloonlab.drivers.v9 import DRIVER", "import balloonlab.host.host", "bl.Guest(8)"]
    notebook["cells"][1]["source"] = "\n".join(lines)
    assert beyond_the_public(notebook) == ["balloonlab.host.host", "balloonlab.kernel.world", "bl.memory"]


FIRST = " ".join(f"**{word}:** something." for word in ANNOUNCED)


def good() -> Node:
    """The smallest notebook that keeps every rule."""
    ran = {"output_type": "stream", "name": "stdout", "text": ["4\n"]}
    return {
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "\n", f"{FIRST}\n", "## Section"]},
            {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [ran], "source": ["print(2 + 2)"]},
        ],
    }


def spoil(kind: str) -> Node:
    notebook = good()
    cell = notebook["cells"][1]
    said = {"image/png": {"alt": "a picture"}}
    output = {"output_type": "display_data", "metadata": said, "data": {"image/png": "AAAA"}}
    unsaid = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "AAAA", "text/plain": "a figure"}}
    view = {"output_type": "display_data", "metadata": {}, "data": {WIDGET: {}, "text/plain": "a slider"}}
    spoilers = {
        "stripped": lambda: cell.update(execution_count=None),
        "counts": lambda: cell.update(execution_count=2),
        "kernelspec": lambda: notebook["metadata"].pop("kernelspec"),
        "widgets": lambda: notebook["metadata"].update(widgets={}),
        "path": lambda: cell["source"].append("open('/Users/me/file')"),
        "windows path": lambda: cell["source"].append("C:\\Users"),
        "address": lambda: cell["outputs"][0]["text"].append("<object at 0x7f0012345678>"),
        "size": lambda: cell["outputs"][0]["text"].extend(["x" * 100 + "\n"] * (MOST_OUTPUT // 100)),
        "picture": lambda: cell["outputs"].append(output),
        "picture unsaid": lambda: cell["outputs"].append(unsaid),
        "view": lambda: cell["outputs"].append(view),
        "stderr": lambda: cell["outputs"][0].update(name="stderr"),
        "error": lambda: cell["outputs"].append({"output_type": "error", "evalue": "", "traceback": []}),
        "two titles": lambda: notebook["cells"][0]["source"].append("\n# Again"),
        "skipped level": lambda: notebook["cells"][0]["source"].append("\n#### Deep"),
        "no output": lambda: cell.update(outputs=[]),
        "answered": lambda: notebook["cells"].insert(1, {**notebook["cells"][0], "source": "**Guess** what 2 + 2 is."}),
        "answer open": lambda: cell["metadata"].update(tags=[ANSWER]),
        "answer shown": lambda: cell["metadata"].update(tags=[ANSWER], jupyter={"outputs_hidden": True}),
        "unannounced": lambda: notebook["cells"][0]["source"].__setitem__(2, FIRST.replace("Time", "Nothing") + "\n"),
        "alt": lambda: notebook["cells"][0]["source"].append("\n![](a.png)"),
    }
    spoilers[kind]()
    return notebook


def test_the_smallest_good_notebook_is_good() -> None:
    assert problems(good()) == []


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "stripped",
            "counts",
            "kernelspec",
            "widgets",
            "path",
            "windows path",
            "address",
            "size",
            "picture",
            "picture unsaid",
            "stderr",
            "error",
        ),
        *("two titles", "skipped level", "no output", "alt", "answered", "answer open", "answer shown", "unannounced"),
    ],
)
def test_each_rule_can_fail(kind: str) -> None:
    assert len(problems(spoil(kind))) == 1


def test_a_hexadecimal_pfn_is_no_address() -> None:
    notebook = good()
    notebook["cells"][1]["outputs"][0]["text"].append("PFN 0x1a2b3c at 0x1000")
    assert problems(notebook) == []


def test_normalising_makes_a_notebook_good_and_changes_it_no_more() -> None:
    whole = json.dumps(good() | {"nbformat": 4, "nbformat_minor": 4})
    notebook = nbformat.reads(whole, as_version=4)
    cell = notebook.cells[1]
    notebook.metadata.widgets = {"state": {}}
    cell.metadata.execution = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    cell.outputs = nbformat.from_dict(
        [
            {"output_type": "stream", "name": "stdout", "text": "2 + "},
            {"output_type": "stream", "name": "stdout", "text": "2\n"},
            {"output_type": "display_data", "metadata": {}, "data": {WIDGET: {}, "text/plain": "a slider"}},
        ]
    )
    assert problems(notebook) != []
    once = normalise(copy.deepcopy(notebook))
    assert problems(once) == []
    assert [output.get("text") for output in once.cells[1].outputs] == ["2 + 2\n", None]
    assert [cell.id for cell in once.cells] == ["cell-01", "cell-02"]
    assert once.cells[1].metadata == {}
    assert normalise(copy.deepcopy(once)) == once
