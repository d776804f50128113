"""What a routine yielded though it is no primitive, in a sentence that names the line and the mend."""

from __future__ import annotations

import reprlib
from types import FunctionType, GeneratorType
from typing import Any

from balloonlab.kernel.learner_code import innermost, place
from balloonlab.kernel.primitives.verb import Primitive, Verb
from balloonlab.kernel.world import KernelBugError


def not_a_primitive(routine: Any, yielded: object) -> KernelBugError:  # noqa: ANN401  (a suspended generator)
    """The bug of a routine that stands at a yield of something else than a primitive."""
    at = innermost(routine)
    where = place(*at) if at is not None else "the routine"
    return KernelBugError("not a primitive", f"{where} {_what(yielded)}")


def _what(yielded: object) -> str:  # noqa: PLR0911  (one for each way to go wrong)
    if isinstance(yielded, GeneratorType):
        name = yielded.gi_code.co_name
        return f"yields the routine {name} itself; enter a routine by `yield from {name}(...)`."
    if isinstance(yielded, Verb):
        name = yielded.name
        return f"takes the primitive {name} apart; `yield from` is for routines, write `yield {name}(...)`."
    if isinstance(verb := getattr(yielded, "verb", None), Verb):
        return f"yields {verb.name} without its arguments; write `yield {verb.name}({', '.join(verb.parameters)})`."
    if isinstance(yielded, FunctionType):
        name = yielded.__name__
        return f"yields the function {name} without calling it; enter a routine by `yield from {name}(...)`."
    if yielded is None:
        return (
            "yields None; a yield stands before a primitive, such as `yield mutex_lock(vb.balloon_lock)`, and a call "
            "that returns nothing makes none."
        )
    if isinstance(yielded, tuple | list) and any(isinstance(each, Primitive) for each in yielded):
        return f"yields {len(yielded)} things at once; a yield is one step, so give each primitive its own."
    if isinstance(yielded, bool):
        return (
            f"yields {yielded}, the answer of a comparison; compare what a primitive returns, in brackets of its own: "
            "`(yield read(vb.num_pages)) == 0`."
        )
    shown = reprlib.repr(yielded)
    return f"yields {shown}; a yield stands before a primitive, such as `yield read(vb.num_pages)`."
