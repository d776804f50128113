"""Whole-array work against the same thing page by page: ``pytest tests/benchmarks -m benchmark -s``.

Each test measures both in the same run, asserts that they give the same, and prints the ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from balloonlab.guest.guest import Guest
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.fragmentation import counts_by_order
from balloonlab.memory.zone import PageFrames, PageState, Zone

pytestmark = pytest.mark.benchmark
PAGES = 1 << 16


def scattered(pages: int) -> np.ndarray:
    return np.random.default_rng(1).choice([PageState.FREE, PageState.MOVABLE], pages).astype(np.uint8)


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one run."""
    began = time.process_time()
    work()
    return time.process_time() - began


def report(what: str, fast: BenchmarkFixture, slow: float) -> None:
    print(f"\n{what}: {slow / fast.stats.stats.median:.0f} times as fast as page by page")  # noqa: T201


def zone_of(states: np.ndarray) -> Zone:
    frames = PageFrames(len(states))
    frames.states[:] = states
    return Zone(frames)


def test_rebuilding_free_lists(benchmark: BenchmarkFixture) -> None:
    states = scattered(PAGES)
    buddy = Buddy(zone_of(states))
    one_by_one = Buddy(zone_of(np.full(PAGES, PageState.MOVABLE, np.uint8)))

    def free_all() -> None:
        for pfn in np.flatnonzero(states == PageState.FREE).tolist():
            one_by_one.free(pfn)

    slow = seconds(free_all)
    benchmark(buddy.rebuild)
    assert [buddy.free_blocks(order) for order in range(11)] == [one_by_one.free_blocks(order) for order in range(11)]
    report("free lists of 65,536 pages", benchmark, slow)


def test_counting_free_blocks(benchmark: BenchmarkFixture) -> None:
    states = scattered(PAGES)
    buddy = Buddy(zone_of(states))

    def walk() -> list[int]:
        return [len(buddy.free_blocks(order)) for order in range(11)]

    slow = seconds(walk)
    assert benchmark(counts_by_order, states) == walk()
    report("free blocks by order of 65,536 pages", benchmark, slow)


def test_a_step_with_and_without_history(benchmark: BenchmarkFixture) -> None:
    def inflate(*, recording: bool) -> Guest:
        guest = Guest(8192)
        if recording:
            guest.machine.record()
        guest.inflate(2000)
        return guest

    slow = seconds(lambda: inflate(recording=True))
    guest = benchmark(lambda: inflate(recording=False))
    assert np.array_equal(guest.page_states, inflate(recording=True).page_states)
    print(f"\nkeeping history makes a step {slow / benchmark.stats.stats.median:.1f} times as slow")  # noqa: T201
