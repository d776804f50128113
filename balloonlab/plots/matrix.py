"""Which defect is present in which version: a cell a question, with a glyph and a colour for its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.patches import Patch, Rectangle

from balloonlab.foundations.errors import BadValueError, pick
from balloonlab.foundations.words import shown
from balloonlab.plots.axes import INK, axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ANSWERS = {  # word: glyph, colour
    "present": ("x", "#d55e00"),
    "clean": ("o", "#009e73"),
    "not finished": ("?", "#e69f00"),
    "not asked": (".", "#f3f4f6"),
}
_CUT = 40  # characters of a row's or a column's name in an error
Cells = Mapping[tuple[str, str], str]


def plot_matrix(cells: Cells, ax: Axes | None = None, title: str = "Defects by driver version") -> Axes:
    """A matrix of (row, column) pairs to a word of ANSWERS; pairs that are missing were not asked. Returns the axes.

    Rows and columns stand in the order in which `cells` names them first. The same as text: matrix_text. Raises
    BadValueError for no cells, UnknownNameError for another word.
    """
    rows, columns, words = _read(cells)
    height = min(0.34 * len(rows), max(5.2, 0.15 * len(rows)))  # many rows lie closer: a window shows some 6.5 inches
    ax = axes_of(ax, 2.2 + 0.95 * len(columns), 1.4 + height, title)
    for i, row in enumerate(words):
        for j, word in enumerate(row):
            glyph, colour = ANSWERS[word]
            ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=2))
            ax.annotate(glyph, (j, i), ha="center", va="center", fontsize=10, weight="bold", color="black")
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.xaxis.tick_top()
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    found = [word for row in words for word in row]
    handles = [
        Patch(facecolor=colour, edgecolor=INK, linewidth=0.5, label=f"{glyph}  {word} {found.count(word)}")
        for word, (glyph, colour) in ANSWERS.items()
        if word in found
    ]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), frameon=False, ncols=2)
    return ax


def matrix_text(cells: Cells) -> str:
    """The same as text: a line a row, a glyph a column, and what the glyphs mean."""
    rows, columns, words = _read(cells)
    wide = max(map(len, rows))
    widths = [max(3, len(column)) for column in columns]
    lines = [" " * wide + "".join(f"  {column:>{width}}" for column, width in zip(columns, widths, strict=True))]
    for name, row in zip(rows, words, strict=True):
        glyphs = (f"  {ANSWERS[word][0]:>{width}}" for word, width in zip(row, widths, strict=True))
        lines.append(f"{name:<{wide}}" + "".join(glyphs))
    found = [word for row in words for word in row]
    legend = (f"{glyph} {word} {found.count(word)}" for word, (glyph, _) in ANSWERS.items() if word in found)
    return "\n".join([*lines, ", ".join(legend)])


def _read(cells: Cells) -> tuple[list[str], list[str], list[list[str]]]:
    if not isinstance(cells, Mapping) or not cells:
        raise BadValueError(f"cells is {shown(cells)}; it must be a dict of (row, column) pairs, at least one.")
    for pair, word in cells.items():
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):  # noqa: PLR2004
            raise BadValueError(f"a cell is {shown(pair)}; it must be a pair of names, (row, column).")
        pick(f"answer for {pair[0][:_CUT]}, {pair[1][:_CUT]}", word, list(ANSWERS))
    rows = list(dict.fromkeys(row for row, _ in cells))
    columns = list(dict.fromkeys(column for _, column in cells))
    return rows, columns, [[cells.get((row, column), "not asked") for column in columns] for row in rows]
