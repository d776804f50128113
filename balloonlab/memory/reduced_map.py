"""Fewer cells than pages: a cell stands for a run of pages and shows the state among them that matters most.

Not the state that most of them have: one page that compaction holds, or that keeps a free block from being whole, is
what a reader looks for, and would be lost among hundreds. So a cell is free only if all its pages are, and whoever
draws such a map says that beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balloonlab.foundations.errors import whole_number
from balloonlab.foundations.rows import whole_row
from balloonlab.memory.palette import PALETTE
from balloonlab.memory.zone import MOST_PAGES, PageState

MOST_CELLS = 1 << 18  # 512 x 512: more cannot be told apart on a screen

_RANKS = [look.rank for look in PALETTE]
_TO_RANK = bytes(_RANKS) + bytes(256 - len(_RANKS))
_FROM_RANK = bytes(_RANKS.index(rank) for rank in range(len(_RANKS))) + bytes(256 - len(_RANKS))


def checked_states(states: ArrayLike, what: str = "states") -> NDArray[np.uint8]:
    """`states` as one row of uint8 PageState codes; raises BadValueError for anything else."""
    unit = "PageState codes, one a guest page"
    array = whole_row(what, states, 0, len(PageState) - 1, (1, MOST_PAGES), unit)
    return array.astype(np.uint8, copy=False)


def pages_per_cell(pages: int, most_cells: int = MOST_CELLS) -> int:
    """The smallest power of two that brings `pages` guest pages into at most `most_cells` cells."""
    most_cells = whole_number("most_cells", most_cells, 1, MOST_PAGES, "cells")
    cell = 1
    while -(-pages // cell) > most_cells:
        cell *= 2
    return cell


def reduce_by(states: NDArray[np.uint8], cell: int) -> NDArray[np.uint8]:
    """The state of highest rank in each run of `cell` pages (a power of two; the last run may be shorter)."""
    if cell == 1:
        return states.copy()
    ranks = np.frombuffer(states.tobytes().translate(_TO_RANK), np.uint8)
    short = -len(states) % cell
    if short:
        ranks = np.concatenate((ranks, np.full(short, PALETTE[PageState.HOLE].rank, np.uint8)))
    while cell > 1:  # halving is several times faster than a maximum over short rows
        ranks = np.maximum(ranks[0::2], ranks[1::2])
        cell //= 2
    return np.frombuffer(ranks.tobytes().translate(_FROM_RANK), np.uint8).copy()  # writable


def reduce_states(states: NDArray[np.uint8], most_cells: int = MOST_CELLS) -> tuple[NDArray[np.uint8], int]:
    """A grid of at most `most_cells` cells, and how many guest pages a cell stands for.

    states: uint8 PageState codes, one a guest page. The grid is a row of PageState codes of its own, in order of PFN.
    """
    cell = pages_per_cell(len(states), most_cells)
    return reduce_by(states, cell), cell
