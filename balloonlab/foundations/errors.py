"""The errors balloonlab raises, and the checks of single values that every floor shares.

Each message names the value that was given, the values that are legal, and the likely cause. An error is raised
before anything is changed: a guest, machine or widget that refused an action is exactly as it was.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, SupportsFloat, TypeVar

import numpy as np

from balloonlab.foundations.nearest_name import nearest_name
from balloonlab.foundations.words import shown

Kind = TypeVar("Kind")


class BalloonlabError(Exception):
    """Base of every error this package raises on purpose."""


class BadValueError(BalloonlabError, ValueError):
    """A value outside its legal range: a page count, a PFN, an order, a page size."""


class UnknownNameError(BalloonlabError, LookupError):
    """A name nobody knows: a driver, scenario, workload, thread, recording or snapshot."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class NotRunnableError(BalloonlabError, RuntimeError):
    """A step asked of a thread that is blocked, asleep or finished."""


class BadScheduleError(BalloonlabError, ValueError):
    """A schedule token that is damaged, or that does not fit the machine it is replayed on."""


class DamagedRecordingError(BalloonlabError, ValueError):
    """A recording whose files are missing, malformed or contradict each other."""


class NotWrittenError(BalloonlabError, OSError):
    """A file could not be written to its end: the disk is full, or it is no longer there."""


class DidNotSettleError(BalloonlabError, RuntimeError):
    """The driver was still busy when the step budget of a whole operation ran out."""


_LISTED = 220  # characters of names that a message lists
_NO_NUMBERS = (bool, np.bool_, np.str_, np.bytes_, np.ndarray)  # though some have a __float__
_MOST_MEMBERS = 1 << 20  # of a list that is gone through one by one


def whole_number(what: str, value: object, low: int, high: int, unit: str = "", why: str = "") -> int:
    """`value` as an int in ``low..high``.

    Accepts anything with ``__index__`` (numpy integers too) but bool. Raises BadValueError, whose text names `what`,
    the value, the legal range with its `unit`, and `why` (the likely cause), and changes nothing.
    """
    number = _index(value)
    if number is not None and low <= number <= high:
        return number
    text = f"{what} is {shown(value)}; it must be a whole number from {low:,} to {high:,}"
    if high < low:
        text = f"{what} is {shown(value)}; there is none here"
    if unit:
        text += f" ({unit})"
    raise BadValueError(f"{text}. {why}" if why else f"{text}.")


def one_of(what: str, value: object, legal: tuple[int, ...], unit: str) -> int:
    """`value` as an int if it is one of the `legal` numbers; accepts and raises what whole_number does."""
    number = _index(value)
    if number not in legal:
        choice = ", ".join(f"{each:,}" for each in legal)
        raise BadValueError(f"{what} is {shown(value)}; legal: {choice} {unit}.")
    return number


def _index(value: object) -> int | None:
    """`value` as a Python int, None if it is no whole number."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - whatever an object says when it is asked
        return None


def real_number(what: str, value: object, low: float, high: float, unit: str = "") -> float:
    """`value` as a float in ``low..high``; errors as in whole_number."""
    found = None
    if isinstance(value, SupportsFloat) and not isinstance(value, _NO_NUMBERS):
        try:
            found = float(value)
        except Exception:  # noqa: BLE001 - too large, or whatever an object says when it is asked
            found = None
    if found is None or not low <= found <= high:
        text = f"{what} is {shown(value)}; it must be a number from {low} to {high}"
        raise BadValueError(f"{text} ({unit})." if unit else f"{text}.")
    return found


def truth(what: str, value: object) -> bool:
    """`value` as a bool if it is True or False (numpy's too); raises BadValueError otherwise: "no" would be true."""
    if not isinstance(value, bool | np.bool_):
        raise BadValueError(f"{what} is {shown(value)}; it must be True or False.")
    return bool(value)


def as_text(what: str, value: object) -> str:
    """`value` if it is a str; raises BadValueError otherwise."""
    if not isinstance(value, str):
        raise BadValueError(f"{what} is {shown(value)}; it must be text.")
    return value


def of_kind(what: str, value: object, kind: type[Kind] | tuple[type[Kind], ...], wanted: str) -> Kind:
    """`value` if it is of that class; raises BadValueError that says what is `wanted`, in words."""
    if not isinstance(value, kind):
        raise BadValueError(f"{what} is {shown(value)}; it must be {wanted}.")
    return value


def each_of(what: str, values: Any, wanted: str) -> list[Any]:  # noqa: ANN401
    """The members of a list, tuple, range or row; raises BadValueError that says what is `wanted` for all else."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return list(values)
    if not isinstance(values, list | tuple | range) or len(values) > _MOST_MEMBERS:
        raise BadValueError(f"{what} is {shown(values)}; it must be a list of {wanted}.")
    return list(values)


def pick(what: str, name: object, known: list[str], why: str = "", also: Iterable[str] = ()) -> str:
    """`name` if it is one of `known`; raises UnknownNameError that lists them otherwise, and says which is nearest.

    also: names that are not listed, but may be the nearest.
    """
    if isinstance(name, str) and name in known:
        return name
    meant = nearest_name(name, [*known, *also]) if isinstance(name, str) else ""
    told = [f"unknown {what} {shown(name)}; known: {_listed(known)}.", meant, why]
    raise UnknownNameError(" ".join(filter(None, told)))


def _listed(names: list[str]) -> str:
    """The names, as many of them as a sentence can take."""
    taken = 0
    for count, name in enumerate(names):
        taken += len(name) + 2
        if taken > _LISTED:
            return f"{', '.join(names[:count])} and {len(names) - count:,} more"
    return ", ".join(names) or "none"
