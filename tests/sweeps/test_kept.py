"""Files of rows: torn ones are mended, strange ones are refused and left alone."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from balloonlab.foundations.errors import BadValueError
from balloonlab.sweeps import sweep
from balloonlab.sweeps.kept import Kept
from tests.sweeps import learners


def test_a_line_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    whole = sweep(learners.half, keep=path, seed=range(3))
    text = path.read_bytes()
    for cut in range(text.index(b"\n") + 1, len(text)):
        path.write_bytes(text[:cut])
        assert sweep(learners.half, keep=path, seed=range(3)) == whole
        assert path.read_bytes() == text


def test_a_row_is_in_the_file_as_soon_as_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"

    def rows_so_far(seed: int) -> int:
        del seed
        return len(path.read_bytes().splitlines()) - 1  # the first line is of the experiment

    assert sweep(rows_so_far, keep=path, seed=range(3))["result"].tolist() == [0, 1, 2]


def test_every_cell_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"

    def experiment(seed: int) -> dict[str, object]:
        return {"a": 0.1 + seed, "b": None, "c": 2**70, "d": "ü\n", "e": True, "f": float("inf")}

    table = sweep(experiment, keep=path, seed=range(2))
    again = sweep(experiment, keep=path, seed=range(2))
    assert [list(map(repr, row.values())) for row in again] == [list(map(repr, row.values())) for row in table]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dear diary", "no sweep has made"),
        ("dear diary\n", "line 1 no sweep has written"),
        ('{"format": "another"}\n', "line 1 no sweep has written"),
        ("[]\n", "line 1"),
        ("HEAD\n17\n", "line 2"),
        ('HEAD\n{"parameters": {"seed": [1]}, "results": {}}\n', "line 2"),
        ('HEAD\n{"parameters": {"seed": 1}}\n', "line 2"),
        (b"\xff\xfe\n", "line 1"),
        ("HEAD\n" + "[" * 100_000 + "\n", "line 2"),
    ],
)
def test_a_strange_file_is_refused_and_left_alone(text: str | bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    sweep(learners.half, keep=path, seed=0)
    head = path.read_text().splitlines()[0]
    strange = text if isinstance(text, bytes) else text.replace("HEAD", head).encode()
    path.write_bytes(strange)
    with pytest.raises(BadValueError, match=words):
        sweep(learners.half, keep=path, seed=0)
    assert path.read_bytes() == strange


def test_rows_of_another_experiment_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    table = sweep(learners.half, keep=path, seed=0)
    for keep in (path, table):
        with pytest.raises(BadValueError, match=r"made by tests\.sweeps\.learners\.half .*each has its own"):
            sweep(learners.picky, keep=keep, seed=0)


def test_rows_of_an_older_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    sweep(learners.half, keep=path, seed=0)
    head, rest = path.read_text().split("\n", 1)
    path.write_text(f'{head[:-3]}0"}}\n{rest}' if head[-3] != "0" else f'{head[:-3]}1"}}\n{rest}')
    with pytest.raises(BadValueError, match="its text was another"):
        sweep(learners.half, keep=path, seed=0)


def test_an_experiment_without_a_text_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="its text cannot be read"):
        sweep(functools.partial(learners.half, scale=2.0), keep=tmp_path / "rows.jsonl", seed=0)
    assert sweep(functools.partial(learners.half, scale=2.0), seed=1)["half"].tolist() == [1.0]


def test_a_place_where_no_file_can_be_is_said_before_anything_runs(tmp_path: Path) -> None:
    for keep, words in ((tmp_path / "none" / "rows", "there is no folder"), (tmp_path, "cannot be used")):
        with pytest.raises(BadValueError, match=words):
            sweep(learners.half, keep=keep, seed=0)


def test_nothing_is_open_afterwards(tmp_path: Path) -> None:
    kept = Kept(learners.half, tmp_path / "rows.jsonl")
    with kept:
        assert kept._file is not None
    assert kept._file.closed
