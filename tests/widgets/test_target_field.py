"""The field for a target is read by one rule, in Python and in the browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from balloonlab.foundations.errors import BadValueError
from balloonlab.widgets import esm
from balloonlab.widgets.target_field import target_of

MOST = 16_384
WRITTEN = [
    *(
        "10,000",
        "10_000",
        " 10000 ",
        "1,00",
        ",5",
        "0",
        "00012",
        "-0",
        "16,384",
        "16,385",
        "-3",
        "-1,000",
        "999999999999",
    ),
    *(
        "",
        " ",
        ",",
        "abc",
        "1e3",
        "0x10",
        "1.0",
        "1.5",
        "+5",
        "5 000",
        "10,000 pages",
        "\u0663",
        "Infinity",
        "1000000000000",
    ),
    *("--1", "-", "1n", "true", "\t7\n", "\u00a07", "7\u2003", "1\n2"),
]
READ = """
const { wholeNumber } = await import(process.argv[1]);
console.log(JSON.stringify(JSON.parse(process.argv[2]).map(wholeNumber)));
"""


def in_python(text: str) -> int | None:
    """The legal target that Python reads; None if it reads none."""
    try:
        return target_of("inflate", text, MOST, -1)
    except BadValueError:
        return None


def test_the_browser_reads_what_python_reads(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    for script in (Path(esm.__file__).parent / "static").glob("*.js"):
        shutil.copy(script, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}', "utf-8")
    command = [node, "--input-type=module", "-e", READ, str(tmp_path / "words.js"), json.dumps(WRITTEN)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    legal = [number if number is not None and 0 <= number <= MOST else None for number in found]
    assert dict(zip(WRITTEN, legal, strict=True)) == {text: in_python(text) for text in WRITTEN}


def test_what_is_no_target_is_refused_with_what_would_be() -> None:
    assert in_python("10,000") == 10_000
    for text, sentence in [
        ("16,385", "target is 16,385; it must be a whole number from 0 to 16,384"),
        ("1e3", "target is '1e3'; it must be a whole number from 0 to 16,384"),
    ]:
        with pytest.raises(BadValueError, match=sentence):
            target_of("inflate", text, MOST, 0)
