"""A sign of life: while somebody looks at a widget, Python says twice a second that it is there.

The browser cannot ask: its question would wait behind the cell that runs, and silence would then mean nothing. So a
thread of its own sends, whatever the cells do. Where there are no threads (WebAssembly) nothing is sent, nor missed.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol
from weakref import WeakSet

BEAT = 0.5  # seconds between two signs of life
_LOG = logging.getLogger(__name__)


class Beats(Protocol):
    """What gives signs of life."""

    def beat(self) -> bool:
        """Give one; returns whether anybody looks, and so wants the next."""


class Pulse:
    """The thread that lets widgets give signs of life, for as long as somebody looks at one of them."""

    def __init__(self) -> None:
        self._widgets: WeakSet[Beats] = WeakSet()
        self._guard = threading.Lock()
        self._beating = False

    def add(self, widget: Beats) -> None:
        """From now on this widget gives signs of life too, until it says that nobody looks."""
        with self._guard:
            self._widgets.add(widget)
            if self._beating:
                return
            self._beating = True
        try:
            threading.Thread(target=self._go_on, name="balloonlab-pulse", daemon=True).start()
        except RuntimeError:
            self._beating = False

    def _go_on(self) -> None:
        while self._round():
            time.sleep(BEAT)

    def _round(self) -> bool:
        """One sign of life of each; returns whether there is to be another round. Holds no widget afterwards."""
        with self._guard:
            asked = tuple(self._widgets)
            self._widgets.clear()  # who is added meanwhile stays
        for widget in asked:
            try:
                looked_at = widget.beat()
            except Exception:  # noqa: BLE001  (one whose connection is gone must not silence the others)
                _LOG.exception("a widget could not give a sign of life")
                looked_at = False
            if looked_at:
                self._widgets.add(widget)
        with self._guard:
            self._beating = len(self._widgets) > 0
            return self._beating


PULSE = Pulse()
