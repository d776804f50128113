"""Pictures of what the browser shows, by matplotlib: for lessons, slides, and readers without a kernel."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from matplotlib import image
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator
from matplotlib.transforms import offset_copy
from numpy.typing import ArrayLike, NDArray

from balloonlab.errors import BadValueError, pick, whole_number
from balloonlab.explore import Fate, Fates, Result
from balloonlab.kernel.machine import Machine
from balloonlab.memory.palette import PALETTE, colours, state_counts
from balloonlab.memory.reduce import checked_states, reduce_states
from balloonlab.memory.zone import MOST_PAGES, PAGEBLOCK_PAGES, PageState

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GLYPH_CELLS = 512  # up to so many cells, each shows its glyph
WIDE_CELLS = 1 << 15  # from so many cells on, a row holds whole pageblocks
_NO_VERSION: dict[str, Any] = {"Software": None}  # the same bytes from every version of matplotlib
QUEUE_WORDS = ("inflate", "deflate")
QUEUE_COLOURS = ("#d55e00", "#0072b2")
MOST_DRAWN = 60  # states of a graph whose every state is drawn
_FATES = ("#cfe8dd", "#f7efb0", "#f3b56b", "#d55e00")  # fills, by Fate
_MARKS = ("", "?", "!", "X")  # and what is written beside the colour


class MessageArrays(Protocol):
    """Messages as a host's log and a recording hold them: message i is ``pfns[start[i] : start[i] + count[i]]``."""

    @property
    def queue(self) -> NDArray[Any]: ...
    @property
    def count(self) -> NDArray[Any]: ...
    @property
    def pfns(self) -> NDArray[Any]: ...


def map_columns(cells: int) -> int:
    """Cells in a row: a power of two that makes small maps square and gives large ones whole pageblocks a row."""
    square = 1 << max((cells - 1).bit_length() + 1 >> 1, 0)
    return max(square, PAGEBLOCK_PAGES) if cells >= WIDE_CELLS else square


