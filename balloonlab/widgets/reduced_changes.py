"""Changes of single pages, as changes of the cells of a reduced grid: each cell shows one of its pages' states."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from balloonlab.memory.palette import PALETTE

_BY_RANK = np.argsort([-look.rank for look in PALETTE]).astype(np.uint8)  # codes, the most notable first


def cell_changes(
    states: NDArray[np.uint8],
    page: NDArray[np.int32],
    old: NDArray[np.uint8],
    new: NDArray[np.uint8],
    unit: int,
) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    """Cell, state shown before, state shown after of every page change that changes what its cell shows.

    states: all pages after the last change. page, old, new: the changes, in order. unit: guest pages in a cell; a cell
    shows the state of highest rank among its pages. The fourth array says which of the changes these are.
    """
    if len(page) == 0:
        none = np.zeros(0, np.uint8)
        return none.astype(np.uint32), none, none, none.astype(bool)
    cells, slot = np.unique(page // unit, return_inverse=True)
    inside = cells[:, None] * unit + np.arange(unit)
    before = np.where(inside < len(states), states[np.minimum(inside, len(states) - 1)], 255)
    before[slot[::-1], page[::-1] % unit] = old[::-1]  # the earliest change is written last, and stays
    counts = np.stack([np.count_nonzero(before == code, axis=1) for code in range(len(PALETTE))], axis=1)

    order = np.argsort(slot, kind="stable")  # cell by cell, in time within each
    steps = np.zeros((len(page), len(PALETTE)), np.int32)
    rows = np.arange(len(page))
    steps[rows, old[order]] -= 1
    steps[rows, new[order]] += 1
    running = np.cumsum(steps, axis=0)
    first = np.flatnonzero(np.diff(slot[order], prepend=-1))
    base = counts - np.concatenate(([np.zeros(len(PALETTE), int)], running[first[1:] - 1]))
    shown = _shown(running + base[slot[order]])
    seen = np.concatenate(([0], shown[:-1])).astype(np.uint8)
    seen[first] = _shown(counts)

    back = np.empty_like(order)
    back[order] = rows
    shown, seen = shown[back], seen[back]
    changed = shown != seen
    return cells[slot[changed]].astype(np.uint32), seen[changed], shown[changed], changed


def _shown(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The code of highest rank that occurs, for each row of counts by code."""
    shown: NDArray[np.uint8] = _BY_RANK[np.argmax(counts[:, _BY_RANK] > 0, axis=1)]
    return shown
