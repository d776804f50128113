"""Schedules: tokens go round, damaged ones are refused in words."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadScheduleError
from balloonlab.kernel.schedule import Schedule

choices = st.lists(st.sampled_from(["vballoon", "compactor", "host-inflateq", "!set_target=300", "!compact=0"]))


@given(choices)
def test_a_token_gives_the_schedule_back(chosen: list[str]) -> None:
    schedule = Schedule(tuple(chosen))
    assert Schedule.from_token(schedule.token) == schedule


def test_a_token_is_short_and_printable() -> None:
    schedule = Schedule(("vballoon",) * 3 + ("host-inflateq",) + ("vballoon",) * 2)
    assert schedule.token == "bl1.vballoon,host-inflateq.a3b1a2"
    assert str(schedule) == "vballoon x3, host-inflateq x1, vballoon x2"
    assert schedule.preemptions == 2
    assert Schedule(("!compact=0", "vballoon", "!set_target=3", "vballoon", "compactor")).preemptions == 1


@given(st.text(max_size=60))
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    with suppress(BadScheduleError):
        assert isinstance(Schedule.from_token(text), Schedule)


@given(choices.filter(bool), st.data())
def test_a_damaged_token_is_a_schedule_or_refused(chosen: list[str], data: st.DataObject) -> None:
    token = Schedule(tuple(chosen)).token
    at = data.draw(st.integers(0, len(token) - 1))
    put = data.draw(st.characters())
    with suppress(BadScheduleError):
        assert isinstance(Schedule.from_token(token[:at] + put + token[at + 1 :]), Schedule)


@pytest.mark.parametrize("token", ["", "bl1.vballoon", "bl2.a.a1", "bl1.a b.a1", "bl1.x.b1", "bl1.x.a999999999", 7])
def test_what_is_wrong_is_said(token: object) -> None:
    with pytest.raises(BadScheduleError):
        Schedule.from_token(token)
