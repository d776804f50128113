"""Running a grid: the same table everywhere, failures that cost a row, interrupts that cost nothing that is done."""

from __future__ import annotations

import csv
import functools
import itertools
import multiprocessing
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

import balloonlab as bl
from balloonlab.explore.search.limits import Limits
from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.progress_line import ProgressLine
from balloonlab.memory.placement import PLACEMENTS
from balloonlab.sweeps import ExecutorFailedError, Table, sweep
from tests.sweeps import learners

ROOT = Path(__file__).resolve().parents[2]
GRID = {"pages": [512, 2048], "driver": ["v9", "linux-6.1"], "seed": range(2), "balloon": 0.25}


@pytest.fixture(scope="module")
def here() -> Table:
    return sweep(**GRID)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_every_executor_gives_the_same_table(where: str, here: Table, request: pytest.FixtureRequest) -> None:
    assert len(here) == 8
    assert sweep(**GRID, executor=request.getfixturevalue(where)) == here


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_a_placement_is_the_same_everywhere(where: str, request: pytest.FixtureRequest) -> None:
    grid = {"pages": 2048, "placement": PLACEMENTS, "seed": range(2), "driver": "linux-6.1"}
    table = sweep(**grid)  # type: ignore[arg-type]
    assert sweep(**grid, executor=request.getfixturevalue(where)) == table  # type: ignore[arg-type]
    assert len({tuple(table.where(placement=name)["moved"]) for name in PLACEMENTS}) == len(PLACEMENTS)


class Backwards(Executor):
    """Runs nothing until all are submitted, then the last first."""

    def __init__(self, count: int) -> None:
        self.waiting: list[tuple[Future[object], functools.partial[object]]] = []
        self.count = count

    def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:
        self.waiting.append((Future(), functools.partial(fn, *args, **kwargs)))
        if len(self.waiting) == self.count:
            for future, call in reversed(self.waiting):
                future.set_result(call())
        return self.waiting[-1][0]


def test_rows_stand_in_the_grids_order_whoever_ends_first() -> None:
    assert sweep(learners.half, seed=range(6), executor=Backwards(6)) == sweep(learners.half, seed=range(6))


def test_a_failure_costs_its_own_row(threads: Executor) -> None:
    table = sweep(learners.picky, seed=range(4))
    assert table.columns == ("seed", "result", "error")
    assert table.rows == [
        {"seed": 0, "result": -3.0},
        {"seed": 1, "error": "BadValueError: seed is 1; it must be another."},
        {"seed": 2, "error": table.rows[2]["error"]},
        {"seed": 3, "result": 6.0},
    ]
    assert str(table.rows[2]["error"]).startswith("ZeroDivisionError: division by zero (line ")
    assert str(table.rows[2]["error"]).endswith(" of picky)")
    assert "4 experiments; 2 of them failed" in str(table)
    assert table.failed["seed"].tolist() == [1, 2]
    assert sweep(learners.picky, seed=range(4), executor=threads) == table
    assert "SystemExit" in str(sweep(learners.leaves, seed=3).rows[0]["error"])


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ({"x": [1]}, "result 'x' must be a number"),
        ({"seed": 1}, "a result is called 'seed'"),
        ({"error": 1}, "a result is called 'error'"),
        ({3: 1}, "a result is called 3"),
        ({"\udc80": 1}, "a result is called"),
        ({"x": 10**4300}, "result 'x' must be a number.*; it has more than 4,300 digits"),
        ({"x": -(10**5000)}, "it has more than 4,300 digits"),
        ({"x": "half \udc80"}, "it holds half of a surrogate pair"),
    ],
)
def test_results_that_fit_no_cell_are_said(returned: object, words: str) -> None:
    (row,) = sweep(lambda seed: returned, seed=[1])  # noqa: ARG005
    assert re.search(words, str(row["error"]))


class MuteError(BaseException):
    def __str__(self) -> str:
        raise ValueError


def test_one_bad_result_is_one_bad_row(tmp_path: Path) -> None:
    def experiment(seed: int) -> object:
        if seed == 3:
            raise MuteError
        if seed == 4:
            raise ValueError("half \udc80")
        return [10**4299, 10**5000, "half \udc80"][seed] if seed < 3 else seed

    keep = tmp_path / "rows"
    for _ in range(2):
        table = sweep(experiment, keep=keep, seed=range(6))
        assert table["seed"].tolist() == list(range(6))
        assert table.failed["seed"].tolist() == [1, 2, 3, 4]
        assert "MuteError" in table.rows[3]["error"]
        assert "ValueError: half \\udc80" in table.rows[4]["error"]
        assert len(list(csv.reader(table.to_csv(tmp_path / "table.csv").splitlines()))) == 7
        assert b"half" in str(table).encode()
        assert b"half" in table._repr_html_().encode()
    assert len(keep.read_text().splitlines()) == 3


