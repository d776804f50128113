"""What a primitive's arguments may be: one rule for whoever steps and whoever explores, read off its effect.

Python has 1.0, True and 1 for equal, and one Ref is like another. An effect that met a wrong one would do something
else, or fail, in one engine and not in the other. A learner's primitive is held against this when it is yielded.
"""

from __future__ import annotations

import inspect
import operator
from functools import cache
from typing import Any

import numpy as np

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.words import shown
from balloonlab.kernel.not_a_value import NotAValueError
from balloonlab.kernel.primitives.verb import Primitive, Verb
from balloonlab.kernel.world import KIND_WORDS, Ref

_KINDS = {"lock": "lock", "pages": "list", "queue": "wait queue", "wakes": "wait queue", "vq": "queue"}
_KINDS |= {"cc": "compact control"}  # by parameter; any other Ref names a shared number
_MOST = 2**31
_NO_PAGE = " list_first and alloc_page return None where there is no page: test that first."


_PLAIN: dict[str, Any] = {"int": int, "bool": bool, "str": str, "bytes": bytes, "Ref": Ref}


@cache
def _plain(verb: Verb) -> list[tuple[Any, tuple[str, ...]]]:
    """For each parameter the type that is right as it is, and the kinds of Ref."""
    kinds = [_KINDS.get(each.name.lstrip("_"), "value") for each in verb.wants]
    refs = [tuple(kind for kind, words in KIND_WORDS.items() if words == KIND_WORDS[each]) for each in kinds]
    return [(_PLAIN.get(each.annotation), ref) for each, ref in zip(verb.wants, refs, strict=True)]


def fitted(primitive: Primitive) -> Primitive:
    """The primitive with plain numbers for arguments; raises BadValueError for one that its verb cannot have."""
    plain, args = _plain(primitive.verb), primitive.args
    if len(args) == len(plain):
        for (kind, refs), arg in zip(plain, args, strict=True):
            if type(arg) is not kind or (kind is int and not -1 <= arg < _MOST):
                break
            if kind is Ref and arg.kind not in refs:
                break
        else:
            return primitive
    return _made_fit(primitive)


def _made_fit(primitive: Primitive) -> Primitive:
    wanted = primitive.verb.wants
    given = len(primitive.args)
    if not sum(each.default is inspect.Parameter.empty for each in wanted) <= given <= len(wanted):
        names = ", ".join(primitive.verb.parameters)
        raise BadValueError(f"{primitive.verb.name}({names}) is given {given} argument{'' if given == 1 else 's'}.")
    pairs = zip(wanted, primitive.args, strict=False)
    return Primitive(primitive.verb, tuple([_fit(primitive.verb.name, each, arg) for each, arg in pairs]))


def _fit(verb: str, parameter: inspect.Parameter, arg: Any) -> Any:  # noqa: ANN401
    kind, name = parameter.annotation, parameter.name.lstrip("_")
    kind = getattr(kind, "__name__", kind)
    what = f"{name} of {verb}"
    if kind == "int":
        number = _whole(what, arg)
        if "page" in name and not -1 <= number < _MOST:
            raise BadValueError(f"{what} is {shown(number)}; there is no such page.")
        return number
    if kind == "bool":
        return bool(arg)
    if kind == "tuple[int, ...]" and isinstance(arg, list | tuple | range | np.ndarray) and type(arg) is not Ref:
        return tuple([_whole(f"an entry of {what}", each) for each in arg])
    if kind == "Ref" or (kind == "Ref | None" and arg is not None):
        return _ref(verb, _KINDS.get(name, "value"), arg)
    if kind in ("tuple[int, ...]", "str", "bytes") and type(arg).__name__ != kind:
        raise BadValueError(f"{what} is {shown(arg)}; it must be a {kind}.")
    return arg


def _whole(what: str, arg: Any) -> int:  # noqa: ANN401
    """A plain whole number; what a comparison answers is one too, as in C."""
    if type(arg) is int:
        return arg
    try:
        return operator.index(arg)
    except NotAValueError:
        raise
    except TypeError:
        why = _NO_PAGE if arg is None else ""
        raise BadValueError(f"{what} is {shown(arg)}; it must be a whole number.{why}") from None


def _ref(verb: str, kind: str, arg: object) -> Ref:
    if not isinstance(arg, Ref):
        given = arg if isinstance(arg, Primitive) else shown(arg)
        raise BadValueError(f"{verb} takes the name of {KIND_WORDS[kind]}; {given} is none.")
    if KIND_WORDS[arg.kind] != KIND_WORDS[kind]:  # "value" and "tally" are both numbers
        raise BadValueError(
            f"{verb} takes the name of {KIND_WORDS[kind]}; {arg.name} is that of {KIND_WORDS[arg.kind]}."
        )
    return arg
