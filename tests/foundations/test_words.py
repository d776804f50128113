"""How values and counts stand in sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.foundations.words import counted, shown


@pytest.mark.parametrize(
    ("number", "what", "words"),
    [
        (1, "page", "1 page"),
        (0, "page", "0 pages"),
        (2048, "guest page", "2,048 guest pages"),
        (2, "batch", "2 batches"),
        (3, "pass", "3 passes"),
        (2, "entry", "2 entries"),
        (2, "day", "2 days"),
        (1, "short round", "1 short round"),
        (5, "PFN", "5 PFNs"),
    ],
)
def test_a_count_has_its_noun(number: int, what: str, words: str) -> None:
    assert counted(number, what) == words


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (np.True_, "True"),
        (np.int64(4096), "4,096"),
        (np.float32(0.5), "0.5"),
        (np.array(3), "3"),
        (np.str_("v9"), "'v9'"),
        (10**400, "a number of more than 30 digits"),
        (np.zeros((2, 3)), "an array of 2 x 3"),
        ([1, 2], "[1, 2]"),
        ([[1, 2], [3]], "[[...], [...]]"),
        (list(range(99)), "[0, 1, 2, 3, ...]"),
        ({"a": 1}, "{'a': ...}"),
        ((1,), "(1,)"),
        (len, "the function len"),
        (np.ndarray, "the class ndarray"),
        (Path("a") / "b", "'a/b'"),
        (Silent(), "a Silent"),
        ([Silent()], "[a Silent]"),
        (bl.Guest(8), "a Guest"),
        ("x" * 100_000, f"'{'x' * 49}...' (100,000 characters)"),
        (b"\xff" * 50_000, rf"b'{chr(92)}xff{(chr(92) + 'xff') * 11}...' (50,000 bytes)"),
    ],
)
def test_a_value_is_shown_in_a_few_plain_words(value: object, words: str) -> None:
    assert shown(value) == words


def test_a_list_that_holds_itself_is_shown() -> None:
    ring: list[object] = [1]
    ring.append(ring)
    assert shown(ring) == "[1, [...]]"
