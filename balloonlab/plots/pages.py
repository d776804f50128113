"""Pictures of a guest: its page map, its free blocks, its messages to the host."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from matplotlib import image
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator
from numpy.typing import ArrayLike, NDArray

from balloonlab.foundations.errors import BadValueError, as_text, whole_number
from balloonlab.foundations.words import counted, shown
from balloonlab.memory.fragmentation import checked_counts
from balloonlab.memory.palette import PALETTE, colours, state_counts
from balloonlab.memory.reduced_map import checked_states, reduce_states
from balloonlab.memory.zone import MOST_PAGES, PAGEBLOCK_PAGES, PageState
from balloonlab.plots.axes import PLUM, axes_of, ink_on, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GLYPH_CELLS = 512  # up to so many cells, each shows its glyph
WIDE_CELLS = 1 << 15  # from so many cells on, a row holds whole pageblocks
_NO_VERSION: dict[str, Any] = {"Software": None}  # the same bytes from every version of matplotlib
QUEUE_WORDS = ("inflate", "deflate")
QUEUE_COLOURS = ("#d55e00", "#0072b2")


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
    cells = whole_number("cells", cells, 1, MOST_PAGES)
    square = 1 << max((cells - 1).bit_length() + 1 >> 1, 0)
    return max(square, PAGEBLOCK_PAGES) if cells >= WIDE_CELLS else square


def page_map_image(states: ArrayLike, columns: int | None = None, theme: str = "light") -> NDArray[np.uint8]:
    """uint8 array (rows, columns, 3): the page map, one pixel a cell; what is left of the last row is no memory."""
    cells, _ = reduce_states(checked_states(states))
    across = map_columns(len(cells)) if columns is None else whole_number("columns", columns, 1, MOST_PAGES, "cells")
    padded = np.full(-(-len(cells) // across) * across, PageState.HOLE, np.uint8)
    padded[: len(cells)] = cells
    return colours(theme)[padded].reshape(-1, across, 3)


def page_map_png(states: ArrayLike, scale: int = 1, columns: int | None = None, theme: str = "light") -> bytes:
    """The page map as a PNG file, `scale` x `scale` pixels a cell; the same bytes for the same states."""
    scale = whole_number("scale", scale, 1, 64, "pixels")
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
    most among its pages, by the ranks of memory/palette.py, so it is free only if all of them are. Raises
    BadValueError for bad states or columns.
    """
    codes = checked_states(states)
    pixels = page_map_image(codes, columns, theme)
    cells, cell = reduce_states(codes)
    rows, across = pixels.shape[:2]
    heading = title if title is not None else counted(len(codes), "guest page")
    ax = axes_of(ax, 8, min(5.5, max(3, 7 * rows / across)) + 1.5, heading)
    ax.imshow(pixels, interpolation="nearest", aspect="equal" if across <= 2 * rows else "auto")
    ticks = sorted({rows * part // 8 for part in range(8)})
    ax.set_yticks(ticks, [f"{tick * across * cell:#x}" for tick in ticks])
    ax.set_xticks([])
    ax.set_ylabel("PFN of the row's first page")
    free = " (free only where all of them are)" if cell > 1 else ""
    ax.set_xlabel(f"{counted(across, 'cell')} a row, {counted(cell, 'guest page')} a cell{free}")
    if len(cells) <= GLYPH_CELLS:
        _write_glyphs(ax, cells, across, theme)
    handles = [
        Patch(facecolor=look.dark if theme == "dark" else look.light, edgecolor="#808080", label=_label(look, count))
        for look, count in state_counts(codes)
    ]
    legend_below(ax, handles=handles, ncols=3)
    return ax


def _label(look: Any, count: int) -> str:  # noqa: ANN401
    return f"{look.glyph}  {look.word} {count:,}"


def _write_glyphs(ax: Axes, cells: NDArray[np.uint8], across: int, theme: str) -> None:
    inks = [ink_on(colour) for colour in colours(theme)]
    for at, code in enumerate(cells.tolist()):
        ax.text(at % across, at // across, PALETTE[code].glyph, color=inks[code], ha="center", va="center", fontsize=8)


def plot_free_blocks(
    counts: Sequence[int] | Mapping[str, Sequence[int]], ax: Axes | None = None, title: str = "Free blocks"
) -> Axes:
    """Free guest pages by the order of the free block that holds them; returns the axes.

    counts: the number of free blocks of each order 0..10, or several such rows by name (before and after).
    """
    rows = counts if isinstance(counts, Mapping) else {"": counts}
    table = {as_text("the name of a row", name): checked_counts(row, _called(name)) for name, row in rows.items()}
    ax = axes_of(ax, 8, 3.5, title)
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
    return ax


def _called(row: object) -> str:
    return f"counts of {shown(row)}" if row else "counts"


_BARS = ("#0072b2", "#d55e00", "#009e73", PLUM)


def plot_messages(messages: MessageArrays, ax: Axes | None = None, title: str = "PFN messages") -> Axes:
    """Every PFN told to the host, by the number of its message: inflate as dots, deflate as crosses; returns the axes.

    messages: a host's log (``guest.host.messages``) or a recording's (``recording.messages``).
    """
    if not all(isinstance(getattr(messages, name, None), np.ndarray) for name in ("queue", "count", "pfns")):
        wanted = "a host's log (guest.host.messages) or a recording's (recording.messages)"
        raise BadValueError(f"messages is {shown(messages)}; it must be {wanted}.")
    ax = axes_of(ax, 8, 4, title)
    number = np.repeat(np.arange(len(messages.queue)), messages.count)
    queue = np.asarray(messages.queue)[number]
    for code, (word, colour, marker) in enumerate(zip(QUEUE_WORDS, QUEUE_COLOURS, ".x", strict=True)):
        told = queue == code
        sent = counted(int((messages.queue == code).sum()), "message")
        label = f"{word}: {sent}, {counted(int(told.sum()), 'PFN')}"
        ax.scatter(number[told], messages.pfns[told], s=4, marker=marker, linewidths=0.7, color=colour, label=label)
    ax.set_xlabel("message")
    ax.set_ylabel("PFN")
    ax.yaxis.set_major_locator(MultipleLocator(max(1 << max(int(messages.pfns.max(initial=1)).bit_length() - 3, 0), 1)))
    ax.yaxis.set_major_formatter(lambda pfn, _: f"{int(pfn):#x}" if pfn >= 0 else "")
    legend_below(ax, ncols=2, markerscale=3)
    return ax
