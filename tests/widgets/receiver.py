"""A Lab's browser side in Python: it takes messages as they come and notes them. And the slow twin of decoding them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from balloonlab.widgets.session import Session

DTYPES = {"i1": np.int8, "u1": np.uint8, "u2": np.uint16, "i4": np.int32, "u4": np.uint32}
Message = tuple[dict[str, Any], dict[str, np.ndarray]]


def decoded(content: dict[str, Any], buffers: list[bytes]) -> Message:
    """A message as (content, arrays by name)."""
    arrays = {}
    for name, kind, offset, length in content.get("arrays", []):
        assert offset % 4 == 0
        arrays[name] = np.frombuffer(buffers[0], DTYPES[kind], length, offset).copy()
    return content, arrays


class Receiver:
    """Stands in for a Lab in its session: collects what is sent, and asks as its view `name`."""

    def __init__(self, session: Session, name: str = "view") -> None:
        self.session, self.name = session, name
        self.messages: list[Message] = []
        self.epoch, self.length, self.stands = -1, -1, -1
        self.history: dict[str, Any] = {}
        self.heard: Callable[[Receiver, dict[str, Any]], None] | None = None
        self.views: dict[str, Any] = {}
        self.came = threading.Condition()
        session.labs.append(self)

    def describe(self) -> dict[str, Any]:
        return {"title": "a guest"}

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if content.get("to") not in (None, self.name) or (content["type"] == "steps" and self.epoch < 0):
            return  # for somebody else, or before the first frame
        if self.heard is not None:
            self.heard(self, content)
        with self.came:
            self.messages.append(decoded(content, buffers))
            self.came.notify_all()
        if content["type"] == "frame":
            self.epoch, self.length, self.history = content["epoch"], content["steps"], content
            self.stands = content["position"]
        elif content["type"] == "steps":
            assert content["was"] == self.epoch, "steps of an epoch this view was not in"
            assert content["from"] <= self.length, "steps are missing"
            self.epoch, self.length, self.history = content["epoch"], content["from"] + content["count"], content
        elif content["type"] == "stand":
            assert content["epoch"] == self.epoch
            self.stands = content["at"]

    def hello(self) -> Message:
        frames = len(self.of("frame"))
        self.views[self.name] = True
        self.session.ask(self, {"type": "hello", "view": self.name})
        with self.came:
            assert self.came.wait_for(lambda: len(self.of("frame")) > frames, 30)
        return self.of("frame")[-1]

    def ask(self, kind: str, at: int | None = None, **rest: object) -> None:
        """Ask, looking at position `at` (by default where the timeline ends), and wait for the answer."""
        at = self.length if at is None else at
        request = {"type": kind, "view": self.name, "at": at, "known": self.length, "epoch": self.epoch, **rest}
        self.session.ask(self, request)
        assert self.session.settle()

    def of(self, kind: str) -> list[Message]:
        return [message for message in self.messages if message[0]["type"] == kind]

    @property
    def errors(self) -> list[str]:
        return [content["text"] for content, _ in self.of("error")]