def page_map_image(states: ArrayLike, columns: int | None = None, theme: str = "light") -> NDArray[np.uint8]:
    """uint8 array (rows, columns, 3): the page map, one pixel a cell; what is left of the last row is no memory."""
    cells, _ = reduce_states(checked_states(states))
    across = map_columns(len(cells)) if columns is None else whole_number("columns", columns, 1, MOST_PAGES, "cells")
    pick("theme", theme, ["light", "dark"])
    padded = np.full(-(-len(cells) // across) * across, PageState.HOLE, np.uint8)
    padded[: len(cells)] = cells
    return colours(theme)[padded].reshape(-1, across, 3)


def page_map_png(states: ArrayLike, scale: int = 1, columns: int | None = None, theme: str = "light") -> bytes:
    """The page map as a PNG file, `scale` x `scale` pixels a cell; the same bytes for the same states."""
    whole_number("scale", scale, 1, 64, "pixels")
    pixels = page_map_image(states, columns, theme).repeat(scale, axis=0).repeat(scale, axis=1)
    stream = io.BytesIO()
    image.imsave(stream, pixels, format="png", metadata=_NO_VERSION)
    return stream.getvalue()


def plot_pages(
    states: ArrayLike,
    ax: Axes | None = None,
    columns: int | None = None,
    title: str | None = None,
    theme: str = "light",
) -> Axes:
    """The page map of a guest with a legend that counts; returns the axes.

    states: uint8 PageState codes, one a guest page. columns: cells in a row (by default a square for small guests,
    whole pageblocks for large ones). More than 262,144 pages are reduced: a cell then shows the state that matters
    most among its pages. Raises BadValueError for bad states or columns.
    """
    codes = checked_states(states)
    pixels = page_map_image(codes, columns, theme)
    cells, cell = reduce_states(codes)
    rows, across = pixels.shape[:2]
    if ax is None:
        _, ax = plt.subplots(figsize=(8, min(5.5, max(3, 7 * rows / across)) + 1.5), layout="constrained")
    ax.imshow(pixels, interpolation="nearest", aspect="equal" if across <= 2 * rows else "auto")
    ticks = sorted({rows * part // 8 for part in range(8)})
    ax.set_yticks(ticks, [f"{tick * across * cell:#x}" for tick in ticks])
    ax.set_xticks([])
    ax.set_ylabel("PFN of the row's first page")
    ax.set_xlabel(f"{across} cells a row, {cell:,} guest page{'s' * (cell > 1)} a cell")
    if len(cells) <= GLYPH_CELLS:
        _write_glyphs(ax, cells, across, theme)
    handles = [
        Patch(facecolor=look.dark if theme == "dark" else look.light, edgecolor="#808080", label=_label(look, count))
        for look, count in state_counts(codes)
    ]
    _legend_below(ax, handles=handles, ncols=3)
    ax.set_title(title if title is not None else f"{len(codes):,} guest pages", parse_math=False)
    return ax


def _label(look: Any, count: int) -> str:  # noqa: ANN401
    return f"{look.glyph}  {look.word} {count:,}"


def _legend_below(ax: Axes, **settings: Any) -> None:  # noqa: ANN401 - settings of the legend
    under = offset_copy(ax.transAxes, fig=ax.get_figure(root=True), y=-30, units="points")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=under, frameon=False, **settings)


def _write_glyphs(ax: Axes, cells: NDArray[np.uint8], across: int, theme: str) -> None:
    brightness = colours(theme) @ np.array([0.299, 0.587, 0.114])
    for at, code in enumerate(cells.tolist()):
        ink = "black" if brightness[code] > 128 else "white"  # noqa: PLR2004 - half of 255
        ax.text(at % across, at // across, PALETTE[code].glyph, color=ink, ha="center", va="center", fontsize=8)


def plot_free_blocks(
    counts: Sequence[int] | Mapping[str, Sequence[int]], ax: Axes | None = None, title: str = "Free blocks"
) -> Axes:
    """Free guest pages by the order of the free block that holds them; returns the axes.

    counts: the number of free blocks of each order from 0, or several such rows by name (before and after).
    """
    table = counts if isinstance(counts, Mapping) else {"": counts}
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
    width = 0.8 / max(len(table), 1)
    for number, (name, row) in enumerate(table.items()):
        blocks = np.asarray(row, np.int64)
        places = np.arange(len(blocks)) + (number - (len(table) - 1) / 2) * width
        bars = ax.bar(places, blocks << np.arange(len(blocks)), width, label=name, color=_BARS[number % len(_BARS)])
        ax.bar_label(bars, [f"{count:,}" if count else "" for count in blocks.tolist()], fontsize=8)
    ax.set_xticks(range(max(map(len, table.values()), default=0)))
    ax.set_xlabel("order of the free block (the number on a bar counts the blocks)")
    ax.set_ylabel("free guest pages")
    if any(table):
        ax.legend(frameon=False)
    ax.set_title(title, parse_math=False)
    return ax


_BARS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def plot_messages(messages: MessageArrays, ax: Axes | None = None, title: str = "PFN messages") -> Axes:
    """Every PFN told to the host, by the number of its message: inflate as dots, deflate as crosses; returns the axes.

    messages: a host's log (``guest.host.messages``) or a recording's (``recording.messages``).
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    number = np.repeat(np.arange(len(messages.queue)), messages.count)
    queue = np.asarray(messages.queue)[number]
    for code, (word, colour, marker) in enumerate(zip(QUEUE_WORDS, QUEUE_COLOURS, ".x", strict=True)):
        told = queue == code
        label = f"{word}: {int((messages.queue == code).sum()):,} messages, {int(told.sum()):,} PFNs"
        ax.scatter(number[told], messages.pfns[told], s=4, marker=marker, linewidths=0.7, color=colour, label=label)
    ax.set_xlabel("message")
    ax.set_ylabel("PFN")
    ax.yaxis.set_major_locator(MultipleLocator(max(1 << max(int(messages.pfns.max(initial=1)).bit_length() - 3, 0), 1)))
    ax.yaxis.set_major_formatter(lambda pfn, _: f"{int(pfn):#x}" if pfn >= 0 else "")
    _legend_below(ax, ncols=2, markerscale=3)
    ax.set_title(title, parse_math=False)
    return ax


def plot_two_threads(
    result: Result,
    label: Callable[[Machine], str] = lambda _machine: "",
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Every state of two threads, where it belongs: so many steps of the one, so many of the other; returns the axes.

    result: of a small, finished exploration. label: what to write into a state, given a machine that stands there. The
    colour and the mark of a state are its fate. States that the same numbers of steps lead to stand side by side.
    Raises BadValueError for other than two threads, or more than 60 states.
    """
    graph, names = result.graph, result.graph.table.names
    if len(names) != 2 or result.states > MOST_DRAWN:  # noqa: PLR2004 - two threads, two directions
        raise BadValueError(
            f"this has {len(names)} threads and {result.states:,} states; what can be drawn is 2 threads with up to "
            f"{MOST_DRAWN} states: a small bl.Program."
        )
    places = _two_thread_places(result)
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 6), layout="constrained")
    for thread, (colour, style) in enumerate(zip(_BARS, ("-", (0, (4, 2))), strict=False)):
        for state, there in enumerate(graph.following[:, thread].tolist()):
            if there >= 0:
                arrow = {"arrowstyle": "->", "color": colour, "linestyle": style, "shrinkA": 14, "shrinkB": 14}
                ax.annotate("", places[there], places[state], arrowprops=arrow)
    fates = Fates(result)
    for state, place in enumerate(places):
        fate = fates.of(state)
        box = {"boxstyle": "round,pad=0.35", "facecolor": _FATES[fate], "edgecolor": "#505050"}
        lines = [line for line in (label(result.machine_at(state)), _MARKS[fate]) if line]
        ax.text(*place, "\n".join(lines) or " ", ha="center", va="center", fontsize=9, bbox=box, color="black")
    across, down = zip(*places, strict=True)
    ax.set_xlim(min(across) - 0.8, max(across) + 0.8)
    ax.set_ylim(min(down) - 0.5, max(down) + 0.5)
    ax.set_axis_off()
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=_BARS[0], label=f"a step of {names[0]}"),
        Line2D([], [], color=_BARS[1], linestyle="--", label=f"a step of {names[1]}"),
    ]
    handles += [
        Patch(facecolor=_FATES[fate], edgecolor="#505050", label=f"{_MARKS[fate]} {fate.words}".strip())
        for fate in Fate
        if (fates.fates == fate).any()
    ]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), frameon=False, ncols=2)
    ax.set_title(title or f"{result.states} states, {result.transitions} steps between them", parse_math=False)
    return ax


def _two_thread_places(result: Result) -> list[tuple[float, float]]:
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
