"""Compaction's moves in their order: where pages were taken from, and where they went. The two scanners, as it were."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MultipleLocator
from numpy.typing import ArrayLike, NDArray

from balloonlab.foundations.errors import BadValueError, as_text
from balloonlab.foundations.rows import array_of
from balloonlab.foundations.words import counted, noun, shown
from balloonlab.memory.zone import PAGEBLOCK_PAGES
from balloonlab.plots.axes import axes_of, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PFN = (1 << 32) - 1  # of 4 KiB pages, as messages name them
_OLD, _NEW = "#0072b2", "#d55e00"


def plot_moves(pairs: ArrayLike, ax: Axes | None = None, title: str = "Where compaction moved pages") -> Axes:
    """Old and new PFN of each moved guest page, by the number of its move; returns the axes.

    pairs: (old, new) rows in the order of the moves, as ``guest.compact().pairs``. The same as text: moves_text.
    Raises BadValueError for anything else.
    """
    moves = _read(pairs)
    ax = axes_of(ax, 8, 3.6, f"{as_text('title', title)}: {counted(len(moves), 'page')}")
    number = np.arange(1, len(moves) + 1)
    for column, (word, colour, marker) in enumerate((("taken from", _OLD, "."), ("moved to", _NEW, "x"))):
        ax.scatter(number, moves[:, column], s=9, marker=marker, linewidths=0.8, color=colour, label=word)
    top = int(moves.max(initial=1))
    ax.yaxis.set_major_locator(MultipleLocator(max(1 << max(top.bit_length() - 3, 0), 1)))
    ax.yaxis.set_major_formatter(lambda pfn, _: f"{int(pfn):#x}" if pfn >= 0 else "")
    ax.set_ylabel("PFN")
    ax.set_xlabel("move")
    ax.locator_params(axis="x", integer=True)
    legend_below(ax, ncols=2, markerscale=2)
    return ax


def moves_text(pairs: ArrayLike) -> str:
    """The same as text: a line for each run of moves from one pageblock to another."""
    moves = _read(pairs)
    blocks = [tuple(row) for row in (moves // PAGEBLOCK_PAGES).tolist()]
    lines = []
    for (source, goal), run in groupby(blocks):
        pages = len(list(run))
        lines.append(f"{pages:>5} {noun(pages, 'page'):<5} from pageblock {source:>3} to pageblock {goal:>3}")
    return "\n".join([*lines, f"{len(moves):>5,} {noun(len(moves), 'page')} moved"])


def _read(pairs: ArrayLike) -> NDArray[np.int64]:
    """int64 (k, 2), checked."""
    wanted = "rows of (old PFN, new PFN), such as guest.compact().pairs"
    moves = array_of("pairs", pairs, wanted)
    if moves.ndim != 2 or moves.shape[1] != 2 or np.any(moves < 0) or np.any(moves > MOST_PFN):  # noqa: PLR2004
        raise BadValueError(f"pairs is {shown(pairs)}; it must be {wanted}.")
    return moves.astype(np.int64)
