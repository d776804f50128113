from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.palette import PALETTE
from balloonlab.memory.reduced_map import MOST_CELLS, checked_states, pages_per_cell, reduce_by, reduce_states
from balloonlab.memory.zone import PageState

STATES = st.lists(st.sampled_from(list(PageState)), min_size=1, max_size=300)


def slow_reduce(states: list[int], cell: int) -> list[int]:
    """The state of highest rank of each run of `cell` pages."""
    runs = [states[at : at + cell] for at in range(0, len(states), cell)]
    return [max(run, key=lambda code: PALETTE[code].rank) for run in runs]


@given(states=STATES, cell=st.sampled_from([1, 2, 4, 8, 16, 64, 512]))
def test_reduce_by_is_what_the_slow_rule_says(states: list[int], cell: int) -> None:
    assert reduce_by(np.array(states, np.uint8), cell).tolist() == slow_reduce(states, cell)


@given(states=STATES, most=st.integers(1, 300))
def test_reduce_states_fits_and_reduces_no_more_than_it_must(states: list[int], most: int) -> None:
    grid, cell = reduce_states(np.array(states, np.uint8), most)
    assert len(grid) <= most
    assert cell == 1 or -(-len(states) // (cell // 2)) > most
    assert grid.tolist() == slow_reduce(states, cell)


def test_small_guests_are_not_reduced_and_not_shared() -> None:
    states = np.zeros(8, np.uint8)
    grid, cell = reduce_states(states)
    states[0] = PageState.BALLOON
    assert (grid.tolist(), cell) == ([0] * 8, 1)


def test_a_grid_is_the_caller_s_to_change() -> None:
    grid = reduce_by(np.zeros(8, np.uint8), 4)
    grid[0] = PageState.BALLOON
    assert grid.tolist() == [PageState.BALLOON, PageState.FREE]


def test_a_large_guest_fits_a_screen() -> None:
    assert pages_per_cell(MOST_CELLS) == 1
    assert pages_per_cell(MOST_CELLS + 1) == 2
    assert pages_per_cell(1 << 22) == 16


@pytest.mark.parametrize(
    "states",
    [np.zeros(0, np.uint8), np.zeros((2, 2), np.uint8), np.zeros(3), np.array([9]), np.array([-1]), np.array(["a"])],
)
def test_bad_states_are_refused(states: np.ndarray) -> None:
    with pytest.raises(BadValueError, match="PageState codes"):
        checked_states(states)


@pytest.mark.parametrize("most", [0, -1, 2.5, True])
def test_bad_sizes_are_refused(most: object) -> None:
    with pytest.raises(BadValueError, match="most_cells is"):
        reduce_states(np.zeros(8, np.uint8), most)
