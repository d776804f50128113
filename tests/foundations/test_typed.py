"""Numbers as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.typed import typed_number, typed_whole


@given(st.integers(-(10**30), 10**30))
def test_what_is_printed_can_be_typed(number: int) -> None:
    assert typed_whole(f"{number:,}") == typed_whole(f" {number} ") == typed_number(str(number)) == number


@given(st.floats(0, 1e6))
def test_fractions(number: float) -> None:
    assert typed_number(repr(number)) == number


def test_a_fraction_is_told_from_a_whole_number() -> None:
    assert [type(typed_number(text)) for text in ("1", "1.0", "1,000", ".5", "1e3")] == [int, float, int, float, float]


@pytest.mark.parametrize(
    "text", ["", "many", "1_0", "1,0", "12,34", "0,100", "1,0000", "٣", "0x10", "nan", "inf", "-", ".", "1" * 5000]
)
def test_other_text_is_no_number(text: str) -> None:
    assert typed_whole(text) is None
    assert typed_number(text) is None


def test_a_fraction_is_no_whole_number() -> None:
    assert typed_whole("1.0") is None
