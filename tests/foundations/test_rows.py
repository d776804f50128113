"""Rows of whole numbers from outside."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.rows import whole_row


class Nasty:
    def __array__(self, *_: object, **__: object) -> None:
        raise RuntimeError


def test_whole_numbers_of_any_kind_are_taken() -> None:
    for row in ([1, 2], (1, 2), range(1, 3), np.array([1, 2], ">u2"), np.array([1, 9, 2], np.int8)[::2]):
        assert whole_row("a row", row, 0, 5, (2, 2), "numbers").tolist() == [1, 2]
    assert len(whole_row("a row", [], 0, 5, (0, 2), "numbers")) == 0


@pytest.mark.parametrize(
    "bad",
    [
        *(None, 5, "12", b"12", {1: 2}, {1, 2}, [0.5, 1.0], [True, False], ["1", "2"], [None, 1], [[1, 2], [3]]),
        *([10**400, 1], range(10**12), np.zeros(2), np.zeros((2, 1), int), np.zeros(2, "M8[s]"), Nasty(), [Nasty()]),
        *(object(), iter([1, 2]), [1], [1, 2, 3]),
    ],
)
def test_anything_else_is_refused_with_what_is_wanted(bad: object) -> None:
    with pytest.raises(
        BadValueError, match=r"^a row is .+; it must be one row of 2 whole numbers \(numbers\)\.( Why\.)?$"
    ):
        whole_row("a row", bad, 0, 5, (2, 2), "numbers", "Why.")


def test_the_first_number_that_is_not_legal_is_named() -> None:
    with pytest.raises(
        BadValueError, match=r"a row has -1 at place 1; it must hold whole numbers from 0 to 5 \(numbers\)"
    ):
        whole_row("a row", np.array([3, -1, 9]), 0, 5, (1, 4), "numbers")
    with pytest.raises(BadValueError, match=r"a row has 18,446,744,073,709,551,615 at place 0"):
        whole_row("a row", np.array([2**64 - 1], np.uint64), 0, 5, (1, 4), "numbers")
