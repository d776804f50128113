"""A small state graph, drawn whole: every state with its fate, every step with who takes it, the shortest way down."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.lines import Line2D

from balloonlab.explore.judge.fate import Fate, Fates, depths
from balloonlab.explore.judge.fate_legend import LOOKS
from balloonlab.explore.judge.result import Result
from balloonlab.foundations.errors import BadValueError, of_kind
from balloonlab.foundations.words import counted, noun
from balloonlab.plots.axes import FAINT, INK, axes_of, bare, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_DRAWN = 60  # states
_ACROSS = 16  # layers in a row; the next row goes back the other way
_GAP = 0.9  # between rows, in units of the distance between states


class _Edge(NamedTuple):
    """Steps from one state to another. on_way: it is part of the shortest way to the first finding."""

    source: int
    goal: int
    threads: tuple[int, ...]
    on_way: bool


def plot_state_graph(result: Result, ax: Axes | None = None, title: str | None = None) -> Axes:
    """The states in layers by their distance from the start, each marked with its fate; returns the axes.

    Edges carry the first letters of the thread that steps; the shortest counterexample is drawn thick. The same as
    text: state_graph_text. Raises BadValueError for more than 60 states, or an exploration that was not finished.
    """
    fates, edges = _drawn(result)
    places = _places(result)
    width = 1 + max(x for x, _ in places)
    height = 1 + max(y for _, y in places)
    heading = title if title is not None else _size(result)
    ax = bare(axes_of(ax, max(5.0, 0.62 * width), max(2.0, 0.75 * height + 1.1), heading))
    letters = _letters(result.graph.table.names)
    size = 11.0
    for edge in edges:
        _draw(ax, edge, places, "/".join(letters[thread] for thread in edge.threads))
    for state, (x, y) in enumerate(places):
        look = LOOKS[fates.of(state)]
        mark = "s" if state == 0 else "o"
        ax.plot(x, y, mark, color=look.colour, markeredgecolor=INK, markersize=size + 4, zorder=3)
        ax.annotate(look.glyph, (x, y), ha="center", va="center", fontsize=9, weight="bold", color="black", zorder=4)
        ax.annotate(
            str(state), (x, y), xytext=(0, -13), textcoords="offset points", ha="center", fontsize=6, color=FAINT
        )
    ax.set_xlim(-0.7, width - 0.3)
    ax.set_ylim(height - 0.3, -0.7)
    _legend(ax, result, fates, letters)
    return ax


def state_graph_text(result: Result) -> str:
    """The same as text: a line a state, with its fate and where each thread's step leads; * is on the shortest way."""
    fates, edges = _drawn(result)
    names, depth = result.graph.table.names, depths(result.graph).tolist()
    ahead: dict[int, list[str]] = {}
    for edge in edges:
        step = f"{' or '.join(names[t] for t in edge.threads)} -> {edge.goal}{'*' if edge.on_way else ''}"
        ahead.setdefault(edge.source, []).append(step)
    lines = [_size(result)]
    for state in range(result.states):
        look = LOOKS[fates.of(state)]
        steps = ", ".join(ahead.get(state, [])) or "nobody can step"
        away = f"after {depth[state]:>2} {noun(depth[state], 'step'):<5}"
        lines.append(f"{state:>3} {away} {look.glyph} {look.word + ':':<14} {steps}")
    return "\n".join(lines)


def _size(result: Result) -> str:
    return f"{counted(result.states, 'state')}, {counted(result.transitions, 'step')}"


def _drawn(result: Result) -> tuple[Fates, list[_Edge]]:
    of_kind("result", result, Result, "the result of an exploration: bl.explore(...)")
    if result.states > MOST_DRAWN:
        raise BadValueError(
            f"the graph has {result.states:,} states; up to {MOST_DRAWN} can be drawn. "
            "Take a smaller scenario or program, or plot_fates_by_depth for a graph of any size."
        )
    graph = result.graph
    path = graph.path_to(result.findings[0].state) if result.findings else []
    way = set(pairwise(path))
    edges = []
    for state, row in enumerate(graph.following.tolist()):
        for goal in dict.fromkeys(there for there in row if there >= 0):
            threads = tuple(thread for thread, there in enumerate(row) if there == goal)
            edges.append(_Edge(state, goal, threads, (state, goal) in way))
    return Fates(result), edges


def _places(result: Result) -> list[tuple[float, float]]:
    """Where each state stands: layers go to the right, and at the end of a row back to the left one row lower."""
    depth = depths(result.graph).tolist()
    layers: dict[int, list[int]] = {}
    for state, layer in enumerate(depth):
        layers.setdefault(layer, []).append(state)
    places = [(0.0, 0.0)] * len(depth)
    top = 0.0
    for row in range(max(depth) // _ACROSS + 1):
        inside = [layers[layer] for layer in range(row * _ACROSS, min((row + 1) * _ACROSS, max(depth) + 1))]
        tallest = max(map(len, inside))
        for i, states in enumerate(inside):
            x = float(i if row % 2 == 0 else _ACROSS - 1 - i)
            for j, state in enumerate(states):
                places[state] = x, top + (tallest - len(states)) / 2 + j
        top += tallest + _GAP
    return places


def _draw(ax: Axes, edge: _Edge, places: list[tuple[float, float]], text: str) -> None:
    (x, y), (to_x, to_y) = places[edge.source], places[edge.goal]
    far = abs(to_x - x) + abs(to_y - y) > 2.5 or edge.source == edge.goal  # noqa: PLR2004 - beyond the next layer
    colour = INK if edge.on_way else FAINT
    ax.annotate(
        "",
        (to_x, to_y),
        (x, y),
        arrowprops={
            "arrowstyle": "-|>",
            "color": colour,
            "linewidth": 2.4 if edge.on_way else 0.8,
            "linestyle": "--" if far else "-",
            "shrinkA": 7,
            "shrinkB": 7,
            "connectionstyle": f"arc3,rad={0.25 if far else 0}",
        },
    )
    bend = 0.12 if far else 0.0  # the label follows the bow
    middle = (x + to_x) / 2 + bend * (to_y - y), (y + to_y) / 2 - bend * (to_x - x)
    ax.annotate(
        *(text, middle),
        ha="center",
        va="center",
        fontsize=7,
        color=colour,
        weight="bold" if edge.on_way else "normal",
        bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"},
        zorder=2,
    )


def _letters(names: list[str]) -> list[str]:
    """The shortest beginnings that tell the names apart."""
    found = []
    for name in names:
        others = [other for other in names if other != name]
        length = next((n for n in range(1, len(name)) if not any(o.startswith(name[:n]) for o in others)), len(name))
        found.append(name[:length])
    return found


def _legend(ax: Axes, result: Result, fates: Fates, letters: list[str]) -> None:
    graph = result.graph
    seen = [fate for fate in Fate if (fates.fates == fate).any()]
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            color=LOOKS[f].colour,
            markeredgecolor=INK,
            label=f"{LOOKS[f].glyph}  {LOOKS[f].word}",
        )
        for f in seen
    ]
    if result.findings:
        handles.append(Line2D([], [], color=INK, linewidth=2.4, label=f"shortest way to: {result.findings[0].kind}"))
    steps = [t for t in range(graph.table.threads) if (graph.following[:, t] >= 0).any()]
    words = ", ".join(f"{letters[t]} {graph.table.names[t]}" for t in steps)
    ax.set_xlabel(f"steps: {words}", fontsize=8)
    legend_below(ax, handles=handles, ncols=3, fontsize=8)
