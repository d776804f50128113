"""How far something is, in a line at the foot of the browser's page: no output of a cell, so nothing of it is saved."""

from __future__ import annotations

from importlib.resources import files

import anywidget
import traitlets

_HERE = files("balloonlab.foundations")


class ProgressLine(anywidget.AnyWidget):
    """The line; it stands there from the first text on until `take_away`."""

    _esm = _HERE.joinpath("progress_line.js").read_text("utf-8")
    _css = _HERE.joinpath("progress_line.css").read_text("utf-8")
    text = traitlets.Unicode().tag(sync=True)
    share = traitlets.Float(-1.0).tag(sync=True)  # of what is done, 0 to 1; -1: nobody knows

    def take_away(self) -> None:
        """It says nothing any more, to whoever keeps the states of widgets too."""
        self.text = ""
        self.close()
        self.layout.close()
