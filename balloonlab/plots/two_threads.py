"""Every state of two threads where it belongs: so many steps of the one, so many of the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from balloonlab.errors import BadValueError
from balloonlab.explore.fate import Fate, Fates
from balloonlab.explore.looks import LOOKS
from balloonlab.explore.result import Result
from balloonlab.kernel.machine import Machine
from balloonlab.plots.axes import FAINT, axes_of
from balloonlab.plots.states import MOST_DRAWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#d55e00", "#0072b2")  # of each thread's steps
_DASHES: tuple[tuple[float, tuple[float, ...]], ...] = ((0, (1, 0)), (0, (4, 2)))  # and how their lines are drawn


def plot_two_threads(
    result: Result,
    label: Callable[[Machine], str] = lambda _machine: "",
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """A small, finished exploration of two threads as a grid of their steps; returns the axes.

    label: what to write into a state, given a machine that stands there. The colour and the mark of a state are its
    fate; states that the same numbers of steps lead to stand side by side. Raises BadValueError for other than two
    threads, or more than 60 states.
    """
    graph, names = result.graph, result.graph.table.names
    if len(names) != len(_COLOURS) or result.states > MOST_DRAWN:
        raise BadValueError(
            f"this has {len(names)} threads and {result.states:,} states; what can be drawn is 2 threads with up to "
            f"{MOST_DRAWN} states: a small bl.Program."
        )
    places = _places(result)
    ax = axes_of(ax, 8, 6)
    for thread, (colour, style) in enumerate(zip(_COLOURS, _DASHES, strict=True)):
        for state, there in enumerate(graph.following[:, thread].tolist()):
            if there >= 0:
                arrow = {"arrowstyle": "->", "color": colour, "linestyle": style, "shrinkA": 14, "shrinkB": 14}
                ax.annotate("", places[there], places[state], arrowprops=arrow)
    fates = Fates(result)
    for state, place in enumerate(places):
        look = LOOKS[fates.of(state)]
        box = {"boxstyle": "round,pad=0.35", "facecolor": look.colour, "edgecolor": FAINT}
        lines = [line for line in (label(result.machine_at(state)), look.glyph) if line]
        ax.text(*place, "\n".join(lines), ha="center", va="center", fontsize=9, bbox=box, color="black")
    across, down = zip(*places, strict=True)
    ax.set_xlim(min(across) - 0.8, max(across) + 0.8)
    ax.set_ylim(min(down) - 0.5, max(down) + 0.5)
    ax.set_axis_off()
    _legend(ax, names, fates)
    ax.set_title(title or f"{result.states} states, {result.transitions} steps between them", parse_math=False)
    return ax


def _legend(ax: Axes, names: list[str], fates: Fates) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, linestyle=style, label=f"a step of {name}")
        for name, colour, style in zip(names, _COLOURS, _DASHES, strict=True)
    ]
    handles += [
        Patch(facecolor=LOOKS[fate].colour, edgecolor=FAINT, label=f"{LOOKS[fate].glyph} {fate.words}")
        for fate in Fate
        if (fates.fates == fate).any()
    ]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), frameon=False, ncols=2)


def _places(result: Result) -> list[tuple[float, float]]:
    """Of each state: the first thread's steps go down to the left, the second's to the right."""
    same: dict[tuple[int, int], list[int]] = defaultdict(list)
    for state in range(result.states):
        choices = result.graph.choices_to(state)
        same[choices.count(0), choices.count(1)].append(state)
    places = [(0.0, 0.0)] * result.states
    for (first, second), states in same.items():
        for number, state in enumerate(states):
            beside = 0.62 * (number - (len(states) - 1) / 2)
            places[state] = (float(second - first) + beside, -float(first + second))
    return places
