"""Packed states against lists of whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.explore.learn.layout import WORD, Layout, Overflow, fitting, split

widths = st.lists(st.integers(1, 20), min_size=1, max_size=14)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    fields = draw(widths)
    return Layout(fields, draw(st.integers(1, min(3, len(fields)))))


def numbers_for(layout: Layout) -> st.SearchStrategy[list[int]]:
    return st.tuples(*(st.integers(0, ones) for ones in layout.ones)).map(list)


@given(layouts())
def test_fields_share_no_bit_and_cross_no_border(layout: Layout) -> None:
    taken = 0
    for mask in layout.masks:
        assert not taken & mask
        taken |= mask
    assert taken.bit_count() == sum(layout.widths)
    if not layout.wide:
        assert taken < 1 << 2 * WORD
        words = [(shift // WORD, (shift + width - 1) // WORD) for shift, width in zip(layout.shifts, layout.widths)]  # noqa: B905
        assert all(first == last for first, last in words)
        assert {first for first, _ in words[: layout.threads]} == {1}


@given(layouts().flatmap(lambda layout: st.tuples(st.just(layout), numbers_for(layout))))
def test_what_is_packed_can_be_unpacked(example: tuple[Layout, list[int]]) -> None:
    layout, numbers = example
    state = layout.pack(numbers)
    assert layout.unpack(state) == numbers
    for field, number in enumerate(numbers):
        assert state & layout.mask([field]) == number << layout.shifts[field]
    assert state & layout.mask(range(len(numbers))) == state


@given(layouts(), st.data())
def test_a_number_that_does_not_fit_is_refused(layout: Layout, data: st.DataObject) -> None:
    numbers = data.draw(numbers_for(layout))
    field = data.draw(st.integers(0, len(numbers) - 1))
    numbers[field] = layout.ones[field] + 1
    with pytest.raises(Overflow):
        layout.pack(numbers)


@given(st.data())
def test_columns_and_moves_are_those_of_whole_numbers(data: st.DataObject) -> None:
    old = data.draw(layouts().filter(lambda layout: not layout.wide))
    more = [width + data.draw(st.integers(0, 6)) for width in old.widths]
    new = Layout(more, old.threads)
    rows = data.draw(st.lists(numbers_for(old), min_size=1, max_size=8))
    low, high = np.array([split(old.pack(row)) for row in rows], np.uint64).T
    for field in range(len(more)):
        assert old.column(field, low, high).tolist() == [row[field] for row in rows]
    if not new.wide:
        words = new.move(low, high, old)
        moved = [int(a) | int(b) << WORD for a, b in zip(*words, strict=True)]
        assert moved == [new.pack(row) for row in rows]


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=16), st.integers(1, 3))
def test_a_fitting_layout_holds_every_number(counts: list[int], threads: int) -> None:
    threads = min(threads, len(counts))
    layout = fitting(counts, threads)
    assert all(count - 1 <= ones for count, ones in zip(counts, layout.ones, strict=True))
    tight = Layout([max(1, (count - 1).bit_length()) for count in counts], threads)
    assert tight.wide == layout.wide


@given(st.integers(0, 2**128 - 1))
def test_words_make_the_number(number: int) -> None:
    low, high = split(number)
    assert low | high << 64 == number
    assert max(low, high) < 1 << 64
