"""The page-by-page C program, compiled on the spot with gcc, as one zone with numpy arrays in and out."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

SOURCE = Path(__file__).with_name("page_by_page.c")


@functools.cache
def library() -> ctypes.CDLL:
    """The compiled program; skips the test where there is no gcc."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("needs gcc")
    made = Path(tempfile.mkdtemp()) / "page_by_page.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([gcc, *flags, "-o", str(made), str(SOURCE)], check=True)
    loaded = ctypes.CDLL(str(made))
    loaded.zone_new.restype = ctypes.c_void_p
    for name in ("inflate", "compact", "walk"):
        getattr(loaded, name).restype = ctypes.c_int64
    return loaded


class CZone:
    """A zone in the C program. lists: linked lists (LIFO); else bitmaps, lowest block first.

    kept: uint8[pageblocks], 1 for UNMOVABLE ones (without free pages, for compaction by 6.1's rules); all are MOVABLE
    without it.
    """

    def __init__(self, states: np.ndarray, *, lists: bool = True, kept: np.ndarray | None = None) -> None:
        self.c = library()
        self.pages = len(states)
        self.zone = ctypes.c_void_p(self.c.zone_new(_at(states), ctypes.c_int64(self.pages), int(not lists)))
        if kept is not None:
            self.c.zone_keep(self.zone, _at(kept))

    def __del__(self) -> None:
        if hasattr(self, "zone"):
            self.c.zone_delete(self.zone)

    def inflate(self, count: int) -> np.ndarray:
        pfns = np.ones(count, np.int32)
        return pfns[: self.c.inflate(self.zone, ctypes.c_int64(count), _at(pfns))]

    def deflate(self, pfns: np.ndarray) -> None:
        self.c.deflate(self.zone, ctypes.c_int64(len(pfns)), _at(pfns))

    def compact(self, rules: str, room: np.ndarray) -> np.ndarray:
        """Pairs, written into `room` (int32 (k, 2), large enough)."""
        return room[: self.c.compact(self.zone, int(rules.replace(".", "")), _at(room))]

    def counts(self) -> tuple[int, ...]:
        counts = np.zeros(11, np.int64)
        self.c.recount(self.zone, _at(counts))
        return tuple(counts.tolist())

    def free_blocks(self, order: int) -> np.ndarray:
        pfns = np.zeros(self.pages, np.int32)
        return pfns[: self.c.walk(self.zone, order, _at(pfns))]

    def states(self) -> np.ndarray:
        states = np.zeros(self.pages, np.uint8)
        self.c.zone_states(self.zone, _at(states))
        return states


def _at(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)
