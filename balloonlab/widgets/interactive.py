"""A figure that one can pull: ipywidgets controls above a page map and a line of text, drawn anew as they move.

`ipywidgets.interact` on a page map. The whole-array engine answers within milliseconds, so a slider needs no button.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import numpy as np
from IPython.display import display
from numpy.typing import ArrayLike
from traitlets import TraitError

from balloonlab.foundations.errors import BadValueError, BalloonlabError
from balloonlab.foundations.words import shown
from balloonlab.guest.guest import Guest
from balloonlab.widgets.lifetime import LIFETIMES
from balloonlab.widgets.pagemap import PageMap
from balloonlab.widgets.saved_output import Bundle

LONG = 1000  # values of a slider, from which it can be played: one moves by several for each pixel
FRAMES, PAUSE = 200, 100  # of what is played: how many, and milliseconds from one to the next
MAP_HEIGHT = 256  # CSS pixels: controls, text and map are seen at once, below the cell that made them
Drawn = tuple["ArrayLike | Guest", str]
_LEGAL = (
    "a list to choose from, (low, high) or (low, high, step) for a slider, a number, True or False, a text, or a widget"
)
_WISHES = (bool, int, float, str, tuple, list, dict)  # what ipywidgets takes besides may have no end


class Interactive(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Controls, and what is drawn for their values. Made by `interact`.

    controls: ipywidgets by the name of the argument they set. map: the PageMap, which has the text, too. films: what
    plays a control with very many values.
    """

    def __init__(self, draw: Callable[..., Drawn], controls: Mapping[str, ipywidgets.ValueWidget]) -> None:
        self.draw, self.controls = draw, dict(controls)
        states, text = self._drawn()
        self.map = PageMap(states, self.title, text, MAP_HEIGHT)
        self.cells: set[object] = set()
        self.kept = True
        self.films = {name: _film(control) for name, control in self.controls.items() if _is_long(control)}
        pulled = [each for name in self.controls for each in (*self.films.get(name, ())[:1], self.controls[name])]
        row = ipywidgets.HBox(pulled, layout={"flex_flow": "row wrap"})
        super().__init__([row, self.map], _dom_classes=("bl-figure",))
        self.map.stands_in(self)
        for control in self.controls.values():
            control.observe(self._pulled, "value")
        LIFETIMES.follow(self)

    @property
    def parts(self) -> list[ipywidgets.Widget]:
        """What lives as long as this."""
        return [self.children[0], *self.controls.values(), *(each for film in self.films.values() for each in film)]

    @property
    def values(self) -> dict[str, Any]:
        """The value of each control, by name."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def title(self) -> str:
        """The values in words."""
        return ", ".join(f"{name.replace('_', ' ')} {_in_words(value)}" for name, value in self.values.items())

    @property
    def text(self) -> str:
        """The line between controls and map."""
        return self.map.text

    @property
    def views(self) -> dict[str, Any]:
        """Those who look at it."""
        return self.map.views

    def let_go(self) -> None:
        """Nobody can look at this any more. Its map goes by itself, once nothing holds it."""

    def _pulled(self, _change: object) -> None:
        """A control has another value. What `draw` cannot do is said in the text, and the map stays."""
        try:
            states, text = self._drawn()
        except Exception as error:  # noqa: BLE001  (a learner's function may do anything; a callback's error is not seen)
            ours = isinstance(error, BalloonlabError)
            self.map.say(str(error) if ours else f"This went wrong in {shown(self.draw)}: {error!r}.", self.title)
        else:
            self.map.show(states, text, self.title)

    def _drawn(self) -> tuple[ArrayLike, str]:
        made: object = self.draw(**self.values)
        if not isinstance(made, tuple) or len(made) != 2 or not isinstance(made[1], str):  # noqa: PLR2004
            raise BadValueError(
                f"{shown(self.draw)} gave {shown(made)}; "
                "it must return (a guest or its page states, a text to stand above)."
            )
        what, text = made
        return (what.page_states if isinstance(what, Guest) else what), text

    def __repr__(self) -> str:
        return f"<to be pulled: {self.title}>\n{self.text}"

    def _repr_mimebundle_(self, **_options: object) -> Bundle | None:
        made = super()._repr_mimebundle_()
        if made is None:
            return None
        LIFETIMES.show(self)
        data, metadata = made if isinstance(made, tuple) else (made, {})
        return {**data, "text/plain": repr(self)}, metadata

    def _ipython_display_(self) -> None:
        made = self._repr_mimebundle_()
        if made is not None:
            still, about = self.map.still()
            display(still, metadata=about, raw=True)  # type: ignore[no-untyped-call]
            display(made[0], metadata=made[1], raw=True)  # type: ignore[no-untyped-call]


def interact(draw: Callable[..., Drawn], **controls: object) -> Interactive:
    """Draw a page map and a text, again and again, for the values of controls.

    draw: called with a value for each control; returns (a Guest or page states as PageMap takes them, a text).
    controls: as in ipywidgets.interact: a list to choose from, (low, high) or (low, high, step) for a slider, a
    number, True or False, a text, or a widget. They begin with draw's own default values. Raises BadValueError for a
    control that is none of these, or that is no argument of draw; and whatever draw raises for the first values.
    """
    if not callable(draw):
        raise BadValueError(f"interact draws with a function; this is {shown(draw)}.")
    try:
        arguments = inspect.signature(draw).parameters
    except Exception as error:  # an object's own methods are asked, which may do anything
        raise BadValueError(f"interact draws with a function; {shown(draw)} does not say what it takes.") from error
    anything = any(argument.kind is argument.VAR_KEYWORD for argument in arguments.values())
    made = {}
    for name, wish in controls.items():
        if name not in arguments and not anything:
            raise BadValueError(f"{shown(draw)} has no argument {name!r}; it has {', '.join(arguments) or 'none'}.")
        default = arguments[name].default if name in arguments else inspect.Parameter.empty
        made[name] = _control(name, wish, default)
    missing = [name for name, each in arguments.items() if _must_be_given(each) and name not in made]
    if missing:
        raise BadValueError(f"{shown(draw)} needs a control for {', '.join(missing)}: {_LEGAL}.")
    return Interactive(draw, made)


def _is_long(control: ipywidgets.ValueWidget) -> bool:
    return isinstance(control, ipywidgets.IntSlider) and (control.max - control.min) // max(1, control.step) >= LONG


def _film(slider: ipywidgets.IntSlider) -> tuple[ipywidgets.Play, ipywidgets.Widget]:
    """Buttons that play a slider, and what keeps the two together in the browser."""
    step = slider.step * -(-(slider.max - slider.min) // (FRAMES * slider.step))
    play = ipywidgets.Play(slider.value, min=slider.min, max=slider.max, step=step, interval=PAUSE)
    play.layout.width = "auto"
    return play, ipywidgets.jslink((play, "value"), (slider, "value"))


def _in_words(value: object) -> str:
    return f"{value:,}" if type(value) is int else str(value)


def _must_be_given(argument: inspect.Parameter) -> bool:
    named = argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY, argument.POSITIONAL_ONLY)
    return named and argument.default is argument.empty


def _control(name: str, wish: object, default: object) -> ipywidgets.ValueWidget:
    make = ipywidgets.interactive.widget_from_abbrev
    control = None
    wish = wish.item() if isinstance(wish, np.generic) else wish
    if isinstance(wish, (*_WISHES, ipywidgets.ValueWidget)):
        try:
            control = make(wish, inspect.Parameter.empty) and make(wish, default)  # it takes the default for a bad wish
        except (TypeError, ValueError, TraitError) as error:
            raise BadValueError(f"the control {name!r} is {shown(wish)}: {error}; it must be {_LEGAL}.") from error
    if control is None or not getattr(control, "options", True):
        raise BadValueError(f"the control {name!r} is {shown(wish)}; it must be {_LEGAL}.")
    if not control.description:
        control.description = name.replace("_", " ")
    control.style = {"description_width": "initial"}
    control.layout.width = "300px" if hasattr(control, "readout") else "auto"  # a slider needs its track
    return control
