"""The joined ES module: whole, free of name clashes, and it never parses text as markup."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from balloonlab.widgets import esm

STATIC = Path(esm.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))


def test_every_script_is_joined_after_those_it_imports() -> None:
    assert sorted(esm.MODULES) == [path.stem for path in SCRIPTS]
    for path in SCRIPTS:
        for other in re.findall(r'from "\./(\w+)\.js"', path.read_text("utf-8")):
            assert esm.MODULES.index(other) < esm.MODULES.index(path.stem), f"{path.stem} imports {other}"


def test_the_module_has_one_export_and_no_import() -> None:
    assert re.findall(r"^export .*", esm.module(), re.MULTILINE) == ["export default { render };"]
    assert not re.search(r"^import ", esm.module(), re.MULTILINE)


def test_no_name_is_defined_twice() -> None:
    names = re.findall(r"^(?:const|let|class|function) (\w+)", esm.module(), re.MULTILINE)
    assert len(names) > 100
    assert sorted(set(names)) == sorted(names)


def test_the_module_parses(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    joined = tmp_path / "joined.mjs"
    joined.write_text(esm.module(), "utf-8")
    done = subprocess.run([node, "--check", str(joined)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_text_is_never_parsed_as_markup(path: Path) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\b"
    assert not re.search(forbidden + r"|new Function|\.src\b|\.href\b", path.read_text("utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_one_idea_of_readable_size(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 350
    assert lines[0].startswith("/**")


def test_the_style_is_ours_only() -> None:
    rules = re.sub(r"/\*.*?\*/", "", esm.style(), flags=re.DOTALL)
    selectors = re.findall(r"^\s*([^{}@]+)\{", rules, re.MULTILINE)
    assert selectors
    for selector in selectors:
        assert re.search(r"\.(bl-|balloonlab)", selector), selector
    assert "url(" not in rules
