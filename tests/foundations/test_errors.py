"""Errors name the value, the legal values and the likely cause."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.foundations.errors import BadValueError, UnknownNameError, pick, whole_number


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
