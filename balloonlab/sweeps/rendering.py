"""A table as text in aligned columns, as HTML, as comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape

from balloonlab.sweeps.cells import Cell, printable

MOST_SHOWN = 200  # rows of a table in a notebook

_STYLE = """\
.bl-table { overflow-x: auto; }
.bl-table table { border-collapse: collapse; color: var(--jp-content-font-color1, inherit); }
.bl-table caption { text-align: left; padding: 0 0 .3em; color: inherit; }
.bl-table th, .bl-table td { padding: .1em .7em; border: 0; white-space: nowrap; text-align: left; color: inherit; }
.bl-table thead th { border-bottom: 1px solid var(--jp-border-color1, #808080); vertical-align: bottom; }
.bl-table .number { text-align: right; font-variant-numeric: tabular-nums; }"""

Rows = Sequence[Mapping[str, Cell]]


def shown(cell: Cell) -> str:
    """A cell as people read it: thousands apart, six digits of a fraction, "-" for None."""
    if cell is None:
        return "-"
    if isinstance(cell, bool | str):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.6g}"


def _numeric(columns: Sequence[str], rows: Rows) -> list[bool]:
    found = []
    for name in columns:
        cells = [row.get(name) for row in rows]
        numbers = [isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells]
        found.append(any(numbers) and all(number or cell is None for number, cell in zip(numbers, cells, strict=True)))
    return found


def text_of(columns: Sequence[str], rows: Rows) -> str:
    """A line of names and a line a row, columns two spaces apart, numbers to the right; no spaces at line ends."""
    table = [list(columns), *([" ".join(shown(row.get(name)).split()) for name in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    right = _numeric(columns, rows)
    return "\n".join(
        "  ".join(
            f"{cell:>{width}}" if number else f"{cell:<{width}}"
            for cell, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in table
    )


def html_of(columns: Sequence[str], rows: Rows, caption: str) -> str:
    """A table with a caption; of more than 200 rows the first are shown, and how many follow."""
    classes = [' class="number"' if number else "" for number in _numeric(columns, rows)]
    lines = [f'<div class="bl-table"><style>{_STYLE}</style><table><caption>{escape(caption)}</caption><thead><tr>']
    lines += [f'<th scope="col"{mark}>{escape(name)}</th>' for name, mark in zip(columns, classes, strict=True)]
    lines.append("</tr></thead><tbody>")
    for row in rows[:MOST_SHOWN]:
        cells = (f"<td{mark}>{escape(shown(row.get(name)))}</td>" for name, mark in zip(columns, classes, strict=True))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    lines.append("</tbody></table>")
    if len(rows) > MOST_SHOWN:
        lines.append(f"<p>and {len(rows) - MOST_SHOWN:,} rows more</p>")
    return "\n".join([*lines, "</div>"])


def csv_of(columns: Sequence[str], rows: Rows) -> str:
    """Comma-separated values, numbers as Python writes them, lines ended by a newline."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name) for name in columns] for row in rows)
    return printable(stream.getvalue())
