"""Ctrl-C (or "Interrupt the kernel") without tearing a step in two, and a sign of life while something takes long."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

_PAUSE = 0.5  # seconds between two signs of life
_PATIENCE = 0.5  # seconds that an interrupt waits for a routine to come to its next step
_BAR = 20  # characters of a bar in a terminal


class _Held:
    """Whether an interrupt came while it was held back."""

    def __init__(self) -> None:
        self.asked = False
        self.since = 0.0
        self._over = False
        self._ends = threading.Lock()

    def ask(self) -> None:
        """Remember the first interrupt; it comes once more if nothing has ended by then."""
        if not self.asked:
            self.asked, self.since = True, time.monotonic()
            if hasattr(signal, "pthread_kill"):  # elsewhere nothing wakes who sleeps
                again = threading.Timer(1.1 * _PATIENCE, self._knock)
                again.daemon = True
                again.start()

    def _knock(self) -> None:
        """Whatever the main thread sleeps in, a signal ends; what it then runs is its handler."""
        with self._ends:
            if not self._over and (main := threading.main_thread().ident) is not None:
                signal.pthread_kill(main, signal.SIGINT)

    def end(self) -> None:
        """No interrupt comes again."""
        with self._ends:
            self._over = True


class SignOfLife:
    """Says, while something takes long, how far it is."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._began = time.monotonic()
        self._said = 0.0
        self._line: Any = None

    def say(self, progress: str, share: float | None = None) -> None:
        """After the first second, and then every half one, show how far it is; as a bar too if the share is known.

        In a notebook a line that goes away again (it is no part of the cell's saved output), in a terminal a line on
        the error stream that is written over.
        """
        now = time.monotonic() - self._began
        if now < 1 or now - self._said < _PAUSE or _silent.get():
            return
        self._said = now
        text = f"{self.what}: {progress} (interrupt the kernel to stop)"
        if "ipykernel" in sys.modules:
            self._show(text, share)
        elif sys.stderr.isatty():
            text = text.replace("interrupt the kernel", "Ctrl-C")
            sys.stderr.write(f"\r{'' if share is None else _bar(share)}{text} ")
            sys.stderr.flush()

    def quiet(self) -> None:
        """Take the line away."""
        if self._line is not None:
            self._line.take_away()
        elif self._said and sys.stderr.isatty():
            sys.stderr.write("\r" + " " * 110 + "\r")
            sys.stderr.flush()

    def _show(self, text: str, share: float | None) -> None:
        if self._line is None:
            from balloonlab.foundations.progress_line import ProgressLine  # noqa: PLC0415  (only where there is a notebook)

            self._line = ProgressLine()
        with self._line.hold_sync():
            self._line.text = text
            self._line.share = -1.0 if share is None else share


class Interruption(SignOfLife):
    """Whether somebody asked to stop, and how long it has been going on."""

    def __init__(self, what: str, held: _Held) -> None:
        super().__init__(what)
        self._held = held

    @property
    def asked(self) -> bool:
        """Whether an interrupt waits for this to end."""
        return self._held.asked


class Listener(Interruption):
    """For work on a thread of its own: anybody may call `stop`, and `hear` is told how far it is, from the start on."""

    def __init__(self, what: str, hear: Callable[[str], None]) -> None:
        super().__init__(what, _Held())
        self._hear = hear

    def stop(self) -> None:
        """Ask for an end."""
        self._held.asked = True

    def say(self, progress: str, share: float | None = None) -> None:  # noqa: ARG002  (a listener draws no bar)
        now = time.monotonic() - self._began
        if now - self._said >= _PAUSE:
            self._said = now
            self._hear(progress)


def _bar(share: float) -> str:
    full = round(_BAR * min(max(share, 0.0), 1.0))
    return f"[{'#' * full}{'.' * (_BAR - full)}] "


@contextmanager
def silently() -> Iterator[None]:
    """No signs of life from what this thread does here: somebody else says how far the whole is."""
    before = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(before)


_silent: ContextVar[bool] = ContextVar("silent", default=False)
_held: _Held | None = None  # of the main thread; others never see an interrupt
_times = 0


def asked() -> bool:
    """Whether an interrupt is held back here and now: what can be taken back may be given up for it."""
    return _held is not None and _held.asked and threading.current_thread() is threading.main_thread()


def raise_if_asked() -> None:
    """Raise the interrupt that is held back, if there is one: the caller takes back what it did."""
    if asked():
        raise KeyboardInterrupt


def overdue() -> bool:
    """Whether it has waited longer than any step takes."""
    return asked() and _held is not None and time.monotonic() - _held.since > _PATIENCE


def when_stuck(find: Callable[[FrameType | None], BaseException | None]) -> None:
    """Who runs text that may wait for ever says how: `find` gives what to raise in it, or None while none is run."""
    global _find_stuck  # noqa: PLW0603
    _find_stuck = find


def _nobody(_frame: FrameType | None) -> None:
    return None


_find_stuck: Callable[[FrameType | None], BaseException | None] = _nobody


def times_held_back() -> int:
    """How many interrupts have been held back in this process: more than before, and what ran may have ended early."""
    return _times


@contextmanager
def held_back() -> Iterator[_Held]:
    """Hold an interrupt back until this block ends between two steps (loops inside look at `asked`); then raise it.

    Blocks may nest: the outermost raises. On a thread other than the main one interrupts never arrive.
    """
    global _held  # noqa: PLW0603  (a signal handler is the process's, too)
    if _held is not None or threading.current_thread() is not threading.main_thread():
        yield _held if threading.current_thread() is threading.main_thread() and _held is not None else _Held()
        return
    held = _Held()

    def ask(_signal: int, frame: FrameType | None) -> None:
        global _times  # noqa: PLW0603
        _times += 1
        held.ask()
        if overdue() and (stuck := _find_stuck(frame)) is not None:
            raise stuck

    before = signal.signal(signal.SIGINT, ask)  # may raise, for an interrupt that came just before it
    try:
        _held = held
        yield held
    finally:
        _held = None
        held.end()
        signal.signal(signal.SIGINT, before)
    if held.asked:
        raise KeyboardInterrupt


@contextmanager
def interruptible(what: str) -> Iterator[Interruption]:
    """`held_back`, with a sign of life (`say`) while it takes long."""
    with held_back() as held:
        state = Interruption(what, held)
        try:
            yield state
        finally:
            state.quiet()
