"""The shape of the repository: what must agree, does; what Binder needs, is there."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TOP = {
    *(".ci", ".gitattributes", ".gitignore", "CONTRIBUTING.md", "LICENSE", "README.md", "balloonlab", "binder"),
    *("environment.yml", "notebooks", "pyproject.toml", "tests"),
}
SAME_PACKAGE = {"matplotlib-base": "matplotlib"}  # conda-forge's name for matplotlib without Qt
COMES_WITH = {"IPython": "ipywidgets", "traitlets": "ipywidgets"}  # ipywidgets is built on both


def bounds(lines: list[str]) -> dict[str, str]:
    """Name to bound of lines like ``numpy>=2.0``."""
    found = {}
    for line in lines:
        name, bound = re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", line).groups()
        found[SAME_PACKAGE.get(name, name).lower()] = bound.replace(" ", "")
    return found


def conda(path: Path) -> dict[str, str]:
    """Name to bound of the conda packages that an environment file asks for."""
    lines = yaml.safe_load(path.read_text("utf-8"))["dependencies"]
    return bounds([line for line in lines if isinstance(line, str)])


RUNTIME = bounds(PROJECT["dependencies"])
TEST = bounds(PROJECT["optional-dependencies"]["test"])
CLUSTER = bounds(PROJECT["optional-dependencies"]["cluster"])
PEOPLE = conda(ROOT / "environment.yml")
BINDER = conda(ROOT / "binder" / "environment.yml")


@pytest.mark.parametrize("environment", [PEOPLE, BINDER], ids=["people", "binder"])
def test_an_environment_agrees_with_the_project(environment: dict[str, str]) -> None:
    for name, bound in (RUNTIME | {"nbval": TEST["nbval"]}).items():
        assert environment.get(name) == bound, name
    extra = environment.keys() - RUNTIME.keys()
    assert extra <= {"python", "pip", "nbval", "hatchling"}


def test_what_a_cluster_needs_is_tested() -> None:
    assert CLUSTER.items() <= TEST.items()


def test_both_environments_are_the_same_but_for_the_build_tool() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert PEOPLE | bounds(build) == BINDER


def test_binder_reads_the_python_version_and_it_is_one_we_support() -> None:
    version = re.fullmatch(r"=(3\.\d+)", BINDER["python"]).group(1)
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert tuple(map(int, version.split("."))) >= tuple(map(int, lowest.split(".")))


def test_people_get_the_project_itself() -> None:
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    assert {"pip": ["-e ."]} in dependencies


@pytest.mark.parametrize("script", ["binder/postBuild", ".ci/run"])
def test_a_script_is_executable_and_parses(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert path.read_text("utf-8").startswith("#!/bin/bash\n")
    parsed = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")


def test_post_build_needs_nothing_from_outside() -> None:
    installs = [line for line in (ROOT / "binder" / "postBuild").read_text("utf-8").splitlines() if "pip " in line]
    assert installs == ["python -m pip install --no-deps --no-build-isolation ."]


def test_nothing_else_lies_at_the_top() -> None:
    ignored = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()}
    here = {path.name for path in ROOT.iterdir()} - {".git"}
    stray = {name for name in here - TOP if name not in ignored and not any(Path(name).match(p) for p in ignored)}
    assert stray == set()
    assert here >= TOP


def imported(tree: ast.AST) -> set[str]:
    """Names of the packages from outside that a parsed file imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
    tops = {name.partition(".")[0] for name in names}
    return {name.replace("_", "-") for name in tops - set(sys.stdlib_module_names) - {"balloonlab", "tests"}}


def test_every_import_of_the_package_is_declared() -> None:
    seen = set()
    for path in (ROOT / "balloonlab").rglob("*.py"):
        needed = {COMES_WITH.get(name, name) for name in imported(ast.parse(path.read_text("utf-8")))}
        assert needed <= RUNTIME.keys(), path
        seen |= needed
    assert "numpy" in seen


def test_every_import_of_the_tests_is_declared() -> None:
    known = RUNTIME.keys() | TEST.keys() | {"yaml", "conftest"}
    for path in (ROOT / "tests").rglob("*.py"):
        needed = {COMES_WITH.get(name, name) for name in imported(ast.parse(path.read_text("utf-8")))}
        assert needed <= known, path


def test_the_readme_and_the_environments_name_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8") + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for name in re.findall(r"`((?:notebooks|tests|binder|\.ci)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name


def test_no_file_speaks_of_the_machine_it_was_made_on() -> None:
    texts = [*ROOT.glob("*.*"), *(ROOT / "binder").iterdir(), ROOT / ".ci" / "run"]
    for pattern in ("*.py", "*.js", "*.mjs", "*.json", "*.csv", "*.md", "*.cfg"):
        texts += [*(ROOT / "balloonlab").rglob(pattern), *(ROOT / "tests").rglob(pattern)]
    for path in texts:
        if path.is_file():
            assert not re.search(r"/(root|work|home|tmp)/\w", path.read_text("utf-8")), path
