"""Lock orders as a picture: an arrow from the lock held to the lock that is asked for. As text: str(lock_order)."""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from balloonlab.explore.judge.lock_order import LockOrder
from balloonlab.foundations.errors import of_kind
from balloonlab.plots.axes import BLUE, INK, RUST, axes_of, bare, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

_BOW = 0.22
_BOXES, _WORDS = 2, 4  # arrows stand between: an arrow that is drawn before its box ends where the box was last


def plot_lock_order(
    order: LockOrder, ax: Axes | None = None, title: str = "Which lock is asked for under which"
) -> Axes:
    """Locks on a circle, an arrow for each "held, wanted", with the routines that ask; returns the axes.

    Whole arrows wait, dashed ones only try. The same as text: ``str(order)``.
    """
    wanted = "a lock order: lock_order(result) of balloonlab.explore.judge.lock_order"
    of_kind("order", order, LockOrder, wanted)
    ax = bare(axes_of(ax, 8.5, 6.3, title))
    ax.set_aspect("equal")
    ax.set_xlim(-1.75, 1.75)
    ax.set_ylim(-1.5, 1.35)
    routines: dict[tuple[str, str, bool], list[str]] = {}
    for edge in order.edges:
        found = routines.setdefault((edge.held, edge.wanted, edge.trying), [])
        if edge.routine not in found:
            found.append(edge.routine)
    boxes = {lock: _box(ax, lock, 2 * pi * i / len(order.locks)) for i, lock in enumerate(order.locks)}
    for (held, wanted, trying), names in routines.items():
        text = "\n".join(names)
        if held == wanted:
            _loop(ax, boxes[held], text, _style(trying=trying))
        else:
            _arrow(ax, boxes[held], boxes[wanted], text, _style(trying=trying))
    ax.set_xlabel("\n".join(order.ring_lines()))
    handles = [
        Line2D([], [], color=BLUE, linewidth=2, label="waits for it"),
        Line2D([], [], color=RUST, linewidth=2, linestyle="--", label="only tries it"),
    ]
    legend_below(ax, handles=handles, ncols=2)
    return ax


def _box(ax: Axes, lock: str, angle: float) -> Annotation:
    """A lock's name in a box, on the circle (0 is at the top)."""
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": INK, "linewidth": 1.5}
    at = sin(angle), cos(angle)
    return ax.annotate(lock, at, ha="center", va="center", fontsize=10, weight="bold", bbox=box, zorder=_BOXES)


def _style(*, trying: bool) -> dict[str, Any]:
    return {
        "arrowstyle": "-|>",
        "color": RUST if trying else BLUE,
        "linewidth": 1.8,
        "linestyle": "--" if trying else "-",
        "mutation_scale": 16,
    }


def _arrow(ax: Axes, held: Annotation, wanted: Annotation, text: str, style: dict[str, Any]) -> None:
    (x, y), (to_x, to_y) = held.xy, wanted.xy
    ends = {"patchA": held.get_bbox_patch(), "patchB": wanted.get_bbox_patch(), "shrinkA": 2, "shrinkB": 2}
    ax.annotate("", (to_x, to_y), (x, y), arrowprops={**style, **ends, "connectionstyle": f"arc3,rad={_BOW}"})
    _say(ax, (x + to_x + _BOW * (to_y - y)) / 2, (y + to_y - _BOW * (to_x - x)) / 2, text, style)


def _loop(ax: Axes, lock: Annotation, text: str, style: dict[str, Any]) -> None:
    """An arrow from a lock to itself (another page's), outside of the circle."""
    x, y = lock.xy
    start, end = ((x * 1.1 + side * y * 0.13, y * 1.1 - side * x * 0.13) for side in (1, -1))
    ax.annotate("", end, start, arrowprops={**style, "connectionstyle": "arc3,rad=1.6", "shrinkA": 0, "shrinkB": 0})
    _say(ax, x * 1.34, y * 1.34, text, style)


def _say(ax: Axes, x: float, y: float, text: str, style: dict[str, Any]) -> None:
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
    ax.annotate(text, (x, y), ha="center", va="center", fontsize=8, color=style["color"], bbox=box, zorder=_WORDS)
