"""The page map alone: what `show` sends brings the browser's arrays exactly there, and is the least that does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadValueError
from balloonlab.guest.guest import Guest
from balloonlab.memory.palette import PALETTE
from balloonlab.memory.reduced_map import MOST_CELLS, reduce_states
from balloonlab.widgets import pagemap
from balloonlab.widgets.pagemap import PageMap
from tests.widgets.receiver import decoded


class Browser:
    """What plain.js does with the messages, in numpy."""

    def __init__(self, widget: PageMap, name: str = "a") -> None:
        self.widget, self.name = widget, name
        self.bytes: list[int] = []
        self.grid = np.zeros(0, np.uint8)
        self.window: tuple[int, np.ndarray] | None = None
        widget.send = self.receive  # type: ignore[method-assign]
        self.ask(type="hello")

    def ask(self, **request: object) -> None:
        self.widget._handle_custom_msg({**request, "view": self.name}, [])

    def receive(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        content, arrays = decoded(content, buffers)
        assert content.get("to") in (None, self.name)
        self.bytes.append(sum(map(len, buffers)))
        kind = content["type"]
        if kind == "window":
            self.window = content["first"], arrays["states"]
            return
        self.counts = content["counts"]
        if kind == "frame":
            self.pages, self.unit, self.grid = content["pages"], content["unit"], arrays["grid"]
        elif "grid" in arrays:
            self.grid = arrays["grid"]
        elif "cells" in arrays:
            self.grid[arrays["cells"]] = arrays["states"]
        if "window_pages" in arrays:
            first, states = self.window
            states[arrays["window_pages"] - first] = arrays["window_states"]

    def check(self, states: np.ndarray) -> None:
        grid, unit = reduce_states(states)
        assert (self.pages, self.unit) == (len(states), unit)
        assert np.array_equal(self.grid, grid)
        assert self.counts == np.bincount(states, minlength=len(PALETTE)).tolist()
        assert np.array_equal(self.widget.states, states)
        if self.window:
            first, seen = self.window
            assert np.array_equal(seen, states[first : first + len(seen)])


code = st.integers(0, len(PALETTE) - 1)


@settings(max_examples=60)
@given(st.integers(1, 3000), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 400), code), max_size=6))
def test_every_show_brings_the_browser_there(pages: int, changes: list[tuple[float, int, int]]) -> None:
    states = np.zeros(pages, np.uint8)
    browser = Browser(PageMap(states))
    browser.check(states)
    for share, count, state in changes:
        states = states.copy()
        states[int(share * pages) :][:count] = state
        browser.widget.show(states)
        browser.check(states)


def large(seed: int, pages: int = 4 * MOST_CELLS - 5) -> np.ndarray:
    return np.repeat(np.random.default_rng(seed).integers(0, 4, pages // 16 + 1), 16)[:pages].astype(np.uint8)


@pytest.mark.parametrize("window", [None, (0, MOST_CELLS), (500_000, 3000)])
@pytest.mark.parametrize("changed", [1, 256, 20_000, 400_000])
def test_a_large_guest_sends_its_grid_and_the_window_looked_at(window: tuple[int, int] | None, changed: int) -> None:
    states = large(1)
    browser = Browser(PageMap(states))
    if window:
        browser.ask(type="window", first=window[0], count=window[1])
    states = states.copy()
    rng = np.random.default_rng(2)
    states[rng.choice(len(states), changed, replace=False)] = 8
    browser.widget.show(states)
    browser.check(states)
    browser.widget.show(large(3))
    browser.check(large(3))


def test_what_is_sent_is_the_least() -> None:
    states = np.zeros(4096, np.uint8)
    browser = Browser(PageMap(states))
    for changed, expected in [(0, None), (1, 4 + 4), (100, 500), (819, 819 * 4 + 820), (820, 4096), (4096, 4096)]:
        sent = len(browser.bytes)
        other = browser.widget.states
        other[:changed] = (other[0] + 1) % 9
        browser.widget.show(other)
        assert browser.bytes[sent:] == ([] if expected is None else [expected])


def test_a_window_is_sent_whole_when_that_is_less() -> None:
    browser = Browser(PageMap(large(1)))
    browser.ask(type="window", first=512, count=100)
    for changed, expected in [(19, 19 * 4 + 20), (20, 100)]:
        other = browser.widget.states
        other[512 : 512 + changed] = (other[512] + 1) % 9
        browser.widget.show(other)
        assert browser.bytes[-1] == expected
        browser.check(other)


def test_a_map_that_nobody_looks_at_sends_nothing() -> None:
    browser = Browser(PageMap(np.zeros(64, np.uint8)))
    browser.ask(type="bye")
    browser.widget.show(np.ones(64, np.uint8))
    assert len(browser.bytes) == 1
    browser.ask(type="hello")
    browser.check(np.ones(64, np.uint8))


def test_another_length_begins_a_new_map() -> None:
    browser = Browser(PageMap(large(1)))
    browser.ask(type="window", first=0, count=512)
    browser.window = None
    browser.widget.show(np.ones(300, np.uint8))
    browser.check(np.ones(300, np.uint8))


@pytest.mark.parametrize(
    "states", [[], [[0]], [9], [-1], [0.5], ["x"], None, np.zeros((2, 2), np.uint8)], ids=lambda value: repr(value)[:20]
)
def test_bad_states_are_refused_and_nothing_changes(states: object) -> None:
    browser = Browser(PageMap([0, 1, 2, 3]))
    with pytest.raises(BadValueError, match="states"):
        browser.widget.show(states)
    with pytest.raises(BadValueError, match="states"):
        PageMap(states)
    browser.check(np.array([0, 1, 2, 3], np.uint8))
    assert len(browser.bytes) == 1


def test_a_guest_is_shown_as_its_pages_are_now() -> None:
    guest = Guest(1024)
    shown = PageMap(guest)
    guest.inflate(100)
    assert not shown.states.any()
    shown.show(guest)
    assert shown.states.tobytes() == guest.page_states.tobytes()
    assert shown.states.any()


def test_the_array_given_stays_the_callers_own() -> None:
    states = np.zeros(64, np.uint8)
    browser = Browser(PageMap(states))
    states[3] = 1
    browser.widget.show(states)
    states[3] = 2
    browser.check(np.bincount([3], minlength=64).astype(np.uint8))


def test_windows_of_views_that_went_away_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagemap, "_WINDOWS", 2)
    widget = PageMap(large(1))
    browser = Browser(widget, "last")
    for view in ("a", "b"):
        widget.send = lambda *_: None  # type: ignore[method-assign]
        widget._handle_custom_msg({"type": "window", "first": 0, "count": 10, "view": view}, [])
    widget.send = browser.receive  # type: ignore[method-assign]
    browser.ask(type="window", first=-7, count=10**9)
    assert set(widget._windows) == {"b", "last"}
    assert browser.window[0] == 0
    assert len(browser.window[1]) == MOST_CELLS
    browser.ask(type="bye")
    assert set(widget._windows) == {"b"}


def test_it_prints_the_same_every_time() -> None:
    widget = PageMap([0, 0, 3])
    assert repr(widget) == "<PageMap of 3 guest pages>"
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == "<PageMap of 3 guest pages>\nfree 2, balloon 1"
    assert data["image/png"].startswith(b"\x89PNG")
