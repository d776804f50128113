"""Errors name the value, the legal values and the likely cause."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.foundations.errors import (
    BadValueError,
    UnknownNameError,
    as_text,
    each_of,
    of_kind,
    one_of,
    pick,
    real_number,
    truth,
    whole_number,
)


def test_whole_number_accepts_integers_of_any_kind() -> None:
    assert whole_number("pages", np.int64(5), 0, 10) == 5
    assert type(whole_number("pages", np.uint8(5), 0, 10)) is int


@pytest.mark.parametrize("bad", [-1, 11, 2.0, "3", None, True, float("nan"), 10**30])
def test_whole_number_refuses_the_rest(bad: object) -> None:
    with pytest.raises(BadValueError, match=r"pages is .*must be a whole number from 0 to 10 \(guest pages\)\. Why\."):
        whole_number("pages", bad, 0, 10, "guest pages", "Why.")


def test_pick_lists_what_is_known() -> None:
    assert pick("driver", "v9", ["v9"]) == "v9"
    with pytest.raises(UnknownNameError) as caught:
        pick("driver", "v8", ["linux-3.6", "v9"])
    assert str(caught.value) == "unknown driver 'v8'; known: linux-3.6, v9. The nearest is 'v9'."
    with pytest.raises(UnknownNameError) as caught:
        pick("driver", "v", ["linux-3.6", "v9"])
    assert str(caught.value) == "unknown driver 'v'; known: linux-3.6, v9."


def test_a_slip_is_told_what_was_meant() -> None:
    with pytest.raises(
        UnknownNameError, match=r"'linux-3,6'; known: linux-3\.6, v9\. Did you mean 'linux-3\.6'\? Hm\.$"
    ):
        pick("driver", "linux-3,6", ["linux-3.6", "v9"], "Hm.")


def test_a_long_name_is_cut_and_a_long_list_of_names_too() -> None:
    with pytest.raises(UnknownNameError) as caught:
        pick("driver", "x" * 100_000, [f"driver-{i}" for i in range(1_000)])
    assert str(caught.value).startswith(
        f"unknown driver '{'x' * 49}...' (100,000 characters); known: driver-0, driver-1,"
    )
    assert str(caught.value).endswith(" more.")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("bad", [["v9"], {"v9": 1}, np.array(["v9"]), None, b"v9", 5])
def test_a_name_is_text(bad: object) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown driver .*; known: v9\."):
        pick("driver", bad, ["v9"])


@pytest.mark.parametrize("bad", [10**400, -0.1, 1.1, float("nan"), "0.5", True, np.True_, None, 1j, [0.5], np.ones(1)])
def test_a_real_number_is_a_number_in_its_range(bad: object) -> None:
    with pytest.raises(BadValueError, match=r"fraction is .*; it must be a number from 0 to 1 \(share\)\."):
        real_number("fraction", bad, 0, 1, "share")


def test_what_is_one_of_a_few_things() -> None:
    assert type(one_of("size", np.int64(16384), (4096, 16384), "bytes")) is int
    assert real_number("fraction", np.float32(0.5), 0, 1) == 0.5
    assert truth("fate", np.True_) is True
    assert as_text("title", "") == ""
    assert each_of("zones", np.arange(2), "numbers") == [0, 1]
    assert of_kind("ax", 5, (int, str), "a number or text") == 5
    for refuse, words in [
        (lambda: one_of("size", None, (1, 2), "bytes"), r"size is None; legal: 1, 2 bytes\."),
        (lambda: one_of("size", [4096], (4096,), "bytes"), r"size is \[4,096\]; legal: 4,096 bytes\."),
        (lambda: truth("must_tell_host", "no"), r"must_tell_host is 'no'; it must be True or False\."),
        (lambda: truth("fate", 1), r"fate is 1; it must be True or False\."),
        (lambda: as_text("title", 5), r"title is 5; it must be text\."),
        (lambda: of_kind("ax", 5, str, "axes"), r"ax is 5; it must be axes\."),
        (lambda: each_of("zones", 5, "zones"), r"zones is 5; it must be a list of zones\."),
        (lambda: each_of("zones", "abc", "zones"), r"zones is 'abc'; it must be a list of zones\."),
        (lambda: each_of("zones", range(10**12), "zones"), r"zones is a range; it must be a list of zones\."),
    ]:
        with pytest.raises(BadValueError, match=words):
            refuse()
