from __future__ import annotations

import numpy as np
import pytest

from balloonlab import plots
from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.zone import Migratetype, PageState

FREE, MOVABLE, UNMOVABLE, BALLOON = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON


def three_blocks() -> np.ndarray:
    """One wholly free, one of balloon and workload with some free, and a last one of 10 pages, free too."""
    states = np.zeros(1034, np.uint8)
    states[512:612] = MOVABLE
    states[700:800] = BALLOON
    return states


def test_a_bar_is_the_pages_of_its_pageblock() -> None:
    ax = plots.plot_pageblocks(three_blocks())
    bars = [container for container in ax.containers if any(bar.get_height() for bar in container)]
    heights = [[int(bar.get_height()) for bar in container] for container in bars]
    bottoms = [[int(bar.get_y()) for bar in container] for container in bars]
    assert heights == [[0, 100, 0], [0, 100, 0], [512, 312, 10]]  # workload, balloon, free
    assert bottoms == [[0, 0, 0], [0, 100, 0], [0, 200, 0]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        ".  free 834",
        "w  workload 100",
        "B  balloon 100",
    ]


def test_stars_are_pageblocks_that_are_wholly_free() -> None:
    ax = plots.plot_pageblocks(three_blocks(), title="three")
    assert ax.lines[0].get_xdata().tolist() == [0]  # not the last one: 10 pages make no huge page
    assert ax.get_title() == "three (*: 1 wholly free)"


def test_types_are_written_under_the_bars() -> None:
    types = [Migratetype.MOVABLE, Migratetype.UNMOVABLE, Migratetype.RESERVE]
    ax = plots.plot_pageblocks(three_blocks(), types)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["M", "U", "S"]
    assert ax.get_xlabel() == "pageblock, by its type (U UNMOVABLE, M MOVABLE, S RESERVE)"


def test_the_text_says_the_same() -> None:
    assert plots.pageblocks_text(three_blocks(), [1, 0, 1]).splitlines() == [
        "   0 M * free 512",
        "   1 U   free 312, balloon 100, workload 100",
        "   2 M   free 10",
        "3 pageblocks: 1 wholly free, balloon in 1, 0 of them wholly",
    ]
    assert plots.pageblocks_line([2] * 512) == "1 pageblock: 0 wholly free, no balloon"
    assert plots.pageblocks_line([3] * 1024) == "2 pageblocks: 0 wholly free, balloon in 2, 2 of them wholly"


def test_many_pageblocks_are_drawn_without_letters_and_too_many_not_at_all() -> None:
    ax = plots.plot_pageblocks(np.zeros(100 * 512, np.uint8), [1] * 100)
    assert ax.get_xlabel() == "pageblock"
    with pytest.raises(BadValueError, match="1,025 pageblocks; up to 1,024"):
        plots.plot_pageblocks(np.zeros(1025 * 512, np.uint8))


def test_bad_pageblocks_are_refused() -> None:
    with pytest.raises(BadValueError, match="PageState codes"):
        plots.plot_pageblocks([9])
    with pytest.raises(BadValueError, match="block_types is a row of 2; it must be one row of 3"):
        plots.pageblocks_text(three_blocks(), [1, 1])


def test_moves_are_drawn_by_number() -> None:
    ax = plots.plot_moves(np.array([[5, 2047], [3, 2046]]), title="two")
    old, new = (collection.get_offsets().tolist() for collection in ax.collections)
    assert old == [[1, 5], [2, 3]]
    assert new == [[1, 2047], [2, 2046]]
    assert ax.get_title() == "two: 2 pages"


def test_moves_as_text_are_runs_between_pageblocks() -> None:
    pairs = [(5, 2047), (3, 2046), (600, 2045), (1, 2044)]
    assert plots.moves_text(pairs).splitlines() == [
        "    2 pages from pageblock   0 to pageblock   3",
        "    1 page  from pageblock   1 to pageblock   3",
        "    1 page  from pageblock   0 to pageblock   3",
        "    4 pages moved",
    ]


def test_no_moves_are_no_mistake_and_bad_ones_are() -> None:
    assert plots.moves_text(np.zeros((0, 2), np.int64)) == "    0 pages moved"
    assert plots.plot_moves(np.zeros((0, 2), np.int64)).get_title().endswith(": 0 pages")
    for wrong in ([1, 2], [[1, 2, 3]], [[0.5, 1.0]], [[-1, 2]]):
        with pytest.raises(BadValueError, match="old PFN, new PFN"):
            plots.plot_moves(wrong)
