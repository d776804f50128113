from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.zone import Migratetype, PageState
from tests.memory.invariants import check_buddy

FREE, MOVABLE, UNMOVABLE, BALLOON = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON
U, M, R, RESERVE, ISOLATE = Migratetype
RULES = pytest.mark.parametrize("rules", ["3.6", "6.1"])


# The twin: page lists and positions in plain Python, on the naive allocator.


class NaiveRun:
    def __init__(self, naive: object, states: np.ndarray, movable: tuple[int, ...], fails: int) -> None:
        self.naive, self.states, self.movable, self.fails = naive, states, movable, fails
        self.free_list: list[int] = []
        self.pairs: list[tuple[int, int]] = []
        self.blocks = self.failed = 0
        self.batch: list[int] = []

    def take_block(self, first: int, stop: int, *, enough: bool, step: int = 1) -> int:
        page = first
        while page < stop:
            order = self.naive.order_at(page)
            if order is None:
                page += step
                continue
            self.naive.isolate(page)
            for one in range(page, page + 2**order):
                self.free_list.insert(0, one)
            page += 2**order
            if enough and len(self.free_list) >= len(self.batch):
                break
            page += step - 1
        return min(page, stop)

    def migrate(self, refill: Callable[[], None]) -> bool:
        """False if no target page was left."""
        for i, old in enumerate(self.batch):
            if not self.free_list:
                refill()
            if not self.free_list:
                self.failed += len(self.batch) - i
                return False
            new = self.free_list.pop(0)
            if old % 7 == self.fails:
                self.free_list.insert(0, new)
                self.failed += 1
                continue
            self.states[new], self.states[old] = self.states[old], FREE
            if new in self.naive.movable or old in self.naive.movable:
                self.naive.movable.add(new)
            self.naive.free(old)
            self.pairs.append((old, new))
        return True

    def run(self) -> None:
        refill, scan = (self.refill_36, self.scan_36) if self.naive.rules == "3.6" else (self.refill_61, self.scan_61)
        last = self.naive.end if self.naive.rules == "3.6" else self.naive.end - 1
        self.low, self.high, self.rescanned = self.naive.start, last // 512 * 512, 0
        while self.apart():
            self.batch = []
            if scan() and not self.migrate(refill):
                break
        for page in self.free_list:
            self.naive.free(page)

    def apart(self) -> bool:
        unit = 1 if self.naive.rules == "3.6" else 512
        return self.high // unit > self.low // unit

    def refill_36(self) -> None:
        best = min(self.low + 512, self.high)
        for block in range(self.high, self.low + 512, -512):
            if len(self.free_list) >= len(self.batch):
                break
            kind = self.naive.types[block // 512] if block < self.naive.end else None
            if kind == M or (kind in (U, R) and (self.naive.order_at(block) or 0) >= 9):
                before = len(self.free_list)
                self.take_block(block, min(block + 512, self.naive.end), enough=False)
                if len(self.free_list) > before:
                    best = max(best, block)
        self.high = best

    def scan_36(self) -> bool:
        end = (self.low + 1023) // 512 * 512
        if end > self.high:
            self.low = end
            return False
        while self.low < end and len(self.batch) < 32:
            if self.states[self.low] in self.movable:
                self.batch.insert(0, self.low)
            self.low += 1
        self.blocks += 1
        return True

    def refill_61(self) -> None:
        naive, block, page, fruitless = self.naive, self.high // 512, self.high, 0
        while block > self.low // 512:
            stop = min(block * 512 + 512, naive.end)
            if naive.types[block] == M and (naive.order_at(block * 512) or 0) < 9:
                before = len(self.free_list)
                page = self.take_block(page, stop, enough=True, step=2 ** min(fruitless, 5))
                fruitless = 0 if len(self.free_list) > before else fruitless + 1
                if len(self.free_list) >= len(self.batch):
                    self.high = page if page < stop else block * 512 - 512
                    return
            block -= 1
            page = block * 512
        self.high = page

    def scan_61(self) -> bool:
        at, end = self.low, self.low // 512 * 512 + 512
        most = 32 if self.rescanned != at // 512 else 512
        while self.low < end and len(self.batch) < most:
            order = self.naive.order_at(self.low)
            if order is None and self.states[self.low] in self.movable:
                self.batch.insert(0, self.low)
            self.low += 1 if order is None else 2**order
        self.low = min(self.low, end)
        if self.batch:
            self.blocks += 1
            self.rescanned = at // 512
        return True


@RULES
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_equal_to_the_naive_run(
    rules: str, data: st.DataObject, make_buddy: Callable[..., Buddy], from_states: Callable, lists: Callable
) -> None:
    start, pages = data.draw(st.integers(0, 700)), data.draw(st.integers(600, 5000))
    end = start + pages
    blocks = -(-end // 512)
    kinds = st.lists(st.sampled_from([M, M, M, U, RESERVE]), min_size=blocks, max_size=blocks)
    types = data.draw(st.one_of(st.just([M] * blocks), kinds))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    density = [rng.random(), *rng.random(3) * [1, 0.2, 1]]
    values = rng.choice([FREE, MOVABLE, UNMOVABLE, BALLOON], end, p=np.array(density) / sum(density))
    states = np.repeat(values, rng.integers(1, 3 ** rng.integers(1, 6), end))[:end].astype(np.uint8)
    movable = data.draw(st.sampled_from([(MOVABLE, BALLOON), (MOVABLE,)]))
    fails = data.draw(st.sampled_from([-1, -1, 3]))

    buddy = make_buddy(states, rules, start, end, types)
    naive = NaiveRun(from_states(states, start, end, rules, types), states.copy(), movable, fails)
    naive.run()
    result = compact(CompactControl(buddy, movable_states=movable), lambda old, _: old % 7 != fails)

    assert result.pairs.tolist() == [list(pair) for pair in naive.pairs]
    assert (result.blocks_moved, result.failed) == (naive.blocks, naive.failed)
    assert result.pages_moved == len(naive.pairs)
    assert buddy.frames.states.tobytes() == naive.states.tobytes()
    assert lists(buddy) == naive.naive.lists
    assert buddy.frames.block_types.tolist() == naive.naive.types
    assert np.bincount(buddy.frames.states, minlength=9).tolist() == np.bincount(states, minlength=9).tolist()
    check_buddy(buddy)
