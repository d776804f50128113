from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadValueError
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.fragmentation import (
    counts_by_order,
    extfrag_for_order,
    fragmentation_index,
    free_huge_pages,
    metrics,
    unusable_free_index,
)
from balloonlab.memory.zone import PageFrames, PageState, Zone
from tests.memory.watermark import watermark_ok


def by_order(**blocks: int) -> list[int]:
    return [blocks.get(f"o{order}", 0) for order in range(11)]


TABLE = [  # free blocks, fragmentation(9), unusable(9), extfrag(9), fragmentation(4), unusable(4)
    (by_order(o0=1024), 998, 1000, 100, 937, 1000),
    (by_order(o0=512), 997, 1000, 100, 936, 1000),
    (by_order(o1=256), 993, 1000, 100, 872, 1000),
    (by_order(o8=4), 250, 1000, 100, -1000, 0),
    (by_order(o8=2), 0, 1000, 100, -1000, 0),
    (by_order(o8=1), -500, 1000, 100, -1000, 0),
    ([10] * 9 + [0, 0], 878, 1000, 100, -1000, 29),
    (by_order(o9=1, o0=512), -1000, 500, 50, -1000, 500),
    (by_order(o10=2), -1000, 0, 0, -1000, 0),
    (by_order(o0=1), -1, 1000, 100, -62, 1000),
    (by_order(), 0, 1000, 0, 0, 1000),
]


@pytest.mark.parametrize(("counts", "frag9", "unusable9", "ext9", "frag4", "unusable4"), TABLE)
def test_the_kernels_table(
    counts: list[int], frag9: int, unusable9: int, ext9: int, frag4: int, unusable4: int
) -> None:
    assert fragmentation_index(counts, 9) == frag9
    assert unusable_free_index(counts, 9) == unusable9
    assert extfrag_for_order(counts, 9) == ext9
    assert fragmentation_index(counts, 4) == frag4
    assert unusable_free_index(counts, 4) == unusable4


@given(counts=st.lists(st.integers(0, 3000), min_size=11, max_size=11), order=st.integers(0, 10))
def test_indexes_agree_with_exact_fractions(counts: list[int], order: int) -> None:
    free = sum(n * 2**o for o, n in enumerate(counts))
    usable = sum(n * 2**o for o, n in enumerate(counts) if o >= order)
    if free == 0:
        assert (unusable_free_index(counts, order), extfrag_for_order(counts, order)) == (1000, 0)
        assert fragmentation_index(counts, order) == 0
    else:
        share = 1 - usable / free
        assert unusable_free_index(counts, order) == pytest.approx(1000 * share, abs=1.001)
        assert extfrag_for_order(counts, order) == pytest.approx(100 * share, abs=1.001)
        if usable == 0:
            exact = 1000 - (1000 + 1000 * free / 2**order) / sum(counts)
            assert fragmentation_index(counts, order) == pytest.approx(exact, abs=1.001)
        else:
            assert fragmentation_index(counts, order) == -1000
    assert free_huge_pages(counts) == counts[9] + 2 * counts[10]


def counted_slowly(states: np.ndarray, first_pfn: int) -> list[int]:
    """Merge free blocks pair by pair, order by order."""
    blocks = {first_pfn + i for i, state in enumerate(states) if state == PageState.FREE}
    counts = []
    for order in range(10):
        size = 2**order
        pairs = {p for p in blocks if p % (2 * size) == 0 and p + size in blocks}
        counts.append(len(blocks) - 2 * len(pairs))
        blocks = pairs
    return [*counts, len(blocks)]


@given(
    seed=st.integers(0, 10**6),
    pages=st.integers(0, 5000),
    first_pfn=st.integers(0, 3000),
    chunk=st.sampled_from([1024, 2048, 1 << 18]),
)
def test_counts_by_order_agrees_with_merging_by_hand(seed: int, pages: int, first_pfn: int, chunk: int) -> None:
    rng = np.random.default_rng(seed)
    run = rng.integers(1, 4 ** rng.integers(1, 7), pages)
    states = np.repeat(rng.integers(0, 2, pages) * rng.integers(1, 9, pages), run)[:pages].astype(np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("balloonlab.memory.free_blocks.CHUNK", chunk)
        assert counts_by_order(states, first_pfn) == counted_slowly(states, first_pfn)


def test_metrics_of_a_zone_of_a_buddy_and_of_states_are_one(make_buddy: Callable[..., Buddy]) -> None:
    states = np.random.default_rng(1).integers(0, 2, 4096).astype(np.uint8)
    states[1024:3000] = PageState.FREE
    buddy = make_buddy(states, "3.6")
    found = metrics(buddy)
    assert found == metrics(buddy.zone) == metrics(states)
    assert found.free_pages == int((states == 0).sum()) == buddy.free_pages
    assert list(found.counts) == buddy.block_counts()
    for order in range(11):
        assert found.fragmentation_index(order) == fragmentation_index(found.counts, order)
        assert found.unusable_free_index(order) == unusable_free_index(found.counts, order)
        assert found.extfrag_for_order(order) == extfrag_for_order(found.counts, order)


def test_metrics_of_a_zone_count_its_pages_only() -> None:
    frames = PageFrames(4096)
    assert metrics(Zone(frames, 512, 4096)).counts == (0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3)
    assert metrics(Zone(frames, 3, 4)).counts == (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_metrics_as_text() -> None:
    states = np.ones(2048, np.uint8)
    states[[*range(512, 1024), 3]] = PageState.FREE
    lines = str(metrics(states)).splitlines()
    assert lines[0] == "free guest pages 513, free huge pages 1"
    assert lines[1] == "order  free blocks  fragmentation index  unusable free index  extfrag"
    assert lines[2] == "    0            1                -1000                    0        0"
    assert lines[11] == "    9            1                -1000                    1        0"
    assert lines[12] == "   10            0                  250                 1000      100"
    assert len(lines) == 13


@pytest.mark.parametrize("index", [fragmentation_index, unusable_free_index, extfrag_for_order])
def test_refused(index: Callable[[list[int], int], int]) -> None:
    with pytest.raises(BadValueError, match="counts is a row of 10; it must be one row of 11"):
        index([0] * 10, 9)
    with pytest.raises(BadValueError, match="order is 11"):
        index([0] * 11, 11)


@pytest.mark.parametrize(
    ("counts", "order", "mark", "reserve", "ok"),
    [
        (by_order(o0=101), 0, 100, 0, True),
        (by_order(o0=100), 0, 100, 0, False),
        (by_order(o0=101), 0, 100, 1, False),
        (by_order(o0=200), 1, 100, 0, False),  # no block of order 1
        (by_order(o0=200, o1=26), 1, 100, 0, True),  # 252 - 1 left, above 100; 51 without order 0, above 50
        (by_order(o0=200, o1=25), 1, 100, 0, False),  # 49 is not above 50
        (by_order(o3=2), 3, 0, 0, True),  # 16 - 7 = 9 above 0
        (by_order(o3=1), 3, 8, 0, False),
    ],
)
def test_watermark(counts: list[int], order: int, mark: int, reserve: int, *, ok: bool) -> None:
    assert watermark_ok(counts, order, mark, reserve) is ok
