"""What a widget leaves in a saved notebook: a picture and a text, for readers without a kernel.

A widget is shown as two outputs: a picture, which makes room for the live view as soon as that stands there, and the
view. So a notebook that is opened again without a kernel shows the picture, whatever becomes of the view. Where the
front end lets it, the view brings the picture up to date when the notebook is saved (static/saved_output.js).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from textwrap import wrap
from typing import Any
from uuid import uuid4

import anywidget
import numpy as np
import traitlets
from IPython.display import display
from matplotlib.figure import Figure
from numpy.typing import NDArray

from balloonlab.plots import plot_pages
from balloonlab.plots.card import lay_on_card
from balloonlab.widgets import esm

Bundle = tuple[dict[str, Any], dict[str, Any]]
_WIDTH, _HEIGHT = 7.5, 5.0  # inches
_DOTS = 100  # in an inch
_LINE = 0.16  # inches of a line of text
_TITLE = 64  # characters of a line of the title
_COLUMNS = 100  # characters of one


def picture(states: NDArray[np.uint8], title: str, lines: Sequence[str] = ()) -> bytes:
    """The page map with its legend, as a PNG file; lines: of text to stand below it."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT + _LINE * len(lines)), dpi=_DOTS, layout="constrained")
    lay_on_card(figure)
    plot_pages(states, figure.subplots(), title="\n".join(wrap(title, _TITLE)))
    if lines:
        text = "\n".join(line for long in lines for line in wrap(long, _COLUMNS, subsequent_indent="    "))
        figure.supxlabel(text, x=0.02, ha="left", fontsize=8, family="monospace", parse_math=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


class Pictured(anywidget.AnyWidget):
    """A widget of this package: our ES module and style, a heading, and a still picture of what it shows.

    kind: "lab" or "map", what the module is to draw. Subclasses say what the picture shows (`still_states`), and
    what to read instead of it (`still_text`, the same on every machine).
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    _kind = traitlets.Unicode().tag(sync=True)
    _id = traitlets.Unicode().tag(sync=True)

    def __init__(self, kind: str, title: str) -> None:
        self.title = title
        name = uuid4().hex
        super().__init__(model_id=name, _id=name, _esm=esm.module(), _css=esm.style(), _kind=kind)

    def still_sentence(self) -> str:
        """The picture in a sentence: its alternative text."""
        return f"Page map of {self.title}"

    def still_states(self) -> NDArray[np.uint8]:
        """Page states of the picture."""
        raise NotImplementedError

    def still_text(self) -> str:
        """The text beside it."""
        raise NotImplementedError

    def still_lines(self) -> list[str]:
        """Lines that stand below the picture, in it."""
        return []

    def _repr_mimebundle_(self, **_options: object) -> Bundle | None:
        made = super()._repr_mimebundle_()
        if made is None:
            return None
        data, metadata = made
        still, about = self.still()
        return data | still | {"text/plain": self.still_text()}, {**metadata, **about}

    def still(self) -> Bundle:
        """The picture alone, with its alternative text."""
        drawn, sentence = picture(self.still_states(), self.title, self.still_lines()), self.still_sentence()
        return {"image/png": drawn, "text/plain": sentence}, {"image/png": {"alt": sentence}}

    def _ipython_display_(self) -> None:
        made = self._repr_mimebundle_()
        if made is None:
            return
        data, metadata = made
        still = {"image/png": data.pop("image/png"), "text/plain": self.still_sentence()}
        about = {"image/png": metadata.pop("image/png")}
        display(still, metadata=about, raw=True)  # type: ignore[no-untyped-call]
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
