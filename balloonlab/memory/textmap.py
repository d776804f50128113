"""The page map as text: for lessons without a browser, for screen readers, and for tests."""

from __future__ import annotations

from numpy.typing import ArrayLike

from balloonlab.foundations.errors import whole_number
from balloonlab.foundations.words import counted
from balloonlab.memory.palette import PALETTE, state_counts
from balloonlab.memory.reduced_map import checked_states, reduce_states

_GLYPHS = bytes(ord(look.glyph) for look in PALETTE) + bytes(256 - len(PALETTE))


def pages_line(states: ArrayLike) -> str:
    """Glyph, word and number of guest pages of each state that occurs, on one line.

    states: uint8 PageState codes, one a guest page. Raises BadValueError for bad states.
    """
    counts = state_counts(checked_states(states))
    return ", ".join(f"{look.glyph} {look.word} {count:,}" for look, count in counts)


def text_map(states: ArrayLike, columns: int = 64, most_rows: int = 32) -> str:
    """The page map as rows of glyphs, each beginning with the PFN of its first page.

    states: uint8 PageState codes, one a guest page. A row has `columns` glyphs; where one glyph a page would take more
    than `most_rows` rows, a glyph stands for several pages and shows the state that matters most (palette.rank). With
    64 columns a guest of 64 MiB shows one pageblock a row. Raises BadValueError for bad states or sizes.
    """
    codes = checked_states(states)
    columns = whole_number("columns", columns, 1, 1024, "glyphs")
    most_rows = whole_number("most_rows", most_rows, 1, 1 << 16, "rows")
    cells, cell = reduce_states(codes, columns * most_rows)
    glyphs = cells.tobytes().translate(_GLYPHS).decode("ascii")
    width = len(f"{len(codes) - 1:x}")
    each = "a glyph is a guest page" if cell == 1 else f"a glyph is {cell:,} guest pages"
    lines = [f"{counted(len(codes), 'guest page')}; {each}: {pages_line(codes)}"]
    lines += [f"{at * cell:#0{width + 2}x} {glyphs[at : at + columns]}" for at in range(0, len(glyphs), columns)]
    return "\n".join(lines)
