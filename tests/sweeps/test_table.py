"""The table: columns as arrays, text that lines up, HTML that escapes, other people's formats."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.sweeps import NotInstalledError, Table

ROWS = [
    {"pages": 4096, "driver": "v9", "share": 0.25, "fine": True, "token": None},
    {"pages": 8192, "driver": "<b>&", "share": 1 / 3, "fine": False, "token": 'a,\n"b"'},
    {"pages": 8192, "driver": "v10", "error": "ZeroDivisionError: division by zero"},
]
TABLE = Table(ROWS, ("pages", "driver"))


def test_columns_are_arrays() -> None:
    assert TABLE.columns == ("pages", "driver", "share", "fine", "token", "error")
    assert TABLE["pages"].dtype == np.int64
    assert TABLE["driver"].dtype.kind == "U"
    assert TABLE["share"].dtype == np.float64
    assert np.isnan(TABLE["share"][2])
    assert TABLE["fine"].tolist() == [True, False, None]
    assert Table(ROWS[:2])["fine"].dtype == bool
    assert Table([{"n": 2**70}])["n"].dtype == np.float64
    with pytest.raises(UnknownNameError, match="known: pages, driver"):
        TABLE["colour"]


def test_rows_are_copies() -> None:
    TABLE.rows[0]["pages"] = 1
    assert next(iter(TABLE))["pages"] == 4096


def test_selections_and_sums() -> None:
    assert TABLE.where(pages=8192)["driver"].tolist() == ["<b>&", "v10"]
    assert TABLE.only("share", "pages").columns == ("share", "pages")
    assert TABLE.where(driver="v9") + TABLE.where(pages=8192) == TABLE
    assert TABLE.where(pages=8192) != TABLE
    for bad in (lambda: TABLE.where(x=1), lambda: TABLE.only("x"), TABLE.only):
        with pytest.raises((UnknownNameError, BadValueError), match="pages, driver"):
            bad()


def test_text_lines_up() -> None:
    assert str(TABLE).splitlines() == [
        "pages  driver     share  fine   token   error",
        "4,096  v9          0.25  True   -       -",
        '8,192  <b>&    0.333333  False  a, "b"  -',
        "8,192  v10            -  -      -       ZeroDivisionError: division by zero",
        "3 experiments; 1 of them failed",
    ]
    assert repr(TABLE) == ("<table: 3 experiments; 1 of them failed; columns pages, driver, share, fine, token, error>")
    assert str(Table([], ("seed",), "interrupted after 0 of 3")) == "seed\n0 experiments; interrupted after 0 of 3"


class Cells(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.inside = tag in ("td", "th")
        if self.inside:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag not in ("td", "th")


def test_html_shows_every_cell_escaped() -> None:
    cells = Cells(TABLE._repr_html_()).cells
    assert cells[:6] == list(TABLE.columns)
    assert cells[12:18] == ["8,192", "<b>&", "0.333333", "False", 'a,\n"b"', "-"]
    assert len(cells) == 24
    assert "and 300 rows more" in Table([{"n": n} for n in range(500)])._repr_html_()


def test_html_shows_the_caption_escaped() -> None:
    table = Table([{"n": 1}], why="<i>ended</i> & so on")
    html = table._repr_html_()
    assert "<caption>1 experiment; &lt;i&gt;ended&lt;/i&gt; &amp; so on</caption>" in html


def test_csv_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    text = TABLE.to_csv(path)
    assert path.read_bytes().decode() == text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["share"] for row in rows] == ["0.25", repr(1 / 3), ""]
    assert rows[1]["token"] == 'a,\n"b"'


def test_what_a_csv_file_can_hold_is_written(tmp_path: Path) -> None:
    table = Table([{"word": "half \udc80"}])
    assert table.to_csv(tmp_path / "table.csv") == "word\nhalf \\udc80\n"
    assert (tmp_path / "table.csv").read_text("utf-8") == "word\nhalf \\udc80\n"


def test_a_file_that_cannot_be_written_is_said_and_left_alone(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "no" / "t.csv", "there is no folder"), (tmp_path, "it is a folder"), (5, "a int")):
        with pytest.raises(BadValueError, match=words):
            TABLE.to_csv(path)  # type: ignore[arg-type]
    path = tmp_path / "table.csv"
    path.write_text("what was there")
    code = (
        "import resource, sys; from balloonlab.sweeps import Table\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "Table([{'n': n} for n in range(9999)]).to_csv(sys.argv[1])"
    )
    ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert "NotWrittenError" in ran.stderr
    assert [each.read_text() for each in tmp_path.iterdir()] == ["what was there"]


def test_a_failure_is_a_column_even_where_none_failed() -> None:
    assert str(TABLE.where(driver="v9").only("pages", "error")) == "pages  error\n4,096  -"


def test_numbers_too_large_for_an_array_are_objects() -> None:
    assert Table([{"n": 10**400}, {"n": 1}])["n"].tolist() == [10**400, 1]


def test_pandas_is_used_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(DataFrame=lambda data, columns: (data, columns))
    monkeypatch.setitem(sys.modules, "pandas", fake)
    data, columns = TABLE.to_pandas()
    assert columns == list(TABLE.columns)
    assert data["pages"].tolist() == [4096, 8192, 8192]


def test_without_pandas_it_is_said_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(NotInstalledError, match="pip install pandas"):
        TABLE.to_pandas()
