"""State that a routine keeps or changes elsewhere than behind primitives, as far as its text shows it.

Threads share state through primitives alone: only that can be taken back, and only that is seen by whoever explores.
A local variable is the routine's own, also one that a function inside it changes by ``nonlocal``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from inspect import CO_GENERATOR
from types import FunctionType, ModuleType

from balloonlab.kernel.learner_code import outside
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.world import World

_CHANGERS = frozenset(
    (
        *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove"),
        *("reverse", "set", "setdefault", "sort", "update", "write"),
    )
)
_FIXED = (ModuleType, World, Machine)
_MEND = "it cannot be taken back, and no other thread may rely on it"


def hidden_state(function: FunctionType, node: ast.FunctionDef) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Each place in a function's text where it touches shared state without a primitive, with a sentence."""
    code = function.__code__
    around = dict(outside(function))
    defaults = {name for name, value in around.items() if isinstance(value, list | dict | set)} & set(code.co_varnames)
    own = (set(code.co_varnames) | set(code.co_cellvars)) - defaults
    given = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    for each in ast.walk(node):
        if isinstance(each, ast.Global) or (isinstance(each, ast.Nonlocal) and set(each.names) & set(code.co_freevars)):
            yield each, f"makes {_names(each.names)} outside the routine its own: {_MEND}. {_instead()}"
        elif isinstance(each, ast.Name) and each.id not in own and _is_whole(around.get(each.id)):
            yield (
                each,
                f"uses `{each.id}`, a whole guest: a routine sees shared state through primitives only. Use `vb`.",
            )
        elif (target := _changed(each)) is not None:
            root, attributes = _root(target)
            text = ast.unparse(target)
            if root in given and attributes and code.co_flags & CO_GENERATOR:
                yield (
                    target,
                    f"changes `{text}` without a primitive: {_MEND}. Write `yield write({text}, ...)` or the like.",
                )
            elif root in around and root not in own and not isinstance(around[root], _FIXED):
                yield target, f"changes `{root}`, which outlives the routine: {_MEND}. {_instead()}"


def _names(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _instead() -> str:
    return "Use a local variable, or a shared number through `read` and `write`."


def _is_whole(value: object) -> bool:
    return isinstance(value, World | Machine) or isinstance(getattr(value, "machine", None), Machine)


def _changed(node: ast.AST) -> ast.expr | None:
    """The object that a piece of text changes in place: what stands before the last dot or bracket."""
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGERS:
        return node.func.value
    return None


def _root(node: ast.expr) -> tuple[str, int]:
    """The name that an expression begins with, and how many attributes follow it; "" if it begins otherwise."""
    attributes = 0
    while isinstance(node, ast.Attribute | ast.Subscript):
        attributes += isinstance(node, ast.Attribute)
        node = node.value
    return (node.id if isinstance(node, ast.Name) else ""), attributes
