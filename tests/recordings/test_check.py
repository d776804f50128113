"""The driver's rules accept what a real guest did, and reject a recording changed by hand at the right place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from balloonlab import recordings
from balloonlab.recordings.traffic import DEFLATE, INFLATE
from tests.recordings.made import (
    changed,
    checked,
    first_wrong,
    migrated,
    news,
    places,
    quick,
    resized,
    rounds,
    taken_apart,
)

SEEN = {
    "S1_256M_16384": {"inflate rounds": 64, "deflate rounds": 64},
    "S2_256M_alt": {
        "inflate rounds": 64, "deflate rounds": 64, "migrations": 11334, "isolations": 11364, "putbacks": 30
    },
    "S2_512M_runs": {
        "inflate rounds": 118, "deflate rounds": 118, "migrations": 18321, "isolations": 18517, "putbacks": 196
    },
    "S5a_256M_overinflate": {
        "inflate rounds": 168, "short rounds": 1, "empty rounds": 31, "deflate rounds": 169,
        "isolations": 42, "putbacks": 42,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", recordings.names())
def test_every_shipped_recording_is_accepted(name: str) -> None:
    result = recordings.load(name).check()
    assert result, str(result)
    assert {what: count for what, count in result.counts.items() if count} == SEEN[name]
    assert "all accepted" in str(result)


@pytest.mark.parametrize("name", ["S1_256M_16384", "S2_256M_alt", "S5a_256M_overinflate"])
def test_apart_and_together_is_the_same(name: str) -> None:
    result = checked(taken_apart(name))
    assert result
    assert {what: count for what, count in result.counts.items() if count} == SEEN[name]


def test_a_piece_of_a_recording_is_accepted() -> None:
    assert checked(list(migrated())).counts["migrations"] == 766


# -- what is wrong inside a message --


@given(st.data())
@quick
def test_two_pfns_exchanged_in_a_deflate(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rounds(DEFLATE)))
    one, two = data.draw(st.lists(st.integers(0, 255), min_size=2, max_size=2, unique=True))
    pfns = list(resized()[place].pfns)
    pfns[one], pfns[two] = pfns[two], pfns[one]
    result = checked(changed(resized(), place, resized()[place].pages(*pfns)))
    assert [rejection.seq for rejection in result.rejections] == [place]
    assert f"at place {min(one, two)}" in result.rejections[0].expected
    assert f"{resized()[place].pfns[min(one, two)]:#x}" in result.rejections[0].expected


@given(st.data())
@quick
def test_two_pfns_exchanged_in_an_inflate_show_when_they_leave(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rounds(INFLATE)))
    one, two = data.draw(st.lists(st.integers(0, 255), min_size=2, max_size=2, unique=True))
    pfns = list(resized()[place].pfns)
    pfns[one], pfns[two] = pfns[two], pfns[one]
    leaves = next(p for p in rounds(DEFLATE) if {pfns[one], pfns[two]} & set(resized()[p].pfns))
    assert first_wrong(changed(resized(), place, resized()[place].pages(*pfns))) == leaves


@given(st.data())
@quick
def test_a_message_of_257(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rounds(INFLATE) + rounds(DEFLATE)))
    one = resized()[place]
    extra = 5 if one.queue == INFLATE else next(iter(set(resized()[rounds(INFLATE)[0]].pfns) - set(one.pfns)), 5)
    result = checked(changed(resized(), place, one.pages(*one.pfns, extra)))
    assert (result.rejections[0].seq, result.rejections[0].found) == (place, "257")


@given(st.data())
@quick
def test_a_message_that_is_too_short(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rounds(INFLATE) + rounds(DEFLATE)))
    kept = data.draw(st.integers(1, 255))
    one = resized()[place]
    result = checked(changed(resized(), place, one.pages(*one.pfns[:kept])))
    assert (result.rejections[0].seq, result.rejections[0].found) == (place, f"{kept}")
    assert "256 pages" in result.rejections[0].expected


def test_an_empty_message() -> None:
    assert first_wrong(changed(resized(), 2, resized()[2].pages())) == 2


@given(st.data())
@quick
def test_a_pfn_told_twice(data: st.DataObject) -> None:
    earlier, place = sorted(data.draw(st.lists(st.sampled_from(rounds(INFLATE)), min_size=2, max_size=2, unique=True)))
    pfns = list(resized()[place].pfns)
    pfns[data.draw(st.integers(0, 255))] = resized()[earlier].pfns[data.draw(st.integers(0, 255))]
    assert first_wrong(changed(resized(), place, resized()[place].pages(*pfns))) == place


@given(st.data())
@quick
def test_a_pfn_twice_in_one_message(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rounds(INFLATE) + rounds(DEFLATE)))
    one, two = data.draw(st.lists(st.integers(0, 255), min_size=2, max_size=2, unique=True))
    pfns = list(resized()[place].pfns)
    pfns[one] = pfns[two]
    assert first_wrong(changed(resized(), place, resized()[place].pages(*pfns))) == place


@given(st.data())
@quick
def test_a_page_deflated_that_the_host_has_not(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rounds(DEFLATE)))
    pfns = list(resized()[place].pfns)
    pfns[data.draw(st.integers(0, 255))] = 3
    assert first_wrong(changed(resized(), place, resized()[place].pages(*pfns))) == place


@given(st.data())
@quick
def test_a_message_on_the_wrong_queue(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rounds(INFLATE) + rounds(DEFLATE)))
    one = resized()[place]
    assert first_wrong(changed(resized(), place, replace(one, queue=1 - one.queue))) == place


# -- messages missing, doubled, exchanged --


@given(st.data())
@quick
def test_a_round_s_message_is_missing(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rounds(INFLATE) + rounds(DEFLATE)))
    said = [*resized()[:place], *resized()[place + 1 :]]
    assert said[place].event == "set_config"
    assert first_wrong(said) == place


@given(st.data())
@quick
def test_a_message_twice(data: st.DataObject) -> None:
    said = resized() if data.draw(st.booleans()) else migrated()
    place = data.draw(st.sampled_from(places(said, lambda one: one.is_message)))
    twice = [*said[: place + 1], replace(said[place], before=()), *said[place + 1 :]]
    begins_migration = said[place].queue == INFLATE and len(said[place].pfns) == 1  # then its deflate does not follow
    assert first_wrong(twice) == place + (not begins_migration)


@given(st.data())
@quick
def test_two_deflates_exchanged(data: st.DataObject) -> None:
    one, two = sorted(data.draw(st.lists(st.sampled_from(rounds(DEFLATE)), min_size=2, max_size=2, unique=True)))
    said = list(resized())
    said[one], said[two] = said[two], said[one]
    assert first_wrong(said) == one


@given(st.data())
@quick
def test_two_inflates_exchanged_show_when_they_leave(data: st.DataObject) -> None:
    one, two = sorted(data.draw(st.lists(st.sampled_from(rounds(INFLATE)), min_size=2, max_size=2, unique=True)))
    said = list(resized())
    said[one], said[two] = said[two], said[one]
    leaves = next(place for place in rounds(DEFLATE) if set(said[one].pfns) & set(resized()[place].pfns))
    assert first_wrong(said) == leaves


@given(st.data())
@quick
def test_a_migration_that_deflates_first(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(news()))
    said = list(migrated())
    new, old = said[place : place + 2]
    said[place : place + 2] = [replace(old, before=new.before), replace(new, before=())]
    result = checked(said)
    assert [rejection.seq for rejection in result.rejections] == [place]
    assert "new page" in result.rejections[0].expected


@given(st.data())
@quick
def test_the_first_message_of_a_migration_is_missing(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(news()))
    said = list(migrated())
    said[place : place + 2] = [replace(said[place + 1], before=said[place].before)]
    assert first_wrong(said) == place


@given(st.data())
@quick
def test_the_second_message_of_a_migration_is_missing(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(news()))
    said = list(migrated())
    del said[place + 1]
    assert first_wrong(said) == place


@given(st.data())
@quick
def test_the_messages_of_two_migrations_interleave(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(news()))
    said = list(migrated())
    assume(not said[place + 2].before)
    said[place + 1 : place + 3] = [said[place + 2], said[place + 1]]
    assert first_wrong(said) == place


@given(st.data())
@quick
def test_a_migration_of_a_page_that_was_not_isolated(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(news()))
    inside = {pfn for one in migrated() for pfn in one.pfns}
    isolated = {pfn for one in migrated() for kind, pfn in one.before if kind == 0}
    other = data.draw(st.sampled_from(sorted(inside - isolated)))
    assert first_wrong(changed(migrated(), place + 1, migrated()[place + 1].pages(other))) == place
