"""A figure to be pulled: its controls, what is drawn for their values, and what is said of values that cannot be."""

from __future__ import annotations

import itertools
from typing import Any

import ipywidgets
import numpy as np
import pytest

import balloonlab as bl
from balloonlab.foundations.errors import BadValueError


def bars(high: int = 3, kind: str = "free", *, all_of_it: bool = False) -> tuple[np.ndarray, str]:
    """`high` of 8 pages, or all, in use."""
    states = np.zeros(8, np.uint8)
    states[: 8 if all_of_it else high] = bl.PageState.MOVABLE
    return states, f"{kind}: {np.count_nonzero(states)} of 8"


def test_controls_begin_with_the_functions_own_defaults() -> None:
    figure = bl.interact(bars, high=(0, 8), kind=["free", "used"], all_of_it=False)
    kinds = [type(control).__name__ for control in figure.controls.values()]
    assert kinds == ["IntSlider", "Dropdown", "Checkbox"]
    assert figure.values == {"high": 3, "kind": "free", "all_of_it": False}
    assert figure.text == "free: 3 of 8"
    assert repr(figure) == "<to be pulled: high 3, kind free, all of it False>\nfree: 3 of 8"
    assert [control.description for control in figure.controls.values()] == ["high", "kind", "all of it"]


def test_a_pull_draws_map_and_text_anew() -> None:
    figure = bl.interact(bars, high=(0, 8), kind=["free", "used"])
    sent: list[dict[str, Any]] = []
    figure.map.views["a view"] = None
    figure.map.send = lambda content, _buffers=None: sent.append(content)
    figure.controls["high"].value = 5
    assert figure.map.states.tolist() == [1, 1, 1, 1, 1, 0, 0, 0]
    assert (figure.map.text, figure.map.title) == ("free: 5 of 8", "high 5, kind free")
    assert [content["type"] for content in sent] == ["text", "patch"]
    figure.controls["kind"].value = "used"
    assert [content["type"] for content in sent] == ["text", "patch", "text"]  # the map is as it was: nothing to send


def test_a_guest_may_be_drawn_and_a_widget_may_be_a_control() -> None:
    def guest(pages: int) -> tuple[bl.Guest, str]:
        return bl.Guest(pages), "all free"

    figure = bl.interact(guest, pages=ipywidgets.BoundedIntText(512, min=1, max=4096))
    figure.controls["pages"].value = 1024
    assert len(figure.map.states) == 1024


def test_a_slider_of_very_many_values_can_be_played() -> None:
    def drawn(count: int = 5, share: float = 0.5, few: int = 1) -> tuple[list[int], str]:
        return [few], f"{count} {share}"

    figure = bl.interact(drawn, count=(1, 22_796), share=(0.0, 1.0, 0.0001), few=(0, 999))
    assert list(figure.films) == ["count"]
    play, link = figure.films["count"]
    assert (play.min, play.max, play.value) == (1, 22_796, 5)
    assert 1 <= (play.max - play.min) / play.step <= 200
    assert link.source == (play, "value")
    assert link.target == (figure.controls["count"], "value")
    assert {play, link} <= set(figure.parts)


def test_what_cannot_be_drawn_is_said_and_the_map_stays() -> None:
    def picky(n: int = 1) -> tuple[np.ndarray, str]:
        if n > 4:
            raise BadValueError(f"n is {n}; it must be at most 4.")
        return np.full(8, 1 // (3 - n) * 0, np.uint8), "fine"

    figure = bl.interact(picky, n=(0, 8))
    figure.controls["n"].value = 5
    assert figure.map.text == "n is 5; it must be at most 4."
    figure.controls["n"].value = 3
    assert figure.map.text.startswith("This went wrong in the function picky: ZeroDivisionError")
    assert len(figure.map.states) == 8
    figure.controls["n"].value = 2
    assert figure.map.text == "fine"


def test_it_shows_a_picture_and_then_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def note(data: dict[str, Any], *, metadata: dict[str, Any], raw: bool) -> None:
        assert raw
        shown.append((data, metadata))

    monkeypatch.setattr("balloonlab.widgets.interactive.display", note)
    figure = bl.interact(bars, high=(0, 8))
    figure._ipython_display_()
    (still, about), (view, _) = shown
    assert set(still) == {"image/png", "text/plain"}
    assert about["image/png"]["alt"] == "Page map of high 3"
    assert view["text/plain"] == repr(figure)
    assert view["application/vnd.jupyter.widget-view+json"]["model_id"] == figure.model_id == figure.map._id


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ({"high": object()}, "the control 'high' is an object"),
        ({"high": []}, "the control 'high' is []"),
        ({"high": (5, 1)}, "the control 'high' is (5, 1)"),
        ({"high": range(10**12)}, "the control 'high' is a range"),
        ({"high": itertools.count()}, "the control 'high' is"),
        ({"height": (0, 8)}, "the function bars has no argument 'height'; it has high, kind, all_of_it"),
    ],
)
def test_a_control_that_is_none_is_refused(controls: dict[str, Any], said: str) -> None:
    with pytest.raises(BadValueError) as caught:
        bl.interact(bars, **controls)
    assert said in str(caught.value)


class Silent:
    """It can be called, but nobody can ask it with what."""

    __signature__ = "no signature"

    def __call__(self) -> None:
        raise NotImplementedError


def test_other_slips() -> None:
    with pytest.raises(BadValueError, match=r"it must return \(a guest or its page states, a text"):
        bl.interact(lambda n: n, n=3)
    with pytest.raises(BadValueError, match="does not say what it takes"):
        bl.interact(Silent())
    with pytest.raises(BadValueError, match="interact draws with a function; this is 'bars'"):
        bl.interact("bars", n=3)
    with pytest.raises(BadValueError, match="needs a control for n"):
        bl.interact(lambda n: ([0], str(n)))
    with pytest.raises(BadValueError, match="states"):
        bl.interact(lambda n: ([77], str(n)), n=3)
