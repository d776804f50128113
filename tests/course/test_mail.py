"""The map of the mail: every remark has its place in the patch, every S defect its remark."""

from __future__ import annotations

import inspect

import pytest

from balloonlab.course import mail
from balloonlab.course.defects import defects
from balloonlab.course.mail import KINDS, REMARKS, remark, remarks_on
from balloonlab.drivers import find_driver
from balloonlab.foundations.errors import UnknownNameError


def test_the_review_has_eighteen_remarks_ten_of_them_on_wording_alone() -> None:
    own = [remark(name) for name in REMARKS if not remark(name).mail]
    assert len(own) == 18
    # by hand, in the mail: one is on who calls the function; the ten that follow are on words
    assert [each.kind for each in own].count("wording") == 11
    assert {each.kind for each in own} <= set(KINDS)


@pytest.mark.parametrize("name", [name for name in REMARKS if remark(name).routine])
def test_a_remark_speaks_of_one_line_of_v9(name: str) -> None:
    text = inspect.getsource(getattr(find_driver("v9"), remark(name).routine))
    lines = [line.strip() for line in text.splitlines()]
    assert [line for line in lines if line.startswith(remark(name).line)] != [], "no line begins so"


def test_every_defect_of_the_review_names_its_remark() -> None:
    said = [name for name in defects if name.startswith("S")]
    assert [name for name in said if not defects[name].remarks] == []
    assert {name for each in REMARKS for name in remark(each).defects} <= set(defects)
    assert defects["S4"].remarks == (remark("free mapping"),)
    assert remarks_on("V1") == ()  # what nobody said


def test_the_table_holds_every_remark_and_a_wrong_name_is_told_them() -> None:
    table = mail.map_of_the_mail().splitlines()
    assert [line.partition("  ")[0].strip() for line in table[:-1]] == REMARKS
    assert table[-1] == "21 remarks: 3 on design, 4 on bug, 3 on style, 11 on wording"
    with pytest.raises(UnknownNameError, match="two atomics"):
        remark("atomics")
