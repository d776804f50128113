"""The free scanner of Linux 6.1 looks less closely where it finds nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.zone import PageState

FREE, MOVABLE, UNMOVABLE = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE


@pytest.mark.parametrize(("full", "stride"), [(0, 1), (1, 2), (3, 8), (5, 32), (6, 32)])
def test_each_fruitless_pageblock_doubles_the_stride(full: int, stride: int, make_buddy: Callable[..., Buddy]) -> None:
    """As seen in a real guest: after three pageblocks without a free page, 64 pages of the fourth were looked at."""
    blocks = 3 + full
    states = np.full(512 * blocks, UNMOVABLE, np.uint8)
    states[:20] = MOVABLE
    holes = slice(512 * 2, 512 * 3)
    states[holes] = np.where(np.arange(512) % 4 == 0, FREE, UNMOVABLE)  # 128 free pages
    control = CompactControl(make_buddy(states, "6.1", 0, len(states)))
    result = compact(control)
    assert result.pages_moved == min(20, 512 // max(4, stride))
    targets = result.pairs[:, 1] - 512 * 2
    assert (targets % max(4, stride) == 0).all()
    assert targets.min() == 0
