"""Slow, obvious twins of the allocator and of compaction, on plain Python lists, and a few shared helpers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import MAX_ORDER, Migratetype, PageFrames, PageState, Zone

U, M, R, RESERVE, ISOLATE = Migratetype
AFTER = {U: [R, M], R: [U, M], M: [R, U]}


class NaiveBuddy:
    """Free lists as Python lists of PFNs, head first; everything found by looking through them."""

    def __init__(self, start: int, end: int, rules: str, types: list[int]) -> None:
        self.start, self.end, self.rules = start, end, rules
        self.types = list(types)
        self.lists: dict[tuple[int, int], list[int]] = {(t, o): [] for t in Migratetype for o in range(MAX_ORDER)}
        self.movable: set[int] = set()

    def where(self, pfn: int, order: int) -> list[int] | None:
        for kind in Migratetype:
            if pfn in self.lists[kind, order]:
                return self.lists[kind, order]
        return None

    def order_at(self, pfn: int) -> int | None:
        return next((o for o in range(MAX_ORDER) if self.where(pfn, o) is not None), None)

    def neighbour(self, pfn: int, order: int) -> list[int] | None:
        """The list that the buddy of this block is on, if it is free as a whole."""
        size = 2**order
        other = pfn + size if pfn // size % 2 == 0 else pfn - size
        return self.where(other, order) if self.start <= other < self.end else None

    def free(self, pfn: int, order: int = 0) -> None:
        kind = self.types[pfn // 512]
        for page in range(pfn, pfn + 2**order):
            self.movable.discard(page)
        while order < 10 and (there := self.neighbour(pfn, order)) is not None:
            size = 2**order
            other = pfn + size if pfn // size % 2 == 0 else pfn - size
            pair = {kind, self.types[other // 512]}
            if order == 9 and self.rules == "6.1" and len(pair) > 1 and pair & {RESERVE, ISOLATE}:
                break
            there.remove(other)
            pfn, order = min(pfn, other), order + 1
        parent = pfn // 2 ** (order + 1) * 2 ** (order + 1)
        if order <= 8 and self.neighbour(parent, order + 1) is not None:
            self.lists[kind, order].append(pfn)
        else:
            self.lists[kind, order].insert(0, pfn)

    def alloc(self, order: int, want: int) -> int | None:
        pfn = self.take_smallest(order, want, want)
        if pfn is None and self.rules == "3.6":
            pfn = self.steal_36(order, want)
            if pfn is None:
                pfn = self.take_smallest(order, RESERVE, RESERVE)
        elif pfn is None and self.steal_61(order, want):
            pfn = self.take_smallest(order, want, want)
        return pfn

    def take_smallest(self, order: int, kind: int, rest: int) -> int | None:
        for size in range(order, MAX_ORDER):
            if self.lists[kind, size]:
                return self.cut(self.lists[kind, size].pop(0), size, order, rest)
        return None

    def cut(self, pfn: int, have: int, want: int, rest: int) -> int:
        while have > want:
            have -= 1
            self.lists[rest, have].insert(0, pfn + 2**have)
        return pfn

    def move_block(self, pfn: int, want: int, *, at_tail: bool) -> int:
        first = pfn // 512 * 512
        if first + 512 > self.end:
            return 0
        moved = 0
        for page in range(first if first >= self.start else pfn, first + 512):
            order = self.order_at(page)
            if order is not None:
                self.where(page, order).remove(page)
                into = self.lists[want, order]
                into.insert(len(into) if at_tail else 0, page)
                moved += 2**order
        return moved

    def steal_36(self, order: int, want: int) -> int | None:
        for size in reversed(range(order, MAX_ORDER)):
            for kind in AFTER[want]:
                if self.lists[kind, size]:
                    pfn = self.lists[kind, size][0]
                    moved = self.move_block(pfn, want, at_tail=False) if size >= 4 or want == R else 0
                    if moved >= 256:
                        self.types[pfn // 512] = want
                    if size >= 9:
                        for block in range(2 ** (size - 9)):
                            self.types[pfn // 512 + block] = want
                    self.where(pfn, size).remove(pfn)
                    return self.cut(pfn, size, order, want)
        return None

    def steal_61(self, order: int, want: int) -> bool:
        have = [(size, kind) for size in reversed(range(order, MAX_ORDER)) for kind in AFTER[want]]
        have = [(size, kind) for size, kind in have if self.lists[kind, size]]
        if not have:
            return False
        size, kind = have[0]
        if size < 4 and want == M:
            size = min(s for s, _ in have)
            kind = next(k for s, k in have if s == size)
        pfn = self.lists[kind, size][0]
        old = self.types[pfn // 512]
        moved = 0
        if size >= 9:
            for block in range(2 ** (size - 9)):
                self.types[pfn // 512 + block] = want
        elif size >= 4 or want != M:
            moved = self.move_block(pfn, want, at_tail=True)
        if moved:
            first = pfn // 512 * 512
            mine = [p for p in self.movable if (first if first >= self.start else pfn) <= p < first + 512]
            alike = len(mine) if want == M else (512 - moved - len(mine) if old == M else 0)
            if moved + alike >= 256:
                self.types[pfn // 512] = want
        else:
            self.where(pfn, size).remove(pfn)
            self.lists[want, size].append(pfn)
        return True

    def isolate(self, pfn: int) -> int:
        order = self.order_at(pfn)
        self.where(pfn, order).remove(pfn)
        if order >= 8:
            for block in {p // 512 for p in range(pfn, pfn + 2**order)}:
                if self.types[block] not in ([ISOLATE] if self.rules == "3.6" else [ISOLATE, RESERVE]):
                    self.types[block] = M
        return order


def naive_from_states(states: np.ndarray, start: int, end: int, rules: str, types: list[int]) -> NaiveBuddy:
    """Every page used, then the FREE ones given back, ascending."""
    naive = NaiveBuddy(start, end, rules, types)
    for pfn in range(start, end):
        if states[pfn] == PageState.FREE:
            naive.free(pfn)
    naive.movable = {p for p in range(start, end) if states[p] in (PageState.MOVABLE, PageState.BALLOON)}
    return naive


def lists_of(buddy: Buddy) -> dict[tuple[int, int], list[int]]:
    return {(kind, order): buddy.free_blocks(order, kind) for kind in Migratetype for order in range(MAX_ORDER)}


def image(frames: PageFrames) -> tuple:
    """Everything that undo has to bring back."""
    return (
        frames.states.tobytes(),
        frames.orders.tobytes(),
        frames.block_types.tobytes(),
        frames.links.next_array.tobytes(),
        frames.links.prev_array.tobytes(),
        tuple(frames.values.numbers),
    )


def buddy_of(states: object, rules: str, start: int = 0, end: int | None = None, types: object = None) -> Buddy:
    """A buddy over a zone whose pages have these states."""
    states = np.asarray(states, np.uint8)
    frames = PageFrames(len(states))
    frames.states[:] = states
    if types is not None:
        frames.block_types[:] = types
    return Buddy(Zone(frames, start, end), rules)


@pytest.fixture(scope="session")
def from_states() -> Callable[..., NaiveBuddy]:
    return naive_from_states


@pytest.fixture(scope="session")
def lists() -> Callable[[Buddy], dict[tuple[int, int], list[int]]]:
    return lists_of


@pytest.fixture(scope="session")
def picture() -> Callable[[PageFrames], tuple]:
    return image


@pytest.fixture(scope="session")
def make_buddy() -> Callable[..., Buddy]:
    return buddy_of
