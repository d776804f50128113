"""The grid: every combination in order, and refusals that come before anything runs."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.memory.workloads import WORKLOADS
from balloonlab.sweeps import EXPERIMENTS, grid
from tests.sweeps import learners


def test_the_last_axis_runs_fastest() -> None:
    rows = [point.row for point in grid.points(learners.half, {"scale": (2, 1), "seed": np.arange(2)})]
    assert rows == [{"scale": s, "seed": n} for s in (2, 1) for n in (0, 1)]


def test_a_driver_is_passed_whole_and_shown_by_its_name() -> None:
    (point,) = grid.points(learners.messages, {"pages": 512, "driver": bl.DRIVERS["v10"]})
    assert point.parameters["driver"] is bl.DRIVERS["v10"]
    assert point.row == {"pages": 512, "driver": "v10"}


def test_one_and_one_point_nought_are_two_parameters() -> None:
    one, share = grid.points(bl.sweeps.balloon_and_compact, {"balloon": [1, 1.0]})
    assert one.key != share.key


EDITED = bl.DRIVERS["v9"].replace(tell_host=bl.DRIVERS["v10"].tell_host)
BAD = [
    ({"pagez": [1]}, UnknownNameError, "unknown parameter of balloon_and_compact 'pagez'; known: pages, balloon"),
    ({"pages": []}, BadValueError, "pages has no values"),
    ({"pages": [4096, 10**9]}, BadValueError, "pages is 1,000,000,000; .*16,777,216"),
    ({"pages": [64, 64]}, BadValueError, "pages has 64 twice"),
    ({"pages": "many"}, BadValueError, "pages is 'many'"),
    ({"seed": {1, 2}}, BadValueError, "seed is a set of 2; an axis is a list"),
    ({"seed": itertools.count()}, BadValueError, "seed is a count; an axis is a list"),
    ({"seed": range(10**9)}, BadValueError, "seed has 1,000,000,000 values"),
    ({"seed": range(10**30)}, BadValueError, "seed has too many values; a grid has at most 1,000,000"),
    ({"seed": range(3, 0)}, BadValueError, r"seed is range\(3, 0\), which is empty"),
    ({"workload": "a\udc80"}, BadValueError, "workload has a value that no table can hold: .* surrogate"),
    ({"keep": "no\0where"}, BadValueError, "keep is .*; it cannot be used"),
    ({"keep": "/dev/zero"}, BadValueError, "keep is '/dev/zero'; it cannot be used: it is no ordinary file"),
    ({"seed": range(2000), "pages": range(1, 2001)}, BadValueError, "number of experiments is 4,000,000"),
    ({"seed": -1}, BadValueError, "seed is -1"),
    ({"driver": ["v9", "v12"]}, UnknownNameError, "unknown driver 'v12'; known: linux-3.6"),
    ({"balloon": 4097}, BadValueError, "balloon is 4,097; .*from 0 to 4,096"),
    ({"balloon": 1.5}, BadValueError, "a share must be from 0.0 to 1.0"),
    ({"page_size": 8192}, BadValueError, "page_size is 8,192; legal: 4,096"),
    ({"placement": ["lowest", "middle"]}, UnknownNameError, "unknown placement 'middle'; known: lifo, lowest"),
    ({"placement": 1}, UnknownNameError, "unknown placement 1"),
    ({"engine": ["auto", "fast"]}, UnknownNameError, "unknown engine 'fast'; known: auto, steps, arrays"),
    (
        {"engine": "arrays", "driver": bl.DRIVERS["v9"].replace(tell_host=bl.DRIVERS["v10"].tell_host)},
        BadValueError,
        r"'arrays', which cannot do the driver v9\*; .* 'steps' or",
    ),
    ({"workload": "tetris"}, UnknownNameError, "unknown workload 'tetris'"),
    ({"workload": "tetris", "fraction": 0.5}, UnknownNameError, "unknown workload 'tetris'"),
    ({"workload": "holes", "fraction": 0.5}, UnknownNameError, "known: every. .*a sweep of their own"),
    ({"fraction": [0.5, 2]}, BadValueError, "fraction of workload 'random' is 2"),
    ({"driver": [["v9"]]}, BadValueError, "driver has a list"),
    ({"seed": np.zeros((2, 2))}, BadValueError, "an array of one dimension"),
    ({"error": 1}, BadValueError, "an axis is called 'error'"),
    ({"executor": 4}, BadValueError, r"client.get_executor\(\)"),
    ({"keep": 4}, BadValueError, "keep is 4"),
]


@pytest.mark.parametrize(("axes", "error", "words"), BAD, ids=[str(row[0])[:40] for row in BAD])
def test_bad_input_is_refused(axes: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        bl.sweep(**axes)  # type: ignore[arg-type]


def test_a_parameter_that_no_table_can_hold_is_refused() -> None:
    with pytest.raises(BadValueError, match="seed has a value that no table can hold: it has more than 4,300 digits"):
        bl.sweep(seed=10**5000)


@pytest.mark.parametrize(
    ("axes", "words"),
    [({"sead": 1}, "known: seed, scale"), ({}, "half needs seed, too")],
)
def test_a_learners_experiment_says_what_it_takes(axes: dict[str, object], words: str) -> None:
    with pytest.raises((BadValueError, UnknownNameError), match=words):
        bl.sweep(learners.half, **axes)  # type: ignore[arg-type]


def test_a_check_is_asked_before_anything_runs() -> None:
    ran = []

    def experiment(seed: int) -> int:
        ran.append(seed)
        return seed

    def check(seed: int) -> None:
        if seed == 2:
            raise BadValueError("seed is 2; it must not be.")

    experiment.check = check  # type: ignore[attr-defined]
    with pytest.raises(BadValueError, match="seed is 2"):
        bl.sweep(experiment, seed=range(3))
    assert ran == []


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(BadValueError, match="must be a function"):
        bl.sweep("balloon_and_compact", seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_check_takes_what_its_experiment_takes(name: str) -> None:
    experiment = EXPERIMENTS[name]
    check = experiment.check  # type: ignore[attr-defined]
    assert list(inspect.signature(check).parameters.values()) == list(inspect.signature(experiment).parameters.values())


def test_no_option_of_a_workload_is_called_like_a_parameter() -> None:
    own = set(inspect.signature(bl.sweeps.balloon_and_compact).parameters)
    for workload in WORKLOADS.values():
        assert not own & set(workload.options)
