"""Mistakes in a learner's routine that can be seen by reading it, before anything runs.

A forgotten yield is the commonest: ``mutex_lock(vb.balloon_lock)`` alone makes a primitive and throws it away. Names
are looked up where the function would find them, so that any spelling counts; what cannot be looked up, or has no
source, is let through and left to the run (wrong_yield.py, guard.py). State that is kept elsewhere than behind
primitives is hidden_state.py's, what is taken for a shared number compared_names.py's.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.compared_names import compared_names
from balloonlab.kernel.hidden_state import hidden_state
from balloonlab.kernel.learner_code import foreign_functions, source_lines
from balloonlab.kernel.primitives.c_types import C_TYPES
from balloonlab.kernel.primitives.verb import Verb

_LOST = "makes the primitive and throws it away, so nothing happens"


class Mistake(NamedTuple):
    """A line (its number, the routine it is in, its text), and a sentence on what is wrong and how to mend it."""

    line: int
    routine: str
    text: str
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}, in {self.routine}: `{self.text}` {self.sentence}"


class MistakenRoutineError(BadValueError):
    """A routine that cannot work as it is written. `mistakes`: each of them."""

    def __init__(self, what: str, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        head = f"{what} has {count} mistake{'s' * (count > 1)}, and nothing is changed:"
        super().__init__("\n".join([head, *(f"  {mistake}" for mistake in self.mistakes)]))


def check(
    what: str, function: Callable[..., Any], routines: Collection[str] = (), shared: Collection[str] = ()
) -> None:
    """Raise MistakenRoutineError, which lists them all, if there are mistakes in a function or in its helpers.

    routines: names that are routines when they are called as ``vb.driver.name(...)``. shared: names of what threads
    share, as attributes of what the function is given: ``vb.num_pages``.
    """
    found = [mistake for each in foreign_functions([function]) for mistake in mistakes(each, routines, shared)]
    if found:
        raise MistakenRoutineError(what, found)


def mistakes(function: FunctionType, routines: Collection[str] = (), shared: Collection[str] = ()) -> list[Mistake]:
    """The mistakes in one function's text, in the order of its lines; [] if no text is kept."""
    lines, first = source_lines(function)
    try:
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except SyntaxError:
        return []
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    if not nodes or nodes[0].name != function.__code__.co_name:
        return []
    found = {
        (node.lineno, node.col_offset): (node, sentence)
        for node, sentence in [
            *_Reader(function, nodes[0], routines).read(),
            *compared_names(nodes[0], shared),
            *hidden_state(function, nodes[0]),
        ]
    }
    name = function.__name__
    return [
        Mistake(first + line - 1, name, lines[line - 1].strip(), sentence)
        for (line, _), (_, sentence) in sorted(found.items(), key=lambda item: item[0])
    ]


