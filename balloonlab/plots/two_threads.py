"""Every state of two threads where it belongs: so many steps of the one, so many of the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from balloonlab.explore.judge.fate import Fate, Fates
from balloonlab.explore.judge.fate_legend import LOOKS
from balloonlab.explore.judge.result import Result
from balloonlab.foundations.errors import BadValueError, as_text, of_kind
from balloonlab.foundations.words import counted, shown
from balloonlab.kernel.machine import Machine
from balloonlab.plots.axes import BLUE, INK, RUST, axes_of, bare, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DRAWN = 60  # states
_BESIDE = 0.62  # between states to which the same numbers of steps lead
_FAR = 1.9  # from here on an arrow is bent, so that it passes by what lies between
_STEPS: tuple[tuple[str, Any], ...] = ((BLUE, "-"), (RUST, "--"))
Label = Callable[[Machine], str]


def _nothing(_machine: Machine) -> str:
    return ""


def plot_two_threads(result: Result, label: Label = _nothing, ax: Axes | None = None, title: str = "") -> Axes:
    """The states of two threads: a step of the first goes down to the left, of the second to the right; returns axes.

    label: what to write into a state, given a machine that stands there; below it stands the mark of its fate, unless
    all have the same. States that the same numbers of steps lead to stand side by side. The same as text:
    two_threads_text. Raises BadValueError for other than two threads, more than 60 states, or an exploration that was
    not finished.
    """
    names = _names(result, label)
    fates, points = Fates(result), _points(result)
    places = [(float(second - first) + beside, -float(first + second)) for first, second, beside in points]
    across, down = zip(*places, strict=True)
    said = [as_text("a label", label(result.machine_at(state))) for state in range(result.states)]
    heading = (
        as_text("title", title)
        or f"{counted(result.states, 'state')}, {counted(result.transitions, 'step')} between them"
    )
    ax = bare(axes_of(ax, 8, min(6.4, 2.0 - 0.58 * min(down)), heading))
    ax.set_xlim(min(across) - 0.8, max(across) + 0.8)
    ax.set_ylim(min(down) - 0.5, 0.5)
    seen = [fate for fate in Fate if (fates.fates == fate).any()]
    boxes = []
    for state, place in enumerate(places):
        look = LOOKS[fates.of(state)]
        glyph, colour = (look.glyph, look.colour) if len(seen) > 1 else ("", "white")
        lines = [line for line in (said[state], glyph) if line]
        box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": INK}
        text = ax.annotate(
            "\n".join(lines) or " ", place, ha="center", va="center", fontsize=9, color="black", bbox=box
        )
        boxes.append(text.get_bbox_patch())
    for thread, (colour, line) in enumerate(_STEPS):
        for state, there in enumerate(result.graph.following[:, thread].tolist()):
            if there >= 0:
                (x, y), (to_x, to_y) = places[state], places[there]
                far = abs(to_x - x) > _FAR or to_y - y != -1
                arrow: dict[str, Any] = {"arrowstyle": "->", "color": colour, "linestyle": line, "linewidth": 1.4}
                arrow |= {"patchA": boxes[state], "patchB": boxes[there], "shrinkA": 2, "shrinkB": 2}
                arrow["connectionstyle"] = f"arc3,rad={0.45 if far else 0}"
                ax.annotate("", (to_x, to_y), (x, y), arrowprops=arrow)
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, linestyle=line, label=f"a step of {name}")
        for (colour, line), name in zip(_STEPS, names, strict=True)
    ]
    handles += [
        Patch(facecolor=LOOKS[fate].colour, edgecolor=INK, label=f"{LOOKS[fate].glyph}  {LOOKS[fate].word}")
        for fate in seen
        if len(seen) > 1
    ]
    legend_below(ax, handles=handles, ncols=3)
    return ax


def two_threads_text(result: Result, label: Label = _nothing) -> str:
    """The same as text: a line for each pair of numbers of steps, with the states it leads to, and their fates."""
    names = _names(result, label)
    fates = Fates(result)
    rows: dict[tuple[int, int], list[str]] = defaultdict(list)
    for state, (first, second, _) in enumerate(_points(result)):
        said = as_text("a label", label(result.machine_at(state))).replace("\n", ", ")
        rows[first, second].append(f"{said} ({LOOKS[fates.of(state)].word})".strip())
    return "\n".join(
        f"{names[0]} {first}, {names[1]} {second}: {' | '.join(states)}"
        for (first, second), states in sorted(rows.items(), key=lambda row: (sum(row[0]), row[0][1]))
    )


def _names(result: Result, label: Label) -> list[str]:
    of_kind("result", result, Result, "the result of an exploration: bl.explore(...)")
    if not callable(label):
        raise BadValueError(f"label is {shown(label)}; it must be a function of a machine that returns text.")
    names = result.graph.table.names
    if len(names) != 2 or result.states > MOST_DRAWN:  # noqa: PLR2004 - two threads, two directions
        raise BadValueError(
            f"this has {counted(len(names), 'thread')} and {counted(result.states, 'state')}; what can be drawn is "
            f"2 threads with up to {MOST_DRAWN} states: a small bl.Program."
        )
    return names


def _points(result: Result) -> list[tuple[int, int, float]]:
    """Of each state: the steps of either thread on the shortest way, and how far beside that point it stands."""
    same: dict[tuple[int, int], list[int]] = defaultdict(list)
    for state in range(result.states):
        choices = result.graph.choices_to(state)
        same[choices.count(0), choices.count(1)].append(state)
    points = [(0, 0, 0.0)] * result.states
    for (first, second), states in same.items():
        for number, state in enumerate(states):
            points[state] = first, second, _BESIDE * (number - (len(states) - 1) / 2)
    return points
