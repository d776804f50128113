"""Axes and settings as they are typed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadValueError
from balloonlab.sweeps.axes import axis, setting


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("seed=0:3", range(3)),
        ("seed=-2:1", range(-2, 1)),
        ("seed=0:2,7", [0, 1, 7]),
        ("pages=4096,8192", [4096, 8192]),
        ("pages=4096", [4096]),
        ("pages=128,256,512", [128, 256, 512]),
        ("balloon=100,160", [100, 160]),
        ("pages=4,96", [4, 96]),
        ("pages=16,384,", [16, 384]),
        ("pages=64, 96", [64, 96]),
        ("balloon=0.25,1,.5", [0.25, 1, 0.5]),
        ("driver=v9,linux-6.1", ["v9", "linux-6.1"]),
        ("token=a=b", ["a=b"]),
        ("pages=", []),
        ("seed=0:", ["0:"]),
    ],
)
def test_the_values_of_an_axis(text: str, values: object) -> None:
    name, found = axis(text)
    assert (name, found) == (text.partition("=")[0], values)
    assert list(map(type, found)) == list(map(type, values))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pages=4,096", "pages=4,096 is 2 values, and probably meant to be pages=4096: .* a comma: pages=4,096,$"),
        ("pages=1,000,000", "is 3 values, and probably meant to be pages=1000000"),
        ("pages=16,384,32,768", "is 4 values, and probably meant to be pages=16384,32768"),
        ("pages=65,536", "pages=65536"),
        ("pages=262,144", "pages=262144"),
        ("seed=3:0", "seed=3:0 has no values: .*END must be more than START"),
        ("seed=3:3", "seed=3:3 has no values"),
        ("seed=1,5:4", "seed=5:4 has no values"),
        ("seed=0:3,4:100000000000", "seed has 99,999,999,999 values; a grid has at most 1,000,000"),
        ("seed=0:3,4:" + "9" * 50, "seed has too many values"),
        ("pages", "'pages' is no axis"),
        ("=3", "'=3' is no axis"),
        ("a-b=3", "'a-b=3' is no axis"),
    ],
)
def test_an_axis_that_is_none(text: str, words: str) -> None:
    with pytest.raises(BadValueError, match=words):
        axis(text)


@given(st.integers(1000, 10**12))
def test_a_number_with_commas_is_never_silently_other_numbers(number: int) -> None:
    typed = f"{number:,}"
    try:
        _, values = axis(f"pages={typed}")
    except BadValueError as error:
        assert f"pages={number}:" in str(error)  # noqa: PT017
    else:  # it reads as a list, of values alike
        assert values == [int(part) for part in typed.split(",")]
        assert all(low <= high <= 8 * low for low, high in pairwise(values))


def test_a_setting_has_one_value() -> None:
    assert setting("fraction=0.5") == ("fraction", 0.5)
    assert setting("length=1,024") == ("length", 1024)
    assert setting("length=many") == ("length", "many")
    for text in ("fraction=0.5,0.7", "length=", "length=1:3"):
        with pytest.raises(BadValueError, match="for one guest it has one value"):
            setting(text)
    for text in ("length", "=3", ""):
        with pytest.raises(BadValueError, match=r"sets nothing; .* NAME=VALUE, such as length=64"):
            setting(text)
