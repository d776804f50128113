"""A page map as a picture file: PNG for screens, SVG for print."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from balloonlab.foundations.whole_files import written_whole
from balloonlab.plots.pages import map_columns, plot_pages

_LINE = 100  # characters of a title that fit above a map
_LINE_HEIGHT = 0.2  # inches


def write_map(place: Path, states: NDArray[np.uint8], title: str, theme: str = "light") -> None:
    """Draw the page map into the file `place`, PNG or SVG by its suffix; the same bytes for the same states.

    states, theme: as for plot_pages. title: one line or several. Raises NotWrittenError if the file could not be
    written to its end; then what stood there still does.
    """
    across = map_columns(len(states))
    lines = [part for line in title.splitlines() for part in textwrap.wrap(line, _LINE)]
    height = min(5.5, max(3, 7 * -(-len(states) // across) / across)) + 1.5 + _LINE_HEIGHT * (len(lines) - 1)
    kind = place.suffix.lower().removeprefix(".")
    with mpl.rc_context({"svg.hashsalt": "balloonlab"}), written_whole(place) as stream:
        figure = Figure(figsize=(8, height), layout="constrained")
        ax = plot_pages(states, figure.subplots(), title="\n".join(lines), theme=theme)
        if len(lines) > 1:
            ax.title.set_fontsize("small")
        figure.savefig(stream, format=kind, dpi=150, metadata={"Date" if kind == "svg" else "Software": None})
