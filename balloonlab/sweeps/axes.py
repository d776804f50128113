"""The words of a command line that give a parameter its values: seed=0:3, driver=v9,v10, length=64."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.typed import typed_number, typed_whole
from balloonlab.sweeps.grid import check_count

_THOUSANDS = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_REST = re.compile(r"\d{3}", re.ASCII)
_RESERVED = {"executor", "keep", "experiment"}  # parameters of `sweep` itself
_STEEPEST = 8  # how many times its neighbour a value of a list may be, if it has three digits


def typed_axes(texts: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The axes of a sweep; raises BadValueError as `axis` does, and for one that is given twice or is none."""
    axes = dict(map(axis, texts))
    if len(axes) < len(texts):
        raise BadValueError(f"an axis is given twice: {' '.join(texts)}. Each has all its values in one place.")
    if reserved := _RESERVED & axes.keys():
        raise BadValueError(f"{reserved.pop()} is no parameter of an experiment; options begin with --.")
    return axes


def typed_settings(texts: Sequence[str]) -> dict[str, Any]:
    """The options of a workload; raises BadValueError as `setting` does, and for one that is set twice."""
    settings = dict(map(setting, texts))
    if len(settings) < len(texts):
        raise BadValueError(f"an option is set twice: {' '.join(texts)}. It has one value.")
    return settings


def axis(text: str) -> tuple[str, Sequence[Any]]:
    """Name and values of "NAME=VALUE,VALUE,...": whole numbers, fractions, words, or START:END (END left out).

    Raises BadValueError for what is no axis, for a range that is empty or longer than any grid, and for values that
    look like one number with commas in it; a comma at the end says that they are values.
    """
    name, equals, values = text.partition("=")
    if not equals or not name.isidentifier():
        raise BadValueError(f"{text!r} is no axis; an axis is NAME=VALUE,VALUE,... such as seed=0:3 or driver=v9,v10.")
    words = [word.strip() for word in values.split(",")]
    if words[-1] and any(_one_number(high, low) for high, low in pairwise(words)):
        one = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", values)
        raise BadValueError(
            f"{text} is {len(words)} values, and probably meant to be {name}={one}: numbers are written without commas "
            f"here. If values are meant, end them with a comma: {text},"
        )
    found = [_read(name, word) for word in words if word]
    if len(found) == 1:  # a range stays one, so that its values can be counted before they are made
        return name, found[0]
    check_count(name, *found)
    return name, list(chain.from_iterable(found))


def setting(text: str) -> tuple[str, Any]:
    """Name and value of "NAME=VALUE"; raises BadValueError for any other number of values than one."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise BadValueError(f"{text!r} sets nothing; an option of a workload is set by NAME=VALUE, such as length=64.")
    number = typed_number(value)
    if number is None and (not value or set(value) & set(",:")):
        raise BadValueError(f"{name} is {value!r}; for one guest it has one value (a sweep may have many).")
    return name, value if number is None else number


def _read(name: str, word: str) -> Sequence[Any]:
    """The values that one word of an axis stands for."""
    start, end = (typed_whole(part) for part in (word.partition(":")[::2]))
    if start is not None and end is not None:
        if start >= end:
            raise BadValueError(
                f"{name}={word} has no values: a range START:END leaves END out, so END must be more than START."
            )
        return range(start, end)
    number = typed_number(word)
    return [word if number is None else number]


def _one_number(high: str, low: str) -> bool:
    """Whether two values look like one number of more than three digits: 4,096 or 16,384, but not 128,256."""
    if not _THOUSANDS.fullmatch(high) or not _REST.fullmatch(low):
        return False
    return low[0] == "0" or not int(high) <= int(low) <= _STEEPEST * int(high)
