"""The page map as text: for lessons without a browser, for screen readers, and for tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balloonlab.foundations.errors import whole_number
from balloonlab.foundations.words import counted
from balloonlab.memory.palette import PALETTE, state_counts
from balloonlab.memory.reduced_map import checked_states, pages_per_cell
from balloonlab.memory.zone import PageState

FULL = "".join(look.glyph for look in PALETTE)  # by PageState code: of one page, or of several if few of them are free
HALF = FULL.translate(str.maketrans("w#B", "v=o"))  # lighter than every glyph of a full one
FEW = ":"  # lighter still: most are free
_LADDER = f"less ink, more free: w # B three quarters in use or more, v = o one quarter or more, {FEW} less, . none"
_IN_USE = sorted(set(PageState) - {PageState.FREE, PageState.HOLE}, key=lambda state: -PALETTE[state].rank)


def pages_line(states: ArrayLike) -> str:
    """Glyph, word and number of guest pages of each state that occurs, on one line.

    states: uint8 PageState codes, one a guest page. Raises BadValueError for bad states.
    """
    counts = state_counts(checked_states(states))
    return ", ".join(f"{look.glyph} {look.word} {count:,}" for look, count in counts)


def text_map(states: ArrayLike, columns: int = 64, most_rows: int = 32) -> str:
    """The page map as rows of glyphs, each beginning with the PFN of its first page.

    states: uint8 PageState codes, one a guest page. A row has `columns` glyphs. Where one glyph a page would take more
    than `most_rows` rows, a glyph stands for several pages. It then names the state that most of the pages in use have,
    and the more of all its pages are in use, the more ink it has: from three quarters on the state's own glyph, from
    one quarter on a lighter one, below that a colon, and a point where all are free. With 64 columns a guest of 64 MiB
    shows one pageblock a row. Raises BadValueError for bad states or sizes.
    """
    codes = checked_states(states)
    columns = whole_number("columns", columns, 1, 1024, "glyphs")
    most_rows = whole_number("most_rows", most_rows, 1, 1 << 16, "rows")
    cell = pages_per_cell(len(codes), columns * most_rows)
    table, cells = (FULL, codes) if cell == 1 else (FULL + HALF + FEW, _by_share(codes, cell))
    glyphs = cells.tobytes().translate(table.encode("ascii").ljust(256)).decode("ascii")
    width = len(f"{len(codes) - 1:x}")
    each = "a glyph is a guest page" if cell == 1 else f"a glyph is {cell:,} guest pages"
    lines = [f"{counted(len(codes), 'guest page')}; {each}: {pages_line(codes)}"]
    lines += [_LADDER] if cell > 1 else []
    lines += [f"{at * cell:#0{width + 2}x} {glyphs[at : at + columns]}" for at in range(0, len(glyphs), columns)]
    return "\n".join(lines)


def _by_share(codes: NDArray[np.uint8], cell: int) -> NDArray[np.uint8]:
    """For each run of `cell` guest pages, the place of its glyph in FULL + HALF + FEW; the last run may be shorter."""
    padded = np.concatenate((codes, np.full(-len(codes) % cell, PageState.HOLE, np.uint8))).reshape(-1, cell)
    counts = {state: np.count_nonzero(padded == state, axis=1) for state in PageState}
    in_use = np.array([counts[state] for state in _IN_USE])
    most = np.array(_IN_USE, np.uint8)[in_use.argmax(axis=0)]  # as many of each: the one of highest rank
    used, there = in_use.sum(axis=0), cell - counts[PageState.HOLE]
    choices = [there == 0, used == 0, 4 * used < there, 4 * used < 3 * there]
    places = [PageState.HOLE, PageState.FREE, len(FULL + HALF), len(FULL) + most]
    shown: NDArray[np.uint8] = np.select(choices, places, most).astype(np.uint8)
    return shown
