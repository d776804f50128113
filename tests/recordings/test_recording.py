"""The shipped recordings say what they are known to say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from balloonlab import recordings
from balloonlab.foundations.errors import DamagedRecordingError, UnknownNameError
from balloonlab.memory.free_blocks import counts_by_order
from balloonlab.memory.zone import Migratetype, PageState
from balloonlab.recordings import Recording
from balloonlab.recordings.block_types import block_types
from balloonlab.recordings.snapshots import BUDDY, MIGRATETYPES, OFFLINE, ZoneSpan, page_states

ALL = ["S1_256M_16384", "S2_256M_alt", "S2_512M_runs", "S5a_256M_overinflate"]
LOADED = {name: recordings.load(name) for name in ALL}
SNAPSHOTS = [(name, snapshot) for name in ALL for snapshot in LOADED[name].snapshots]


def test_names() -> None:
    assert recordings.names() == ALL


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="S2_256M_alt"):
        recordings.load("S9")
    with pytest.raises(UnknownNameError, match="compact1"):
        LOADED["S2_256M_alt"].snapshot_states("before")


def test_a_folder_is_loaded_by_its_path(tmp_path: Path) -> None:
    assert recordings.load(recordings.SHIPPED / "S1_256M_16384").pages == 65536
    assert recordings.load(str(recordings.SHIPPED / "S1_256M_16384")).name == "S1_256M_16384"
    (tmp_path / "messages.npz").write_bytes(b"")
    with pytest.raises(DamagedRecordingError, match=r"meta\.json: the file is missing"):
        recordings.load(tmp_path)


def test_a_folder_without_a_recording_is_not_damaged(tmp_path: Path) -> None:
    (tmp_path / "config.csv").write_text("anybody's")
    with pytest.raises(
        UnknownNameError, match=f"no recording in the folder '{tmp_path}': none of meta.json, .*S2_256M"
    ):
        recordings.load(tmp_path)


def test_the_folder_that_one_is_in_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(recordings.SHIPPED / "S1_256M_16384")
    assert recordings.load(".").name == "S1_256M_16384"


def test_what_one_recording_holds() -> None:
    recording = LOADED["S2_256M_alt"]
    assert recording.zones == [ZoneSpan("DMA", 1, 0x1000), ZoneSpan("DMA32", 0x1000, 65504)]
    assert recording.snapshots == ["boot", "frag", "inflated", "freed", "compact1", "compact2", "deflated"]
    assert (len(recording.messages), len(recording.messages.pfns), len(recording.config)) == (22796, 55436, 258)
    assert np.bincount(recording.messages.queue).tolist() == [11398, 11398]
    assert recording.messages.of(0)[:4].tolist() == [25522, 25524, 25526, 25528]
    assert recording.config[0][2:] == ("to_target", 201326592, 16384)
    assert recording.title.startswith("S2 fragment, inflate, free, compact")
    assert "22,796 messages" in repr(recording)


def test_the_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        LOADED["S1_256M_16384"].messages.pfns[0] = 0


@pytest.mark.parametrize(("name", "snapshot"), SNAPSHOTS)
def test_states_have_the_counts_that_the_guest_summed_up(name: str, snapshot: str) -> None:
    recording = LOADED[name]
    states = recording.snapshot_states(snapshot)
    counts = np.bincount(states, minlength=len(PageState))
    flags = recording._flags[snapshot]
    assert counts[PageState.FREE] == (flags & BUDDY != 0).sum()
    assert counts[PageState.BALLOON] == (flags & OFFLINE != 0).sum() == len(recording.balloon(snapshot))
    assert counts[PageState.HOLE] == 33  # PFN 0 and the last 32, which belong to no zone
    assert counts.sum() == recording.pages
    assert set(np.flatnonzero(states == PageState.BALLOON)) == set(recording.balloon(snapshot))


@pytest.mark.parametrize(("name", "snapshot"), SNAPSHOTS)
def test_free_pages_are_those_of_buddyinfo(name: str, snapshot: str) -> None:
    recording = LOADED[name]
    states = recording.snapshot_states(snapshot)
    for zone in recording.zones:
        free = int((states[zone.start_pfn : zone.end_pfn] == PageState.FREE).sum())
        counted = sum(count << order for order, count in enumerate(recording.snapshot_buddyinfo(snapshot)[zone.name]))
        assert abs(free - counted) <= 16  # both are read from a running guest, one after the other


def slow_states(flags: list[int], zones: list[ZoneSpan]) -> list[PageState]:
    """page_states, a page at a time."""
    states = []
    for pfn, bits in enumerate(flags):
        if bits >> 20 & 1 or not any(zone.start_pfn <= pfn < zone.end_pfn for zone in zones):
            states.append(PageState.HOLE)
        elif bits >> 23 & 1:
            states.append(PageState.BALLOON)
        elif bits >> 10 & 1:
            states.append(PageState.FREE)
        else:
            states.append(PageState.MOVABLE if bits >> 5 & 1 or bits >> 12 & 1 else PageState.UNMOVABLE)
    return states


def test_states_are_what_the_slow_rule_says() -> None:
    recording = LOADED["S2_256M_alt"]
    flags = recording._flags["inflated"]
    assert page_states(flags, recording.zones).tolist() == slow_states(flags.tolist(), recording.zones)


@pytest.mark.parametrize(("name", "snapshot"), SNAPSHOTS)
def test_pageblocks_of_each_type_are_as_many_as_the_guest_counted(name: str, snapshot: str) -> None:
    recording = LOADED[name]
    types = recording.snapshot_block_types(snapshot)
    assert len(types) == recording.pages // 512
    for zone in recording.zones:
        here = types[zone.start_pfn // 512 : -(-zone.end_pfn // 512)]
        counted = dict.fromkeys(Migratetype, 0)
        for word, (count,) in recording._type_counts[snapshot][0][zone.name].items():
            counted[MIGRATETYPES[word]] += count
        assert {kind: int((here == kind).sum()) for kind in Migratetype} == counted


def test_the_blocks_with_most_kernel_pages_are_the_unmovable_ones() -> None:
    flags = np.full(4 * 512, BUDDY, np.int64)
    flags[512 : 512 + 100] = 0  # the kernel's
    flags[1024 : 1024 + 200] = 1 << 7  # slab
    counts = {"Normal": {"Unmovable": [1], "Movable": [2], "Reclaimable": [1]}}
    types = block_types(flags, [ZoneSpan("Normal", 0, 4 * 512)], counts, {})
    movable, unmovable, reclaimable = Migratetype.MOVABLE, Migratetype.UNMOVABLE, Migratetype.RECLAIMABLE
    assert types.tolist() == [movable, unmovable, reclaimable, movable]


@pytest.mark.parametrize("recording", LOADED.values(), ids=ALL)
def test_nothing_in_a_recording_names_the_machine_it_was_made_on(recording: Recording) -> None:
    folder = recordings.SHIPPED / recording.name
    for path in folder.iterdir():
        assert not any(word in path.read_bytes() for word in (b"/root", b"/home", b"/work", b"$WORK"))


def test_the_recordings_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in recordings.SHIPPED.rglob("*")) < 3_000_000


MOVED = {  # free blocks that came or went between the reading of page flags and of buddyinfo
    ("S1_256M_16384", "before"): 5,
    ("S2_256M_alt", "inflated"): 10,
    ("S5a_256M_overinflate", "after"): 8,
}


@pytest.mark.parametrize(("name", "snapshot"), SNAPSHOTS)
def test_free_pages_make_the_free_blocks_that_the_guest_counted(name: str, snapshot: str) -> None:
    recording = LOADED[name]
    ours = np.array(counts_by_order(recording.snapshot_states(snapshot)))
    real = np.sum(list(recording.snapshot_buddyinfo(snapshot).values()), axis=0)
    assert np.abs(ours - real).sum() == MOVED.get((name, snapshot), 0)


def test_a_snapshot_becomes_a_guest() -> None:
    recording = LOADED["S2_256M_alt"]
    guest = recording.snapshot("freed", driver="v9")
    assert np.array_equal(guest.page_states, recording.snapshot_states("freed"))
    assert guest.host.target == 16384
