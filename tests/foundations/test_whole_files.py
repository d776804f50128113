"""Files are there whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from balloonlab.foundations.errors import BadValueError, NotWrittenError
from balloonlab.foundations.whole_files import checked_place, shown_path, written_whole

FULL = Path("/dev/full")


def write(place: Path, content: bytes) -> None:
    with written_whole(place) as stream:
        stream.write(content)


def write_and_fail(place: Path, error: type[BaseException]) -> None:
    with written_whole(place) as stream:
        stream.write(b"half")
        raise error


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    place = tmp_path / "file"
    write(place, b"one")
    mode = stat.S_IMODE(place.stat().st_mode)
    other = tmp_path / "other"
    other.write_bytes(b"")
    assert mode == stat.S_IMODE(other.stat().st_mode)  # as files are made here
    place.chmod(0o640)
    write(place, b"two")
    assert (place.read_bytes(), stat.S_IMODE(place.stat().st_mode)) == (b"two", 0o640)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "other"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"one")
    link = tmp_path / "link"
    link.symlink_to("file")
    write(checked_place("path", link), b"two")
    assert link.is_symlink()
    assert (tmp_path / "file").read_bytes() == b"two"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_writer_that_fails_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    place = tmp_path / "file"
    for before in ([], [place]):
        with pytest.raises(NotWrittenError if error is OSError else error):
            write_and_fail(place, error)
        assert list(tmp_path.iterdir()) == before
        place.write_bytes(b"one")
    assert place.read_bytes() == b"one"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"one")
    code = (
        "import resource, sys; from pathlib import Path; from balloonlab.foundations.whole_files import written_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with written_whole(Path(sys.argv[1])) as stream: stream.write(bytes(5000))"
    )
    ran = subprocess.run([sys.executable, "-c", code, place], capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1].endswith(f"NotWrittenError: {str(place)!r} was not written: File too large.")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"one"]


def test_no_device_is_replaced() -> None:
    write(checked_place("path", os.devnull), b"one")
    assert Path(os.devnull).is_char_device()
    if FULL.exists():
        with pytest.raises(NotWrittenError, match="'/dev/full' was not written: No space left"):
            write(checked_place("path", FULL), b"one")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".", "it is a folder"),
        ("none/file", "there is no folder"),
        ("file/file", "there is no folder"),
        ("\0", "null"),
        ("x" * 5000, "'...x*'; it cannot be used: File name too long"),
        (5, "path is a int; it must be the path of a file"),
        (b"file", "path is a bytes"),
        (None, "path is a NoneType"),
    ],
)
def test_a_place_where_no_file_can_be(
    path: object, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"one")
    with pytest.raises(BadValueError, match=words):
        checked_place("path", path)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_may_not_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "file").chmod(0o400)
    with pytest.raises(BadValueError, match="Permission denied"):
        checked_place("path", tmp_path / "file")
    tmp_path.chmod(0o500)
    with pytest.raises(BadValueError, match="Permission denied"):
        checked_place("path", tmp_path / "new")


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    assert checked_place("path", str(tmp_path / "new")) == tmp_path / "new"
    (tmp_path / "old").write_bytes(b"one")
    checked_place("path", tmp_path / "old")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"one")]


def test_a_long_path_is_shown_by_its_end() -> None:
    assert shown_path("a/b") == "'a/b'"
    assert len(shown_path("a/" * 5000)) < 220