def test_a_disk_that_is_full_ends_a_kept_sweep_and_loses_no_row(tmp_path: Path) -> None:
    keep = tmp_path / "rows"
    code = (
        "import resource, sys; from balloonlab.sweeps import sweep; from tests.sweeps import learners\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "print(sweep(learners.half, seed=range(100), keep=sys.argv[1]).only('seed'))"
    )
    ran = subprocess.run([sys.executable, "-c", code, keep], cwd=ROOT, capture_output=True, text=True, check=False)
    *rows, last = ran.stdout.splitlines()
    assert 1 < len(rows) < 50, ran.stderr
    assert re.search(r"; ended after \d+ of 100, since '.*rows' takes no more: File too large", last)
    assert len(sweep(learners.half, seed=range(100), keep=keep)) == 100  # goes on where it was


def test_a_disk_that_is_full_from_the_start_leaves_no_empty_file(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from balloonlab.sweeps import sweep; from tests.sweeps import learners\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\nsweep(learners.half, seed=1, keep=sys.argv[1])"
    )
    command = [sys.executable, "-c", code, tmp_path / "rows"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "BadValueError: keep is " in ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["here", "threads", "processes"])
def test_after_an_interrupt_only_what_is_missing_is_done(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    executor = None if where == "here" else request.getfixturevalue(where)
    axes = {"seed": range(5), "folder": str(tmp_path)}
    first = sweep(learners.once, executor=executor, **axes)
    assert first.why.startswith("interrupted after ")
    done = first["seed"].tolist()
    assert 2 not in done
    if where == "here":
        assert done == [0, 1]
    second = sweep(learners.once, executor=executor, keep=first, **axes)
    assert (second["result"].tolist(), second.why) == ([0, 10, 20, 30, 40], "")
    for seed in done:
        assert (tmp_path / f"runs-{seed}").read_bytes() == b"."


def test_a_file_keeps_what_is_done(tmp_path: Path) -> None:
    axes = {"seed": range(4), "folder": str(tmp_path)}
    path = tmp_path / "rows.jsonl"
    assert len(sweep(learners.once, keep=path, **axes)) == 2
    assert len(path.read_text().splitlines()) == 3
    table = sweep(learners.once, keep=path, **axes)
    assert table["result"].tolist() == [0, 10, 20, 30]
    assert (tmp_path / "runs-0").read_bytes() == b"."
    assert sweep(learners.once, keep=path, **axes) == table
    assert (tmp_path / "runs-3").read_bytes() == b"."


def test_a_larger_grid_runs_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    axes = {"folder": str(tmp_path)}
    sweep(learners.once, keep=path, seed=[0, 1], **axes)
    assert sweep(learners.once, keep=path, seed=[3, 1], **axes)["seed"].tolist() == [3, 1]
    assert (tmp_path / "runs-1").read_bytes() == b"."


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    first = sweep(learners.picky, keep=path, seed=range(4))
    assert len(path.read_text().splitlines()) == 3
    assert sweep(learners.picky, keep=path, seed=range(4)) == first
    assert sweep(learners.picky, keep=first, seed=range(4)) == first


def signalled_after(count: int) -> Callable[..., int]:
    ran = itertools.count(1)

    def experiment(seed: int) -> int:
        if next(ran) == count:
            signal.raise_signal(signal.SIGINT)
        return bl.Guest(512, seed=seed).inflate(300).messages

    return experiment


def test_ctrl_c_ends_a_sweep_and_keeps_its_rows() -> None:
    experiment = signalled_after(3)
    before = signal.getsignal(signal.SIGINT)
    table = sweep(experiment, seed=range(5))
    assert table["seed"].tolist() == [0, 1]
    assert signal.getsignal(signal.SIGINT) is before
    assert sweep(experiment, keep=table, seed=range(5))["result"].tolist() == [2] * 5


def test_what_an_interrupt_cut_short_is_no_result() -> None:
    """An exploration that is interrupted ends as "not finished", and raises nothing."""

    def experiment(seed: int) -> str:
        with interrupted_exploration():
            return bl.explore(bl.scenario("inflate")).verdict.value + str(seed)

    table = sweep(experiment, seed=range(2))
    assert (len(table), table.why[:21]) == (0, "interrupted after 0 o")


@contextmanager
def interrupted_exploration() -> Iterator[None]:
    """An interrupt comes with the first state."""
    honest = Limits.reached

    def reached(self: Limits, states: int, taken: int) -> str:
        signal.raise_signal(signal.SIGINT)
        return honest(self, states, taken)

    Limits.reached = reached  # type: ignore[method-assign]
    try:
        yield
    finally:
        Limits.reached = honest  # type: ignore[method-assign]


def test_ctrl_c_while_an_executor_works() -> None:
    release = threading.Event()

    def experiment(seed: int) -> int:
        if seed == 1:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            release.wait(60)
        return seed

    with ThreadPoolExecutor(1) as pool:
        try:
            table = sweep(experiment, executor=pool, seed=range(50))
        finally:
            release.set()
    assert table["seed"].tolist() == [0]
    assert table.why.startswith("interrupted after 1 of 50")


def test_a_function_that_workers_cannot_have_is_said(processes: Executor) -> None:
    with pytest.raises(ExecutorFailedError, match="put the function into a module") as raised:
        sweep(lambda seed: seed, executor=processes, seed=range(3))
    assert len(raised.value.table) == 0


def test_a_closed_executor_is_said() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(ExecutorFailedError, match="after shutdown"):
        sweep(learners.half, executor=pool, seed=1)


def test_a_worker_that_dies_leaves_what_is_done(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        pytest.raises(ExecutorFailedError, match="1 of 3 experiments are done") as raised,
    ):
        sweep(learners.dies, executor=pool, keep=path, seed=range(3))
    assert raised.value.table.rows == [{"seed": 0, "result": 0}]
    assert len(path.read_text().splitlines()) == 2


def test_no_row_is_lost_if_only_some_could_not_be_sent(threads: Executor) -> None:
    class Picky(Executor):
        def submit(self, fn: Callable[..., object], /, *args: object, **kwargs: object) -> Future[object]:
            if args[1] == {"seed": 1}:
                future: Future[object] = Future()
                future.set_exception(TypeError("too heavy"))
                return future
            return threads.submit(fn, *args, **kwargs)

    table = sweep(learners.half, executor=Picky(), seed=range(3))
    assert table.failed.rows == [{"seed": 1, "error": "not run: TypeError: too heavy"}]


def test_a_class_of_executors_is_none() -> None:
    with pytest.raises(BadValueError, match="that is open"):
        sweep(learners.half, executor=ThreadPoolExecutor, seed=1)  # type: ignore[arg-type]


def test_progress_is_a_line_in_a_terminal_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balloonlab.foundations.interrupt.time.monotonic", itertools.count(0, 5).__next__)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    written: list[str] = []
    monkeypatch.setattr("sys.stderr", Terminal(written))
    sweep(learners.half, seed=range(4))
    assert "\r[##########..........] sweeping half: 2 of 4 experiments (Ctrl-C to stop) " in written
    assert written[-1].strip() == ""


def test_progress_is_a_bar_in_a_notebook_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balloonlab.foundations.interrupt.time.monotonic", itertools.count(0, 5).__next__)
    notebook = ModuleType("ipykernel")
    notebook.version_info = (7, 0, 0)  # type: ignore[attr-defined]  (ipywidgets asks)
    monkeypatch.setitem(sys.modules, "ipykernel", notebook)
    said: list[tuple[str, float]] = []

    class Noted(ProgressLine):
        def take_away(self) -> None:
            said.append((self.text, self.share))
            super().take_away()
            said.append((self.text, self.share))

    monkeypatch.setattr("balloonlab.foundations.progress_line.ProgressLine", Noted)
    sweep(learners.half, seed=range(4))
    assert said == [("sweeping half: 4 of 4 experiments (interrupt the kernel to stop)", 1.0), ("", 1.0)]


def test_on_a_worker_there_are_no_signs_of_life(threads: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balloonlab.foundations.interrupt.time.monotonic", itertools.count(0, 5).__next__)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    written: list[str] = []
    monkeypatch.setattr("sys.stderr", Terminal(written))
    sweep(learners.messages, pages=[512, 600], executor=threads)
    assert written
    assert not [text for text in written if "steps" in text]
    written.clear()
    sweep(learners.messages, pages=512)
    assert [text for text in written if "steps" in text]


class Terminal:
    def __init__(self, written: list[str]) -> None:
        self.written = written

    def write(self, text: str) -> None:
        self.written.append(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True