class _Reader:
    """Finds primitives and routines that are made and not performed."""

    def __init__(self, function: FunctionType, node: ast.FunctionDef, routines: Collection[str]) -> None:
        self.function, self.node, self.routines = function, node, routines
        self.up = {child: parent for parent in ast.walk(node) for child in ast.iter_child_nodes(parent)}
        inner = [each for each in ast.walk(node) if isinstance(each, ast.FunctionDef) and each is not node]
        self.inner = {each.name: _has_yield(each) for each in inner}
        self.outer = inspect.getclosurevars(function)
        self.locals = set(function.__code__.co_varnames) | set(function.__code__.co_cellvars)
        self.handed_on = {
            ast.dump(part)
            for each in ast.walk(node)
            if isinstance(each, ast.Yield | ast.YieldFrom) and each.value is not None
            for part in _outcomes(each.value)
            if isinstance(part, ast.Name)
        }

    def read(self) -> Iterator[tuple[ast.expr, str]]:
        for call in ast.walk(self.node):
            if isinstance(call, ast.Call):
                target = self._value(call.func)
                if isinstance(getattr(target, "verb", None), Verb):
                    sentence = self._primitive(call)
                elif self._is_routine(call.func, target):
                    sentence = self._routine(call)
                else:
                    continue
                if sentence:
                    yield call, sentence

    def _value(self, node: ast.expr) -> object:
        """What a name, or an attribute of a module, stands for; None if that cannot be told."""
        if isinstance(node, ast.Name):
            if node.id in self.locals or node.id in self.inner:
                return None
            for names in (self.outer.nonlocals, self.function.__globals__):
                if node.id in names:
                    return names[node.id]
            return self.outer.builtins.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(value := self._value(node.value), ModuleType):
            return getattr(value, node.attr, None)
        return None

    def _is_routine(self, node: ast.expr, target: object) -> bool:
        if isinstance(node, ast.Name) and self.inner.get(node.id):
            return True
        if isinstance(node, ast.Attribute) and node.attr in self.routines:
            owner = node.value
            return getattr(owner, "attr", getattr(owner, "id", "")) == "driver"
        return inspect.isgeneratorfunction(target)

    def _place(self, node: ast.expr) -> tuple[ast.expr, ast.AST]:
        """The largest expression whose value may be the node's, and what it stands in."""
        parent = self.up[node]
        while node in _outcomes(parent) and parent is not node:
            assert isinstance(parent, ast.expr)
            node, parent = parent, self.up[parent]
        return node, parent

    def _primitive(self, call: ast.Call) -> str:
        """What is wrong with the place where a primitive is made; "" if nothing is."""
        node, parent = self._place(call)
        text = ast.unparse(call)
        if isinstance(parent, ast.Yield):
            return ""
        if isinstance(parent, ast.YieldFrom):
            return f"takes the primitive apart: `yield from` is for routines. Write `yield {text}`."
        if isinstance(parent, ast.Expr):
            return f"{_LOST}; write `yield {text}`."
        if self._is_kept(node, parent):
            return ""
        if not self._is_used(node, parent):
            return ""
        return f"uses the primitive itself, which counts as true, and not what it returns; write `(yield {text})`."

    def _routine(self, call: ast.Call) -> str:
        """What is wrong with the place where a routine is called; "" if nothing is."""
        node, parent = self._place(call)
        text = ast.unparse(call)
        if isinstance(parent, ast.YieldFrom):
            return ""
        if isinstance(parent, ast.Yield):
            return f"hands the routine itself over; enter it by `yield from {text}`."
        if isinstance(parent, ast.Expr):
            return f"makes the routine and never runs it; write `yield from {text}`."
        if self._is_kept(node, parent):
            return ""
        used = isinstance(parent, ast.For) or self._is_used(node, parent)
        return f"uses the routine itself, not what it returns; write `(yield from {text})`." if used else ""

    def _is_kept(self, node: ast.expr, parent: ast.AST) -> bool:
        """Whether it is given a name that is yielded somewhere, or returned by a function that is no routine."""
        if isinstance(parent, ast.Assign) and node is parent.value:
            return any(ast.dump(_loaded(target)) in self.handed_on for target in parent.targets)
        if isinstance(parent, ast.Return):
            around: ast.AST = parent
            while not isinstance(around, ast.FunctionDef):
                around = self.up[around]
            return not _has_yield(around)
        return False

    def _is_used(self, node: ast.expr, parent: ast.AST) -> bool:
        """Whether it stands where only what it returns makes sense."""
        if isinstance(parent, ast.If | ast.While | ast.IfExp | ast.Assert):
            return parent.test is node
        if isinstance(parent, ast.For):
            return parent.iter is node
        if isinstance(parent, ast.Call):
            target = self._value(parent.func)
            is_known = inspect.isbuiltin(target) or isinstance(target, type) or hasattr(target, "verb")
            is_known = is_known or any(target is each for each in C_TYPES)
            return is_known or self._is_routine(parent.func, target)
        kinds = (ast.BoolOp, ast.UnaryOp, ast.Compare, ast.BinOp, ast.Subscript, ast.FormattedValue)
        return isinstance(parent, (*kinds, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Attribute))


def _outcomes(node: ast.AST) -> list[ast.expr]:
    """The expressions one of which a node's value is: both branches of an `if ... else`, what `:=` names, itself."""
    if isinstance(node, ast.IfExp):
        return [*_outcomes(node.body), *_outcomes(node.orelse)]
    if isinstance(node, ast.NamedExpr):
        return _outcomes(node.value)
    return [node] if isinstance(node, ast.expr) else []


def _loaded(target: ast.expr) -> ast.expr:
    return ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else target


def _has_yield(function: ast.FunctionDef) -> bool:
    """Whether a function is a generator function: it has a yield that is not in a function inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False
