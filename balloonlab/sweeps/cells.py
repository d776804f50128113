"""What may stand in a cell of a table, and how a parameter or a result becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

import numpy as np

from balloonlab.foundations.errors import BadValueError

Cell: TypeAlias = str | int | float | bool | None
Row: TypeAlias = dict[str, Cell]

MOST_DIGITS = 4300  # of a whole number: what Python writes and reads
_TOO_LARGE = 10**MOST_DIGITS

ERROR = "error"  # the column of what went wrong


def plain(value: object) -> Cell:
    """A number, string, truth value or None as Python's own; numpy's and enumerations' too.

    Raises TypeError, which says why, for anything else, and for what no file could hold: whole numbers of more than
    4,300 digits, and strings that are no Unicode (with half of a surrogate pair).
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic):
        value = value.item()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return _storable(kind(value))
    if value is None:
        return None
    raise TypeError(f"it is a {type(value).__name__}")


def _storable(cell: Cell) -> Cell:
    if isinstance(cell, int) and abs(cell) >= _TOO_LARGE:
        raise TypeError(f"it has more than {MOST_DIGITS:,} digits")
    if isinstance(cell, str) and printable(cell) != cell:
        raise TypeError("it holds half of a surrogate pair, which is no character")
    return cell


def printable(text: str) -> str:
    """The text with escapes for what is no character."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def label(axis: str, value: object) -> Cell:
    """How a parameter stands in the table: as itself, or by its `name` (as a Driver does)."""
    try:
        return plain(value)
    except TypeError as error:
        if isinstance(value, int | str):
            raise BadValueError(f"{axis} has a value that no table can hold: {error}.") from None
        name = getattr(value, "name", None)
    if isinstance(name, str):
        return printable(name)
    raise BadValueError(
        f"{axis} has a {type(value).__name__}; parameters are numbers, strings, True, False, None, or objects with a "
        "name. A list of lists is no axis: give each parameter an axis of its own."
    )


def results_row(results: object, parameters: Row) -> Row:
    """What an experiment returned, as cells; a single value is called "result". Raises BadValueError."""
    if not isinstance(results, Mapping):
        results = {"result": results}
    row: Row = {}
    for name, value in results.items():
        if not isinstance(name, str) or name in parameters or name == ERROR or printable(name) != name:
            raise BadValueError(
                f"a result is called {name!r}; it must be a string, no parameter's name, not {ERROR!r}."
            )
        try:
            row[name] = plain(value)
        except TypeError as error:
            raise BadValueError(f"result {name!r} must be a number, a string, True, False or None; {error}.") from None
    return row
