"""Files that are written whole or not at all: what stood at a place stays until the new file is complete.

A file is written beside its place and then renamed. What is no ordinary file (a terminal, a pipe) is written as it is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from balloonlab.foundations.errors import BadValueError, NotWrittenError

_SHOWN = 200  # characters of a path in a message


def checked_place(what: str, path: object) -> Path:
    """`path` as a Path to which a file can be written, as far as can be known before it is.

    what: how the place is called in messages. Raises BadValueError for what is no path, for a folder, for a place in
    a folder that is not there, and for one that may not be written to; nothing is changed.
    """
    if not isinstance(path, str | Path):
        raise BadValueError(f"{what} is a {type(path).__name__}; it must be the path of a file.")
    try:
        against = _against(Path(path))
    except OSError as error:
        against = f"it cannot be used: {error.strerror or error}"
    except ValueError as error:  # a path with a null character
        against = f"it cannot be used: {error}"
    if against:
        raise BadValueError(f"{what} is {shown_path(path)}; {against}.")
    return Path(path)


@contextmanager
def written_whole(place: Path) -> Iterator[IO[bytes]]:
    """A stream whose bytes become the file at `place` when the block ends well.

    If it does not, nothing of it stays. Raises NotWrittenError if the file cannot be written, or not to its end.
    """
    try:
        if not _ordinary(place):
            with place.open("wb") as stream:
                yield stream
            return
        beside = _beside(place)
        try:
            with beside.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileNotFoundError):
                shutil.copymode(place, beside)
            beside.replace(place.resolve())
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise NotWrittenError(f"{shown_path(place)} was not written: {error.strerror or error}.") from error


def shown_path(path: str | Path) -> str:
    """A path in a message: its end, if it is long."""
    text = str(path)
    return repr(text if len(text) <= _SHOWN else f"...{text[-_SHOWN:]}")


def _against(place: Path) -> str:
    """What speaks against a file there, in words; "" if nothing does. Raises OSError and ValueError."""
    if place.is_dir():
        return "it cannot be used: it is a folder"
    if not place.parent.is_dir():
        return f"there is no folder {shown_path(place.parent)}"
    if not _ordinary(place):
        return "" if os.access(place, os.W_OK) else "it cannot be used: it may not be written to"
    with suppress(FileNotFoundError):
        os.close(os.open(place, os.O_WRONLY))
    beside = _beside(place)
    try:
        beside.open("xb").close()
    finally:
        beside.unlink(missing_ok=True)
    return ""


def _ordinary(place: Path) -> bool:
    return not place.is_relative_to("/dev") and (place.is_file() or not place.exists())


def _beside(place: Path) -> Path:
    return place.resolve().with_name(f".{uuid4().hex}.part")
