"""The map of the patch: no line twice, none missing, and each that runs has its line in the driver."""

from __future__ import annotations

import inspect
import re

import pytest

import balloonlab as bl
from balloonlab.course.mail.patch import HUNKS, PatchLine, hunk, line, lines
from balloonlab.course.mail.patch_rows import ADDED, REMOVED
from balloonlab.drivers import find_driver
from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.said import WIDTH

LINES = lines()
RUN = [each for each in LINES if each.routine]


def test_265_are_added_and_21_removed_each_once() -> None:
    for rows, removed, count in ((ADDED, False, 265), (REMOVED, True, 21)):
        numbers = [number for row in rows for number in range(row.first, row.last + 1)]
        assert len(numbers) == len(set(numbers)) == count
        assert sorted(each.number for each in LINES if each.removed is removed) == sorted(numbers)


def test_each_hunk_has_as_many_lines_as_its_head_says() -> None:
    """Old length less what goes, plus what comes, is the new length: the mail's heads say so of every hunk."""
    for i, (start, length, new, new_length) in enumerate(HUNKS, start=1):
        own = [each for each in LINES if each.hunk == i]
        gone, come = (sum(each.removed is removed for each in own) for removed in (True, False))
        assert new_length - length == come - gone, f"hunk {i}"
        for each in own:
            first, many = (start, length) if each.removed else (new, new_length)
            assert first <= each.number < first + many
    shifts = [new - start for start, _, new, _ in HUNKS]
    grown = [new_length - length for _, length, _, new_length in HUNKS]
    assert shifts == [sum(grown[:i]) for i in range(len(HUNKS))]  # each begins where those before have moved it


def test_the_lines_come_in_the_patchs_order() -> None:
    assert [each.hunk for each in LINES] == sorted(each.hunk for each in LINES)
    for removed in (True, False):
        numbers = [each.number for each in LINES if each.removed is removed]
        assert numbers == sorted(numbers)
    names = [f"{'-' if each.removed else '+'}{each.number}" for each in LINES if each.hunk == 12]
    assert names == ["-270", "+384", "-275", "+389"]


@pytest.mark.parametrize("each", RUN, ids=[f"{'-' if each.removed else '+'}{each.number}" for each in RUN])
def test_the_retold_line_is_there(each: PatchLine) -> None:
    routine = find_driver(each.driver).functions[each.routine]
    starts = [text for text in inspect.getsource(routine).splitlines() if text.strip().startswith(each.begins)]
    assert each.begins
    assert starts != []
    assert each.retold == starts[0].strip()
    assert each.why == ""


def test_where_nothing_runs_a_sentence_says_why() -> None:
    for each in LINES:
        if not each.routine:
            assert len(each.why) > 6
            assert not each.begins


def test_retold_lines_of_a_routine_come_in_its_order() -> None:
    """Of the three callbacks, which are retold one by one: as the patch has the lines, so has the driver."""
    for name in ("virtballoon_isolatepage", "virtballoon_migratepage", "virtballoon_putbackpage"):
        text = [part.strip() for part in inspect.getsource(find_driver("v9").functions[name]).splitlines()]
        wanted = [each.begins for each in LINES if each.routine == name]
        at = 0
        for begins in wanted:
            found = [i for i in range(max(0, at - 1), len(text)) if text[i].startswith(begins)]
            assert found != [], begins
            at = found[0] + 1


def test_every_remark_of_the_review_stands_below_a_line() -> None:
    for name in bl.mail.REMARKS:
        remark = bl.mail[name]
        if remark.mail or name == "better":
            assert remark.below == 0
        else:
            assert remark in line(remark.below).remarks
    below = [bl.mail[name].below for name in bl.mail.REMARKS if bl.mail[name].below]
    assert below == sorted(below)  # as the mail has them
    # where the patch's line says what the remark speaks of, they point to one routine
    for name in ("twice", "stack"):
        assert line(bl.mail[name].below).routine == bl.mail[name].routine


def test_a_line_and_a_hunk_print_where_they_run() -> None:
    assert str(line(147)).startswith("+147 (hunk 5): lock balloon_lock. fill_balloon of v9: yield mutex_lock(")
    assert max(len(row) for each in LINES for row in str(each).splitlines()) <= WIDTH
    assert "<- remark: twice" in " ".join(hunk(8).split())
    assert "  in leak_balloon of v9:" in hunk(8).splitlines()
    assert "+200-207" in hunk(8)
    assert hunk(8).startswith("hunk 8: @@ -162,19 +189,97 @@")
    assert hunk(12).splitlines()[1] == "  in towards_target of linux-3.6:"
    assert hunk(12).splitlines()[2].startswith("-270 ")
    for i in range(1, len(HUNKS) + 1):
        told = re.findall(r"^[+-](\d+)(?:-(\d+))? ", hunk(i), re.MULTILINE)
        assert sum(int(last or first) - int(first) + 1 for first, last in told) == sum(e.hunk == i for e in LINES)
        assert max(map(len, hunk(i).splitlines())) <= WIDTH
    assert bl.mail.map_of_the_patch().endswith("265 added and 21 removed lines, in 18 hunks")


def test_a_line_that_is_not_the_patchs_is_told_the_nearest() -> None:
    with pytest.raises(BadValueError, match="line 603 is not added by the patch; the nearest that are: 602"):
        bl.mail.line(603)
    with pytest.raises(BadValueError, match="line 147 is not removed by the patch"):
        bl.mail.line(147, removed=True)
    for wrong in (0, 710, "147", None, True):
        with pytest.raises(BadValueError, match="from 1 to 709"):
            bl.mail.line(wrong)
    with pytest.raises(BadValueError, match="from 1 to 465"):  # the file before the patch is shorter
        bl.mail.line(466, removed=True)
    with pytest.raises(BadValueError, match="1 to 18"):
        bl.mail.hunk(19)
