"""A sign of life in a notebook: a model without a view, so that what runs and saves notebooks keeps nothing of it."""

from __future__ import annotations

import json
import sys
from unittest.mock import MagicMock

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from balloonlab.foundations import progress_line
from balloonlab.foundations.interrupt import SignOfLife, interruptible
from balloonlab.foundations.progress_line import ProgressLine

LONG = """
from balloonlab.foundations.interrupt import interruptible
with interruptible("compaction") as state:
    state._began -= 60
    state.say("700,000 steps", 0.5)
print("done")
"""


def test_an_executed_notebook_keeps_nothing_of_it() -> None:
    notebook = new_notebook(cells=[new_code_cell(LONG)])
    NotebookClient(notebook, kernel_name="python3", timeout=60, store_widget_state=True).execute()
    (output,) = notebook.cells[0].outputs
    assert (output.output_type, output.text) == ("stream", "done\n")
    assert "700,000" not in json.dumps(notebook.metadata)


def test_it_says_what_is_done_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(progress_line, "ProgressLine", MagicMock)
    with interruptible("compaction") as state:
        state.say("10 steps")
        assert state._line is None  # nothing in the first second
        state._began -= 60
        state.say("20 steps", 0.25)
        state.say("30 steps", 0.5)
        line = state._line
        assert line.text == "compaction: 20 steps (interrupt the kernel to stop)"  # not at every step
        assert line.share == 0.25
        line.take_away.assert_not_called()
    line.take_away.assert_called_once()


def test_it_says_nothing_once_it_is_taken_away() -> None:
    line = ProgressLine()
    line.text = "20 steps"
    assert (line.comm is None, line.layout.comm is None) == (False, False)
    line.take_away()
    assert line.text == ""
    assert (line.comm, line.layout.comm) == (None, None)


def test_without_a_notebook_or_a_terminal_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    sign = SignOfLife("compaction")
    sign._began -= 60
    sign.say("20 steps")
    sign.quiet()
    assert capsys.readouterr() == ("", "")
