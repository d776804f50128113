"""Ctrl-C (or "Interrupt the kernel") without tearing a step in two, and a sign of life while something takes long."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_PAUSE = 0.5  # seconds between two signs of life


class Interruption:
    """Whether somebody asked to stop, and how long it has been going on."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.asked = False
        self._began = time.monotonic()
        self._said = 0.0
        self._label: Any = None

    def say(self, progress: str) -> None:
        """After the first second, and then every half one, show how far it is.

        In a notebook a line that goes away again (it is no part of the cell's saved output), in a terminal a line on
        the error stream that is written over.
        """
        now = time.monotonic() - self._began
        if now < 1 or now - self._said < _PAUSE:
            return
        self._said = now
        text = f"{self.what}: {progress} (interrupt the kernel to stop)"
        if "ipykernel" in sys.modules:
            self._show(text)
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r{text} ")
            sys.stderr.flush()

    def quiet(self) -> None:
        """Take the line away."""
        if self._label is not None:
            self._label.close()
        elif self._said and sys.stderr.isatty():
            sys.stderr.write("\r" + " " * 110 + "\r")
            sys.stderr.flush()

    def _show(self, text: str) -> None:
        if self._label is None:
            from IPython.display import display  # noqa: PLC0415  (only where there is a notebook)
            from ipywidgets import Label  # noqa: PLC0415

            self._label = Label()
            view = {"version_major": 2, "version_minor": 0, "model_id": self._label.model_id}
            display({"application/vnd.jupyter.widget-view+json": view}, raw=True)  # type: ignore[no-untyped-call]
        self._label.value = text


@contextmanager
def interruptible(what: str) -> Iterator[Interruption]:
    """Hold an interrupt back until the loop inside has seen `asked` and stopped between two steps; then raise it.

    On a thread other than the main one, interrupts never arrive, and nothing is held back.
    """
    state = Interruption(what)

    def ask(_signal: int, _frame: FrameType | None) -> None:
        state.asked = True

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, ask) if main else None
    try:
        yield state
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
        state.quiet()
    if state.asked:
        raise KeyboardInterrupt
