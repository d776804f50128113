"""A damaged recording raises DamagedRecordingError that names the file, or what was loaded is sound; nothing else."""

from __future__ import annotations

import io
import json
import lzma
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balloonlab.recordings import reading
from tests.recordings.damage import CONTENT, PACKERS, load_damaged

NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([[], {}, "snapshot", -1, 0, 1e400, "boot"]),
)


def test_the_copy_itself_is_sound(folder: Path) -> None:
    for name, content in CONTENT.items():
        assert load_damaged(folder, name, content) is None


@pytest.mark.parametrize("name", CONTENT)
def test_a_missing_file(folder: Path, name: str) -> None:
    reason = load_damaged(folder, name, None)
    if name == "guest_events.csv.xz":
        assert reason is None  # a guest need not be traced
    else:
        assert reason == f"damaged recording: S/{name}: the file is missing."


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_flipped_cut_or_replaced(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(CONTENT)))
    content = bytearray(CONTENT[name])
    how = data.draw(st.sampled_from(["flip", "cut", "replace", "insert"]))
    at = data.draw(st.integers(0, len(content) - 1))
    if how == "flip":
        content[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del content[at:]
    else:
        foreign = data.draw(st.binary(min_size=1, max_size=20))
        content[at : at + (len(foreign) if how == "replace" else 0)] = foreign
    load_damaged(folder, name, bytes(content))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    """The way to every value inside a JSON value."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from places(value[key], (*path, key))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_json_fields_swapped_removed_or_nasty(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["meta.json", "snapshots.json", "pagetypeinfo_zoneinfo.json.gz"]))
    unpack, pack = PACKERS.get(Path(name).suffix, (bytes, bytes))
    whole = json.loads(unpack(CONTENT[name]))
    where = list(places(whole))
    *way, last = data.draw(st.sampled_from(where))
    *other_way, other_last = data.draw(st.sampled_from(where))
    holder, other = whole, whole
    for key in way:
        holder = holder[key]
    for key in other_way:
        other = other[key]
    how = data.draw(st.sampled_from(["remove", "nasty", "swap"]))
    if how == "remove":
        del holder[last]
    elif how == "nasty":
        holder[last] = data.draw(NASTY)
    else:
        mine, yours = json.dumps(holder[last]), json.dumps(other[other_last])
        holder[last], other[other_last] = json.loads(yours), json.loads(mine)
    load_damaged(folder, name, pack(json.dumps(whole).encode()))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_text_fields_changed(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["config.csv", "guest_events.csv.xz"]))
    unpack, pack = PACKERS.get(Path(name).suffix, (bytes, bytes))
    lines = unpack(CONTENT[name]).decode().splitlines()
    row = data.draw(st.integers(0, len(lines) - 1))
    fields = lines[row].split(",")
    column = data.draw(st.integers(0, len(fields) - 1))
    fields[column] = data.draw(st.sampled_from(["", "-1", "nan", "1e400", "9" * 30, "set_config", "putback", '"', "0"]))
    lines[row] = ",".join(fields)
    load_damaged(folder, name, pack("\n".join(lines).encode()))


def arrays_of(name: str) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(CONTENT[name]), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_arrays_changed(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["messages.npz", "kpageflags.npz"]))
    arrays = arrays_of(name)
    key = data.draw(st.sampled_from(sorted(arrays)))
    array = arrays[key]
    how = data.draw(st.sampled_from(["element", "dtype", "shape", "length", "remove", "rename"]))
    if how == "element":
        at = data.draw(st.integers(0, len(array) - 1))
        array = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        array[at] = data.draw(st.sampled_from([0, 1, -1, 255, 65535, 65536, 2**31, 2**40]))
        arrays[key] = array
    elif how == "dtype":
        arrays[key] = array.astype(data.draw(st.sampled_from(["f4", "f8", "c8", "U3", "?", "i8", ">u8", "M8[s]"])))
    elif how == "shape":
        arrays[key] = array.reshape(data.draw(st.sampled_from([(-1, 1), (1, -1)])))
    elif how == "length":
        arrays[key] = array[: data.draw(st.integers(0, len(array) - 1))]
    elif how == "remove":
        del arrays[key]
    else:
        arrays[key + "_"] = arrays.pop(key)
    load_damaged(folder, name, packed(arrays))


def change(name: str, **changed: Any) -> bytes:  # noqa: ANN401 - arrays or what numpy makes one of
    return packed(arrays_of(name) | {key: np.asarray(value) for key, value in changed.items()})


MESSAGES = arrays_of("messages.npz")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (change("messages.npz", n=MESSAGES["n"].astype(np.float32)), "not whole numbers"),
        (change("messages.npz", n=-MESSAGES["n"].astype(np.int32)), r"'n' spans -256\.\.-256"),
        (change("messages.npz", n=MESSAGES["n"] + 1), r"outside 1\.\.256"),
        (change("messages.npz", start=MESSAGES["start"] + 1), "do not lie one after another"),
        (change("messages.npz", pfn=MESSAGES["pfn"][:-1]), "do not lie one after another"),
        (change("messages.npz", pfn=MESSAGES["pfn"] + 60000), r"outside 0\.\.65535"),
        (change("messages.npz", t=MESSAGES["t"] * np.nan), "not a row of times"),
        (change("messages.npz", t=MESSAGES["t"][::-1]), "not a row of times"),
        (change("messages.npz", queue=MESSAGES["queue"][::-1]), "deflated when it is not in the balloon"),
        (change("messages.npz", queue=MESSAGES["queue"] * 0), "inflated when it is in the balloon"),
        (change("messages.npz", seq=MESSAGES["seq"][:-1]), "differ in length"),
        (change("messages.npz", seq=MESSAGES["seq"] * 0), "seq does not increase"),
        (change("messages.npz", queue=[None]), "Python object|cannot be decoded|not a row of numbers"),
    ],
)
def test_damage_to_messages_is_named(folder: Path, content: bytes, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        assert load_damaged(folder, "messages.npz", content) is None


def test_an_index_beyond_the_flag_values(folder: Path) -> None:
    content = change("kpageflags.npz", before_flagvals=arrays_of("kpageflags.npz")["before_flagvals"][:5])
    assert "'before_codes' spans" in str(load_damaged(folder, "kpageflags.npz", content))


def test_an_absurd_header_allocates_nothing(folder: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<u4", "fortran_order": False, "shape": (1 << 60,)})
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("pfn.npy", header.getvalue())
    assert "says 1,152,921,504,606,846,976 numbers" in str(load_damaged(folder, "messages.npz", stream.getvalue()))


def test_a_file_that_unpacks_to_too_much(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1_000_000)
    bomb = b" " * 2_000_000
    assert "larger than 1,000,000 bytes" in str(load_damaged(folder, "guest_events.csv.xz", lzma.compress(bomb)))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pfn.npy", bomb)
    assert "unpacks to more than" in str(load_damaged(folder, "messages.npz", stream.getvalue()))


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("config.csv", b"get_config", b"got_config", "unknown event 'got_config'"),
        ("config.csv", b"16384", b"-16384", "not a whole number"),
        ("config.csv", b"set_config,256", b"set_config,99999999", "not a whole number from 0 to 65536"),
        ("config.csv", b"seq,t", b"seq,time", "not the columns"),
        ("config.csv", b"2,13.759408", b"2,nan", "not a time"),
        ("meta.json", b'"scenario"', b'"Scenario"', "'scenario' is"),
        ("meta.json", b"inflate and", b"infl\xffte and", "cannot be decoded .UnicodeDecodeError"),
        ("meta.json", b'"total": 128', b'"total": 129', r"messages\.total is 129; messages\.npz has 128"),
        ("snapshots.json", b'"free_buddy_pages": ', b'"free_buddy_pages": 1', "its page flags say"),
        ("snapshots.json", b'"DMA": [', b'"DMA": [NaN, ', "the number NaN"),
        ("meta.json", b'"at0_16384"', b'"at0"', "has snapshots"),
    ],
)
def test_damage_to_texts_is_named(folder: Path, name: str, old: bytes, new: bytes, reason: str) -> None:
    assert old in CONTENT[name]
    with pytest.raises(AssertionError, match=reason):
        assert load_damaged(folder, name, CONTENT[name].replace(old, new)) is None
