"""How many states have which fate, by their distance from the start: where a driver's future is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from balloonlab.explore.judge.fate import Fates
from balloonlab.explore.judge.fate_legend import LOOKS
from balloonlab.foundations.errors import of_kind
from balloonlab.plots.axes import INK, axes_of, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HATCHES = ("", "..", "//", "xx")  # by Fate, for readers and printers without colour
_ROWS = 24  # of the text; deeper graphs have several depths in a row


def plot_fates_by_depth(
    fates: Fates, ax: Axes | None = None, title: str = "What can become of the states, by depth"
) -> Axes:
    """States by their steps from the start, stacked by fate; returns the axes. As text: fates_by_depth_text."""
    counts = _counts(fates)
    ax = axes_of(ax, 8, 3.8, title)
    bottom = np.zeros(len(counts), np.int64)
    for look, hatch, states in zip(LOOKS, _HATCHES, counts.T, strict=True):
        if not states.any():
            continue
        label = f"{look.glyph}  {look.word} {int(states.sum()):,}"
        line = 0.3 if len(counts) <= 100 else 0  # noqa: PLR2004 - more bars than this would be all outline
        ax.bar(
            *(np.arange(len(counts)), states),
            width=1,
            bottom=bottom,
            color=look.colour,
            edgecolor=INK,
            linewidth=line,
            hatch=hatch,
            label=label,
        )
        bottom += states
    ax.set_xlabel("steps from the start, on the shortest way")
    ax.set_ylabel("states")
    ax.set_xlim(-0.5, len(counts) - 0.5)
    ax.locator_params(integer=True)
    legend_below(ax, ncols=4)
    return ax


def fates_by_depth_text(fates: Fates) -> str:
    """The same as a table: a row a depth, or several depths where there are many."""
    counts = _counts(fates)
    each = -(-len(counts) // _ROWS)
    lines = [f"{'steps':>9}" + "".join(f"{f'{look.glyph} {look.word}':>16}" for look in LOOKS)]
    for first in range(0, len(counts), each):
        last = min(first + each, len(counts)) - 1
        row = counts[first : last + 1].sum(axis=0).tolist()
        steps = f"{first:,}" if first == last else f"{first:,}-{last:,}"
        lines.append(f"{steps:>9}" + "".join(f"{states:>16,}" for states in row))
    return "\n".join([*lines, f"{'all':>9}" + "".join(f"{states:>16,}" for states in counts.sum(axis=0).tolist())])


def _counts(fates: Fates) -> NDArray[np.intp]:
    wanted = "the fates of an exploration: bl.explore.Fates(result)"
    return of_kind("fates", fates, Fates, wanted).by_depth()
