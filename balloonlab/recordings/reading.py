"""Decoders that trust nothing: bounded sizes, no pickles, and one error for whatever is wrong.

A decoder given damaged bytes may raise anything; here all of it becomes DamagedRecordingError with the file's name.
What a file unpacks to is bounded before it is unpacked, and what a text makes of memory before it is parsed: a small
file must not take the machine's memory.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate, count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from balloonlab.foundations.errors import DamagedRecordingError
from balloonlab.foundations.words import counted, shown

LARGEST = 1 << 26  # bytes of one file, packed or unpacked: four times what an hour of tracing takes
LARGEST_JSON = 1 << 22  # bytes; recordings of an hour take 50 KB
MOST_NESTED = 32  # objects and lists of JSON inside each other
MOST_BRACKETS = 1 << 17  # objects and lists of JSON altogether, twice
LONGEST_LINE = 10_000  # characters of a line of a table
LONGEST_NAME = 60  # characters of a folder's name in an error
LONGEST_REASON = 200  # characters of what is wrong with a file
MOST_ARRAYS = 1_000  # in one file
MOST_NUMBERS = 1 << 25  # in one array
XZ_MEMORY = 1 << 27  # bytes that an unpacker may take; presets of xz need up to 65 MiB
DECIMAL = re.compile(r"[0-9]{1,16}(\.[0-9]{1,32})?(e[+-]?[0-9]{1,3})?")
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]


def damaged(path: Path, reason: str) -> DamagedRecordingError:
    """The error that names the file, with its recording, and says what is wrong with it."""
    folder = path.parent.name if len(path.parent.name) <= LONGEST_NAME else f"{path.parent.name[:LONGEST_NAME]}..."
    reason = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}..."
    return DamagedRecordingError(f"damaged recording: {folder}/{path.name}: {reason}.")


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


def read_bytes(path: Path, most: int = 0) -> bytes:
    """The file, unpacked if its name ends in .gz or .xz; at most so many bytes (LARGEST) either way."""
    most = most or LARGEST
    with decoding(path):
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise damaged(path, "no file of bytes, but something else of that name")
        with path.open("rb") as packed:
            content = packed.read(most + 1)
        if len(content) <= most and path.suffix in (".gz", ".xz"):
            content = _unpacked(content, path.suffix, most + 1)
    if len(content) > most:
        raise damaged(path, f"larger than {most:,} bytes")
    return content


def _unpacked(packed: bytes, suffix: str, most: int) -> bytes:
    """The first `most` bytes of what is packed."""
    if suffix == ".gz":
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            return file.read(most)
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    content = unpacker.decompress(packed, most)
    if len(content) < most and not unpacker.eof:
        raise EOFError("the end is missing")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object in UTF-8 (packed or not), without NaN and infinities."""

    def no_constant(name: str) -> None:
        raise damaged(path, f"the number {name}")

    content = read_bytes(path, LARGEST_JSON)
    _check_nesting(content, path)
    with decoding(path):
        value = json.loads(content.decode("utf-8"), parse_constant=no_constant)
    if not isinstance(value, dict):
        raise damaged(path, f"holds a {type(value).__name__}, not an object with names")
    return value


def _check_nesting(content: bytes, path: Path) -> None:
    """Raises for JSON with more, or deeper, objects and lists than a recording has; each takes a hundred bytes."""
    brackets = re.sub(rb'[^][{}"]++|"(?:[^"\\]++|\\.)*+"?', b"", content, flags=re.DOTALL)
    depth = max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)
    if len(brackets) > MOST_BRACKETS or depth > MOST_NESTED:
        raise damaged(path, f"{len(brackets) // 2:,} objects and lists, {depth:,} inside each other")


def read_table(path: Path, columns: list[str]) -> Iterator[list[str]]:
    """The rows of a CSV file in UTF-8 (packed or not) whose first line names exactly `columns`, one by one."""
    rows = csv.reader(_lines(path), strict=True)
    for number in count(1):
        with decoding(path):
            row = next(rows, None)
        if number == 1 and row != columns:
            raise damaged(path, f"the first line is {shown(row)}, not the columns {columns}")
        if row is None:
            return
        if len(row) != len(columns):
            raise damaged(path, f"line {number:,} has {counted(len(row), 'field')}, not {len(columns)}")
        if number > 1:
            yield row


