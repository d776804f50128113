"""What `pytest --nbval` answers a lecturer, who has nbval and no other plugin, wherever the lessons are run from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
SAYS_AND_SHOWS = "print('before')\ndisplay(1)\nprint('after')"
NEVER_RUN = {"execution_count": None, "outputs": []}


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """The folder of lessons of a checkout, as far as nbval looks at one; no lesson yet."""
    (tmp_path / "checkout" / "notebooks").mkdir(parents=True)
    for name in ("pyproject.toml", "notebooks/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    return tmp_path / "checkout" / "notebooks"


def lesson(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def run_in_jupyter(notebook: nbformat.NotebookNode, *paths: Path) -> None:
    """Run all cells and save, with widgets' states and times, as JupyterLab does."""
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    for path in paths:
        nbformat.write(notebook, path)


def nbval(where: Path, *arguments: str) -> str:
    """The last line of pytest's answer, from within a folder, with no plugin but nbval."""
    command = [sys.executable, "-m", "pytest", "-p", "nbval.plugin", "-p", "no:cacheprovider", *arguments]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(command, cwd=where, env=alone, capture_output=True, text=True, check=False)
    return (ran.stdout + ran.stderr).strip().splitlines()[-1].strip("= ").partition(" in ")[0]


def test_a_lesson_is_tested_with_nbval_alone_wherever_it_lies_and_wherever_one_stands(notebooks: Path) -> None:
    checkout, outside = notebooks.parent, notebooks.parent.parent
    mine = lesson("import balloonlab as bl\nguest = bl.Guest(256)", "print(guest.inflate(100))")
    copies = (notebooks / "mine.ipynb", outside / "mine.ipynb")
    run_in_jupyter(mine, notebooks / "lesson.ipynb", *copies)
    assert nbval(checkout, "--nbval", "notebooks/lesson.ipynb") == "2 passed"
    mine.cells[1].source = "print(guest.inflate(200))"  # and saved, but not run again
    for copy in copies:
        nbformat.write(mine, copy)
    assert nbval(checkout, "notebooks") == "1 failed, 3 passed"
    assert nbval(outside, "--nbval", "mine.ipynb") == "1 failed, 1 passed"
    run_in_jupyter(mine, *copies)
    assert nbval(notebooks) == "4 passed"
    assert nbval(outside, "--nbval", "mine.ipynb") == "2 passed"


def test_a_lab_that_was_saved_with_its_widgets_is_compared_by_its_text(notebooks: Path) -> None:
    mine = lesson("import balloonlab as bl", "bl.Lab(bl.Guest(256))")
    run_in_jupyter(mine, notebooks / "mine.ipynb")
    assert mine.metadata["widgets"]
    assert nbval(notebooks, "mine.ipynb") == "2 passed"


def test_what_cannot_be_compared_or_says_something_else_when_run_again_does_not_pass(notebooks: Path) -> None:
    mine = lesson("pages = 3", "print('never run')", "pages -= 1\nprint(pages)", "", SAYS_AND_SHOWS)
    run_in_jupyter(mine)
    mine.cells[1].update(NEVER_RUN)
    mine.cells[3].update(NEVER_RUN)  # empty: JupyterLab leaves one at the end
    nbformat.write(mine, notebooks / "mine.ipynb")
    assert nbval(notebooks) == "1 failed, 4 passed"
    assert nbval(notebooks, "--twice") == "2 failed, 3 passed"
