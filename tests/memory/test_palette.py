from __future__ import annotations

import itertools

import numpy as np
import pytest

from balloonlab.memory.palette import PALETTE, colours, state_counts
from balloonlab.memory.zone import PageState
from tests.contrast import contrast

MAP_FILLING = (PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON)


def test_every_state_has_a_look_of_its_own() -> None:
    assert len(PALETTE) == len(PageState)
    for field in ("word", "meaning", "glyph", "light", "dark", "rank"):
        assert len({getattr(look, field) for look in PALETTE}) == len(PageState), field
    assert all(len(look.glyph) == 1 and look.glyph.isascii() and look.glyph.isprintable() for look in PALETTE)
    assert [PALETTE[state].word for state in (PageState.FREE, PageState.BALLOON)] == ["free", "balloon"]
    assert sorted(look.rank for look in PALETTE) == list(range(len(PageState)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_fills_a_map_stands_out_from_free_memory(theme: str) -> None:
    table = colours(theme).tolist()
    for state in MAP_FILLING:
        assert contrast(table[state], table[PageState.FREE]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_differ(theme: str) -> None:
    for a, b in itertools.combinations(colours(theme).astype(int), 2):
        assert np.abs(a - b).max() >= 20


def test_what_happens_outranks_what_rests() -> None:
    resting = [PageState.HOLE, PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON]
    assert [PALETTE[state].rank for state in resting] == [0, 1, 2, 3, 4]


def test_counts_by_state() -> None:
    assert state_counts(np.array([3, 0, 3, 2], np.uint8)) == [(PALETTE[0], 1), (PALETTE[2], 1), (PALETTE[3], 2)]
