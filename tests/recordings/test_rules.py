"""Rounds and the config space of a recording, what its guest traced, and what the other drivers may do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from balloonlab import recordings
from balloonlab.drivers import DRIVERS
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.recordings.rules import RULES, Rules, find_rules
from balloonlab.recordings.traffic import DEFLATE
from tests.recordings.made import (
    Said,
    changed,
    checked,
    first_wrong,
    migrated,
    news,
    places,
    quick,
    resized,
    script,
    taken_apart,
)

# -- the config space --


@given(st.data())
@quick
def test_a_wrong_actual(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(resized(), lambda one: one.event == "set_config")))
    wrong = data.draw(st.integers(0, 60000))
    assume(wrong != resized()[place].a)
    assert first_wrong(changed(resized(), place, replace(resized()[place], a=wrong))) == place


@given(st.data(), st.sampled_from(["get_config", "set_config"]), st.sampled_from("ab"))
@quick
def test_a_value_that_is_not_what_the_config_holds(data: st.DataObject, event: str, which: str) -> None:
    place = data.draw(st.sampled_from(places(resized(), lambda one: one.event == event)[1:]))
    one = resized()[place]
    wrong = replace(one, a=one.a + 7) if which == "a" else replace(one, b=one.b + 7)
    assert first_wrong(changed(resized(), place, wrong)) == place


@given(st.data(), st.sampled_from(["get_config", "set_config"]))
@quick
def test_a_config_event_is_missing(data: st.DataObject, event: str) -> None:
    place = data.draw(st.sampled_from(places(resized(), lambda one: one.event == event)))
    said = [*resized()[:place], *resized()[place + 1 :]]
    assert first_wrong(said) == min(place, len(said) - 1)


def test_the_change_of_a_target_is_missing() -> None:
    place = places(resized(), lambda one: one.event == "to_target")[1]
    assert first_wrong([*resized()[:place], *resized()[place + 1 :]]) == place


@given(st.data(), st.sampled_from(["get_config", "set_config"]))
@quick
def test_a_config_event_twice(data: st.DataObject, event: str) -> None:
    place = data.draw(st.sampled_from(places(resized(), lambda one: one.event == event)))
    assert first_wrong([*resized()[: place + 1], *resized()[place:]]) == place + 1


def test_the_end_of_the_last_round_is_missing() -> None:
    result = checked(list(resized()[:-1]))
    assert [(rejection.where, rejection.found) for rejection in result.rejections] == [
        ("end", "the end of the recording")
    ]


# -- the guest's own trace --


def test_a_putback_that_was_not_recorded() -> None:
    said = taken_apart("S5a_256M_overinflate")
    bare = [replace(one, before=tuple(row for row in one.before if row[0] == 0)) for one in said]
    leaves = next(place for place, one in enumerate(said) if one.queue == DEFLATE)
    assert first_wrong(bare) == leaves


def test_impossible_list_operations() -> None:
    begin = ("target 3", "read 3 0", "I 1 2 3", "wrote 3 0", "target 0", "read 0 3")
    result = checked(script(*begin, "isolate 9", "putback 2", "D 2 3 1", "wrote 0 3"))
    assert [rejection.found for rejection in result.rejections] == [
        "PFN 0x9 is isolated; it was not on the list", "PFN 0x2 is put back; it was not isolated"
    ]  # fmt: skip


def test_the_guest_told_something_else() -> None:
    recording = recordings.load("S1_256M_16384")
    count = recording.told.pages.copy()
    count[7] = 255
    recording.told = recording.told._replace(pages=count)
    result = recording.check()
    assert [(rejection.where, rejection.number) for rejection in result.rejections] == [("message", 7)]
    assert "message 7 (seq " in str(result)
    assert "inflate of 255 as in the guest's own trace; found inflate of 256" in str(result)


# -- what other drivers may do --

TWO_IN = ("target 2", "read 2 0", "I 1 2", "wrote 2 0")


def test_drivers_have_rules() -> None:
    assert list(RULES) == list(DRIVERS)
    assert all(len(rules.texts) == len(RULES["v9"].texts) for rules in RULES.values())
    with pytest.raises(UnknownNameError, match=r"linux-7\.2"):
        find_rules("linux-5.0")
    edited = DRIVERS["v9"].replace(leak_balloon=DRIVERS["v9"].leak_balloon)
    with pytest.raises(BadValueError, match=r"v9\*"):
        recordings.load("S1_256M_16384").check(edited)


@pytest.mark.parametrize("driver", DRIVERS)
def test_resizing_alone_is_the_same_in_all(driver: str) -> None:
    assert checked(list(resized()), driver)


@pytest.mark.parametrize("driver", DRIVERS)
def test_migration_is_the_same_in_all_that_have_it(driver: str) -> None:
    result = checked(list(migrated()), driver)
    assert bool(result) == (driver != "linux-3.6")
    if not result:
        assert (result.rejections[0].seq, len(result.rejections)) == (news()[0], 766)


def accepting(said: list[Said], features: frozenset[int] | None = frozenset()) -> list[str]:
    return [driver for driver in DRIVERS if checked(said, driver, features)]


def test_a_page_just_moved_may_be_passed_over() -> None:
    said = script(*TWO_IN, "isolate 1", "I 7", "D 1", "target 1", "read 1 2", "D 2", "wrote 1 2")
    assert accepting(said) == ["v11", "linux-3.8", "linux-6.1", "linux-7.2"]
    assert checked(said).counts["passed-over pages"] == 1
    said = script(*TWO_IN, "target 1", "read 1 2", "D 1", "wrote 1 2")
    assert accepting(said) == []


def test_a_deflate_is_short_when_all_others_are_isolated() -> None:
    said = script(*TWO_IN, "target 0", "read 0 2", "isolate 1", "D 2", "wrote 1 2", "read 0 1", "wrote 1 1")
    assert accepting(said) == ["v10", "v11", "linux-3.8", "linux-6.1", "linux-7.2"]
    assert checked(said).counts["empty rounds"] == 1


def test_several_deflates_in_one_round() -> None:
    said = script(*TWO_IN, "target 0", "read 0 2", "isolate 1", "D 2", "putback 1", "D 1", "wrote 0 2")
    assert accepting(said) == ["v10"]


def test_an_inflate_is_short_after_a_wait() -> None:
    assert accepting(script("target 3", "read 3 0", "wait 0.21", "I 1 2", "wrote 2 0")) == list(DRIVERS)
    assert accepting(script("target 3", "read 3 0", "wait 0.1", "I 1 2", "wrote 2 0")) == []


def test_a_deflate_when_memory_runs_out() -> None:
    said = script(*TWO_IN, "D 2 1", "wrote 0 2")
    assert accepting(said, frozenset({2})) == accepting(said, None) == ["linux-6.1", "linux-7.2"]
    assert accepting(said) == []
    assert checked(said, features=frozenset({2})).counts["OOM rounds"] == 1
    assert not checked(script(*TWO_IN, "D 2", "wrote 1 2"), features=frozenset({2}))
    assert not checked(script(*TWO_IN, "D 2 1"), features=frozenset({2}))


def test_a_thread_reads_the_target_as_often_as_it_wakes() -> None:
    said = script("target 2", "read 2 0", "read 2 0", "I 1 2", "wrote 2 0", "wrote 2 2")
    assert accepting(said) == ["linux-3.6", "v9", "v10", "v11", "linux-3.8"]


def test_a_fill_and_putbacks_at_once_mix_in_any_way() -> None:
    begin = (
        *TWO_IN,
        "target 4",
        "read 4 2",
        "isolate 1 2",
        "putback 1 2",
        "I 3 4",
        "wrote 4 2",
        "target 0",
        "read 0 4",
    )
    for order in ("4 3 2 1", "2 1 4 3", "4 2 3 1", "2 4 1 3"):
        assert checked(script(*begin, f"D {order}", "wrote 0 4")), order
    for order in ("3 4 2 1", "1 2 4 3"):
        assert not checked(script(*begin, f"D {order}", "wrote 0 4")), order


def test_rules_can_be_read() -> None:
    assert "no page migrates" in Rules("x", migrates=False).texts
    assert any("out of memory" in text for text in RULES["linux-6.1"].texts)
