"""The alternative text of a figure: what its axes say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from balloonlab.foundations.errors import of_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def alternative_text(figure: Figure) -> str:
    """A figure in words: title, what is drawn over what, and the legend, of each of its axes."""
    of_kind("figure", figure, Figure, "a figure of matplotlib")
    return " ".join(filter(None, map(_words, figure.axes)))


def _words(ax: Axes) -> str:
    over, along = ax.get_ylabel(), ax.get_xlabel()
    legend = ax.get_legend()
    said = [
        *(ax.get_title(where) for where in ("left", "center", "right")),
        f"{over} over {along}" if over and along else over or along,
        "Legend: " + ", ".join(label.get_text() for label in legend.get_texts()) if legend is not None else "",
    ]
    return " ".join(f"{' '.join(text.split())}." for text in said if text.strip())
