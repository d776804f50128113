"""Rows of whole numbers from outside: page states, PFNs, counts of free blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.words import shown

_MOST = 1 << 26  # numbers; more are not even looked at


def array_of(what: str, numbers: object, wanted: str) -> NDArray[Any]:
    """Whole numbers as an array of any shape; raises BadValueError that says what is `wanted` for anything else.

    Anything else are fractions, text, truth values, rows of unequal length, numbers beyond 64 bits, sets and dicts.
    """
    array = None
    if not isinstance(numbers, Mapping | AbstractSet | str | bytes):
        try:
            if not isinstance(numbers, Sized) or len(numbers) <= _MOST:
                array = np.asarray(numbers)
        except Exception:  # noqa: BLE001 - whatever an object says when it is asked
            array = None
    if array is None or (array.dtype.kind not in "iu" and array.size):
        raise BadValueError(f"{what} is {shown(numbers)}; it must be {wanted}.")
    return array


def whole_row(
    what: str, numbers: object, low: int, high: int, lengths: tuple[int, int], unit: str, why: str = ""
) -> NDArray[Any]:
    """Whole numbers in ``low..high`` as one row, from the first to the second of `lengths` long.

    unit: what the numbers are, in words. Raises BadValueError that names the first number that is not legal, and `why`.
    """
    shortest, longest = lengths
    many = f"{shortest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
    wanted = f"one row of {many} whole numbers ({unit})"
    array = array_of(what, numbers, wanted)
    if array.ndim != 1 or not shortest <= len(array) <= longest:
        raise BadValueError(f"{what} is {_size(array)}; it must be {wanted}. {why}".rstrip())
    if array.size and not low <= array.min() <= array.max() <= high:
        place = int(np.flatnonzero((array < low) | (array > high))[0])
        raise BadValueError(
            f"{what} has {shown(array[place])} at place {place:,}; it must hold whole numbers from {low:,} to {high:,} "
            f"({unit}). {why}".rstrip()
        )
    return array


def _size(array: NDArray[Any]) -> str:
    if array.ndim == 1:
        return f"a row of {len(array):,}"
    return shown(array) if array.ndim == 0 else f"a table of {' x '.join(map(str, array.shape))}"
