"""Books that a learner's routine keeps outside its calls: a global, a variable around it, a default argument.

An exploration runs a routine from the start again and again, and in an order of its own. So what a routine leaves
behind in such a place would make every run another one; it must be seen at once.
"""

from __future__ import annotations

import dis
from collections.abc import Hashable, Iterable
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType

from balloonlab.explore.learn.frames import Frames
from balloonlab.kernel.learner_code import outside, place, with_nested
from balloonlab.kernel.primitives import Primitive
from balloonlab.kernel.world import KernelBugError, Ref

_FIXED = (ModuleType, FunctionType, BuiltinFunctionType, MethodType, type, Ref, Primitive)
_LARGE = 2_000  # things in a value, from which on only their number is looked at


class NonlocalState:
    """What some functions can reach that outlives their calls."""

    def __init__(self, functions: Iterable[FunctionType]) -> None:
        self._frames = Frames()
        self._functions = [
            function for function in functions if any(not isinstance(value, _FIXED) for _, value in outside(function))
        ]

    def look(self) -> dict[tuple[FunctionType, str], Hashable]:
        """Everything there as comparable values."""
        return {
            (function, name): self._value(value)
            for function in self._functions
            for name, value in outside(function)
            if not isinstance(value, _FIXED)
        }

    def change(self, before: dict[tuple[FunctionType, str], Hashable]) -> KernelBugError | None:
        """The bug of whoever ran since that look, if something is different now."""
        now = self.look()
        for key in {**before, **now}:
            if before.get(key) != now.get(key):
                return _bug(*key)
        return None

    def _value(self, value: object) -> Hashable:
        return ("large", id(value)) if _things(value) >= _LARGE else self._frames.value(value, {})


def _things(value: object, inside: tuple[int, ...] = ()) -> int:
    """How many things a value holds, counted up to _LARGE."""
    if not isinstance(value, list | tuple | set | frozenset | dict) or isinstance(value, _FIXED) or id(value) in inside:
        return 1
    count = len(value)
    for part in value.values() if isinstance(value, dict) else value:
        if count >= _LARGE:
            break
        count += _things(part, (*inside, id(value)))
    return count


def _bug(function: FunctionType, name: str) -> KernelBugError:
    code, line = next(iter(_uses(function, name)), (function.__code__, function.__code__.co_firstlineno))
    text = (
        f"{place(code, line)} uses `{name}`, which lives outside the routine and has changed while the routine ran. "
        "A routine is run again from the start whenever that is needed, so it may keep nothing there: use a local "
        "variable, or a shared number through `read` and `write`."
    )
    return KernelBugError("hidden state", text)


def _uses(function: FunctionType, name: str) -> list[tuple[CodeType, int]]:
    """The code and lines that mention a name, those that assign to it first."""
    found = []
    for code in with_nested(function.__code__):
        line = code.co_firstlineno
        for instruction in dis.get_instructions(code):
            line = instruction.positions.lineno or line if instruction.positions else line
            if instruction.argval == name and instruction.opname.startswith(("LOAD_", "STORE_")):
                found.append((not instruction.opname.startswith("STORE_"), line, code))
    return [(code, line) for _, line, code in sorted(found, key=lambda use: use[:2])]
