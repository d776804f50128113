"""The engine's free blocks beside the guest's, from snapshot to snapshot."""

from __future__ import annotations

import functools

import pytest

from balloonlab import recordings
from balloonlab.recordings.follow import Stage


@functools.cache
def stages(name: str) -> dict[str, Stage]:
    return {stage.after: stage for stage in recordings.load(name).follow()}


def test_the_stages_of_a_recording() -> None:
    alt = stages("S2_256M_alt")
    assert list(alt) == ["frag", "inflated", "freed", "compact1", "compact2", "deflated"]
    assert [stage.inflated for stage in alt.values()] == [0, 16384, 0, 0, 0, 0]
    assert [stage.deflated for stage in alt.values()] == [0, 0, 0, 0, 0, 16384]
    assert [stage.moved for stage in alt.values()] == [None, None, None, 10570, 2, None]


@pytest.mark.parametrize("name", ["S1_256M_16384", "S2_256M_alt", "S2_512M_runs", "S5a_256M_overinflate"])
def test_free_pages_differ_by_those_on_per_cpu_lists(name: str) -> None:
    """What the balloon frees goes to per-cpu lists first: free to the engine, not yet to the guest."""
    for stage in stages(name).values():
        ours, theirs = stage.free_pages
        assert -16 <= ours - theirs <= max(stage.per_cpu) + 32, str(stage)


def test_free_2_mib_blocks() -> None:
    assert {after: stage.huge for after, stage in stages("S2_512M_runs").items()} == {
        "frag": (30, 30),
        "inflated": (30, 30),
        "freed": (49, 49),
        "compact1": (134, 134),
        "compact2": (134, 134),
        "deflated": (186, 179),  # one page of a block on a per-cpu list, and it is no block
    }


def test_an_inflate_into_runs_of_holes_leaves_the_blocks_that_the_guest_has() -> None:
    stage = stages("S2_512M_runs")["inflated"]
    assert stage.engine == stage.guest


def test_a_stage_can_be_read() -> None:
    text = str(stages("S2_256M_alt")["compact1"])
    assert text.startswith("freed to compact1 (compacted, 10,570 moved): free 2 MiB blocks 41, guest 40")
    assert "free pages 25,665, guest 25,441 (on per-cpu lists 77, then 300)" in text
    assert "guest  345 8 12 9 6 9 6 7 11 4 18" in text
