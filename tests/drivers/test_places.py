"""Where each retold routine stands in the kernel: all have a place, and the lines agree with the patches' hunks."""

from __future__ import annotations

import pytest

from balloonlab.course.mail.patch import HUNKS as HUNKS_OF_V9
from balloonlab.drivers import DRIVERS, Driver, find_driver
from balloonlab.drivers.merged_variants import VARIANTS
from balloonlab.drivers.no_compaction import VARIANTS as NO_COMPACTION
from balloonlab.drivers.places import place_of
from balloonlab.drivers.review_variants import VARIANTS as REVIEW_VARIANTS
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.foundations.errors import UnknownNameError
from balloonlab.kernel.primitives import Routine

ALL = [*DRIVERS.values(), *VARIANTS.values(), *REVIEW_VARIANTS.values(), *NO_COMPACTION.values()]
FILE = "drivers/virtio/virtio_balloon.c"
# Heads of the hunks that the mails have: first line and length in v3.6, first line and length after the patch.
HUNKS = {
    "v9": "  ".join(f"{old},{length} {new},{new_length}" for old, length, new, new_length in HUNKS_OF_V9),
    "v10": "27,6 27,7  34,6 35,7  46,11 48,24  60,7 75,7  122,13 137,17  139,9 158,15  149,6 174,7  162,19 188,64  "
    "182,8 253,58  239,6 360,7  249,6 371,7  261,22 384,29  339,9 469,121  351,12 593,25  372,16 627,28  396,6 663,7  "
    "408,7 676,6",
    "v11": "27,6 27,7  34,6 35,7  52,15 54,19  122,18 128,25  141,7 154,6  149,6 161,7  165,14 178,17  183,6 199,7  "
    "339,9 356,76  350,16 434,37  371,6 476,10  396,6 505,8",
}


@pytest.mark.parametrize("driver", ALL, ids=[driver.name for driver in ALL])
def test_every_routine_has_a_place_or_a_sentence_why_not(driver: Driver) -> None:
    for routine in driver.functions:
        place = driver.place(routine)
        assert str(place)
        assert "nobody looked" not in place.why, routine
        if place.file:
            assert place.tag, routine
            assert place.line or place.why == "line not looked up", routine
        else:
            assert "part of the model" in place.why, routine


def test_a_routine_is_found_by_the_name_that_its_text_has() -> None:
    def of_my_own(vb: VirtioBalloon, num: int) -> Routine:
        yield from vb.driver.fill_balloon(vb, num)

    posted = find_driver("v9")
    assert posted.places["leak_balloon"] == f"{FILE}, line 236 (v9 3/5 on v3.6)"
    assert posted.places["pages_at_balloon_list"] == f"__pages_at_balloon_list: {FILE}, line 194 (v9 3/5 on v3.6)"
    edited = posted.replace(leak_balloon=of_my_own)
    assert edited.places["of_my_own"] == f"leak_balloon: {FILE}, line 236 (v9 3/5 on v3.6)"
    assert "of_my_own" not in posted.places


def test_the_driver_itself_has_lines_where_its_file_was_read() -> None:
    for name in ("linux-3.6", "v9", "v10", "v11", "linux-6.1", "linux-7.2"):
        driver = find_driver(name)
        places = [place for routine in driver.functions if (place := driver.place(routine)).file == FILE]
        assert len(places) > 9
        assert [place for place in places if place.line is None] == [], name
        starts = [place.line for place in dict.fromkeys(places)]
        assert len(set(starts)) == len({place.name for place in places}), "two routines begin at one line"


@pytest.mark.parametrize("name", HUNKS)
def test_what_a_patch_left_in_place_begins_where_its_hunks_moved_it(name: str) -> None:
    """The slow twin of what was counted in the patched file: the line before, and by how much each hunk moved it."""
    numbers = [tuple(map(int, part.split(","))) for part in HUNKS[name].split()]
    hunks = [(*old, *new) for old, new in zip(numbers[::2], numbers[1::2], strict=True)]
    before, after = find_driver("linux-3.6"), find_driver(name)
    checked = 0
    for routine in before.functions:
        place = before.place(routine)
        if place.file != FILE or routine == "leak_balloon":  # whose beginning v10 moved
            continue
        moved = sum(new_length - length for start, length, _, new_length in hunks if start + length <= place.line)
        inside = [hunk for hunk in hunks if hunk[0] <= place.line < hunk[0] + hunk[1]]
        if not inside:
            assert after.place(routine).line == place.line + moved, routine
            checked += 1
        else:
            start, _, new_start, new_length = inside[0]
            assert new_start == start + moved
            assert new_start <= after.place(routine).line < new_start + new_length, routine
    assert checked > 4


def test_an_edited_routine_stands_where_the_one_stood_that_it_replaces() -> None:
    v9 = find_driver("v9")
    edited = v9.replace(remove_common=find_driver("v10").update_balloon_size)
    assert edited.place("remove_common") == v9.place("remove_common")
    assert v9.place("leak_balloon") == ("leak_balloon", FILE, "v9 3/5 on v3.6", 236, "")
    assert v9.place("leak_balloon").where == f"{FILE}, line 236 (v9 3/5 on v3.6)"
    assert str(v9.place("leak_balloon")) == f"leak_balloon: {FILE}, line 236 (v9 3/5 on v3.6)"
    assert v9.place("isolate_balloon_page") == v9.place("balloon_page_isolate")  # by its other name
    assert find_driver("linux-3.8").place("tell_host").line is None  # v11's line is not 3.8's
    with pytest.raises(UnknownNameError, match="leak_balloon"):
        v9.place("leak_baloon")


def test_without_the_option_a_routine_stands_at_the_other_half_of_its_ifdef() -> None:
    without, v9 = NO_COMPACTION["v9-no-compaction"], find_driver("v9")
    assert (without.place("wait_on_isolated_pages").line, v9.place("wait_on_isolated_pages").line) == (233, 208)
    assert without.place("leak_balloon") == v9.place("leak_balloon")
    v11 = NO_COMPACTION["v11-no-compaction"]
    assert v11.place("balloon_page_insert").line > find_driver("v11").place("balloon_page_movable").line


def test_a_driver_of_no_known_version_says_so() -> None:
    assert place_of("mine", "leak_balloon").file == ""
    assert "nobody looked" in str(place_of("mine", "leak_balloon"))
    assert place_of("v90", "leak_balloon").file == ""  # no v9
    assert place_of("linux-4.15-rc", "fill_balloon").tag == "a candidate of v4.15"
