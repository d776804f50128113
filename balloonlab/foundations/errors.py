"""The errors balloonlab raises, and the one check of a whole number that every floor shares.

Each message names the value that was given, the values that are legal, and the likely cause. An error is raised
before anything is changed: a guest, machine or widget that refused an action is exactly as it was.
"""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Iterable

from balloonlab.foundations.nearest_name import nearest_name


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


_ABSURD = 10**30  # beyond it a number is not written out in a message


def _short(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "a number of more than 30 digits"
    return reprlib.repr(value)


def whole_number(what: str, value: object, low: int, high: int, unit: str = "", why: str = "") -> int:
    """`value` as an int in ``low..high``.

    Accepts anything with ``__index__`` (numpy integers too) but bool. Raises BadValueError, whose text names `what`,
    the value, the legal range with its `unit`, and `why` (the likely cause), and changes nothing.
    """
    number = None
    if not isinstance(value, bool):
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            number = None
    if number is not None and low <= number <= high:
        return number
    shown = f"{number:,}" if number is not None and abs(number) < _ABSURD else _short(value)
    text = f"{what} is {shown}; it must be a whole number from {low:,} to {high:,}"
    if unit:
        text += f" ({unit})"
    raise BadValueError(f"{text}. {why}" if why else f"{text}.")


def pick(what: str, name: object, known: list[str], why: str = "", also: Iterable[str] = ()) -> str:
    """`name` if it is one of `known`; raises UnknownNameError that lists them otherwise, and says which is nearest.

    also: names that are not listed, but may be the nearest.
    """
    if isinstance(name, str) and name in known:
        return name
    meant = nearest_name(name, [*known, *also]) if isinstance(name, str) else ""
    told = [f"unknown {what} {name!r}; known: {', '.join(known) or 'none'}.", meant, why]
    raise UnknownNameError(" ".join(filter(None, told)))
