"""Whole arrays against C, Python and a copy: ``pytest tests/benchmarks/test_arrays.py -m benchmark -s``.

Each operation at 2^16, 2^20, 2^22 and 2^24 guest pages, in CPU time (median of a few runs), competitors
in the same process and on the same zone: scattered free memory, an eighth of the pageblocks unmovable, a few stray
unmovable pages. "C" is page_by_page.c: linked lists for LIFO, bitmaps for lowest-first, compaction by either. The same
results are asserted. "settling" is work on list order that deflation and compaction leave to whoever asks next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import TypeVar

import numpy as np
import pytest

from balloonlab.guest.guest import Guest
from balloonlab.memory.arrays import ArrayZone
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.free_blocks import FreeLevels
from balloonlab.memory.zone import Migratetype, PageFrames, PageState, Zone
from tests.benchmarks.page_by_page import CZone

pytestmark = pytest.mark.benchmark
SIZES = {16: 9, 20: 5, 22: 3, 24: 3}  # log2 of guest pages: runs
T = TypeVar("T")


def scattered(pages: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    states = rng.choice(np.array([0, 1], np.uint8), pages, p=[0.45, 0.55])
    states[rng.integers(0, pages, pages // 200)] = PageState.UNMOVABLE
    for block in rng.permutation(pages >> 9)[: pages >> 12].tolist():
        states[block << 9 : (block + 1) << 9] = PageState.UNMOVABLE
    return states


class Table:
    """CPU seconds by operation, of arrays and of a competitor."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[float, float]]] = {}

    def both(self, what: str, arrays: Callable[[], T], other: Callable[[], T]) -> T:
        one, mine = timed(arrays)
        two, theirs = timed(other)
        if mine is not None:
            assert np.array_equal(mine, theirs), what
        self.rows.setdefault(what, []).append((one, two))
        return mine

    def alone(self, what: str, arrays: Callable[[], object], beside: str) -> None:
        """A part that has no counterpart: set beside the competitor's last time of another row."""
        self.rows.setdefault(what, []).append((timed(arrays)[0], self.rows[beside][-1][1]))

    def show(self, pages: int, other: str) -> None:
        print(f"\n{pages:,} guest pages{'':22}arrays ms   ns/page   {other:>9} ms   ratio")  # noqa: T201
        for what, times in self.rows.items():
            one, two = median(a for a, _ in times), median(b for _, b in times)
            print(f"  {what:36}{one * 1e3:9.2f}{one / pages * 1e9:10.2f}{two * 1e3:15.2f}{one / two:8.3f}")  # noqa: T201


@pytest.fixture(scope="module")
def growth() -> Iterator[dict[str, dict[int, float]]]:
    """Nanoseconds a page of each operation, by log2 of guest pages; printed when all sizes are done."""
    by_size: dict[str, dict[int, float]] = {}
    yield by_size
    print(f"\nns/page of arrays{'':19}" + "".join(f"{f'2^{log2}':>9}" for log2 in SIZES) + "   2^24 / 2^20")  # noqa: T201
    for what, cost in by_size.items():
        times = f"{cost[24] / cost[20]:14.2f}" if {20, 24} <= cost.keys() else ""
        print(f"  {what:34}" + "".join(f"{cost.get(log2, float('nan')):9.2f}" for log2 in SIZES) + times)  # noqa: T201


def timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


