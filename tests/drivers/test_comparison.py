"""diff: what is shown of two drivers, as text and as HTML."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.drivers.compare.comparison import STATES
from balloonlab.drivers.compare.side_by_side import CHANGED, LEFT, RIGHT, SAME, rows
from balloonlab.drivers.compare.text import WIDTH
from balloonlab.foundations.errors import UnknownNameError
from balloonlab.kernel.primitives import Routine, add, list_del, list_first

GOLDEN = """\
v9 and v10, side by side

v9: the patch under review, v9 of August 2012: movable pages, two locks, and its own mistakes

v10: the patch after that review, v10 of September 2012: plain numbers, and a wait that leaks and sleeps

changed (1): pages_at_balloon_list

--------------------------------------------------------------------------------------------------------------
pages_at_balloon_list: changed
  v9: Length of the list, an int: the difference of two atomics read one after the other.
  v10: Length of the list in 4 KiB pages: two numbers that pages_lock holds still.
  v9 has it from __pages_at_balloon_list: drivers/virtio/virtio_balloon.c, line 194 (v9 3/5 on v3.6)
  v10 has it from __wait_on_isolated_pages: drivers/virtio/virtio_balloon.c, line 276 (v10 3/5 on v3.6)

v9                                                      v10
def pages_at_balloon_list(vb: VirtioBalloon) ->         def pages_at_balloon_list(vb: VirtioBalloon) ->
      Routine:                                                Routine:
    num_pages = yield atomic_read(vb.num_pages)       |     num_pages = yield read(vb.num_pages)
                      ^^^^^^^^^^^                                             ^^^^
    return num_pages - (yield                         |     return num_pages - (yield
          atomic_read(vb.num_isolated_pages))         |           read(vb.num_isolated_pages))
          ^^^^^^^^^^^                                             ^^^^"""


def leak_balloon(vb, num: int) -> Routine:  # noqa: ANN001
    """A learner's own: takes one page."""
    page = yield list_first(vb.pages)
    if page is not None:
        yield list_del(page)
        yield add(vb.num_pages, -num)


def test_one_routine_as_text() -> None:
    assert str(bl.diff("v9", "v10", "pages_at_balloon_list")) == GOLDEN
    assert repr(bl.diff(DRIVERS["v9"], DRIVERS["v10"], "pages_at_balloon_list")) == GOLDEN


def test_every_routine_is_in_one_state() -> None:
    found = bl.diff("v9", "v10")
    names = {state: [pair.name for pair in found.of_state(state)] for state in STATES}
    assert "leak_balloon" in names["changed"]
    assert names["only in the first"] == []
    assert names["only in the second"] == ["do_leak_balloon", "balloon_mapping_free", "get_num_pages"]
    assert "tell_host" in names["the same"]
    assert sum(map(len, names.values())) == len(found.pairs)
    text = str(found)
    assert "only in v10 (3): do_leak_balloon, balloon_mapping_free, get_num_pages" in text
    assert "What the review of v9 changed: num_pages and num_isolated_pages are plain numbers" in text


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(sorted(DRIVERS), 2)])
def test_text_and_html_of_every_two_versions(first: str, second: str) -> None:
    found = bl.diff(first, second)
    text = str(found)
    assert max(map(len, text.split("\n"))) <= WIDTH
    assert text == str(bl.diff(first, second))
    for pair in found.shown():
        for side in (0, 1):
            lines = [text.lines if text else () for text in (pair.left, pair.right)][side]
            assert (
                tuple("".join(p for p, _ in row[1 + side]) for row in pair.rows() if row[1 + side] is not None) == lines
            )
    html = found._repr_html_()
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert reader.tables == 1 + len(found.shown())
    assert reader.headers == {"col", "row"}


