"""Page maps that reach the odd corners of the allocator and of compaction; one strategy for several tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from balloonlab.memory.zone import PageState

FREE, MOVABLE, UNMOVABLE = int(PageState.FREE), int(PageState.MOVABLE), int(PageState.UNMOVABLE)
BALLOON, HOLE = int(PageState.BALLOON), int(PageState.HOLE)
KINDS = ["free", "used", "fixed", "holes", "almost free", "almost used", "buddies", "mixed", "mixed", "mixed"]


def pageblock(kind: str, rng: np.random.Generator, share: float) -> np.ndarray:
    """512 states of one kind; `share` of the pages of a mixed one is free."""
    if kind in ("free", "almost free"):
        block = np.zeros(512, np.uint8)
        if kind == "almost free":
            block[rng.integers(0, 512, rng.integers(1, 40))] = rng.choice([MOVABLE, UNMOVABLE])
    elif kind in ("used", "almost used"):
        block = np.full(512, MOVABLE, np.uint8)
        if kind == "almost used":
            block[rng.integers(0, 512, 5)] = FREE
    elif kind == "fixed":
        block = np.full(512, UNMOVABLE, np.uint8)
    elif kind == "holes":
        block = rng.choice([FREE, MOVABLE, UNMOVABLE, HOLE], 512, p=[0.4, 0.4, 0.1, 0.1]).astype(np.uint8)
    elif kind == "buddies":
        block = np.full(512, MOVABLE, np.uint8)
        for order in rng.integers(0, 9, 6).tolist():
            start = int(rng.integers(0, 512)) >> order << order
            block[start : start + (1 << order)] = FREE
    else:
        block = rng.choice([FREE, MOVABLE], 512, p=[share, 1 - share]).astype(np.uint8)
    return block


def page_map(rng: np.random.Generator, most_blocks: int = 14) -> np.ndarray:
    """A zone of some pageblocks, the last perhaps cut; sometimes with a free half, all free or without a free page.

    The free half is there so that an order-10 block is opened at one half, in the middle of a zone and at its ends.
    """
    blocks = int(rng.integers(1, most_blocks + 1))
    share = float(rng.uniform(0.05, 0.9))
    states = np.concatenate([pageblock(KINDS[rng.integers(len(KINDS))], rng, share) for _ in range(blocks)])
    whole = rng.integers(10)
    half = len(states) // 2
    if whole == 0:
        states[half:] = FREE
    elif whole == 1:
        states[:half] = FREE
    elif whole == 2:
        states[:] = rng.choice([FREE, MOVABLE])
    if rng.random() < 0.5:
        states = states[: len(states) - int(rng.integers(0, 512))].copy()
    return states


generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
