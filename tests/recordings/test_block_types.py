"""Pageblock types are placed so that the free blocks in them add up to the guest's free lists."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab import recordings
from balloonlab.memory.zone import Migratetype
from balloonlab.recordings.block_types import _survey, block_types
from balloonlab.recordings.snapshots import BUDDY, MIGRATETYPES, OFFLINE, RESERVED, ZoneSpan

U, M, R = Migratetype.UNMOVABLE, Migratetype.MOVABLE, Migratetype.RECLAIMABLE
SINGLES = np.where(np.arange(512) % 2 == 0, BUDDY, 0)  # 256 free pages, 256 of the kernel
ORDERS = [0] * 11


def lists(**free: list[int]) -> dict[str, dict[str, list[int]]]:
    return {"Normal": {word: [*row, *ORDERS][:11] for word, row in free.items()}}


def counts(unmovable: int, blocks: int) -> dict[str, dict[str, list[int]]]:
    return {"Normal": {"Unmovable": [unmovable], "Movable": [blocks - unmovable], "Reclaimable": [0]}}


def test_a_block_whose_free_pages_are_on_another_list_is_passed_over() -> None:
    pairs = np.where(np.arange(512) % 4 < 2, BUDDY, 0)  # as many kernel pages, 128 free blocks of order 1
    flags = np.concatenate((SINGLES, pairs, pairs)).astype(np.int64)
    zones = [ZoneSpan("Normal", 0, len(flags))]
    assert block_types(flags, zones, counts(1, 3), lists(Unmovable=[256])).tolist() == [U, M, M]
    assert block_types(flags, zones, counts(2, 3), lists(Unmovable=[0, 256])).tolist() == [M, U, U]


def test_a_wholly_free_block_goes_beside_its_kind() -> None:
    full, free = np.zeros(512, np.int64), np.full(512, BUDDY)
    used = np.full(512, OFFLINE)
    flags = np.concatenate((used, free, full, free, used, free))
    zones = [ZoneSpan("Normal", 0, len(flags))]
    types = block_types(flags, zones, counts(2, 6), lists(Unmovable=[0] * 9 + [1]))
    assert types.tolist() == [M, M, U, U, M, M]


def test_balloon_pages_that_cannot_move_count_as_the_kernel_s() -> None:
    balloon = np.where(np.arange(512) % 2 == 0, BUDDY, OFFLINE)
    flags = np.concatenate((np.full(512, 1 << 5), balloon)).astype(np.int64)
    zones = [ZoneSpan("Normal", 0, len(flags))]
    free = lists(Unmovable=[256])
    assert block_types(flags, zones, counts(1, 2), free, balloon_movable=False).tolist() == [M, U]


@pytest.mark.parametrize("late", [False, True])
def test_reserved_blocks_that_were_initialised_late_have_no_type(*, late: bool) -> None:
    blocks = 200 if late else 50
    flags = np.full(blocks * 512, BUDDY, np.int64)
    flags[-512:] = RESERVED
    flags[512:1024] = 0
    zones = [ZoneSpan("Normal", 0, len(flags))]
    types = block_types(flags, zones, counts(1, blocks), {})
    assert np.flatnonzero(types == U).tolist() == ([blocks - 1] if late else [1])


@pytest.mark.parametrize(
    ("name", "most"), [("S1_256M_16384", 14), ("S2_256M_alt", 46), ("S2_512M_runs", 0), ("S5a_256M_overinflate", 206)]
)
def test_free_pages_in_the_placed_blocks_are_those_of_the_lists(name: str, most: int) -> None:
    """Nearly: a stolen block's pages may lie on another list than its pageblock's, and the guest runs meanwhile."""
    recording = recordings.load(name)
    for snapshot in recording.snapshots:
        types = recording.snapshot_block_types(snapshot)
        in_blocks = _survey(recording._flags[snapshot], balloon_movable=True).free @ (1 << np.arange(11))
        wanted = dict.fromkeys(Migratetype, 0)
        for rows in recording._type_counts[snapshot][1].values():
            for word, row in rows.items():
                wanted[MIGRATETYPES[word]] += int(np.array(row) @ (1 << np.arange(11)))
        for kind in (U, R):
            assert abs(int(in_blocks[types == kind].sum()) - wanted[kind]) <= most, (snapshot, kind)
