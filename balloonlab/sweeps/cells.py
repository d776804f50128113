"""What may stand in a cell of a table, and how a parameter or a result becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

import numpy as np

from balloonlab.foundations.errors import BadValueError

Cell: TypeAlias = str | int | float | bool | None
Row: TypeAlias = dict[str, Cell]

ERROR = "error"  # the column of what went wrong


def plain(value: object) -> Cell:
    """A number, string, truth value or None as Python's own; numpy's and enumerations' too. Else TypeError."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic):
        value = value.item()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if value is None:
        return None
    raise TypeError(f"it is a {type(value).__name__}")


def label(axis: str, value: object) -> Cell:
    """How a parameter stands in the table: as itself, or by its `name` (as a Driver does)."""
    try:
        return plain(value)
    except TypeError:
        name = getattr(value, "name", None)
    if isinstance(name, str):
        return name
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
        if not isinstance(name, str) or name in parameters or name == ERROR:
            raise BadValueError(
                f"a result is called {name!r}; it must be a string, no parameter's name, not {ERROR!r}."
            )
        try:
            row[name] = plain(value)
        except TypeError as error:
            raise BadValueError(f"result {name!r} must be a number, a string, True, False or None; {error}.") from None
    return row
