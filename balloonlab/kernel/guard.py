"""A guard against driver text that loops and never yields: it would hang whoever runs it.

Only foreign text is guarded (learner_code.py), and only while a thread runs to its next primitive. Since Python 3.12
the interpreter counts jumps in the functions that are watched, at no cost to any other; before, a trace function
counts lines, beside a debugger's and instead of coverage's.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from types import CodeType, FrameType, FunctionType
from typing import Any

from balloonlab.foundations.interrupt import overdue, when_stuck
from balloonlab.kernel.learner_code import is_foreign, loop_around, place, with_nested
from balloonlab.kernel.world import KernelBugError

MOST = 100_000  # lines, or jumps, between two primitives
_OWN_TOOLS = (3, 4)  # numbers of sys.monitoring that are nobody's by convention


class _EndlessError(BaseException):
    """Raised inside the loop; a learner's ``except Exception`` must not catch it. Its words are made after it."""

    def __init__(self, code: CodeType, line: int) -> None:
        super().__init__()
        self.code, self.line = code, line

    def __str__(self) -> str:
        where = place(self.code, loop_around(self.code, self.line))
        return (
            f"{where} loops without yielding, {MOST:,} times by now. A loop ends only if something that it tests "
            "changes, and what others change is seen by a yield alone: put one into the loop."
        )


class _InterruptedError(_EndlessError):
    """Raised where an interrupt waited in vain for the next primitive."""

    def __str__(self) -> str:
        where = place(self.code, self.line)
        return f"{where} was interrupted: it came to no yield, and until then nobody can stop it."


class _Left(threading.local):
    """Jumps that this thread may still make; None while nothing is guarded."""

    jumps: int | None = None


_left = _Left()


class _Monitor:
    """Since Python 3.12: sys.monitoring. `tool` is None where it is missing or all taken."""

    def __init__(self) -> None:
        self.tool: int | None = None
        self._asked = False

    def watch(self, functions: Iterable[FunctionType]) -> None:
        """From now on see the jumps in these functions; does nothing where sys.monitoring is not to be had."""
        if not self._asked:
            self._asked = True
            self._take_tool()
        if self.tool is not None:
            monitoring: Any = getattr(sys, "monitoring", None)  # Python 3.11 has none
            for function in functions:
                for code in with_nested(function.__code__):
                    monitoring.set_local_events(self.tool, code, monitoring.events.JUMP)

    def _take_tool(self) -> None:
        monitoring: Any = getattr(sys, "monitoring", None)
        free = [number for number in _OWN_TOOLS if monitoring and monitoring.get_tool(number) is None]
        if free:
            self.tool = free[0]
            monitoring.use_tool_id(self.tool, "balloonlab")
            monitoring.register_callback(self.tool, monitoring.events.JUMP, self._jump)

    @staticmethod
    def _jump(code: CodeType, offset: int, _to: int) -> None:
        left = _left.jumps
        if left is None:
            return
        if left == 0:
            raise _EndlessError(code, _line(code, offset))
        if overdue():
            raise _InterruptedError(code, _line(code, offset))
        _left.jumps = left - 1


_monitor = _Monitor()


def watch(functions: Iterable[FunctionType]) -> None:
    """Tell the guard which functions may loop. Needed once for each, before it runs."""
    _monitor.watch(functions)


def guarded(function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
    """What the function returns; KernelBugError if foreign text in it makes too many jumps or lines."""
    if _left.jumps is not None:
        return function(*arguments)
    try:
        _left.jumps = MOST
        try:
            return function(*arguments) if _monitor.tool is not None else _traced(function, *arguments)
        finally:
            _left.jumps = None
    except _EndlessError as endless:
        text = str(endless)
    raise KernelBugError("endless loop", text)


def _stuck(frame: FrameType | None) -> _EndlessError | None:
    """What ends guarded text that neither yields nor jumps, such as a long sleep, seen from the frame that runs."""
    while _left.jumps is not None and frame is not None:
        if is_foreign(frame.f_code):
            return _InterruptedError(frame.f_code, frame.f_lineno)
        frame = frame.f_back
    return None


when_stuck(_stuck)


def _traced(function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
    """The same by a trace function, which an earlier one of a debugger shares the events with."""
    before = sys.gettrace()
    chained: Any = None if type(before).__module__.partition(".")[0] == "coverage" else before
    left = MOST

    def begin(frame: FrameType, event: str, arg: object) -> Any:  # noqa: ANN401
        theirs = chained(frame, event, arg) if chained is not None else None
        return counting(theirs) if is_foreign(frame.f_code) else theirs

    def counting(theirs: Any) -> Any:  # noqa: ANN401  (a trace function, or None)
        def see(frame: FrameType, event: str, arg: object) -> Any:  # noqa: ANN401
            nonlocal theirs, left
            if event == "line":
                if left == 0:
                    raise _EndlessError(frame.f_code, frame.f_lineno)
                if overdue():
                    raise _InterruptedError(frame.f_code, frame.f_lineno)
                left -= 1
            if theirs is not None:
                theirs = theirs(frame, event, arg)
            return see

        return see

    sys.settrace(begin)
    try:
        return function(*arguments)
    finally:
        sys.settrace(before)


def _line(code: CodeType, offset: int) -> int:
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno
