"""What the pictures share: axes of their own or given ones, and a legend below them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from balloonlab.foundations.errors import as_text, of_kind

INK = "#22262b"
FAINT = "#6b7178"  # these five can be read on white and on the card: a contrast of at least 4.5 to 1
BLUE = "#0072b2"
RUST = "#a6500f"
PLUM = "#a8488a"
_READS_BLACK = 0.179  # luminance from which black reads better than white


def axes_of(ax: Axes | None, width: float, height: float, title: str) -> Axes:
    """The axes to draw on, with that title: `ax`, or new ones in a figure of so many inches.

    Raises BadValueError for what is no axes or no title, before anything is drawn.
    """
    as_text("title", title)
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    of_kind("ax", ax, Axes, "axes of matplotlib, such as plt.subplots()[1], or None").set_title(title, parse_math=False)
    return ax


def ink_on(rgb: NDArray[np.uint8]) -> str:
    """Black or white, whichever reads better on that red, green and blue (luminance as WCAG 2 defines it)."""
    parts = rgb / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004
    return "black" if linear @ (0.2126, 0.7152, 0.0722) > _READS_BLACK else "white"


def bare(ax: Axes) -> Axes:
    """The axes without ticks and frame, for pictures that are no charts."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax


def legend_below(ax: Axes, **settings: Any) -> None:  # noqa: ANN401 - settings of the legend
    """A legend below the axis labels, whatever the size of the axes."""
    under = offset_copy(ax.transAxes, fig=ax.get_figure(root=True), y=-30, units="points")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=under, frameon=False, **settings)
