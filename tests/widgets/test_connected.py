"""Those who look at a widget: signs of life for them as long as they are there, and a number on all that is said."""

from __future__ import annotations

import threading
from typing import Any

import anywidget
import pytest

from balloonlab.widgets import connected, pulse
from balloonlab.widgets.pagemap import PageMap

HEARD: list[PageMap] = []  # widgets of the test that runs


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What widgets say, as (type, number)."""
    messages: list[tuple[str, int]] = []

    HEARD.clear()

    def send(widget: object, content: dict[str, Any], _buffers: object = None) -> None:
        if any(widget is each for each in HEARD):  # and not one of another test, that still beats
            messages.append((content["type"], content["n"]))

    monkeypatch.setattr(anywidget.AnyWidget, "send", send)
    monkeypatch.setattr(connected, "PULSE", pulse.Pulse())
    monkeypatch.setattr(connected.PULSE, "add", lambda _widget: None)  # the test beats itself
    return messages


def hear(widget: PageMap, kind: str, view: str = "a") -> None:
    HEARD.append(widget)
    widget._handle_custom_msg({"type": kind, "view": view}, [])


def test_a_sign_of_life_has_the_number_of_the_last_message(said: list[tuple[str, int]]) -> None:
    widget = PageMap([0, 1, 2])
    hear(widget, "hello")
    assert widget.beat()
    widget.show([0, 1, 3])
    assert widget.beat()
    assert said == [("frame", 1), ("beat", 1), ("patch", 2), ("beat", 2)]


def test_signs_of_life_end_with_the_last_view(said: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    widget = PageMap([0, 1, 2])
    assert not widget.beat()
    for view in ("a", "b"):
        hear(widget, "hello", view)
    hear(widget, "bye", "a")
    assert (list(widget.views), widget.beat()) == (["b"], True)
    hear(widget, "here", "a")  # one that was thought to be gone
    hear(widget, "bye", "b")
    assert (list(widget.views), widget.beat()) == (["a"], True)
    monkeypatch.setattr(connected, "LEASE", -1.0)
    hear(widget, "here", "a")
    said.clear()
    assert (widget.beat(), widget.views, said) == (False, {}, [])


@pytest.mark.parametrize("request_", [None, "hello", 3, ["hello"], {}, {"type": "here"}, {"type": {}, "view": {}}])
def test_what_makes_no_sense_is_not_answered(said: list[tuple[str, int]], request_: object) -> None:
    PageMap([0])._handle_custom_msg(request_, [])
    assert said == []


class Beating:
    """Gives signs of life a few times, then fails, or says that nobody looks."""

    def __init__(self, times: int, *, fails: bool = False) -> None:
        self.times, self.fails = times, fails
        self.over = threading.Event()

    def beat(self) -> bool:
        self.times -= 1
        if self.times > 0:
            return True
        self.over.set()
        if self.fails:
            raise ConnectionError
        return False


def test_one_that_fails_silences_nobody_and_the_thread_ends_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "BEAT", 0.001)
    beats = pulse.Pulse()
    failing, lasting = Beating(2, fails=True), Beating(20)
    beats.add(failing)
    beats.add(lasting)
    assert failing.over.wait(30)
    assert lasting.over.wait(30)
    again = Beating(3)  # begins anew, whether or not the thread is still ending
    beats.add(again)
    assert again.over.wait(30)


def test_without_threads_there_are_no_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    beats = pulse.Pulse()
    beats.add(Beating(1))
    monkeypatch.undo()
    later = Beating(2)
    beats.add(later)
    assert later.over.wait(30)


def test_a_view_that_speaks_again_is_there_all_the_while(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = PageMap([0, 1, 2])
    hear(widget, "hello", "a")
    seen: list[bool] = []
    made = connected.copy_context
    monkeypatch.setattr(connected, "copy_context", lambda: (seen.append("a" in widget.views), made())[1])
    hear(widget, "here", "a")
    assert seen == [True]
