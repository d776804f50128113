"""Messages to the Labs of a machine, queued in the order of what they tell, and sent by whoever comes next.

Nothing is sent while the machine is held: whoever holds it posts, and flushes when he has let go.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from balloonlab.widgets.wire import Arrays, Content, pack

_LOG = logging.getLogger(__name__)


class Shows(Protocol):
    """A Lab, as its session knows it. views: of it, that are there."""

    views: dict[str, Any]

    def send(self, content: Content, buffers: list[bytes]) -> None: ...

    def describe(self) -> Content: ...


class Outbox:
    """seen: gives the Labs that somebody looks at."""

    def __init__(self, seen: Callable[[], list[Shows]]) -> None:
        self._seen = seen
        self._waiting: deque[tuple[Shows | None, Content, list[bytes]]] = deque()
        self._sending = threading.Lock()

    def post(self, lab: Shows | None, content: Content, arrays: Arrays | None = None) -> None:
        """Queue a message to one Lab, or to all."""
        buffers: list[bytes] = []
        if arrays is not None:
            content["arrays"], buffer = pack(arrays)
            buffers = [buffer]
        self._waiting.append((lab, content, buffers))

    def flush(self) -> None:
        """Send what is queued, in order. Whoever is at it already takes along what came meanwhile."""
        while self._waiting and self._sending.acquire(blocking=False):
            try:
                while self._waiting:
                    lab, content, buffers = self._waiting.popleft()
                    for receiver in self._seen() if lab is None else [lab]:
                        _send(receiver, content, buffers)
            finally:
                self._sending.release()


def _send(lab: Shows, content: Content, buffers: list[bytes]) -> None:
    try:
        lab.send(content, buffers)
    except Exception:  # noqa: BLE001  (a Lab whose connection is gone must not stop the others)
        _LOG.exception("a Lab could not be told")