class Reader(HTMLParser):
    """Which elements are open; tables; scopes of headers."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables = 0
        self.headers: set[str] = set()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.tables += tag == "table"
        if tag == "th":
            self.headers.add(dict(attrs)["scope"] or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_version_and_itself_are_the_same() -> None:
    found = bl.diff("v11", "v11")
    assert {pair.state for pair in found.pairs} == {"the same"}
    assert "changed" not in str(found).split("the same in both")[0].split("\n\n")[-1]


def test_an_edited_driver_is_compared_by_its_text() -> None:
    edited = DRIVERS["v9"].replace(leak_balloon=leak_balloon)
    found = bl.diff("v9", edited)
    assert [pair.name for pair in found.of_state("changed")] == ["leak_balloon"]
    assert [pair.name for pair in found.of_state("only in the second")] == []
    text = str(found)
    assert "v9*: A learner's own: takes one page." in text
    assert "Edited since then." in text


def test_an_edited_driver_without_text_says_so() -> None:
    names: dict[str, object] = {}
    exec("def leak_balloon(vb, num):\n    yield 1", names)  # noqa: S102
    edited = DRIVERS["v9"].replace(leak_balloon=names["leak_balloon"])  # type: ignore[arg-type]
    assert "def leak_balloon(...):  # its text is not kept" in str(bl.diff("v9", edited, "leak_balloon"))


def test_a_routine_with_another_name_is_found_under_both() -> None:
    found = bl.diff("linux-6.1", "linux-7.2")
    assert "isolate_movable_page / isolate_movable_ops_page" in [pair.name for pair in found.pairs]
    for name in ("isolate_movable_page", "isolate_movable_ops_page"):
        (pair,) = bl.diff("linux-6.1", "linux-7.2", name).pairs
        assert (pair.left.name, pair.right.name) == ("isolate_movable_page", "isolate_movable_ops_page")


def test_a_routine_that_only_one_has_is_shown_alone() -> None:
    text = str(bl.diff("v9", "v10", "get_num_pages"))
    assert "get_num_pages: only in v10" in text
    assert f"{'':54}> def get_num_pages(vb: VirtioBalloon)" in text


def test_unknown_names_are_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown driver 'v8'; known: linux-3\.6, v9"):
        bl.diff("v8", "v9")
    with pytest.raises(UnknownNameError, match=r"unknown routine of driver v9 or v10 'shrink'; known: .*leak_balloon"):
        bl.diff("v9", "v10", "shrink")
    with pytest.raises(UnknownNameError, match="the same"):
        bl.diff("v9", "v10").of_state("new")


def test_html_escapes_and_marks_by_sign_word_and_line() -> None:
    html = bl.diff("v9", "v10", "remove_common")._repr_html_()
    assert "-&gt; Routine" in html
    assert re.search('<th scope="row" class="mark"[^>]*>&ne; changed</th>', html)
    assert "<del>" in html
    assert "<ins>" in html
    assert "overflow: auto" not in html


def test_every_cell_with_text_begins_at_the_left_without_a_style_sheet() -> None:
    html = re.sub("<style>.*</style>", "", bl.diff("v9", "v10")._repr_html_(), flags=re.DOTALL)
    cells = re.findall("<t[dh][ >][^>]*", html)
    assert len(cells) > 100
    assert {cell for cell in cells if "text-align: left" not in cell} == {'<td class="mark"'}  # nothing stands in it


def test_html_escapes_what_a_learner_named() -> None:
    routines = [
        lambda _vb: (yield "<one>"),
        lambda _vb: (yield "<two>"),
    ]
    for routine in routines:
        routine.__name__ = '"><s>mine'
    one = DRIVERS["v9"].variant("<b>one", "<i>one & more", routines[0], without=("tell_host",))
    two = DRIVERS["v9"].variant("<b>two", "<i>two & more", routines[1])
    found = bl.diff(one, two)
    plain, reader = Reader(), Reader()
    plain.feed(bl.diff("v9", "v10")._repr_html_())
    reader.feed(found._repr_html_())
    assert reader.tags <= plain.tags, "no text became a tag"
    (pair,) = found.shown()
    for text in ("<b>one", "<i>one & more", "<i>two & more", pair.name, found.heading(pair), "only in <b>two"):
        assert any(text in shown for shown in reader.texts), text


LINES = st.lists(st.text("ab _()", max_size=6), max_size=8)


@given(LINES, LINES)
def test_no_line_is_lost_and_marks_are_true(left: list[str], right: list[str]) -> None:
    found = rows(left, right)
    for lines, side in ((left, 1), (right, 2)):
        assert ["".join(piece for piece, _ in row[side]) for row in found if row[side] is not None] == lines
    for row in found:
        one, other = (pieces and "".join(piece for piece, _ in pieces) for pieces in (row.left, row.right))
        expected = {LEFT: other is None, RIGHT: one is None, SAME: one == other, CHANGED: one != other}
        assert expected[row.mark]
