"""The page map alone: an array of page states as a picture that can be zoomed, walked and changed from Python."""

from __future__ import annotations

import threading
from dataclasses import asdict

import numpy as np
from ipywidgets import Widget
from numpy.typing import ArrayLike, NDArray

from balloonlab.foundations.errors import as_text, whole_number
from balloonlab.foundations.words import counted
from balloonlab.guest.guest import Guest
from balloonlab.memory.palette import PALETTE, state_counts
from balloonlab.memory.reduced_map import MOST_CELLS, checked_states, pages_per_cell, reduce_by
from balloonlab.widgets.connected import Connected
from balloonlab.widgets.wire import Arrays, Content, pack

Message = tuple[Content, Arrays]
_CHANGE_BYTES = 5  # of one change on the wire: which cell (uint32), and its state (uint8)
_FEW = 64  # where one page in so many has changed, reducing all of them at once is faster
_WINDOWS = 16  # views whose window is kept up to date; views that went away are forgotten by and by


class PageMap(Connected):
    """A page map in the browser.

    states: uint8 PageState codes, one a guest page (1 to 16,777,216), or a Guest, for its pages as they are now. Past
    262,144 pages a reduced grid is sent, whose cells are free only if all their pages are, and pages one by one where
    the reader zooms in. ``show(states)`` changes the picture: what is sent are the changed cells or all of them,
    whichever is less. Raises BadValueError for anything that is no row of page states. text: a line or some, above the
    map. height: of the map at most, in CSS pixels.
    """

    def __init__(self, states: ArrayLike | Guest, title: str | None = None, text: str = "", height: int = 512) -> None:
        if title is not None:
            as_text("title", title)
        self.text = as_text("text", text)
        self.height = whole_number("height", height, 64, 4096, "CSS pixels")
        self._guard = threading.Lock()  # of what is known
        self._order = threading.Lock()  # of what is sent: taken first, and held while sending
        self._windows: dict[str, tuple[int, int]] = {}
        self._take(_states_of(states))
        super().__init__("map", title or counted(len(self._states), "guest page"))

    def __repr__(self) -> str:
        return f"<PageMap of {self.title}>"

    @property
    def states(self) -> NDArray[np.uint8]:
        """What is shown: uint8 PageState codes, one a guest page (a copy)."""
        with self._guard:
            return self._states.copy()

    def show(self, states: ArrayLike | Guest, text: str | None = None, title: str | None = None) -> None:
        """Show other states, and another text and title. An array of another length begins a new map.

        On BadValueError nothing has changed.
        """
        array = _states_of(states)
        self.say(self.text if text is None else text, title)
        with self._order:
            with self._guard:
                messages = self._changes(array)
            for message in messages:
                self._send_arrays(*message)

    def say(self, text: str, title: str | None = None) -> None:
        """Show another text, and leave the states."""
        said = as_text("text", text), self.title if title is None else as_text("title", title)
        with self._order:
            if said != (self.text, self.title):
                self.text, self.title = said
                if self.views:
                    self.send({"type": "text", "text": self.text, "title": self.title})

    def stands_in(self, box: Widget) -> None:
        """It is shown as a part of `box`: the picture that a saved notebook keeps stands before that one's view."""
        self._id = box.model_id

    def _take(self, array: NDArray[np.uint8]) -> None:
        self._states = array.copy()
        self._unit = pages_per_cell(len(array))
        self._grid = reduce_by(self._states, self._unit)
        self._counts = _counted(array)

    def _changes(self, array: NDArray[np.uint8]) -> list[Message]:
        """Take the new states; the messages that bring every view there."""
        if not self.views:
            self._take(array)
            return []
        if len(array) != len(self._states):
            self._windows.clear()
            self._take(array)
            return [self._frame()]
        different = self._states != array
        changed = int(np.count_nonzero(different))
        if changed == 0:
            return []
        before = self._grid
        if changed * _FEW > len(array):
            self._take(array)
        else:
            self._take_pages(np.flatnonzero(different), array)
        cells = np.flatnonzero(self._grid != before)
        arrays: Arrays = {"grid": self._grid.copy()}
        if len(cells) * _CHANGE_BYTES < len(self._grid):
            arrays = {"cells": cells.astype(np.uint32), "states": self._grid[cells]}
        windows = (self._window_change(view, different) for view in self._windows)
        return [self._patch(arrays), *filter(None, windows)]

    def _take_pages(self, pages: NDArray[np.int64], array: NDArray[np.uint8]) -> None:
        """Take the states of a few `pages` from `array`."""
        self._counts += _counted(array[pages]) - _counted(self._states[pages])
        self._states[pages] = array[pages]
        cells = np.unique(pages // self._unit)
        inside = np.minimum(cells[:, None] * self._unit + np.arange(self._unit), len(self._states) - 1)
        self._grid = self._grid.copy()
        self._grid[cells] = reduce_by(self._states[inside.ravel()], self._unit)

    def _patch(self, arrays: Arrays, view: str | None = None) -> Message:
        return {"type": "patch", "to": view, "counts": self._counts.tolist()}, arrays

    def _frame(self) -> Message:
        content = {
            "type": "frame",
            "pages": len(self._states),
            "unit": self._unit,
            "counts": self._counts.tolist(),
            "palette": [asdict(look) for look in PALETTE],
            "title": self.title,
            "text": self.text,
            "height": self.height,
        }
        return content, {"grid": self._grid.copy()}

    def _window(self, view: str) -> Message:
        first, count = self._windows[view]
        return {"type": "window", "to": view, "first": first}, {"states": self._states[first : first + count].copy()}

    def _window_change(self, view: str, different: NDArray[np.bool_]) -> Message | None:
        first, count = self._windows[view]
        pages = np.flatnonzero(different[first : first + count]) + first
        if len(pages) == 0:
            return None
        if len(pages) * _CHANGE_BYTES >= count:
            return self._window(view)
        return self._patch({"window_pages": pages.astype(np.uint32), "window_states": self._states[pages]}, view)

    def answer(self, request: Content) -> None:
        """A view asks for the whole map, or for a window of pages in full; what makes no sense is not answered."""
        view = str(request.get("view"))
        with self._order:
            with self._guard:
                message = self._asked(view, request)
            if message is not None:
                self._send_arrays(*message)

    def _asked(self, view: str, request: Content) -> Message | None:
        if request.get("type") == "bye":
            self._windows.pop(view, None)
            return None
        if request.get("type") == "hello":
            self._windows.pop(view, None)
            content, arrays = self._frame()
            return content | {"to": view}, arrays
        if request.get("type") != "window":
            return None
        first, count = request.get("first"), request.get("count")
        if type(first) is not int or type(count) is not int:
            return None  # the window stays as it was
        first = min(max(0, first), len(self._states) - 1)
        self._windows.pop(view, None)
        self._windows[view] = first, min(max(1, count), MOST_CELLS, len(self._states) - first)
        if len(self._windows) > _WINDOWS:
            del self._windows[next(iter(self._windows))]
        return self._window(view)

    def _send_arrays(self, content: Content, arrays: Arrays) -> None:
        directory, buffer = pack(arrays)
        self.send({**content, "arrays": directory}, [buffer])

    def still_states(self) -> NDArray[np.uint8]:
        return self.states

    def still_lines(self) -> list[str]:
        return self.text.splitlines()

    def still_text(self) -> str:
        counts = ", ".join(f"{look.word} {count:,}" for look, count in state_counts(self.states))
        return "\n".join([repr(self), *self.text.splitlines(), counts])


def _counted(states: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pages in each state, by code; numpy.bincount takes five times as long on bytes."""
    return np.array([np.count_nonzero(states == code) for code in range(len(PALETTE))], np.int64)


def _states_of(states: ArrayLike | Guest) -> NDArray[np.uint8]:
    return checked_states(states.page_states if isinstance(states, Guest) else states)