@pytest.mark.parametrize("log2", SIZES)
def test_against_c(log2: int, growth: dict[str, dict[int, float]]) -> None:
    states, table = scattered(1 << log2), Table()
    room = np.ones((1 << log2, 2), np.int32)  # warm, so that C does not pay for fresh memory
    rng = np.random.default_rng(1)
    for _ in range(SIZES[log2]):
        for rules in ("6.1", "3.6"):
            zone, c = ArrayZone(states.copy(), rules), CZone(states)
            table.both("metrics", lambda: zone.metrics().counts, c.counts)  # noqa: B023
            half = zone.free_pages // 2
            inside = table.both("inflate, lists as rebuilt", lambda: zone.allocate(half), lambda: c.inflate(half))  # noqa: B023
            some = rng.permutation(inside)[: len(inside) // 2]
            zone.order.settle(store=True)  # C has had its lists since it was made
            table.both("deflate, random order", lambda: zone.free(some), lambda: c.deflate(some))  # noqa: B023
            table.alone("  its settling", lambda: zone.order.settle(store=True), "deflate, random order")  # noqa: B023
            table.both("inflate, LIFO", lambda: zone.allocate(len(some)), lambda: c.inflate(len(some)))  # noqa: B023
            moved = f"compact {rules}, linked lists"
            table.both(moved, lambda: zone.compact().pairs, lambda: c.compact(rules, room))  # noqa: B023
            table.alone(f"  its settling, {rules}", zone.order.settle, moved)
            assert np.array_equal(zone.states, c.states())
            levels = FreeLevels(zone.states)
            for order in range(11):
                assert np.array_equal(zone.order.blocks(levels, order), c.free_blocks(order))
            zone, c = ArrayZone(states.copy(), rules, ordered=False), CZone(states, lists=False)
            table.both("inflate, lowest first", lambda: zone.allocate(half, "lowest"), lambda: c.inflate(half))  # noqa: B023
            table.both(f"compact {rules}, bitmaps", lambda: zone.compact().pairs, lambda: c.compact(rules, room))  # noqa: B023
            assert np.array_equal(zone.states, c.states())
        unmovable_pageblocks(states, table, room)
    table.show(1 << log2, "C")
    for what, times in table.rows.items():
        growth.setdefault(what, {})[log2] = median(mine for mine, _ in times) / (1 << log2) * 1e9


def unmovable_pageblocks(states: np.ndarray, table: Table, room: np.ndarray) -> None:
    """Compaction by 6.1's rules where pageblocks full of unmovable pages are UNMOVABLE, as those of a kernel are.

    In the other rows they are MOVABLE, and the free scanner looks at every second page only after each of them.
    """
    kept = (states.reshape(-1, 512) == PageState.UNMOVABLE).all(axis=1).view(np.uint8)
    types = np.where(kept, Migratetype.UNMOVABLE, Migratetype.MOVABLE).astype(np.uint8)
    for lists, name, placement in ((True, "linked lists", "lifo"), (False, "bitmaps", "lowest")):
        zone, c = ArrayZone(states.copy(), "6.1", types.copy(), ordered=lists), CZone(states, lists=lists, kept=kept)
        half = zone.free_pages // 2
        assert np.array_equal(zone.allocate(half, placement), c.inflate(half))
        table.both(f"compact 6.1, {name}, typed", lambda: zone.compact().pairs, lambda: c.compact("6.1", room))  # noqa: B023
        assert np.array_equal(zone.states, c.states())


def test_against_python() -> None:
    pages = 1 << 20
    states, table = scattered(pages), Table()
    frames = PageFrames(pages)
    frames.states[:] = states
    buddy, zone = Buddy(Zone(frames)), ArrayZone(states.copy())
    half = zone.free_pages // 2

    def inflate() -> list[int]:
        pfns = [buddy.alloc(0) or 0 for _ in range(half)]
        for pfn in pfns:
            frames.set_state(pfn, PageState.BALLOON)
        return pfns

    inside = table.both("inflate, LIFO", lambda: zone.allocate(half), inflate)
    some = np.random.default_rng(1).permutation(inside)[: half // 2]
    listed = some.tolist()
    table.both("deflate", lambda: zone.free(some), lambda: [buddy.free(pfn) for pfn in listed] and None)
    table.alone("  its settling", lambda: zone.order.settle(store=True), "deflate")
    control = CompactControl(buddy)
    table.both("compact 6.1", lambda: zone.compact().pairs, lambda: compact(control).pairs)
    assert np.array_equal(frames.states, zone.states)

    frames = PageFrames(pages)
    frames.states[:] = states
    buddy, zone = Buddy(Zone(frames), "3.6"), ArrayZone(states.copy(), "3.6")

    def steal() -> list[int]:
        return [buddy.alloc(0, Migratetype.UNMOVABLE) or 0 for _ in range(half)]

    unmovable = partial(zone.allocate, half, migratetype=Migratetype.UNMOVABLE)
    table.both("inflate 3.6, all of it stolen", unmovable, steal)
    table.show(pages, "Python")


def test_against_a_copy() -> None:
    pages = 1 << 24
    zone, table = ArrayZone(scattered(pages), ordered=False), Table()
    room = zone.states.copy()
    table.both("metrics / copy of the states", lambda: zone.metrics() and None, lambda: np.copyto(room, zone.states))
    pfns = zone.allocate(zone.free_pages // 2, "lowest")
    warm = pfns.copy()
    zone.free(pfns)
    table.both(
        "inflate, lowest / copy of its PFNs",
        lambda: zone.allocate(len(pfns), "lowest") is None or None,
        lambda: np.copyto(warm, pfns),
    )
    pairs = zone.compact().pairs
    zone = ArrayZone(scattered(pages), ordered=False)
    zone.allocate(len(pfns), "lowest")
    both = pairs.copy()

    def copies() -> None:
        np.copyto(both, pairs)
        np.copyto(room, zone.states)

    table.both("compact / copy of states and pairs", lambda: zone.compact() is None or None, copies)
    table.show(pages, "copy")


def test_a_guest_of_64_gib() -> None:
    table = Table()
    began = time.process_time()
    guest = Guest(1 << 24, driver="linux-6.1")
    guest.workload("random")
    half = guest.metrics().free_pages // 2
    for what, work in (
        ("inflate", lambda: guest.inflate(half)),
        ("compact", guest.compact),
        ("deflate", lambda: guest.deflate(half)),
    ):
        table.rows[what] = [(timed(work)[0], 1.0)]
    whole = time.process_time() - began
    middle = guest.moments // 2
    for what, work in (("seek to the middle", lambda: guest.page_states_at(middle)), ("undo", guest.undo)):
        table.rows[what] = [(timed(work)[0], 1.0)]
    table.show(1 << 24, "-")
    print(f"  all, with the workload: {whole:.2f} s of CPU time, {len(guest.host.messages):,} messages kept")  # noqa: T201
    assert whole < 5


def test_a_long_life() -> None:
    """100,000 operations of a small guest: each costs the same, however many there were, and is remembered."""
    guest = Guest(2048, "linux-6.1", engine="arrays")
    guest.workload("random")
    free = guest.metrics().free_pages
    some = np.random.default_rng(0).integers(0, free + 1, 10_000).tolist()

    def tenth() -> None:
        for i, target in enumerate(some):
            guest.set_target(target)
            if i % 10 == 0:
                guest.compact()

    times = [timed(tenth)[0] / 11_000 * 1e3 for _ in range(9)]
    print("\nms an operation, each tenth of 100,000: " + " ".join(f"{each:.3f}" for each in times))  # noqa: T201
    assert min(times[-3:]) < 2 * min(times[:3])
