"""What the pictures share: axes of their own or given ones, and a legend below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import pyplot as plt
from matplotlib.transforms import offset_copy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#22262b"
FAINT = "#808080"


def axes_of(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes to draw on: `ax`, or new ones in a figure of so many inches."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


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
