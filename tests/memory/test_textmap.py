from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.palette import PALETTE
from balloonlab.memory.reduced_map import pages_per_cell
from balloonlab.memory.textmap import FEW, FULL, HALF, pages_line, text_map
from balloonlab.memory.zone import PageState

FILLING = (PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON)


def test_a_small_guest_page_by_page() -> None:
    states = np.array([4, 0, 0, 3, 3, 3, 2, 1, 5, 6, 7, 8], np.uint8)
    assert text_map(states, columns=8).splitlines() == [
        (
            "12 guest pages; a glyph is a guest page: . free 2, w workload 1, # kernel 1, B balloon 3, - no memory 1, "
            "I isolated 1, > in transit 1, i isolated (workload) 1, + set aside 1"
        ),
        "0x0 -..BBB#w",
        "0x8 I>i+",
    ]


def rows_of(text: str) -> str:
    """All glyphs of a map, without what stands before them."""
    return "".join(line.split(" ")[1] for line in text.splitlines() if line.startswith("0x"))


def test_a_glyph_of_many_pages_has_less_ink_where_more_is_free() -> None:
    states = np.zeros(1 << 14, np.uint8)
    states[0x400:0x800] = PageState.BALLOON
    states[0x800:0xC00:2] = PageState.BALLOON
    states[0xC00:0x1000:4] = PageState.MOVABLE
    states[0x1000:0x1400:5] = PageState.UNMOVABLE
    states[0x1403] = PageState.ISOLATED
    head, ladder, *rows = text_map(states, columns=8, most_rows=8).splitlines()
    assert head.startswith("16,384 guest pages; a glyph is 256 guest pages: . free ")
    assert (
        ladder == "less ink, more free: w # B three quarters in use or more, v = o one quarter or more, : less, . none"
    )
    assert rows[:3] == ["0x0000 ....BBBB", "0x0800 oooovvvv", "0x1000 :::::..."]


def slow_glyph(run: list[PageState]) -> str:
    """What a run of several pages shows."""
    there = [state for state in run if state != PageState.HOLE]
    used = [state for state in there if state != PageState.FREE]
    if not used:
        return "." if there else "-"
    if len(used) / len(there) < 1 / 4:
        return ":"
    glyph = PALETTE[max(used, key=lambda state: (used.count(state), PALETTE[state].rank))].glyph
    return glyph if len(used) / len(there) >= 3 / 4 else {"w": "v", "#": "=", "B": "o"}.get(glyph, glyph)


@given(
    states=st.lists(st.sampled_from([*PageState, *[PageState.FREE] * 8]), min_size=1, max_size=200),
    columns=st.integers(1, 9),
    rows=st.integers(1, 9),
)
def test_every_run_of_pages_shows_what_the_slow_rule_says(states: list[PageState], columns: int, rows: int) -> None:
    cell = pages_per_cell(len(states), columns * rows)
    runs = [states[at : at + cell] for at in range(0, len(states), cell)]
    shown = [PALETTE[run[0]].glyph if cell == 1 else slow_glyph(run) for run in runs]
    assert rows_of(text_map(np.array(states, np.uint8), columns, rows)) == "".join(shown)


@pytest.mark.parametrize("taken", [PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON])
@pytest.mark.parametrize("cell", [16, 64, 512])
def test_memory_that_is_half_free_never_looks_full(taken: PageState, cell: int) -> None:
    states = np.random.default_rng(0).permutation(np.repeat([0, int(taken)], 1024 * cell)).astype(np.uint8)
    shown = rows_of(text_map(states))
    assert len(shown) == 2048
    assert shown.count(FULL[taken]) < 0.05 * len(shown)  # of 16 pages, 12 are in use now and then
    assert shown.count(HALF[taken]) > 0.9 * len(shown)


def ink(glyph: str) -> float:
    """How much of its place a glyph blackens."""
    figure = Figure(figsize=(1, 1), dpi=100)
    canvas = FigureCanvasAgg(figure)
    figure.text(0.5, 0.5, glyph, fontsize=40, family="DejaVu Sans Mono", ha="center", va="center", parse_math=False)
    canvas.draw()
    return float(255 - np.asarray(canvas.buffer_rgba())[..., 0].mean())


def test_ink_follows_fullness_whatever_the_pages_are() -> None:
    rungs = [[FULL[PageState.FREE]], [FEW], *([table[s] for s in FILLING] for table in (HALF, FULL))]
    inks = [[ink(glyph) for glyph in rung] for rung in rungs]
    assert [(max(light), min(heavy)) for light, heavy in pairwise(inks) if max(light) >= min(heavy)] == []
    assert ink(FULL[PageState.HOLE]) < min(inks[2])
    passing = set(FULL) - {FULL[state] for state in (*FILLING, PageState.FREE, PageState.HOLE)}
    assert max(map(ink, passing)) < min(inks[3])  # what is on its way looks full nowhere
    assert len(set(FULL + FEW) | {HALF[state] for state in FILLING}) == len(FULL) + 4


@given(states=st.lists(st.sampled_from(list(PageState)), min_size=1, max_size=200), columns=st.integers(1, 80))
def test_every_page_is_shown_once_in_order(states: list[PageState], columns: int) -> None:
    rows = text_map(np.array(states, np.uint8), columns, most_rows=200).splitlines()[1:]
    assert "".join(row.split(" ")[1] for row in rows) == "".join(PALETTE[state].glyph for state in states)
    assert [int(row.split(" ")[0], 16) for row in rows] == list(range(0, len(states), columns))


def test_the_legend_counts_pages_and_names_only_what_is_there() -> None:
    assert pages_line(np.full(1234, PageState.BALLOON, np.uint8)) == "B balloon 1,234"


@pytest.mark.parametrize(("columns", "rows"), [(0, 8), (8, 0), (2000, 8), ("8", 8)])
def test_bad_sizes_are_refused(columns: object, rows: object) -> None:
    with pytest.raises(BadValueError, match=r"(columns|most_rows) is"):
        text_map(np.zeros(8, np.uint8), columns, rows)
