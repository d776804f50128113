"""Decoders that trust nothing: bounded sizes, no pickles, and one error for whatever is wrong.

A decoder given damaged bytes may raise anything; here all of it becomes DamagedRecordingError with the file's name.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from balloonlab.foundations.errors import DamagedRecordingError

LARGEST = 1 << 28  # bytes of one file, packed or unpacked
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]


def damaged(path: Path, reason: str) -> DamagedRecordingError:
    """The error that names the file, with its recording, and says what is wrong with it."""
    return DamagedRecordingError(f"damaged recording: {path.parent.name}/{path.name}: {reason}.")


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises on the bytes of `path` into DamagedRecordingError."""
    try:
        yield
    except DamagedRecordingError:
        raise
    except FileNotFoundError as error:
        raise damaged(path, "the file is missing") from error
    except Exception as error:  # decoders of foreign bytes raise what they like
        raise damaged(path, f"cannot be decoded ({type(error).__name__}: {error})") from error


def read_bytes(path: Path) -> bytes:
    """The file, unpacked if its name ends in .gz or .xz; at most LARGEST bytes either way."""
    unpackers: dict[str, Any] = {".gz": lambda file: gzip.GzipFile(fileobj=file), ".xz": lzma.LZMAFile}
    with decoding(path), path.open("rb") as packed, unpackers.get(path.suffix, nullcontext)(packed) as file:
        content: bytes = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise damaged(path, f"larger than {LARGEST:,} bytes")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object in UTF-8 (packed or not), without NaN and infinities."""

    def no_constant(name: str) -> None:
        raise damaged(path, f"the number {name}")

    content = read_bytes(path)
    with decoding(path):
        value = json.loads(content.decode("utf-8"), parse_constant=no_constant)
    if not isinstance(value, dict):
        raise damaged(path, f"holds a {type(value).__name__}, not an object with names")
    return value


def read_table(path: Path, columns: list[str]) -> list[list[str]]:
    """The rows of a CSV file in UTF-8 (packed or not) whose first line names exactly `columns`."""
    content = read_bytes(path)
    with decoding(path):
        rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    if not rows or rows[0] != columns:
        raise damaged(path, f"the first line is {rows[:1]}, not the columns {columns}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            raise damaged(path, f"line {number} has {len(row)} fields, not {len(columns)}")
    return rows[1:]


def read_arrays(path: Path) -> dict[str, Array]:
    """The one-dimensional integer and float arrays of an .npz file, by name; nothing is ever unpickled."""
    content = read_bytes(path)
    arrays: dict[str, Array] = {}
    with decoding(path), zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(info.file_size for info in archive.infolist()) > LARGEST:
            raise damaged(path, f"unpacks to more than {LARGEST:,} bytes")
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name in arrays:
                raise damaged(path, f"two arrays are named {name!r}")
            arrays[name] = _array(archive.read(info), name, path)
    return arrays


def _array(content: bytes, name: str, path: Path) -> Array:
    stream = io.BytesIO(content)
    shape, _, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
    if len(shape) != 1 or dtype.kind not in "iuf":
        raise damaged(path, f"array {name!r} is {dtype} of shape {shape}, not a row of numbers")
    if len(content) - stream.tell() != shape[0] * dtype.itemsize:
        raise damaged(path, f"array {name!r} says {shape[0]:,} numbers and holds another count")
    return np.frombuffer(content, dtype, offset=stream.tell())


def integers(arrays: dict[str, Array], name: str, path: Path, low: int, high: int) -> Integers:
    """Array `name` as int64, every element in ``low..high``; raises DamagedRecordingError otherwise."""
    array = _present(arrays, name, path)
    if array.dtype.kind not in "iu":
        raise damaged(path, f"array {name!r} is {array.dtype}, not whole numbers")
    if array.size and not low <= int(array.min()) <= int(array.max()) <= high:
        raise damaged(path, f"array {name!r} spans {array.min()}..{array.max()}, outside {low}..{high}")
    return _frozen(array.astype(np.int64))


def times(arrays: dict[str, Array], name: str, path: Path) -> npt.NDArray[np.float64]:
    """Array `name` as float64 seconds: finite, never negative, never going back."""
    array = _present(arrays, name, path)
    if array.dtype.kind != "f" or not np.isfinite(array).all() or (array < 0).any() or (np.diff(array) < 0).any():
        raise damaged(path, f"array {name!r} is not a row of times that only go forward")
    return _frozen(array.astype(np.float64))


def _present(arrays: dict[str, Array], name: str, path: Path) -> Array:
    if name not in arrays:
        raise damaged(path, f"array {name!r} is missing; there are {sorted(arrays)}")
    return arrays[name]


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array


def member(mapping: dict[str, Any], key: str, kind: type, path: Path) -> Any:  # noqa: ANN401 - of the kind asked for
    """``mapping[key]``, which must be there and of that kind (a bool is no int; a float may be written as an int)."""
    value = mapping.get(key)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 1 << 53 else None
    if (
        not isinstance(value, kind)
        or isinstance(value, bool)
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        raise damaged(path, f"{key!r} is {str(mapping.get(key))[:60]!r}, not a {kind.__name__}")
    return value


def whole(text: str, what: str, path: Path, high: int) -> int:
    """The whole number in ``0..high`` that decimal digits spell."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and int(text) <= high):
        raise damaged(path, f"{what} is {text[:60]!r}, not a whole number from 0 to {high}")
    return int(text)


def seconds(text: str, what: str, path: Path) -> float:
    """The time that a decimal number spells: finite, not negative."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise damaged(path, f"{what} is {text[:60]!r}, not a time in seconds")
    return value
