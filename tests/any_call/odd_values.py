"""Values that nobody asked for, each made anew: what a slip, a notebook or another program may hand to any function."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import balloonlab as bl

BIG = 10**400


class Nasty:
    """An object whose every question about itself fails."""

    def _fail(self, *_arguments: object) -> Any:  # noqa: ANN401
        raise RuntimeError("asked")

    __repr__ = __str__ = __len__ = __iter__ = __index__ = __float__ = __bool__ = __eq__ = __array__ = _fail
    __hash__ = __getitem__ = __contains__ = __lt__ = __call__ = _fail


class Endless:
    """A sequence that says it is very long, and never ends."""

    def __len__(self) -> int:
        return 1 << 60

    def __getitem__(self, place: int) -> int:
        return 1

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1


class Text(str):
    """A name that is more than text."""

    __slots__ = ()

    def __repr__(self) -> str:
        raise RuntimeError("asked")


PLAIN: dict[str, Callable[[], Any]] = {
    repr(value)[:40]: lambda value=value: value  # type: ignore[misc]
    for value in (
        *(None, True, False, ..., NotImplemented),
        *(0, 1, -1, -5, 3, 4097, 2**31, 2**32, 2**63, 2**64, -(2**70), BIG, -BIG),
        *(0.0, -0.0, 0.5, 1.0, 1.5, -1.0, 1e308, float("nan"), float("inf"), -float("inf"), 3 + 4j),
        *(
            "",
            " ",
            "x",
            "0",
            "-1",
            "1",
            "1e3",
            "yes",
            "no",
            "v9",
            "v8",
            "V9",
            "linux-6.1",
            "holes",
            "\0",
            "\ud800",
            "٣",
        ),
        *("x" * 100_000, "../" * 2_000, "a\nb", "é" * 5_000, "$x_{", "%s{0}{x!r}"),
        *(b"", b"x", b"v9", b"\xff" * 50_000),
        *((), (1,), (1, 2), ("v9",), (1, "x"), ((1, 2), (3, 4)), (0.5,), ("a", 0, 10), range(5), range(10**12)),
        *(Decimal("1.5"), Decimal("NaN"), Fraction(1, 3), slice(0, 3), int, ValueError, len, io),
        *(frozenset(), frozenset({1})),
    )
}
MADE: dict[str, Callable[[], Any]] = {
    "list": list,
    "a list": lambda: [1, 2],
    "text in a list": lambda: ["v9"],
    "None in a list": lambda: [None],
    "11 numbers": lambda: [1] * 11,
    "11 with one negative": lambda: [1] * 10 + [-1],
    "11 fractions": lambda: [0.5] * 11,
    "64 states": lambda: [0] * 64,
    "64 big": lambda: [BIG] * 64,
    "64 fractions": lambda: [0.5] * 64,
    "ragged": lambda: [[1, 2], [3]],
    "nested": lambda: [[1, 2], [3, 4]],
    "deep": lambda: [[[[[[]]]]]],
    "bytearray": lambda: bytearray(b"abc"),
    "memoryview": lambda: memoryview(b"abc"),
    "dict": dict,
    "a dict": lambda: {"a": 1},
    "a dict of 11": lambda: dict.fromkeys(range(11), 1),
    "pairs": lambda: {("a", "b"): "present"},
    "ordered": lambda: OrderedDict(x=[1, 2]),
    "rows by name": lambda: {"a": [1] * 11, "b": [2] * 11},
    "set": lambda: {1, 2},
    "iterator": lambda: iter([1, 2]),
    "generator": lambda: (i for i in range(3)),
    "map": lambda: map(int, "123"),
    "nasty": Nasty,
    "a list of nasty": lambda: [Nasty()],
    "endless": Endless,
    "text": lambda: Text("v9"),
    "object": object,
    "function": lambda: lambda: None,
    "path": lambda: Path("nowhere"),
    "long path": lambda: Path("x" * 5_000),
    "file": lambda: io.BytesIO(b"x"),
    "exception": lambda: ValueError("x"),
    "a long list": lambda: list(range(100_000)),
    "a list of long texts": lambda: ["x" * 10_000] * 100,
}
NUMPY: dict[str, Callable[[], Any]] = {
    "int64": lambda: np.int64(5),
    "int64 4096": lambda: np.int64(4096),
    "int8": lambda: np.int8(-1),
    "uint8": lambda: np.uint8(200),
    "uint64": lambda: np.uint64(2**64 - 1),
    "float64": lambda: np.float64(0.5),
    "float32 nan": lambda: np.float32("nan"),
    "float16 inf": lambda: np.float16("inf"),
    "bool": lambda: np.bool_(True),  # noqa: FBT003
    "str": lambda: np.str_("v9"),
    "bytes": lambda: np.bytes_(b"v9"),
    "date": lambda: np.datetime64("2020-01-01"),
    "complex": lambda: np.complex128(1j),
    "void": lambda: np.void(b"abc"),
    "0-d": lambda: np.array(3),
    "0-d object": lambda: np.array(None),
    "empty": lambda: np.zeros(0),
    "empty int": lambda: np.zeros(0, int),
    "2-d": lambda: np.zeros((2, 3), int),
    "k x 2": lambda: np.ones((3, 2), int),
    "k x 2 negative": lambda: -np.ones((3, 2), int),
    "5-d": lambda: np.zeros((1, 1, 1, 1, 1)),
    "fractions": lambda: np.array([1.5, 2.5]),
    "text array": lambda: np.array(["a", "b"]),
    "objects": lambda: np.array([None, 1], object),
    "big objects": lambda: np.array([BIG] * 64, object),
    "dates": lambda: np.zeros(3, "M8[s]"),
    "complex array": lambda: np.zeros(64, complex),
    "records": lambda: np.zeros(64, [("a", "i4"), ("b", "f8")]),
    "bools": lambda: np.zeros(64, bool),
    "64 states": lambda: np.zeros(64, np.uint8),
    "64 codes too high": lambda: np.full(64, 200, np.uint8),
    "64 negative": lambda: np.full(64, -1),
    "64 big endian": lambda: np.zeros(64, ">i8"),
    "64 strided": lambda: np.zeros(128, np.uint8)[::2],
    "masked": lambda: np.ma.masked_array([1, 2], [True, False]),
    "matrix of nan": lambda: np.full((2, 2), np.nan),
    "11 counts": lambda: np.arange(11),
    "names": lambda: np.array(["v9"], object),
}


def _guest() -> bl.Guest:
    return bl.Guest(64)


OURS: dict[str, Callable[[], Any]] = {
    "a guest": _guest,
    "a class": lambda: bl.Guest,
    "a machine": lambda: _guest().machine,
    "a host": lambda: _guest().host,
    "a log": lambda: _guest().host.messages,
    "metrics": lambda: _guest().metrics(),
    "a result": lambda: _guest().inflate(3),
    "a driver": lambda: bl.find_driver("v10"),
    "drivers": lambda: bl.DRIVERS,
    "a scenario": lambda: bl.scenario("inflate"),
    "a state": lambda: bl.PageState.BALLOON,
    "a defect": lambda: bl.defects["V1"],
    "the catalogue": lambda: bl.defects,
    "a schedule": lambda: bl.Schedule(("vballoon",)),
    "a table": lambda: bl.sweeps.Table([{"a": 1}]),
    "a recording": lambda: bl.recordings.load("S1_256M_16384"),
    "a page map": lambda: bl.PageMap(np.zeros(8, np.uint8)),
    "a figure": Figure,
    "axes": lambda: Figure().subplots(),
    "a question": lambda: bl.exercises.question("messages"),
    "a module": lambda: bl.plots,
}
ODD = {
    f"{kind}: {name}": make
    for kind, group in (("plain", PLAIN), ("made", MADE), ("numpy", NUMPY), ("ours", OURS))
    for name, make in group.items()
}
