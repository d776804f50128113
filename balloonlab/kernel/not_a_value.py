"""What driver text holds in place of a value: the name of something shared, a step that has not been taken.

Only a yield brings the value. Python calls the stand-in true, unequal to every number, and goes on; so whoever tests
it, compares it, counts with it or looks into it is told at once. What is left (`is`, a look-up in a set) can only be
found in the text (mistakes.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from balloonlab.foundations.errors import BalloonlabError

Kind = TypeVar("Kind", bound=tuple[Any, ...])
_NUMBERS = (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow"),
    *("lshift", "rshift", "and", "or", "xor"),
)
_REFUSED = (
    *("bool", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert", "index", "int", "float", "complex", "round"),
    *(prefix + name for name in _NUMBERS for prefix in ("", "r")),
    *("len", "iter", "reversed", "contains", "getitem", "enter", "exit", "call"),
)


class NotAValueError(BalloonlabError, TypeError):
    """A name, or a step, was taken for the value that it stands for."""


def stands_for_a_value(
    sentence: Callable[[Any], str], *, keeps: tuple[str, ...] = ()
) -> Callable[[type[Kind]], type[Kind]]:
    """Let a NamedTuple refuse to be taken for a value, in a sentence of its own. It stays a key, and equal to its like.

    keeps: operations that it does not refuse.
    """

    def refuse(self: Kind, *_others: object) -> Any:  # noqa: ANN401
        raise NotAValueError(sentence(self))

    def equal(self: Kind, other: object) -> bool:
        return tuple.__eq__(self, other) if type(other) is type(self) else refuse(self)

    def unequal(self: Kind, other: object) -> bool:
        return not equal(self, other)

    def decorate(kind: type[Kind]) -> type[Kind]:
        methods: dict[str, Any] = {f"__{name}__": refuse for name in _REFUSED if name not in keeps} | {"count": refuse}
        methods |= {"__eq__": equal, "__ne__": unequal, "__getnewargs__": fields, "__array_ufunc__": None}
        for name, method in methods.items():
            setattr(kind, name, method)
        return kind

    return decorate


def fields(self: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a copy of it is made from."""
    return tuple(getattr(self, name) for name in self._fields)  # type: ignore[attr-defined]
