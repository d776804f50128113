"""Rows that are done: in memory, and in a file to which each is added as soon as it is there.

The file has a line of JSON for the experiment, then one for each row. A line that an end cut short is dropped; whatever
else is no such file is refused and left alone.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from balloonlab.foundations.errors import BadValueError, NotWrittenError
from balloonlab.foundations.interrupt import held_back
from balloonlab.foundations.whole_files import checked_place, shown_path, written_whole
from balloonlab.sweeps.cells import ERROR, Cell, Row, plain
from balloonlab.sweeps.grid import Experiment, Point, key_of, name_of
from balloonlab.sweeps.table import Table

_FORMAT = "rows of balloonlab.sweep, 1"


def identity(experiment: Experiment) -> str:
    """Module, name and text of a function; "" for what has no text to be read.

    Rows of another text are not taken for this one's. What the function calls may change unseen.
    """
    if not inspect.isfunction(experiment):
        return ""
    try:
        text = inspect.getsource(experiment)
    except (OSError, TypeError):
        return ""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{experiment.__module__}.{experiment.__qualname__} {digest}"


class Kept:
    """The results that are known, by experiment; a context manager that holds the file open.

    keep: None, the Table of an earlier sweep, or the path of a file (made if it is not there, in a folder that is).
    Raises BadValueError for anything else, for a file that is none of these, and for rows of another experiment.
    """

    def __init__(self, experiment: Experiment, keep: Table | str | Path | None) -> None:
        self.identity = identity(experiment)
        self._results: dict[str, Row] = {}
        self._path: Path | None = None
        self._file: IO[bytes] | None = None
        if keep is None:
            return
        if not isinstance(keep, Table | str | Path):
            raise BadValueError(f"keep is {keep!r}; it must be the table of an earlier sweep, or the path of a file.")
        if not self.identity:
            raise BadValueError(
                f"rows of {name_of(experiment)} cannot be kept: its text cannot be read, so nobody could tell later "
                "whether they are still its rows. Define it with def, in a file or a notebook."
            )
        if isinstance(keep, Table):
            self._check("the table in keep", keep.made_by)
            for row in keep.rows:
                if ERROR not in row:
                    key = key_of({name: row[name] for name in keep.parameters})
                    self._results[key] = {name: cell for name, cell in row.items() if name not in keep.parameters}
        else:
            self._path = checked_place("keep", keep)
            self._read(self._path)

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                if not self._path.exists() or self._path.stat().st_size == 0:
                    with written_whole(self._path) as stream:
                        stream.write(_line({"format": _FORMAT, "experiment": self.identity}))
                self._file = self._path.open("ab")
            except OSError as error:
                raise _no_file(self._path, error.strerror or error) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            with suppress(OSError):  # it was told when the line was written
                self._file.close()

    def results(self, point: Point) -> Row | None:
        """What is known of an experiment, None if nothing is."""
        return self._results.get(point.key)

    def add(self, point: Point, results: Row) -> None:
        """Keep the results of an experiment; an interrupt waits until the line is whole.

        Raises NotWrittenError if the disk does not take it; a line that was begun is dropped when the file is read.
        """
        with held_back():
            self._results[point.key] = results
            if self._file is not None:
                try:
                    self._file.write(_line({"parameters": point.row, "results": results}))
                    self._file.flush()
                except OSError as error:
                    raise NotWrittenError(f"{shown_path(self._file.name)} takes no more: {error.strerror}") from error

    def _check(self, what: str, made_by: object) -> None:
        if made_by == self.identity:
            return
        name = self.identity.partition(" ")[0]
        if isinstance(made_by, str) and made_by.partition(" ")[0] == name:
            raise BadValueError(
                f"{what} was made by {name} when its text was another, so its rows may differ from those of today: "
                "begin a new one."
            )
        raise BadValueError(f"{what} was made by {made_by or 'no sweep'}, this is {name}: each has its own.")

    def _read(self, path: Path) -> None:
        text = _content(path)
        lines = text.split(b"\n")
        torn = lines.pop()
        if not lines and torn:
            raise BadValueError(f"keep is {str(path)!r}, a file that no sweep has made; it is left alone.")
        for number, line in enumerate(lines, 1):
            try:
                self._take(path, number, json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                if isinstance(error, BadValueError):
                    raise
                raise BadValueError(
                    f"keep is {str(path)!r}, whose line {number} no sweep has written; the file is left alone."
                ) from None
        if torn:
            os.truncate(path, len(text) - len(torn))

    def _take(self, path: Path, number: int, line: Any) -> None:  # noqa: ANN401
        if number == 1:
            if line["format"] != _FORMAT:
                raise ValueError
            self._check(f"keep is {str(path)!r}, which", line["experiment"])
            return
        self._results[key_of(_cells(line["parameters"]))] = _cells(line["results"])


def _cells(row: dict[str, Any]) -> dict[str, Cell]:
    return {name: plain(value) for name, value in row.items()}


def _content(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():  # it might never end
            raise _no_file(path, "it is no ordinary file")
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise _no_file(path, error.strerror) from None


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _no_file(path: Path, reason: object) -> BadValueError:
    return BadValueError(f"keep is {shown_path(path)}; it cannot be used: {reason}.")
