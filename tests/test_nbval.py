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
FORGETFUL = "guest.deflate(20)\nprint(guest.balloon_pages)"  # says something else when it is run again


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The checkout as far as nbval looks at it, with one short lesson that was run in JupyterLab."""
    (tmp_path / "checkout" / "notebooks").mkdir(parents=True)
    for name in ("pyproject.toml", "notebooks/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    cells = ["import balloonlab as bl", "guest = bl.Guest(256)\nprint(guest.inflate(100))", "bl.Lab(guest)", ""]
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    run_in_jupyter(lesson, tmp_path / "checkout" / "notebooks" / "lesson.ipynb")
    return tmp_path / "checkout"


def run_in_jupyter(lesson: nbformat.NotebookNode, path: Path) -> None:
    """Run all cells and save, with widgets' states and times, as JupyterLab does."""
    NotebookClient(lesson, timeout=60, kernel_name="python3").execute()
    nbformat.write(lesson, path)


def change(path: Path, old: str, new: str) -> nbformat.NotebookNode:
    """Write other code into a cell and save, without running it."""
    lesson = nbformat.read(path, as_version=4)
    (cell,) = [cell for cell in lesson.cells if old in cell.source]
    cell.source = cell.source.replace(old, new)
    nbformat.write(lesson, path)
    return lesson


def nbval(where: Path, *arguments: str) -> str:
    """The last line of pytest's answer, from within a folder, with no plugin but nbval."""
    command = [sys.executable, "-m", "pytest", "-p", "nbval.plugin", "-p", "no:cacheprovider", *arguments]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(command, cwd=where, env=alone, capture_output=True, text=True, check=False)
    return (ran.stdout + ran.stderr).strip().splitlines()[-1].strip("= ").partition(" in ")[0]


def test_a_lesson_is_tested_with_nbval_alone_from_wherever_one_stands(checkout: Path) -> None:
    assert nbval(checkout, "--nbval", "notebooks/lesson.ipynb") == "4 passed"
    assert nbval(checkout, "notebooks") == "4 passed"
    assert nbval(checkout / "notebooks") == "4 passed"


@pytest.mark.parametrize("copied", ["checkout/notebooks/lesson.ipynb", "checkout/notebooks/mine.ipynb", "mine.ipynb"])
def test_a_changed_cell_fails_until_it_is_run_again(checkout: Path, copied: str) -> None:
    path = checkout.parent / copied
    if not path.exists():
        shutil.copy(checkout / "notebooks" / "lesson.ipynb", path)
    lesson = change(path, "inflate(100)", "inflate(200)")
    assert nbval(path.parent, "--nbval", path.name) == "2 failed, 2 passed"  # the Lab shows another guest, too
    run_in_jupyter(lesson, path)
    assert nbval(path.parent, "--nbval", path.name) == "4 passed"


def test_a_cell_that_was_never_run_fails_and_an_empty_one_does_not(checkout: Path) -> None:
    path = checkout / "notebooks" / "lesson.ipynb"
    lesson = nbformat.read(path, as_version=4)
    lesson.cells[1].update(execution_count=None, outputs=[])
    lesson.cells[3].update(execution_count=None)
    nbformat.write(lesson, path)
    assert nbval(checkout, "notebooks") == "1 failed, 3 passed"


def test_twice_finds_a_cell_that_says_something_else_when_run_again(checkout: Path) -> None:
    assert nbval(checkout, "notebooks", "--twice") == "4 passed"
    lesson = change(checkout / "notebooks" / "lesson.ipynb", "bl.Lab(guest)", FORGETFUL)
    run_in_jupyter(lesson, checkout / "notebooks" / "lesson.ipynb")
    assert nbval(checkout, "notebooks") == "4 passed"
    assert nbval(checkout, "notebooks", "--twice") == "1 failed, 3 passed"
