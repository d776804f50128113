"""The card that a picture lies on in a notebook: who opens a saved notebook may do so on a light page or on a dark one.

A picture that is kept cannot follow the theme. So it brings its own background along: a light one with a margin and a
soft border, on which every ink of these pictures can be read, whatever lies around it.
"""

from __future__ import annotations

from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

CARD = "#f6f7f9"
BORDER = "#9aa1ab"
_UNTOUCHED = "#ffffff"  # matplotlib's own background; who chose another one keeps it
_MARGIN = 0.12  # inches


def lay_on_card(figure: Figure) -> None:
    """Put a figure on its card, unless somebody chose a background for it."""
    if not same_color(figure.get_facecolor(), _UNTOUCHED):
        return
    figure.set(facecolor=CARD, edgecolor=BORDER, linewidth=2)
    layout = figure.get_layout_engine()
    if isinstance(layout, ConstrainedLayoutEngine):
        layout.set(w_pad=_MARGIN, h_pad=_MARGIN)
