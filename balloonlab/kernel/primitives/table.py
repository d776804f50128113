"""All primitives as a table, one line each: whoever reads a driver's text finds its verbs here, and in `help`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from balloonlab.kernel.primitives import (
    c_types,
    compaction,
    devices,
    interrupts,
    lists,
    locks,
    marks,
    pages,
    virtqueue,
    waiting,
    workqueue,
)
from balloonlab.kernel.primitives.verb import Verb

FAMILIES = (lists, pages, locks, waiting, virtqueue, workqueue, compaction, marks, devices, interrupts, c_types)
_CALL = 28  # characters of the left column; a longer call pushes its sentence to the right


def table() -> str:
    """Every primitive with its arguments and the first sentence about it, by families.

    Those that are several steps, and are called with ``yield from``, say so; so do C's types, which are no steps.
    """
    parts = []
    for family in FAMILIES:
        heading = _head(family).partition(" (")[0].rstrip(".")
        parts.append("\n".join([f"{heading}:", *(f"  {_line(each)}" for each in of_family(family))]))
    return "\n\n".join(parts)


def of_family(family: ModuleType) -> Iterator[Callable[..., Any]]:
    """The primitives that a file defines, as it has them; those of several steps among them, and C's types."""
    for name, each in vars(family).items():
        if name.startswith("_") or not inspect.isfunction(each):
            continue
        verb = verb_of(each)
        defined = each if verb is None else verb.effect
        called = verb is not None or inspect.isgeneratorfunction(each) or each in c_types.C_TYPES
        if defined.__module__ == family.__name__ and called:
            yield each


def verb_of(each: object) -> Verb | None:
    """The verb of a primitive; None for what is several steps, or no primitive at all."""
    verb = getattr(each, "verb", None)
    return verb if isinstance(verb, Verb) else None


def _line(each: Callable[..., Any]) -> str:
    verb = verb_of(each)
    names = verb.parameters if verb else tuple(inspect.signature(each).parameters)
    call = f"{each.__name__}({', '.join(name.lstrip('_') for name in names)})"
    how = "" if verb else "(no yield) " if each in c_types.C_TYPES else "(yield from) "
    return f"{call:{_CALL}} {how}{_head(each)}"


def _head(each: object) -> str:
    """The first sentence of what it says of itself."""
    about = " ".join((inspect.getdoc(each) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.?]) (?=[A-Z`]|page->)", about)[0]
