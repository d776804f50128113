"""A bar a pageblock: what its 512 pages are, and so which 2 MiB could be a huge page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from balloonlab.foundations.errors import BadValueError, as_text
from balloonlab.foundations.rows import whole_row
from balloonlab.foundations.words import counted
from balloonlab.memory.palette import PALETTE, state_counts
from balloonlab.memory.reduced_map import checked_states
from balloonlab.memory.zone import PAGEBLOCK_PAGES, Migratetype, PageState
from balloonlab.plots.axes import INK, axes_of, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 1024  # pageblocks: 2 GiB of 4 KiB guest pages
_LETTERED = 64  # up to so many bars, each shows its pageblock's type
_FROM_BELOW = (  # what cannot move stands at the bottom, what is free on top
    *(PageState.HOLE, PageState.UNMOVABLE, PageState.MOVABLE, PageState.ISOLATED_MOVABLE),
    *(PageState.BALLOON, PageState.ISOLATED, PageState.IN_TRANSIT, PageState.CAPTURED, PageState.FREE),
)
_HATCHES = {PageState.BALLOON: "////", PageState.UNMOVABLE: "xxxx"}  # for readers and printers without colour


def plot_pageblocks(
    states: ArrayLike, block_types: ArrayLike | None = None, ax: Axes | None = None, title: str = "Pageblocks"
) -> Axes:
    """The guest pages of each pageblock, stacked by state; a star marks one that is wholly free. Returns the axes.

    states: uint8 PageState codes, one a guest page. block_types: Migratetype codes, one a pageblock; their first
    letters are written under up to 64 bars. The same as text: pageblocks_text. Raises BadValueError for bad states,
    types of another length, or more than 1,024 pageblocks.
    """
    codes, counts, letters = _read(states, block_types)
    whole = np.flatnonzero(counts[:, PageState.FREE] == PAGEBLOCK_PAGES)
    ax = axes_of(ax, 8, 3, f"{as_text('title', title)} (*: {len(whole)} wholly free)")
    places = np.arange(len(counts))
    bottom = np.zeros(len(counts), np.int64)
    line = 0.4 if len(counts) <= _LETTERED else 0
    for state in _FROM_BELOW:
        pages = counts[:, state]
        if pages.any():
            colour, hatch = PALETTE[state].light, _HATCHES.get(state, "") if line else ""
            ax.bar(places, pages, 1, bottom, color=colour, edgecolor=INK, linewidth=line, hatch=hatch)
            bottom += pages
    ax.plot(whole, np.full(len(whole), PAGEBLOCK_PAGES + 28), "*", color="#009e73", markersize=7, clip_on=False)
    ax.set_ylim(0, PAGEBLOCK_PAGES + 60)
    ax.set_yticks([0, PAGEBLOCK_PAGES // 2, PAGEBLOCK_PAGES])
    ax.set_xlim(-0.6, len(counts) - 0.4)
    if letters and len(counts) <= _LETTERED:
        ax.set_xticks(places, letters, fontsize=8)
        ax.set_xlabel(f"pageblock, by its type ({_types_legend(letters)})")
    else:
        ax.locator_params(axis="x", integer=True)
        ax.set_xlabel("pageblock")
    ax.set_ylabel("guest pages")
    handles = [
        Patch(
            facecolor=look.light,
            edgecolor="#808080",
            hatch=_HATCHES.get(PageState(PALETTE.index(look)), "") if line else "",
            label=f"{look.glyph}  {look.word} {count:,}",
        )
        for look, count in state_counts(codes)
    ]
    legend_below(ax, handles=handles, ncols=4)
    return ax


def pageblocks_text(states: ArrayLike, block_types: ArrayLike | None = None) -> str:
    """The same as text: a line a pageblock with its pages by state; at last pageblocks_line."""
    _, counts, letters = _read(states, block_types)
    lines = []
    for block, row in enumerate(counts.tolist()):
        found = ", ".join(f"{PALETTE[state].word} {row[state]}" for state in reversed(_FROM_BELOW) if row[state])
        kind = f" {letters[block]}" if letters else ""
        lines.append(f"{block:>4}{kind} {'*' if row[PageState.FREE] == PAGEBLOCK_PAGES else ' '} {found}")
    return "\n".join([*lines, pageblocks_line(states)])


def pageblocks_line(states: ArrayLike) -> str:
    """How many pageblocks are wholly free, and over how many the balloon is spread."""
    _, counts, _ = _read(states, None)
    free = int((counts[:, PageState.FREE] == PAGEBLOCK_PAGES).sum())
    balloon = counts[:, PageState.BALLOON]
    whole = int((balloon == PAGEBLOCK_PAGES).sum())
    spread = f"balloon in {int((balloon > 0).sum())}, {whole} of them wholly" if balloon.any() else "no balloon"
    return f"{counted(len(counts), 'pageblock')}: {free} wholly free, {spread}"


def _read(
    states: ArrayLike, block_types: ArrayLike | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str] | None]:
    """The states; int64 (pageblocks, states) guest pages of each state; the first letter of each pageblock's type."""
    codes = checked_states(states)
    blocks = -(-len(codes) // PAGEBLOCK_PAGES)
    if blocks > MOST_BARS:
        raise BadValueError(f"there are {blocks:,} pageblocks; up to {MOST_BARS:,} can be shown one by one.")
    block = np.arange(len(codes)) // PAGEBLOCK_PAGES
    kinds = len(PALETTE)
    counts = np.bincount(block * kinds + codes, minlength=blocks * kinds).reshape(blocks, kinds)
    if block_types is None:
        return codes, counts, None
    unit = "Migratetype codes, one a pageblock"
    types = whole_row("block_types", block_types, 0, max(Migratetype), (blocks, blocks), unit)
    return codes, counts, [_letter(Migratetype(int(kind))) for kind in types]


def _letter(kind: Migratetype) -> str:
    return "S" if kind == Migratetype.RESERVE else kind.name[0]  # R is RECLAIMABLE


def _types_legend(letters: list[str]) -> str:
    return ", ".join(f"{_letter(kind)} {kind.name}" for kind in Migratetype if _letter(kind) in letters)
