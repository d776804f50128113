"""How a value, and a count of things, stands in a sentence: short, in plain words, whatever somebody hands in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import islice
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LONGEST = 60  # characters of a value in a sentence
_FEW = 4  # members of a list that are written out
_ABSURD = 10**30  # from here on a number is not written out


def counted(number: int, what: str) -> str:
    """A count with its noun: "1 page", "2,048 guest pages", "3 batches"."""
    return f"{number:,} {noun(number, what)}"


def noun(number: int, what: str) -> str:
    """The noun alone, for columns: "page" of one, "pages" of any other number."""
    if number == 1:
        return what
    if what.endswith(("s", "x", "ch", "sh")):
        return f"{what}es"
    if what.endswith("y") and what[-2] not in "aeiou":
        return f"{what[:-1]}ies"
    return f"{what}s"


def shown(value: object) -> str:
    """A value as a sentence names it: some 60 characters at most, and never numpy's notation.

    Objects are named by what they are ("a Guest"), for what they say of themselves may be long, or fail.
    """
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    name = type(value).__name__[:_LONGEST]
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _number(value: int) -> str:
    return f"{value:,}" if abs(value) < _ABSURD else "a number of more than 30 digits"


def _text(value: str | bytes | bytearray) -> str:
    """The notation of text or bytes; of longer ones the beginning, and how long they are."""
    text = repr(value[:_LONGEST] if isinstance(value, str) else bytes(value[:_LONGEST]))
    if len(value) <= _LONGEST and len(text) <= _LONGEST + 3:
        return text
    what = counted(len(value), "character" if isinstance(value, str) else "byte")
    return f"{text[: _LONGEST - 10]}...{text[-1:]} ({what})"


def _array(value: NDArray[Any]) -> str:
    return f"an array of {' x '.join(map(str, value.shape))}"


def _members(value: Collection[object]) -> str:
    """The first few members of a list or the like; of a dict its keys."""
    left, right = "[]" if isinstance(value, list) else "()" if isinstance(value, tuple) else "{}"
    few = [_inner(each) for each in islice(value, _FEW)]
    text = ", ".join([*few, *(["..."] if len(value) > _FEW else [])])
    colon = ": ..." if isinstance(value, dict) and value else ""
    lone = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return f"{left}{text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...'}{colon}{lone}{right}"


def _inner(value: object) -> str:
    """A member of a list: lists in it are not gone into, for a list may hold itself."""
    if isinstance(value, list | tuple | set | frozenset | dict):
        return "[...]" if len(value) else "[]"
    return shown(value)


def _named(value: Any) -> str:  # noqa: ANN401 - a class, a module, a function
    sort = "class" if isinstance(value, type) else "module" if isinstance(value, ModuleType) else "function"
    return f"the {sort} {value.__name__[:_LONGEST]}"


_WRITERS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    ((bool, float, complex, type(None)), repr),
    (int, _number),
    ((str, bytes, bytearray), _text),
    (PurePath, lambda value: _text(str(value))),
    (np.ndarray, _array),
    ((list, tuple, set, frozenset, dict), _members),
    ((type, ModuleType, FunctionType, BuiltinFunctionType, MethodType), _named),
)