def _lines(path: Path) -> Iterator[str]:
    for line in io.TextIOWrapper(io.BytesIO(read_bytes(path)), "utf-8", newline=""):
        if len(line) > LONGEST_LINE:
            raise damaged(path, f"a line of more than {LONGEST_LINE:,} characters")
        yield line


def read_arrays(path: Path) -> dict[str, Array]:
    """The one-dimensional integer and float arrays of an .npz file, by name; nothing is ever unpickled."""
    content = read_bytes(path)
    if content.count(b"PK\x01\x02") > MOST_ARRAYS:  # how an entry of its table begins
        raise damaged(path, f"more than {MOST_ARRAYS:,} arrays")
    arrays: dict[str, Array] = {}
    with decoding(path), zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(info.file_size for info in archive.infolist()) > LARGEST:
            raise damaged(path, f"unpacks to more than {LARGEST:,} bytes")
        for info in archive.infolist():
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise damaged(path, f"array {shown(info.filename)} is packed in a way that no .npz file has")
            name = info.filename.removesuffix(".npy")
            if name in arrays:
                raise damaged(path, f"two arrays are named {shown(name)}")
            arrays[name] = _array(archive.read(info), name, path)
    return arrays


def _array(content: bytes, name: str, path: Path) -> Array:
    stream = io.BytesIO(content)
    shape, _, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
    if len(shape) != 1 or dtype.kind not in "iuf":
        raise damaged(path, f"array {shown(name)} is of shape {shape} and type {dtype.kind!r}, not a row of numbers")
    if len(content) - stream.tell() != shape[0] * dtype.itemsize:
        raise damaged(path, f"array {shown(name)} says {counted(shape[0], 'number')} and holds another count")
    if shape[0] > MOST_NUMBERS:
        raise damaged(path, f"array {shown(name)} has {shape[0]:,} numbers, more than {MOST_NUMBERS:,}")
    return np.frombuffer(content, dtype, offset=stream.tell())


def integers(arrays: dict[str, Array], name: str, path: Path, low: int, high: int) -> Integers:
    """Array `name` as int64, every element in ``low..high``; raises DamagedRecordingError otherwise."""
    array = _present(arrays, name, path)
    if array.dtype.kind not in "iu":
        raise damaged(path, f"array {shown(name)} is of something else, not whole numbers")
    if array.size and not low <= int(array.min()) <= int(array.max()) <= high:
        raise damaged(path, f"array {shown(name)} spans {array.min()}..{array.max()}, outside {low}..{high}")
    return _frozen(array.astype(np.int64))


def times(arrays: dict[str, Array], name: str, path: Path) -> npt.NDArray[np.float64]:
    """Array `name` as float64 seconds: finite, never negative, never going back."""
    array = _present(arrays, name, path)
    if array.dtype.kind != "f" or not np.isfinite(array).all() or (array < 0).any() or (np.diff(array) < 0).any():
        raise damaged(path, f"array {shown(name)} is not a row of times that only go forward")
    return _frozen(array.astype(np.float64))


def _present(arrays: dict[str, Array], name: str, path: Path) -> Array:
    if name not in arrays:
        raise damaged(path, f"array {shown(name)} is missing; there are {shown(sorted(arrays))}")
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
        raise damaged(path, f"{key!r} is {shown(mapping.get(key))}, not a {kind.__name__}")
    return value


def whole(text: str, what: str, path: Path, high: int) -> int:
    """The whole number in ``0..high`` that decimal digits spell."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and int(text) <= high):
        raise damaged(path, f"{what} is {shown(text)}, not a whole number from 0 to {high}")
    return int(text)


def seconds(text: str, what: str, path: Path) -> float:
    """The time that a decimal number spells in ASCII digits: finite, not negative."""
    value = float(text) if DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise damaged(path, f"{what} is {shown(text)}, not a time in seconds")
    return value
