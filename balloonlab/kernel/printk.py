"""The kernel's log: what threads print, with the time, and at most ten limited lines in five seconds.

A line belongs to the step that prints it, so it is there whenever that step is, walking back and forth. The clock
counts what threads have slept with msleep: nothing else takes time here. printk_ratelimit is that of Linux 3.6
(lib/ratelimit.c): the call that finds an interval over is printed, and the next one begins with the call after it (6.1
and later begin it at once). Since 3.8 the line has a limit of its own (dev_info_ratelimited), with the same numbers;
there is no other limited line in these drivers.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from balloonlab.kernel.primitives.verb import Primitive

INTERVAL = 5000  # milliseconds in which
BURST = 10  # so many limited lines are printed
LIMITED = "fill_balloon"  # the only function that prints such a line: the kernel names it (__func__)
_NOT_BEGUN = -1


class Line(NamedTuple):
    """A line of the kernel's log.

    step: number of the step that printed it. time: milliseconds slept before it. thread: who printed it. level: "info",
    "warning" or "bug".
    """

    step: int
    time: int
    thread: str
    level: str
    text: str

    def __str__(self) -> str:
        """As dmesg has it, the time in seconds."""
        return f"[{self.time / 1000:12.6f}] {self.text}"


class Clock(NamedTuple):
    """What the next line depends on: milliseconds slept, and the limit's interval.

    begin: when the interval began, -1 if it has not. printed, missed: lines in it.
    """

    time: int = 0
    begin: int = _NOT_BEGUN
    printed: int = 0
    missed: int = 0

    def ratelimit(self) -> tuple[Clock, int, bool]:
        """Ask for one limited line: the clock afterwards, lines told to be suppressed, whether it is printed."""
        begin = self.time if self.begin == _NOT_BEGUN else self.begin
        printed, missed, told = self.printed, self.missed, 0
        if self.time > begin + INTERVAL:
            begin, printed, missed, told = _NOT_BEGUN, 0, 0, self.missed
        allowed = printed < BURST
        return Clock(self.time, begin, printed + allowed, missed + (not allowed)), told, allowed


class KernelLog:
    """Lines of a stretch of steps in their order, and the clock at any of them. opening: that before the first."""

    def __init__(self, opening: Clock = Clock()) -> None:  # noqa: B008
        self.lines: list[Line] = []
        self._opening = opening
        self._sleeps: list[int] = []  # steps that moved the clock,
        self._clocks: list[Clock] = []  # and the clock after each

    def append(self, step: int, thread: str, primitive: Primitive, result: object) -> None:
        """Note a step of a verb that prints."""
        if primitive.verb.naps:
            self._sleep(step, thread, *primitive.args)
        elif result:
            self._print(step, thread, "warning", f"WARNING: WARN_ON({primitive.args[1]})")

    def _sleep(self, step: int, thread: str, milliseconds: int, said: str = "") -> None:
        clock = self.at(step)
        if said:
            clock, missed, allowed = clock.ratelimit()
            if missed:
                self._print(step, thread, "warning", f"{LIMITED}: {missed} callbacks suppressed")
            if allowed:
                self._print(step, thread, "info", said)
        self._sleeps.append(step)
        self._clocks.append(clock._replace(time=clock.time + milliseconds))

    def _print(self, step: int, thread: str, level: str, text: str) -> None:
        self.lines.append(Line(step, self.at(step).time, thread, level, text))

    def at(self, position: int) -> Clock:
        """The clock after that many steps."""
        slept = bisect_left(self._sleeps, position)
        return self._clocks[slept - 1] if slept else self._opening

    def before(self, position: int) -> int:
        """How many lines the first `position` steps have printed."""
        return bisect_left(self.lines, position, key=lambda line: line.step)

    def cut(self, position: int) -> None:
        """Forget every step from `position` on."""
        del self.lines[self.before(position) :]
        slept = bisect_left(self._sleeps, position)
        del self._sleeps[slept:], self._clocks[slept:]

    def since(self, position: int) -> KernelLog:
        """The log of the steps from `position` on."""
        later = KernelLog(self.at(position))
        slept = bisect_left(self._sleeps, position)
        later.lines = self.lines[self.before(position) :]
        later._sleeps, later._clocks = self._sleeps[slept:], self._clocks[slept:]
        return later
