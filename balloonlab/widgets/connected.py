"""A widget and those who look at it: who they are, a sign of life for them, and a number on all that is sent.

A view says hello when it appears and bye when it goes; one that went without a word (a browser that died) is forgotten
by and by. A view that misses a number has lost a message, and says hello again.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from contextvars import Context, copy_context
from typing import Any, NamedTuple

from balloonlab.widgets.lifetime import LIFETIMES
from balloonlab.widgets.pulse import PULSE
from balloonlab.widgets.saved_output import Bundle, Pictured
from balloonlab.widgets.wire import Content

LEASE = 1800.0  # seconds after which a silent view is taken for gone; views say "here" three times as often


class View(NamedTuple):
    """Somebody who looks: until when that is believed (seconds), and in which context he asked last.

    A sign of life is sent as if it answered him. ipykernel takes a request in where the last message went out, and from
    any other thread that would be behind the cell that runs.
    """

    until: float
    context: Context


class Connected(Pictured):
    """A picture that is alive in any number of views. Subclasses `answer` what those ask."""

    def __init__(self, kind: str, title: str) -> None:
        self.views: dict[str, View] = {}
        self.cells: set[object] = set()
        self.kept = True
        self.parts = ()
        self._numbering = threading.Lock()
        self._number = 0
        super().__init__(kind, title)
        self.on_msg(lambda widget, content, _buffers: widget.hear(content))
        LIFETIMES.follow(self)

    def answer(self, request: Content) -> None:
        """A request of a view, its "hello" and "bye" included."""
        raise NotImplementedError

    def __del__(self) -> None:
        if sys is not None and not sys.is_finalizing():  # where ipywidgets itself is being taken apart
            super().__del__()

    def let_go(self) -> None:
        """Nobody can look at this any more, unless somebody who holds it shows it again."""

    def hear(self, request: object) -> None:
        """Whatever a view says."""
        if not isinstance(request, dict):
            return
        kind, view = request.get("type"), str(request.get("view"))
        others = {name: each for name, each in self.views.items() if name != view}
        if kind == "bye" or "view" not in request:
            self.views = others
        else:  # in one go: who sends meanwhile must not find nobody here; the newest stands last
            self.views = others | {view: View(time.monotonic() + LEASE, copy_context())}
            LIFETIMES.keep(self)
            PULSE.add(self)
        if kind != "here":
            self.answer(request)
        if kind == "bye":
            LIFETIMES.look_around()

    def send(self, content: Any, buffers: Sequence[Any] | None = None) -> None:  # noqa: ANN401  (as ipywidgets has it)
        """Send a message to every view, with the next number."""
        with self._numbering:
            self._number += 1
            super().send({**content, "n": self._number}, buffers)

    def beat(self) -> bool:
        """Give a sign of life, with the number of the last message; returns whether anybody looks."""
        now = time.monotonic()
        for name, view in list(self.views.items()):
            if view.until < now:
                self.views.pop(name, None)
        for view in list(self.views.values())[-1:]:
            view.context.run(self._sign)
            return True
        LIFETIMES.look_around()
        return False

    def _sign(self) -> None:
        with self._numbering:
            super().send({"type": "beat", "n": self._number})

    def _repr_mimebundle_(self, **options: object) -> Bundle | None:
        LIFETIMES.show(self)
        return super()._repr_mimebundle_(**options)
