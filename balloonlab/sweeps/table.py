"""A table of results: one row an experiment, parameters first."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import BadValueError, BalloonlabError, pick
from balloonlab.foundations.whole_files import checked_place, written_whole
from balloonlab.sweeps import rendering
from balloonlab.sweeps.cells import ERROR, Cell, Row


class NotInstalledError(BalloonlabError, ImportError):
    """Something needs a package that is not there, and that balloonlab does not bring."""


class Table:
    """Rows of cells (numbers, strings, True, False, None); they cannot be changed.

    rows: dicts, in the order of the grid; an experiment that failed has a cell "error" and no results. columns: names,
    in order. parameters: those that are parameters. why: in words, why rows are missing, "" if none is. made_by: the
    function whose results they are. Two tables are equal if their rows and columns are.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Cell]],
        parameters: Sequence[str] = (),
        why: str = "",
        made_by: str = "",
    ) -> None:
        self._rows = tuple(dict(row) for row in rows)
        names = dict.fromkeys([*parameters, *(name for row in self._rows for name in row)])
        last = [ERROR] if names.pop(ERROR, 0) is None else []
        self.columns: tuple[str, ...] = (*names, *last)
        self.parameters = tuple(parameters)
        self.why = why
        self.made_by = made_by

    @property
    def rows(self) -> list[Row]:
        """A copy of the rows."""
        return [dict(row) for row in self._rows]

    @property
    def failed(self) -> Table:
        """The rows of experiments that failed."""
        return self._with([row for row in self._rows if ERROR in row])

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, column: str) -> NDArray[Any]:
        """A column, one entry a row: int64, float64, bool or str; float64 with nan or object where cells are None.

        Numbers too large for either are objects.
        """
        pick("column", column, list(self.columns))
        cells = [row.get(column) for row in self._rows]
        kinds = {type(cell) for cell in cells}
        if kinds <= {int, float, type(None)} and kinds & {int, float}:
            whole = kinds == {int} and all(-(2**63) <= int(cell or 0) < 2**63 for cell in cells)
            with suppress(OverflowError):  # a number beyond the largest float
                return np.array([np.nan if cell is None else cell for cell in cells], np.int64 if whole else np.float64)
        return np.array(cells, None if kinds in ({str}, {bool}) else object)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.columns == other.columns and self._rows == other._rows

    __hash__ = None  # type: ignore[assignment]  # (rows are dicts)

    def __add__(self, other: Table) -> Table:
        """The rows of both, one after the other: for experiments that are no one grid."""
        if not isinstance(other, Table):
            return NotImplemented
        names = tuple(dict.fromkeys([*self.parameters, *other.parameters]))
        return Table([*self._rows, *other._rows], names, self.why or other.why)

    def where(self, **values: Cell) -> Table:
        """The rows that have these values in these columns."""
        for name in values:
            pick("column", name, list(self.columns))
        return self._with([row for row in self._rows if all(row.get(name) == value for name, value in values.items())])

    def only(self, *columns: str) -> Table:
        """The table with these columns, in this order."""
        for name in columns:
            pick("column", name, [*self.columns, *([] if ERROR in self.columns else [ERROR])])
        if not columns:
            raise BadValueError(f"no columns are named; there are {', '.join(self.columns)}.")
        rows = [{name: row[name] for name in columns if name in row} for row in self._rows]
        table = Table(rows, [name for name in self.parameters if name in columns], self.why)
        table.columns = columns
        return table

    def _with(self, rows: Sequence[Mapping[str, Cell]]) -> Table:
        return Table(rows, self.parameters, self.why, self.made_by)

    # -- as something else --

    def to_csv(self, path: str | Path | None = None) -> str:
        """Comma-separated values under a line of names; None is an empty cell. Written to `path` too, if given.

        Raises BadValueError for a place where no file can be, NotWrittenError if the disk did not take all of it; what
        stood there before then still does.
        """
        text = rendering.csv_of(self.columns, self._rows)
        if path is not None:
            with written_whole(checked_place("path", path)) as stream:
                stream.write(text.encode())
        return text

    def to_pandas(self) -> Any:  # noqa: ANN401
        """A pandas DataFrame; raises NotInstalledError without pandas, which balloonlab does not bring."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise NotInstalledError(
                "to_pandas needs pandas, which is not installed: pip install pandas. Without it there are "
                "table['column'] (numpy arrays), table.rows and table.to_csv()."
            ) from None
        return pandas.DataFrame({name: self[name] for name in self.columns}, columns=list(self.columns))

    def summary(self) -> str:
        """Rows, failures, and why rows are missing, in a sentence."""
        count = len(self._rows)
        words = [f"{count:,} experiment{'' if count == 1 else 's'}"]
        if failed := sum(ERROR in row for row in self._rows):
            words.append(f"{failed:,} of them failed")
        if self.why:
            words.append(self.why)
        return "; ".join(words)

    def __str__(self) -> str:
        lines = [rendering.text_of(self.columns, self._rows)]
        if self.why or any(ERROR in row for row in self._rows):
            lines.append(self.summary())
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<table: {self.summary()}; columns {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        return rendering.html_of(self.columns, self._rows, self.summary())
