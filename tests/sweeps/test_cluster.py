"""A real dask cluster on this machine, through its own executor."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from balloonlab.foundations.errors import BadValueError
from balloonlab.sweeps import ExecutorFailedError, sweep
from tests.sweeps import learners

if os.environ.get("CI", "").lower() == "true":
    distributed: Any = importlib.import_module("distributed")
else:
    distributed = pytest.importorskip("distributed", reason="pip install distributed (the extra `cluster`)")


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_cluster_gives_the_same_table(client: distributed.Client) -> None:
    axes = {"pages": [512, 2048], "driver": ["v9", "linux-6.1"], "seed": range(2), "balloon": 0.25}
    with client.get_executor() as executor:
        assert sweep(executor=executor, **axes) == sweep(**axes)


def test_a_failure_on_a_cluster_costs_its_own_row(client: distributed.Client) -> None:
    with client.get_executor() as executor:
        assert sweep(learners.picky, executor=executor, seed=range(4)) == sweep(learners.picky, seed=range(4))


def test_an_interrupt_on_a_cluster_keeps_what_is_done(client: distributed.Client, tmp_path: Path) -> None:
    axes = {"seed": range(6), "folder": str(tmp_path)}
    keep = tmp_path / "rows.jsonl"
    with client.get_executor() as executor:
        first = sweep(learners.once, executor=executor, keep=keep, **axes)
        assert first.why.startswith("interrupted after ")
    with client.get_executor() as executor:
        second = sweep(learners.once, executor=executor, keep=keep, **axes)
    assert second["result"].tolist() == [0, 10, 20, 30, 40, 50]
    for seed in first["seed"].tolist():
        assert (tmp_path / f"runs-{seed}").read_bytes() == b"."


def test_what_a_cluster_cannot_have_is_said(client: distributed.Client) -> None:
    lock = threading.Lock()
    with client.get_executor() as executor, pytest.raises(ExecutorFailedError, match="did not run"):
        sweep(lambda seed: (seed, lock), executor=executor, seed=range(2))


def test_a_client_is_no_executor(client: distributed.Client) -> None:
    with pytest.raises(BadValueError, match=r"client.get_executor\(\)"):
        sweep(learners.half, executor=client, seed=1)


def test_a_sweep_after_an_interrupted_one_runs_everything(client: distributed.Client, tmp_path: Path) -> None:
    with client.get_executor() as executor:
        for folder in ("a", "b", "c"):  # the cancelling of one races with the next
            (tmp_path / folder).mkdir()
            axes = {"seed": range(6), "folder": str(tmp_path / folder)}
            assert sweep(learners.once, executor=executor, **axes).why
            assert len(sweep(learners.once, executor=executor, **axes).failed) == 0
