"""The map of the mail: every remark has its place in the patch, every S defect its remark."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.course import mail
from balloonlab.course.defects import defects
from balloonlab.course.mail import KINDS, REMARKS, remark, remarks_on
from balloonlab.drivers import find_driver
from balloonlab.drivers.line_notes import notes_on
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.foundations.said import WIDTH


def test_the_review_has_eighteen_remarks_ten_of_them_on_wording_alone() -> None:
    own = [remark(name) for name in REMARKS if not remark(name).mail]
    assert len(own) == 18
    # by hand, in the mail: one is on who calls the function; the ten that follow are on words
    assert [each.kind for each in own].count("wording") == 11
    assert {each.kind for each in own} <= set(KINDS)


@pytest.mark.parametrize("name", [name for name in REMARKS if remark(name).routine])
def test_a_remark_hangs_at_its_line_of_v9(name: str) -> None:
    function = find_driver("v9").functions[remark(name).routine]
    lines = [line.strip() for line in inspect.getsource(function).splitlines()]
    (line,) = [at.line for at in notes_on(function.__code__) if at.note == remark(name).note]
    assert lines[line - 1].startswith(remark(name).line or f"def {remark(name).routine}")


def test_every_remark_but_those_on_no_line_has_a_mark() -> None:
    without = {name for name in REMARKS if not remark(name).routine}
    assert without == {"better"}
    hung = [at.note.name for function in find_driver("v9").functions.values() for at in notes_on(function.__code__)]
    assert sorted(hung) == sorted(set(REMARKS) - without)


def test_the_mail_is_read_as_a_table_and_a_remark_prints_place_verdict_and_section() -> None:
    assert bl.mail["two atomics"] is remark("two atomics")
    assert list(bl.mail) == REMARKS
    assert "two atomics" in bl.mail
    assert "atomics" not in bl.mail
    assert max(len(row) for name in REMARKS for row in str(bl.mail[name]).splitlines()) <= WIDTH
    told = " ".join(str(bl.mail["two atomics"]).split())
    for words in (
        *("__pages_at_balloon_list", "pages_at_balloon_list of v9", remark("two atomics").verdict, "06-the-review"),
        *(remark("two atomics").section, "S1"),
    ):
        assert words in told
    assert "no retold line" in str(bl.mail["better"])
    with pytest.raises(UnknownNameError, match="two atomics"):
        bl.mail["atomics"]


def test_every_defect_of_the_review_names_its_remark() -> None:
    said = [name for name in defects if name.startswith("S")]
    assert [name for name in said if not defects[name].remarks] == []
    assert {name for each in REMARKS for name in remark(each).defects} <= set(defects)
    assert defects["S4"].remarks == (remark("free mapping"),)
    assert remarks_on("V1") == ()  # what nobody said
    for odd in (4, None, np.zeros((2, 2))):
        with pytest.raises(BadValueError, match="defect is"):
            remarks_on(odd)  # type: ignore[arg-type]


def test_the_map_holds_every_remark_below_its_section_and_a_wrong_name_is_told_them() -> None:
    *rows, total = mail.map_of_the_mail().splitlines()
    below = [row for row in rows if row.startswith("  ")]
    assert [row.strip().partition("  ")[0] for row in below] == REMARKS
    assert [row for row in rows if row not in below] == list(dict.fromkeys(remark(name).section for name in REMARKS))
    assert rows[rows.index("A free for an alloc") + 1].split()[:2] == ["free", "mapping"]
    assert total == "21 remarks: 3 on design, 4 on bug, 3 on style, 11 on wording"
    told = [line for line in mail.verdicts().splitlines() if not line.startswith(" ")]
    assert [line.partition("  ")[0] for line in told] == REMARKS
    with pytest.raises(UnknownNameError, match="two atomics"):
        remark("atomics")


def test_every_remark_has_its_section_in_the_lesson_in_the_mails_order() -> None:
    lesson = json.loads((Path(__file__).resolve().parents[2] / "notebooks" / "06-the-review.ipynb").read_text("utf-8"))
    prose = "\n".join("".join(cell["source"]) for cell in lesson["cells"] if cell["cell_type"] == "markdown")
    headings = re.findall(r"^#{2,3} (.+)$", prose, flags=re.MULTILINE)
    sections = list(dict.fromkeys(remark(name).section for name in REMARKS))
    assert [heading for heading in headings if heading in sections] == sections
