"""Which pages k allocations of order 0 take, and in what order, worked out at once.

An allocation takes the first block of the smallest order there is and keeps its lowest page; what is left of the
block then fills lists that were empty, so it is used up, ascending, before any other block is touched. Hence k of them
take the blocks sorted by (order, place on their list), each from its first page up.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from balloonlab.memory.free_blocks import free_levels
from balloonlab.memory.zone import MAX_ORDER

_NARROW = 8
Arrange = Callable[[list[np.ndarray], int], np.ndarray]


def choose(states: np.ndarray, count: int, arrange: Arrange) -> tuple[np.ndarray, tuple[int, int] | None]:
    """(int32 PFNs of up to `count` pages in the order they are taken, what is left of the last block).

    states: uint8[pages] from PFN 0 on, not changed. arrange(levels, order): PFNs of the blocks of that order that may
    be taken, first to last. The rest of a block that is taken in part is (first PFN left, end PFN), else None.
    """
    levels = free_levels(states)
    chosen: list[np.ndarray] = [np.zeros(0, np.int32)]
    rest = None
    for order in range(MAX_ORDER):
        if count == 0:
            break
        size = 1 << order
        heads = arrange(levels, order)[: -(-count // size)].astype(np.int32)
        pages = expanded(heads, size)
        if len(pages) > count:
            rest = int(pages[count]), int(heads[-1]) + size
            pages = pages[:count]
        chosen.append(pages)
        count -= len(pages)
    return np.concatenate(chosen), rest


def expanded(heads: np.ndarray, size: int) -> np.ndarray:
    """Every page of these blocks of `size` pages, block after block; of the type of `heads`."""
    if size == 1:
        return heads
    pages = np.empty((len(heads), size), heads.dtype)
    for page in range(min(size, _NARROW)):  # numpy is slow with short rows, so go down the columns
        np.add(heads, page, out=pages[:, page])
    if size > _NARROW:
        np.add(heads[:, None], np.arange(_NARROW, size, dtype=heads.dtype), out=pages[:, _NARROW:])
    return pages.reshape(-1)
