"""The identity of a thread's local state: where its routine stands, and everything it remembers there.

Two moments of a thread are the same local state if every frame of its call stack has the same code, the same
instruction, the same variables, and the same values on its stack; so they go on alike for ever. The value stack
matters: a `for` loop keeps its iterator there and nowhere else.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Hashable
from functools import partial
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.primitives.verb import Primitive, Verb
from balloonlab.kernel.world import Ref

_PLAIN = (int, str, bytes, type(None), Verb, CodeType, range)
_KEPT = (ModuleType, BuiltinFunctionType, type)
Met = dict[int, tuple[int, Any]]  # by id: the number and the object (so that it lives) of what was met on the way


class Frames:
    """Makes local states comparable. Objects without a value are told apart by identity, and kept alive for that."""

    def __init__(self) -> None:
        self._alive: dict[int, Any] = {}

    def identity(self, routine: Any) -> Hashable:  # noqa: ANN401  (a generator; what it yields from may be anything)
        """The local state of a generator that stands at a yield, through every `yield from`."""
        return self._routine(routine, {})

    def _routine(self, routine: Any, met: Met) -> Hashable:  # noqa: ANN401
        levels: list[Hashable] = []
        while isinstance(routine, GeneratorType):
            inner = routine.gi_yieldfrom
            levels.append(self._level(routine, inner, met))
            routine = inner
        if routine is not None:
            levels.append(self.value(routine, met))
        return tuple(levels)

    def _level(self, routine: GeneratorType[Any, Any, Any], inner: object, met: Met) -> Hashable:
        frame = routine.gi_frame
        if frame is None:
            return routine.gi_code
        names = frame.f_locals  # 3.11 keeps this dict with the frame, so it is made before the referents are read
        skip = (id(frame), id(names), id(inner))
        held = [self.value(x, met) for x in gc.get_referents(routine) if id(x) not in skip]
        return routine.gi_code, frame.f_lasti, tuple(sorted(names)), tuple(held)  # (its order is that of earlier looks)

    def value(self, x: Any, met: Met) -> Hashable:  # noqa: ANN401, C901, PLR0911, PLR0912
        """`x` as something that can be compared: equal exactly if nobody could tell the two apart.

        Two names for one list are something else than two equal lists, so what was met before is given by its number.
        """
        kind = type(x)
        if kind in _PLAIN:
            return x  # type: ignore[no-any-return]
        if kind is bool or kind is float:
            return kind, repr(x)
        if kind is Ref:
            return kind, x.kind, x.number, x.name
        if kind is Primitive:
            return kind, x.verb, self.value(x.args, met)
        if isinstance(x, tuple):
            return kind, tuple(self.value(each, met) for each in x)
        if id(x) in met:
            return "again", met[id(x)][0]
        met[id(x)] = len(met), x
        if kind is list or kind is set or kind is frozenset:
            return kind, tuple(self.value(each, met) for each in x)
        if kind is dict:
            return kind, tuple((self.value(k, met), self.value(v, met)) for k, v in x.items())
        if kind is CellType:
            return kind, *(self.value(each, met) for each in gc.get_referents(x))
        if kind is FunctionType:
            parts = (x.__closure__, x.__defaults__, x.__kwdefaults__)
            return kind, x.__code__, *(self.value(each, met) for each in parts)
        if kind is MethodType:
            return kind, self.value(x.__func__, met), self.value(x.__self__, met)
        if kind is BuiltinFunctionType and not isinstance(x.__self__, ModuleType | None):
            return kind, x.__name__, self.value(x.__self__, met)
        if kind is partial:
            return kind, self.value((x.func, x.args, x.keywords), met)
        if kind is GeneratorType:
            return self._routine(x, met)
        if isinstance(x, _KEPT) or kind.__module__.startswith("balloonlab."):
            return self._keep(x)
        return self._other(x, met)

    def _other(self, x: Any, met: Met) -> Hashable:  # noqa: ANN401
        """Anything else by what a copy of it would be made from: an iterator by what it still holds, for example."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # for copies of itertools' iterators
                parts = x.__reduce_ex__(4)
        except TypeError:
            if hasattr(x, "__next__"):
                raise BadValueError(
                    f"a routine keeps a {type(x).__name__} across a yield, and nobody can see what it still holds; "
                    "use a list, a range or a counter."
                ) from None
            return self._keep(x)
        if isinstance(parts, str):
            return self._keep(x)
        return type(x), *(self.value(list(part) if i in _ITEMS else part, met) for i, part in enumerate(parts) if part)

    def _keep(self, x: object) -> Hashable:
        self._alive[id(x)] = x
        return "object", id(x)


_ITEMS = (3, 4)  # of __reduce__: iterators over the items of a list, of a dict
