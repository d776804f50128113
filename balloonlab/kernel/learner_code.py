"""Driver text that is not this package's: a learner's own routine, and where in it a mistake stands.

What a learner typed may loop for ever, forget a yield or keep books of its own. It is watched (guard.py), read
(mistakes.py) and spoken of by number and text of the line; the package's own text needs none of that.
"""

from __future__ import annotations

import ast
import inspect
import re
import sysconfig
import textwrap
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, GeneratorType, MethodType, TracebackType
from typing import Any

_PACKAGE = str(Path(__file__).resolve().parents[1])
_PYTHON = sysconfig.get_path("stdlib")
_INSTALLED = ("site-packages", "dist-packages")
_WIDTH = 80  # characters of a line that are quoted


def is_foreign(code: CodeType) -> bool:
    """Whether this text belongs neither to this package nor to Python."""
    name = code.co_filename
    if name.startswith((_PACKAGE, "<frozen ")):
        return False
    return not name.startswith(_PYTHON) or _is_installed(code)


def _is_installed(code: CodeType) -> bool:
    return any(folder in code.co_filename for folder in _INSTALLED)


def foreign_functions(starts: Iterable[Callable[..., Any]]) -> tuple[FunctionType, ...]:
    """Every foreign function among `starts` and those that they reach by name, in closures or in their classes.

    Not those of other installed packages that they use.
    """
    first = [function for start in starts for function in _functions(start) if is_foreign(function.__code__)]
    found = dict.fromkeys(first)
    waiting = first[::-1]
    while waiting:
        for _, value in outside(waiting.pop()):
            for function in _functions(value):
                if function not in found and is_foreign(function.__code__) and not _is_installed(function.__code__):
                    found[function] = None
                    waiting.append(function)
    return tuple(found)


def _functions(value: object) -> Iterator[FunctionType]:
    """The functions that a value is, or brings along."""
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, MethodType):
        yield from _functions(value.__func__)
    elif isinstance(value, partial):
        for part in (value.func, *value.args, *value.keywords.values()):
            if isinstance(part, FunctionType | MethodType | partial):
                yield from _functions(part)
    else:
        kind = value if isinstance(value, type) else type(value)
        if not kind.__module__.startswith(("balloonlab.", "builtins")):
            yield from (each for each in vars(kind).values() if isinstance(each, FunctionType))


def outside(function: FunctionType) -> Iterator[tuple[str, object]]:
    """What a function can reach that outlives its calls: globals, variables around it, defaults; by name."""
    code = function.__code__
    names = dict.fromkeys(name for each in with_nested(code) for name in each.co_names)
    yield from ((name, function.__globals__[name]) for name in names if name in function.__globals__)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue
    defaults = function.__defaults__ or ()
    yield from zip(code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def with_nested(code: CodeType) -> Iterator[CodeType]:
    """The code, and that of every function inside it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from with_nested(const)


# -- where --


def source_lines(routine: Callable[..., Any] | CodeType) -> tuple[list[str], int]:
    """The lines of a function's text and the number of the first; ([], 0) if its text is not kept.

    What exec was given is called "<string>", and so is the command of ``python -c``, which Python 3.13 keeps: a text
    that does not define the function is another's.
    """
    code = routine if isinstance(routine, CodeType) else getattr(inspect.unwrap(routine), "__code__", None)
    if code is None:
        return [], 0
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):  # typed where nothing is kept, or changed since
        return [], 0
    sign = {"<lambda>": r".*\blambda\b", "<module>": ""}.get(code.co_name, rf"\s*(async\s+)?def\s+{code.co_name}\b")
    if code.co_name.endswith(("comp>", "expr>")):
        sign = r".*\bfor\b"
    own = any(re.match(sign, line) for line in lines)
    return (lines, first) if own else ([], 0)


def without_noqa(line: str) -> str:
    """A line as readers want it: what a linter is told in it is not for them."""
    return re.sub(r"\s+# noqa.*", "", line)


def line_text(code: CodeType, line: int) -> str:
    """The text of a line, without its indentation; "" if no source is kept."""
    lines, first = source_lines(code)
    at = line - max(first, 1)
    text = lines[at].strip() if 0 <= at < len(lines) else ""
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 4]} ..."


def place(code: CodeType, line: int) -> str:
    """A line in words: its number, its routine, its text if there is one."""
    where, text = f"line {line}, in {code.co_name}", line_text(code, line)
    return f"{where}: `{text}`" if text else where


def loop_around(code: CodeType, line: int) -> int:
    """The line at which the innermost loop around a line begins; the line itself if no source is kept."""
    lines, first = source_lines(code)
    try:
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except SyntaxError:
        return line
    at = line - max(first, 1) + 1
    loops = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.While | ast.For) and node.lineno <= at <= (node.end_lineno or at)
    ]
    return line - at + max(loops) if loops else line


def innermost(routine: Any) -> tuple[CodeType, int] | None:  # noqa: ANN401  (a generator, or what it yields from)
    """Where a suspended routine stands: the code and line of the last of its calls."""
    found = None
    while isinstance(routine, GeneratorType) and routine.gi_frame is not None:
        found = routine.gi_code, routine.gi_frame.f_lineno
        routine = routine.gi_yieldfrom
    return found


def raised_at(traceback: TracebackType | None) -> str:
    """The innermost foreign line that an exception went through, in words; without one that of the last routine."""
    foreign = own = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_foreign(code):
            foreign = code, traceback.tb_lineno
        elif code.co_flags & inspect.CO_GENERATOR:
            own = code, traceback.tb_lineno
        traceback = traceback.tb_next
    at = foreign or own
    return place(*at) if at else ""
