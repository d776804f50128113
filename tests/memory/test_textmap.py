from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.palette import PALETTE
from balloonlab.memory.textmap import pages_line, text_map
from balloonlab.memory.zone import PageState


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


def test_a_large_guest_shows_what_matters_most() -> None:
    states = np.zeros(1 << 20, np.uint8)
    states[0x81234] = PageState.BALLOON
    head, *rows = text_map(states, columns=64, most_rows=16).splitlines()
    assert head == "1,048,576 guest pages; a glyph is 1,024 guest pages: . free 1,048,575, B balloon 1"
    assert len(rows) == 16
    assert [row for row in rows if "B" in row] == ["0x80000 ....B" + "." * 59]


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
