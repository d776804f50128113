"""Counts without a bound: what takes ever new values makes ever new states, and no search of them ends.

Nobody can tell that for certain, but one number with thousands of values, in a guest of a handful of pages, is one that
only grows. The search ends there, unfinished, and says which it was.
"""

from __future__ import annotations

import dis
from collections import defaultdict
from collections.abc import Hashable
from types import CodeType, GeneratorType
from typing import Any

from balloonlab.kernel.learner_code import line_text, place

MOST_VALUES = 5_000  # of one variable, or one shared number
MOST_LENGTHS = 1_000  # of one list: longer ones cost more each time
MOST_LOCAL = 50_000  # local states of a thread, or values of any other piece of shared state
FEW = 500  # local states up to which nobody suspects anything
_MEND = "With ever new values the states never end: bound it, or leave it out."


class UnboundedError(Exception):
    """A thread or a piece of shared state takes more and more values; its text says which."""


class Variables:
    """The different values that each local variable of a thread has taken."""

    def __init__(self) -> None:
        self._seen: dict[tuple[CodeType, str], set[Hashable]] = defaultdict(set)

    def note(self, thread: str, routine: Any) -> None:  # noqa: ANN401  (a suspended generator)
        """Note the values in a routine's frames; raises UnboundedError if one variable has taken too many."""
        while isinstance(routine, GeneratorType) and routine.gi_frame is not None:
            for name, value in routine.gi_frame.f_locals.items():
                kind = type(value)
                if kind is int or kind is str:
                    self._add(thread, routine.gi_code, name, value)
                elif kind is list or kind is tuple or kind is set or kind is dict:
                    self._add(thread, routine.gi_code, name, ("of length", len(value)))
            routine = routine.gi_yieldfrom

    def _add(self, thread: str, code: CodeType, name: str, value: Hashable) -> None:
        seen = self._seen[code, name]
        seen.add(value)
        if isinstance(value, tuple) and len(seen) >= MOST_LENGTHS:
            raise _variable(thread, code, name, f"{MOST_LENGTHS:,} different lengths")
        if len(seen) >= MOST_VALUES:
            raise _variable(thread, code, name, f"{MOST_VALUES:,} different values")


def _variable(thread: str, code: CodeType, name: str, many: str) -> UnboundedError:
    line = _assigned(code, name)
    text = line_text(code, line)
    where = f"line {line}: `{text}`" if text else f"line {line}"
    return UnboundedError(
        f"{thread} in {code.co_name}: its local variable `{name}` has taken {many} ({where}). {_MEND}"
    )


def _assigned(code: CodeType, name: str) -> int:
    """The line that makes a variable's next value: the last that assigns it, one that reads it too if there is one."""
    stored, loaded, line = [], set(), code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = instruction.positions.lineno or line if instruction.positions else line
        if instruction.argval == name or (isinstance(instruction.argval, tuple) and name in instruction.argval):
            if "STORE_" in instruction.opname:
                stored.append(line)
            if "LOAD_" in instruction.opname:
                loaded.add(line)
    both = [line for line in stored if line in loaded]
    return (both or stored or [code.co_firstlineno])[-1]


def shared_number(title: str, thread: str, code: CodeType | None, line: int) -> UnboundedError:
    """The error for a shared number; the thread, and where it stands, made the last of its values."""
    where = f" ({place(code, line)})" if code is not None else ""
    return UnboundedError(
        f"the shared number `{title}` has taken {MOST_VALUES:,} different values, the last by {thread}{where}. {_MEND}"
    )


def too_many(what: str) -> UnboundedError:
    """The error for anything else, of which `what` says that there are too many."""
    return UnboundedError(f"{what}. {_MEND}")
