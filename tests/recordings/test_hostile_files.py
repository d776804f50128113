"""Small files that would take the machine's memory, and what is no file, no number, no name: refused at once."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import lzma
import os
import zipfile
from pathlib import Path

import pytest

from balloonlab import recordings
from balloonlab.foundations.errors import DamagedRecordingError, UnknownNameError
from balloonlab.foundations.words import shown
from balloonlab.recordings import reading
from tests.recordings.damage import CONTENT, load_damaged

TEXTS = "pagetypeinfo_zoneinfo.json.gz"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"pagetypeinfo": ' + b"[" * 100 + b"]" * 100 + b"}", "101 objects and lists, 101 inside each other"),
        (b'{"pagetypeinfo": [' + b"[]," * 100_000 + b"[]]}", "100,003 objects and lists, 3 inside each other"),
    ],
)
def test_json_of_too_many_lists_is_refused_before_it_is_parsed(
    folder: Path, content: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "lists.json.gz"
    path.write_bytes(gzip.compress(content))
    monkeypatch.setattr(reading.json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    with pytest.raises(DamagedRecordingError, match=reason):
        reading.read_json(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a": "' + b'\\"' * 2_000_000 + b'"}', "'pagetypeinfo' is None"),  # a text, however long
        (b'{"a": "' + b'\\"[' * 1_000_000, "cannot be decoded"),
        (b'{"a": "' + b"\\" * 1_000_001, "cannot be decoded"),
        (b" " * 5_000_000, "larger than 4,194,304 bytes"),
    ],
)
def test_json_of_long_texts_is_read_or_refused_in_no_time(folder: Path, content: bytes, reason: str) -> None:
    assert reason in str(load_damaged(folder, TEXTS, gzip.compress(content)))


def test_brackets_in_texts_are_no_lists(folder: Path) -> None:
    path = folder / "texts.json"
    path.write_bytes(json.dumps({"a": "[{" * 200_000, "b\\": ['"]', "\\"]}).encode())
    assert reading.read_json(path)["b\\"] == ['"]', "\\"]


def test_a_table_with_one_endless_line_or_row_is_refused(folder: Path) -> None:
    for line in (b"1" * 2_000_000, b"," * 2_000_000):
        content = b"t_us,cpu,task,event,args\n" + line
        reason = str(load_damaged(folder, "guest_events.csv.xz", lzma.compress(content)))
        assert "a line of more than 10,000 characters" in reason


def test_an_archive_of_a_million_entries_or_packed_strangely_is_refused(folder: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for i in range(2_000):
            archive.writestr(f"{i}.npy", b"")
    assert "more than 1,000 arrays" in str(load_damaged(folder, "messages.npz", stream.getvalue()))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("pfn.npy", b"")
    assert "packed in a way" in str(load_damaged(folder, "messages.npz", stream.getvalue()))


def test_arrays_of_more_numbers_than_any_guest_has_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_NUMBERS", 1_000)
    assert "'pfn' has 16,384 numbers" not in str(load_damaged(folder, "messages.npz", CONTENT["messages.npz"]))
    assert "numbers, more than 1,000" in str(load_damaged(folder, "messages.npz", CONTENT["messages.npz"]))


def test_an_unpacker_that_would_take_gigabytes_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "XZ_MEMORY", 1 << 16)
    reason = str(load_damaged(folder, "guest_events.csv.xz", CONTENT["guest_events.csv.xz"]))
    assert "cannot be decoded (LZMAError: Memory usage limit exceeded)" in reason


@pytest.mark.parametrize("name", CONTENT)
def test_a_pipe_in_place_of_a_file_is_not_waited_for(folder: Path, name: str) -> None:
    path = folder / name
    path.unlink()
    os.mkfifo(path)
    try:
        with pytest.raises(DamagedRecordingError, match=rf"{name}: no file of bytes"):
            recordings.load(folder)
    finally:
        path.unlink()
        path.write_bytes(CONTENT[name])


@pytest.mark.parametrize("time", ["1_0", "\u0661\u0663.\u0665", "1e400", " 1", "+1", "0x1", "1.", "infinity", "1" * 40])
def test_a_time_is_written_in_ascii_digits(folder: Path, time: str) -> None:
    lines = CONTENT["config.csv"].decode().splitlines()
    fields = lines[1].split(",")
    lines[1] = ",".join([fields[0], time, *fields[2:]])
    reason = load_damaged(folder, "config.csv", "\n".join(lines).encode())
    assert f"t is {shown(time)}, not a time in seconds" in str(reason)


@pytest.mark.parametrize("name", ["x" * 5_000, "../" * 2_000, "a\0b", "", "\ud800", Path("x" * 5_000)])
def test_a_name_that_can_be_no_path_is_an_unknown_name(name: str | Path, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path), pytest.raises((UnknownNameError, DamagedRecordingError)) as caught:
        recordings.load(name)
    assert len(str(caught.value)) < 400
