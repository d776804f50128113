"""Whatever is handed to whatever can be called: a sentence comes back, in time, and nothing has changed."""

from __future__ import annotations

import inspect
import os
import random
import time
from pathlib import Path
from types import ModuleType

import pytest

import balloonlab as bl
from tests.any_call.callables import FUNCTIONS, Target, legal, targets
from tests.any_call.odd_values import ODD
from tests.any_call.throw import throw

CALLS = 2_500
PARTS = 10
SEED = 1 if os.environ.get("CI", "").lower() == "true" else int(time.time())
TARGETS = targets()
# Functions and classes that readers meet under these names, and that are called elsewhere or by nobody.
ELSEWHERE = {
    "Driver": "made by driver.replace",
    "Program": "tests/explore",
    "Scenario": "made by bl.scenario",
    "Schedule": "tests/kernel",
    "replay": "tests/course",
    "sweep": "tests/sweeps",
    "recordings.names": "takes nothing",
    **dict.fromkeys(("recordings.BalloonList", "recordings.ConfigEvent", "recordings.ListEvents"), "a record"),
    **dict.fromkeys(("recordings.Messages", "recordings.Recording"), "made by recordings.load"),
}


def calls(seed: int, many: int) -> list[tuple[Target, str, str]]:
    """So many different calls, drawn by the seed."""
    every = [
        (target, parameter, odd)
        for target in TARGETS
        for parameter in target.parameters
        for odd in ODD
        if not (parameter == "label" and callable(ODD[odd]()))  # what a reader's function raises is the reader's
    ]
    return random.Random(seed).sample(every, min(many, len(every)))  # noqa: S311 - to be drawn again


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.filterwarnings("error")
def test_any_call_is_answered(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = [
        f"{target}({parameter}={odd!r}): {complaint}"
        for target, parameter, odd in calls(SEED, CALLS)[part::PARTS]
        if (complaint := throw(target, parameter, odd))
    ]
    assert not wrong, f"seed {SEED}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_a_call_with_legal_arguments_is_known(target: Target) -> None:
    for parameter in target.parameters:
        legal(target, parameter)


def test_no_function_is_forgotten() -> None:
    found = {}
    for name in bl.__all__:
        value = getattr(bl, name)
        if isinstance(value, ModuleType) and name in ("plots", "recordings"):
            found |= {f"{name}.{inner}": getattr(value, inner) for inner in value.__all__}
        elif inspect.isfunction(value) or (inspect.isclass(value) and not issubclass(value, int)):
            found[name] = value
    called = {title for title, value in found.items() if callable(value)}
    assert called - ELSEWHERE.keys() <= FUNCTIONS.keys()
    assert called >= ELSEWHERE.keys(), "these are no more"
