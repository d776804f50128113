"""The grid: every combination of the values of its axes, checked before anything runs."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence, Sized
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from balloonlab.foundations.errors import BadValueError, pick, whole_number
from balloonlab.sweeps.cells import ERROR, Cell, Row, label

MOST_EXPERIMENTS = 1_000_000

Experiment = Callable[..., Any]


class Point(NamedTuple):
    """One experiment. parameters: as they are passed. row: as they stand in the table."""

    parameters: dict[str, Any]
    row: Row

    @property
    def key(self) -> str:
        """Which experiment it is, for whoever keeps rows."""
        return key_of(self.row)


def key_of(row: Mapping[str, Cell]) -> str:
    """Parameters as one string; 1, 1.0 and True differ."""
    return json.dumps(row, sort_keys=True)


def name_of(experiment: Experiment) -> str:
    """The function's name, for people."""
    return str(getattr(experiment, "__name__", type(experiment).__name__))


def points(experiment: Experiment, axes: Mapping[str, Any]) -> list[Point]:
    """Every combination, the last axis running fastest.

    A list, tuple, range or one-dimensional array is an axis; anything else is one value. If the experiment has an
    attribute `check`, it is called with the parameters of each, and raises what it has against them. Raises
    BadValueError or UnknownNameError, which name the axis, the value, and the values that are legal.
    """
    if not callable(experiment):
        raise BadValueError(f"the experiment is {experiment!r}; it must be a function of its parameters.")
    _check_names(experiment, axes)
    values = {name: _values(name, axis) for name, axis in axes.items()}
    why = "It is the product of the lengths of all axes."
    whole_number("the number of experiments", prod(map(len, values.values())), 1, MOST_EXPERIMENTS, "", why)
    found = [
        Point(
            dict(zip(values, row, strict=True)),
            {name: label(name, value) for name, value in zip(values, row, strict=True)},
        )
        for row in product(*values.values())
    ]
    if check := getattr(experiment, "check", None):
        for point in found:
            check(**point.parameters)
    return found


def _check_names(experiment: Experiment, axes: Mapping[str, Any]) -> None:
    if ERROR in axes:
        raise BadValueError(f"an axis is called {ERROR!r}; the table's column of errors is called so.")
    try:
        parameters = inspect.signature(experiment).parameters.values()
    except (TypeError, ValueError):  # a function written in C
        return
    takes = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    if not any(each.kind is each.VAR_KEYWORD for each in parameters):
        for axis in axes:
            pick(f"parameter of {name_of(experiment)}", axis, [each.name for each in takes])
    missing = [each.name for each in takes if each.default is each.empty and each.name not in axes]
    if missing:
        raise BadValueError(
            f"{name_of(experiment)} needs {', '.join(missing)}, too: give it a value or a list of them."
        )


def check_count(name: str, *axes: Sequence[object]) -> None:
    """Raises BadValueError for more values than any grid has experiments, before they are made."""
    try:
        count = sum(map(len, axes))
        shown = f"{count:,}"
    except OverflowError:  # a range of more than 2**63
        count, shown = MOST_EXPERIMENTS + 1, "too many"
    if count > MOST_EXPERIMENTS:
        raise BadValueError(f"{name} has {shown} values; a grid has at most {MOST_EXPERIMENTS:,} experiments.")


def _values(name: str, axis: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(axis, np.ndarray) and axis.ndim == 1:
        axis = axis.tolist()
    if not isinstance(axis, list | tuple | range):
        if isinstance(axis, set | frozenset | Mapping) or (hasattr(axis, "__iter__") and not isinstance(axis, str)):
            sort = f"{type(axis).__name__} of {len(axis)}" if isinstance(axis, Sized) else type(axis).__name__
            raise BadValueError(
                f"{name} is a {sort}; an axis is a list, a tuple, a range or an array of one dimension."
            )
        return [axis]
    check_count(name, axis)
    seen: dict[str, object] = {}
    for value in axis:
        key = key_of({name: label(name, value)})
        if key in seen:
            raise BadValueError(
                f"{name} has {label(name, value)!r} twice; each value of an axis must stand there once."
            )
        seen[key] = value
    if isinstance(axis, range) and not seen:
        raise BadValueError(
            f"{name} is {axis}, which is empty: a range leaves its end out, and counts down only with a negative step."
        )
    if not seen:
        raise BadValueError(f"{name} has no values, so there would be no experiments; leave it out for its default.")
    return list(axis)
