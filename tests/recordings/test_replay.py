"""Replaying what the host was told gives the guest's own list of balloon pages."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab import recordings
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.memory.zone import PageState
from balloonlab.recordings import BalloonList, replay

LOADED = {name: recordings.load(name) for name in recordings.names()}
SNAPSHOTS = [(name, snapshot) for name, recording in LOADED.items() for snapshot in recording.snapshots]


@pytest.mark.parametrize(("name", "snapshot"), SNAPSHOTS)
def test_replayed_pages_are_the_marked_pages(name: str, snapshot: str) -> None:
    recording = LOADED[name]
    balloon = replay(recording.messages, recording.list_events, recording.snapshot_times[snapshot])
    marked = set(np.flatnonzero(recording.snapshot_states(snapshot) == PageState.BALLOON).tolist())
    told = {*balloon.listed, *balloon.isolated}
    expected = 123 if (name, snapshot) == ("S2_256M_alt", "inflated") else 0  # flags read while the guest compacted
    assert (len(marked - told), len(told - marked)) == (expected, expected)


@settings(max_examples=10)
@given(st.data())
def test_what_the_host_believes_is_what_it_was_told_message_by_message(data: st.DataObject) -> None:
    recording = LOADED[data.draw(st.sampled_from(sorted(LOADED)))]
    told = data.draw(st.integers(0, len(recording.messages)))
    inside: set[int] = set()
    for number in range(told):
        change = inside.difference_update if recording.messages.queue[number] else inside.update
        change(recording.messages.of(number).tolist())
    assert set(np.flatnonzero(recording.believed(told)).tolist()) == inside
    assert set(np.flatnonzero(recording.played(told) == PageState.BALLOON).tolist()) == inside


@pytest.mark.parametrize(("name", "snapshot"), SNAPSHOTS)
def test_the_last_snapshot_of_a_moment_is_played_as_it_was_seen(name: str, snapshot: str) -> None:
    recording = LOADED[name]
    told = recording.told_before(snapshot)
    assert told == sum(time <= recording.snapshot_times[snapshot] for time in recording.messages.time.tolist())
    last = [each for each in recording.snapshots if recording.told_before(each) == told][-1]
    differ = np.count_nonzero(recording.played(told) != recording.snapshot_states(last))
    assert differ == (246 if (name, last) == ("S2_256M_alt", "inflated") else 0)  # flags read while it compacted


def test_more_messages_than_there_are_is_no_moment() -> None:
    recording = LOADED["S1_256M_16384"]
    for ask in (recording.believed, recording.played):
        with pytest.raises(BadValueError, match=r"told is 129; it must be a whole number from 0 to 128 \(messages\)"):
            ask(129)
    with pytest.raises(UnknownNameError, match="at0_16384"):
        recording.told_before("freed")


class Predicting(BalloonList):
    """Compares each deflate message with the head of the list before it is applied."""

    def __init__(self) -> None:
        super().__init__()
        self.right, self.wrong, self.migrated = 0, 0, 0

    def deflate(self, pfns: list[int]) -> None:
        if set(pfns) <= self.isolated.keys():
            self.migrated += 1
        elif list(itertools.islice(reversed(self.listed), len(pfns))) == pfns:
            self.right += 1
        else:
            self.wrong += 1
        super().deflate(pfns)


@pytest.mark.parametrize(
    ("name", "rounds", "migrations"),
    [
        ("S1_256M_16384", 64, 0),
        ("S2_256M_alt", 64, 11334),
        ("S2_512M_runs", 118, 18321),
        ("S5a_256M_overinflate", 169, 0),
    ],
)
def test_the_list_predicts_every_deflate_message_in_order(name: str, rounds: int, migrations: int) -> None:
    recording = LOADED[name]
    balloon = Predicting()
    replay(recording.messages, recording.list_events, balloon=balloon)
    assert (balloon.right, balloon.wrong, balloon.migrated) == (rounds, 0, migrations)
    assert balloon.head_first() == []


def test_putbacks_matter() -> None:
    recording = LOADED["S5a_256M_overinflate"]
    assert recording.list_events.kind.sum() == 42
    none = recording.list_events._replace(**{name: row[:0] for name, row in recording.list_events._asdict().items()})
    balloon = Predicting()
    replay(recording.messages, none, balloon=balloon)
    assert (balloon.right, balloon.wrong) == (168, 1)


def test_the_balloon_s_pages_from_the_head_of_its_list() -> None:
    recording = LOADED["S1_256M_16384"]
    assert recording.balloon("before") == recording.balloon("at1_0") == []
    assert recording.balloon("at0_16384") == recording.messages.pfns[:16384][::-1].tolist()


def test_isolated_and_moved_pages_stand_first() -> None:
    recording = LOADED["S2_256M_alt"]
    balloon = recording.balloon("inflated")
    listed = set(replay(recording.messages, recording.list_events, recording.snapshot_times["inflated"]).listed)
    assert balloon[:123] == sorted(set(balloon) - listed)
    assert len(balloon) == len(set(balloon)) == 16384


def test_isolate_and_putback_move_a_page_to_the_head() -> None:
    balloon = BalloonList()
    balloon.inflate([1, 2, 3])
    balloon.isolate([1])
    assert (balloon.head_first(), list(balloon.isolated)) == ([3, 2], [1])
    balloon.putback([1])
    assert (balloon.head_first(), list(balloon.isolated)) == ([1, 3, 2], [])
    balloon.deflate([3])
    assert balloon.head_first() == [1, 2]
