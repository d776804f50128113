"""KeyTable numbers keys as a dict does, however many come at once, however they collide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.explore.learn import keytable
from balloonlab.explore.learn.keytable import KeyTable

few = st.integers(0, 7)
words = st.one_of(few, st.integers(2**64 - 8, 2**64 - 1), st.integers(0, 2**64 - 1), few.map(lambda n: n << 61))
batches = st.lists(st.lists(st.tuples(words, words), max_size=60), max_size=6)


def array(numbers: list[int]) -> np.ndarray:
    return np.array(numbers, np.uint64)


def agrees(table: KeyTable, known: dict[tuple[int, int], int], batch: list[tuple[int, int]]) -> None:
    first = []
    expected = []
    for at, key in enumerate(batch):
        if key not in known:
            known[key] = len(known)
            first.append(at)
        expected.append(known[key])
    numbers, new = table.find_or_add(array([low for low, _ in batch]), array([high for _, high in batch]))
    assert numbers.tolist() == expected
    assert new.tolist() == first
    assert len(table) == len(known)


def holds(table: KeyTable, known: dict[tuple[int, int], int]) -> None:
    low, high = table.words
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == list(known)


@given(batches)
def test_it_numbers_keys_as_a_dict_does(given_batches: list[list[tuple[int, int]]]) -> None:
    table, known = KeyTable(), dict[tuple[int, int], int]()
    for batch in given_batches:
        agrees(table, known, batch)
    holds(table, known)


@given(batches)
def test_it_does_where_all_keys_want_the_same_slots(given_batches: list[list[tuple[int, int]]]) -> None:
    class Crowded(KeyTable):
        def _hash(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
            return ((low ^ high) % np.uint64(3) + np.uint64(len(self._slots) - 3)).astype(np.intp)

    table, known = Crowded(), dict[tuple[int, int], int]()
    for batch in given_batches:
        agrees(table, known, batch)
    holds(table, known)


@pytest.mark.parametrize("different", [1, 50, 100_000])
@pytest.mark.parametrize("many", [keytable._MANY, 1000])
def test_it_grows(different: int, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keytable, "_MANY", many)
    chance = np.random.default_rng(different)
    table, known = KeyTable(), dict[tuple[int, int], int]()
    for size in (0, 1, 1000, 30_000, 7, 30_000):
        low, high = chance.integers(0, different, (2, size))
        agrees(table, known, list(zip(low.tolist(), (high % 3).tolist(), strict=True)))
    holds(table, known)
    assert table.nbytes > 16 * len(table)
