"""Which pages k allocations of order 0 take, and in what order, worked out at once.

An allocation takes the first block of the smallest order there is and keeps its lowest page; what is left of the
block then fills lists that were empty, so it is used up, ascending, before any other block is touched. Hence k of them
take the blocks sorted by (order, place on their list), each from its first page up.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from balloonlab.memory.free_blocks import FreeLevels
from balloonlab.memory.zone import MAX_ORDER

_NARROW = 8
Arrange = Callable[[FreeLevels, int, int], np.ndarray]


def choose(states: np.ndarray, count: int, arrange: Arrange) -> tuple[np.ndarray, tuple[int, int] | None]:
    """(int32 PFNs of up to `count` pages in the order they are taken, what is left of the last block).

    states: uint8[pages] from PFN 0 on, not changed. arrange(levels, order, most): PFNs of the blocks of that order that
    may be taken, first to last; more than `most` are not needed. The rest of a block that is taken in part is (first
    PFN left, end PFN), else None.
    """
    levels = FreeLevels(states)
    pages = np.empty(min(count, len(states)), np.int32)
    at, rest = 0, None
    for order in range(MAX_ORDER):
        if at == len(pages):
            break
        size = 1 << order
        most = -(-(len(pages) - at) // size)
        heads = arrange(levels, order, most)[:most]
        whole = min(len(heads), (len(pages) - at) // size)
        expand(heads[:whole], pages[at : at + whole * size].reshape(whole, size))
        at += whole * size
        if whole < len(heads):
            head, left = int(heads[whole]), len(pages) - at
            pages[at:] = np.arange(head, head + left)
            at, rest = len(pages), (head + left, head + size)
    return pages[:at], rest


def expand(heads: np.ndarray, pages: np.ndarray) -> None:
    """Write every page of blocks into `pages`, (blocks, pages of a block), a row each."""
    size = pages.shape[1]
    for page in range(min(size, _NARROW)):  # numpy is slow with short rows, so go down the columns
        np.add(heads, page, out=pages[:, page], casting="unsafe")
    if size > _NARROW:
        np.add(heads[:, None], np.arange(_NARROW, size), out=pages[:, _NARROW:], casting="unsafe")
