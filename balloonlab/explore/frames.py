"""The identity of a thread's local state: where its routine stands, and everything it remembers there.

Two moments of a thread are the same local state if every frame of its call stack has the same code, the same
instruction, the same variables, and the same values on its stack; so they go on alike for ever. The value stack
matters: a `for` loop keeps its iterator there and nowhere else.
"""

from __future__ import annotations

import gc
from collections.abc import Hashable
from functools import partial
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from balloonlab.kernel.primitives.verb import Primitive, Verb
from balloonlab.kernel.world import Ref

_PLAIN = (int, str, bytes, type(None), Ref, Primitive, Verb, CodeType, range, frozenset)
_KEPT = (ModuleType, BuiltinFunctionType, type)


class Frames:
    """Makes local states comparable. Objects without a value are told apart by identity, and kept alive for that."""

    def __init__(self) -> None:
        self._alive: dict[int, Any] = {}

    def identity(self, routine: Any) -> Hashable:  # noqa: ANN401  (a generator; what it yields from may be anything)
        """The local state of a generator that stands at a yield, through every `yield from`."""
        levels: list[Hashable] = []
        while isinstance(routine, GeneratorType):
            inner = routine.gi_yieldfrom
            levels.append(self._level(routine, inner))
            routine = inner
        return tuple(levels)

    def _level(self, routine: GeneratorType[Any, Any, Any], inner: object) -> Hashable:
        frame = routine.gi_frame
        if frame is None:
            return routine.gi_code
        names = frame.f_locals  # 3.11 keeps this dict with the frame, so it is made before the referents are read
        skip = (id(frame), id(names), id(inner))
        held = [self.value(x, ()) for x in gc.get_referents(routine) if id(x) not in skip]
        return routine.gi_code, frame.f_lasti, tuple(names), tuple(held)

    def value(self, x: Any, inside: tuple[int, ...]) -> Hashable:  # noqa: ANN401, C901, PLR0911
        """`x` as something that can be compared: equal exactly if nobody could tell the two apart."""
        kind = type(x)
        if kind in _PLAIN:
            return x  # type: ignore[no-any-return]
        if kind is bool or kind is float:
            return kind, x
        if id(x) in inside:
            return "itself", inside.index(id(x))
        inside = (*inside, id(x))
        if kind is tuple or kind is list:
            return kind, tuple(self.value(each, inside) for each in x)
        if kind is dict:
            return kind, tuple((self.value(k, inside), self.value(v, inside)) for k, v in x.items())
        if kind is set:
            return kind, frozenset(self.value(each, inside) for each in x)
        if kind is CellType:
            return kind, *(self.value(each, inside) for each in gc.get_referents(x))
        if kind is FunctionType:
            return x.__code__, self.value(x.__closure__, inside), self.value(x.__defaults__, inside)
        if kind is MethodType:
            return x.__func__.__code__, self.value(x.__self__, inside)
        if kind is partial:
            return kind, self.value((x.func, x.args, x.keywords), inside)
        if kind is GeneratorType:
            return self.identity(x)
        if isinstance(x, _KEPT) or kind.__module__.startswith("balloonlab."):
            return self._keep(x)
        return self._other(x, inside)

    def _other(self, x: Any, inside: tuple[int, ...]) -> Hashable:  # noqa: ANN401
        """An iterator by what it still holds, an object of a learner's class by its attributes."""
        if hasattr(x, "__next__"):
            try:
                return type(x), self.value(x.__reduce__()[1:], inside)
            except TypeError:
                return self._keep(x)
        if isinstance(x, tuple):
            return type(x), tuple(self.value(each, inside) for each in x)
        if hasattr(x, "__dict__"):
            return type(x), self.value(vars(x), inside)
        return self._keep(x)

    def _keep(self, x: object) -> Hashable:
        self._alive[id(x)] = x
        return "object", id(x)
