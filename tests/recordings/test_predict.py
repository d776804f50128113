"""From the page map before a real compaction, the engine does what the real kernel did."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from balloonlab import recordings
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.memory.zone import PageState
from balloonlab.recordings import Recording
from balloonlab.recordings.predict import EngineRun, Prediction, moved_between
from balloonlab.recordings.sequences import Overlap

FIRST = ["S2_256M_alt", "S2_512M_runs"]


@functools.cache
def loaded(name: str) -> Recording:
    return recordings.load(name)


@functools.cache
def predicted(name: str, before: str = "freed", after: str = "compact1") -> Prediction:
    return loaded(name).predict_compaction(before, after)


@pytest.mark.parametrize("name", FIRST)
def test_the_first_compaction_is_predicted(name: str) -> None:
    result = predicted(name)
    run = result.run
    assert run.sources.share >= 0.999
    assert run.sources.ordered_share >= 0.999
    assert run.targets.share >= 0.999
    assert run.targets.ordered_share >= 0.999
    assert run.states_share >= 0.996
    assert abs(run.huge - result.huge[1]) <= 1
    assert run.huge_at_least <= result.huge[1] <= run.huge
    assert run.huge_less_held == result.huge[1]


def test_every_number_of_one_prediction() -> None:
    result = predicted("S2_256M_alt")
    run = result.run
    assert run.sources == Overlap(10566, 10566, 10566, 10566)
    assert run.targets == Overlap(10566, 10566, 10562, 10562)
    assert (run.same_pairs, run.same_states, result.huge, run.huge) == (8587, 65286, (15, 40), 41)
    assert (run.huge_at_least, run.huge_less_held) == (40, 40)
    assert (result.held, result.per_cpu) == (224, (77, 300))  # 223 pages more on per-cpu lists
    assert (result.idle, result.reader, run.per_cpu) == (37, 16, 398)
    assert sum(run.differences.values()) == 65536 - 65286
    assert len(run.pairs) - len(run.balloon_pairs) == 4  # workload pages, which no message shows
    assert run.differences[PageState.FREE, PageState.UNMOVABLE] == 224


def test_pages_are_scanned_as_the_guest_counted() -> None:
    """compact_free_scanned of the guest's /proc/vmstat, before and after: the same to the page."""
    assert predicted("S2_256M_alt").run.free_scanned == 17_824


def test_per_cpu_lists_decide_when_a_page_becomes_a_target() -> None:
    result = predicted("S2_512M_runs")
    assert result.run.targets == Overlap(18293, 18293, 18292, 18292)
    assert result.run.same_pairs == 17_752
    assert result.run.free_scanned == 32_653  # the guest's own count
    assert result.without_lists.targets.ordered_share == pytest.approx(0.8538, abs=0.0001)
    assert result.without_lists.free_scanned == 32_705


def test_all_that_is_missing_without_them_is_18_pages_that_changed_use() -> None:
    result = predicted("S2_512M_runs")
    assert len(result.changed) == 18
    assert np.array_equal(result.informed.balloon_pairs, result.pairs)  # 18,293 pairs, in order
    assert result.informed.free_scanned == 32_653  # the guest's own count


def test_second_compactions_find_little() -> None:
    alt, runs = (predicted(name, "compact1", "compact2") for name in FIRST)
    assert np.array_equal(alt.run.balloon_pairs, alt.pairs)
    assert (len(alt.pairs), len(runs.pairs)) == (2, 28)
    assert np.array_equal(runs.run.balloon_pairs, runs.pairs)
    # With the process that read the page flags still there, which it was not.
    assert len(runs.without_lists.balloon_pairs) == 444


@pytest.mark.parametrize("name", FIRST)
def test_what_is_compared_is_consistent(name: str) -> None:
    result = predicted(name)
    recording = loaded(name)
    before = recording.snapshot_states("freed")
    for run in (result.run, result.without_lists, result.informed):
        assert isinstance(run, EngineRun)
        assert np.count_nonzero(run.states == PageState.BALLOON) == np.count_nonzero(before == PageState.BALLOON)
        assert len(set(run.balloon_pairs[:, 0].tolist())) == len(run.balloon_pairs)
    assert (before[result.pairs[:, 0]] == PageState.BALLOON).all()
    after = recording.snapshot_states("compact1")
    assert (after[result.pairs[:, 1]] == PageState.BALLOON).all()


def test_a_prediction_can_be_read() -> None:
    text = str(predicted("S2_512M_runs"))
    assert "18,293 by the engine, 18,293 by the guest" in text
    assert "targets: 18,292 of 18,293 (99.99%), in the same order 99.99%" in text
    assert "targets: 18,275 of 18,293 (99.82%), in the same order 85.38%" in text
    assert "targets: 18,293 of 18,293 (100.00%), in the same order 100.00%" in text
    assert "per-cpu lists" in text


def test_all_migrations_of_a_recording() -> None:
    assert len(moved_between(loaded("S2_256M_alt"), 0, np.inf)) == 11334


def test_what_cannot_be_predicted() -> None:
    with pytest.raises(UnknownNameError, match="compact1"):
        loaded("S2_256M_alt").predict_compaction("freed", "compacted")
    for before, after in (("compact1", "freed"), ("boot", "frag"), ("compact2", "deflated")):
        with pytest.raises(BadValueError, match="no compact_memory ran in S2_256M_alt"):
            loaded("S2_256M_alt").predict_compaction(before, after)
    with pytest.raises(BadValueError, match="it ran at no time"):
        loaded("S1_256M_16384").predict_compaction("before", "at0_16384")
