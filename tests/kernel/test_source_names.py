"""What a panel calls the file that a routine stands in."""

from __future__ import annotations

import linecache
from types import CodeType

import pytest

from balloonlab.kernel.timeline import _source

TEXT = "def routine():\n    yield 1\n"


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("/var/x/ipykernel_4711/817397055.py", "notebook"),
        ("C:\\Temp\\ipykernel_4711\\817397055.py", "notebook"),
        ("<ipython-input-3-0a1b2c>", "notebook"),
        ("<stdin>", "notebook"),
        ("/opt/drivers/v9.py", "v9.py"),
        ("lesson.py", "lesson.py"),
    ],
)
def test_a_cell_is_no_file_with_a_number(file: str, shown: str) -> None:
    code = next(part for part in compile(TEXT, file, "exec").co_consts if isinstance(part, CodeType))
    linecache.cache[file] = (len(TEXT), None, TEXT.splitlines(keepends=True), file)
    try:
        assert _source(code).module == shown
    finally:
        del linecache.cache[file]
