"""SPIN, an independent model checker, asked for the counts of a learned table (Debian: apt install spin gcc)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from balloonlab.explore.learn.table import Table
from balloonlab.explore.promela import promela

COMPILE = ("gcc", "-O1", "-w", "-DNOREDUCE", "-DSAFETY")


class Spun(NamedTuple):
    """states stored; transitions, the one that SPIN counts for the initial state not among them; seconds it took."""

    states: int
    transitions: int
    seconds: float


def need_spin() -> None:
    """Skip where there is no SPIN; fail where CI=true."""
    for program in ("spin", "gcc"):
        if shutil.which(program) is None:
            if os.environ.get("CI", "").lower() == "true":
                pytest.fail(f"no {program} on this machine, and CI=true asks for it: apt install spin gcc")
            pytest.skip(f"no {program} on this machine (Debian: apt install spin gcc)")


def verifier(table: Table, folder: Path, *flags: str, written_out: bool | None = None) -> Path:
    """The compiled verifier of a table's Promela."""
    (folder / "model.pml").write_text(promela(table, written_out=written_out), "utf-8")
    made = subprocess.run(["spin", "-a", "model.pml"], cwd=folder, capture_output=True, text=True, check=False)
    assert "error" not in (made.stdout + made.stderr).lower(), made.stdout[:2000] + made.stderr[:2000]
    subprocess.run([*COMPILE, *flags, "-o", "pan", "pan.c"], cwd=folder, check=True, capture_output=True)
    return folder / "pan"


def spun(pan: Path, *flags: str) -> Spun:
    """What the verifier counts."""
    said = subprocess.run([pan, "-E", "-m1000000", *flags], cwd=pan.parent, capture_output=True, text=True, check=True)
    text = said.stdout
    assert "errors: 0" in text, text
    assert "search not completed" not in text.lower(), text
    assert "max search depth too small" not in text, text
    stored, transitions = (int(re.search(rf"(\d+) {word}", text)[1]) for word in ("states, stored", "transitions"))
    elapsed = re.search(r"elapsed time ([\d.]+) seconds", text)
    return Spun(stored, transitions - 1, float(elapsed[1]) if elapsed else 0.0)
