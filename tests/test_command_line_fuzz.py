"""Any command line gives an answer or one sentence, and an exit code; never a traceback, never half of a file."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.__main__ import main
from balloonlab.memory.placement import PLACEMENTS
from balloonlab.memory.workloads import WORKLOADS

Words = st.SearchStrategy[list[str]]

strange = st.text(max_size=8) | st.sampled_from(["", "-", "--", "\udc80", "a\0b", "a\nb", "x" * 5000, "9" * 5000, "%s"])
drivers = st.sampled_from([*bl.DRIVERS, "linux-4.8", "linux-6.2", "v8", "V10", "6.1"])
scenarios = st.sampled_from(["inflate", "deflate", "fill-out-of-memory", "Inflate"])
workloads = st.sampled_from([*WORKLOADS, "run"])
numbers = st.sampled_from(
    ["0", "1", "50", "300", "1,024", "1,02", "-1", "1e2", "0.25", "1.5", "nan", "1e999", "0x1", "٣"]
)
sizes = st.sampled_from(["1", "64", "512", "1,024", "0", "-64", "99999999", "64.0"])
ranges = st.sampled_from(["0:2", "3:0", "5:", ":5", "0:2:1", "0:99999999999", "0:" + "9" * 50, "-1:1", "a:b"])
places = st.sampled_from(
    ["out.csv", "out.png", "out.SVG", "no/out.svg", ".", "", "old", "old.png", "full", "x" * 300, "\0.png"]
)
settable = st.sampled_from(["length", "fraction", "every", "used", "unmovable", "name", "seed", "self", "", "a b", "ü"])
parameters = settable | st.sampled_from(["balloon", "seed", "page_size", "executor", "keep", "experiment", "error"])


def several(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(value, max_size=3).map(",".join)


def given_as(name: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(name, values).map("=".join)


def options(**of: st.SearchStrategy[str]) -> Words:
    """Up to four of these options, each with a value."""
    one = [st.tuples(st.just(f"--{name.replace('_', '-')}"), each) for name, each in of.items()]
    return st.lists(st.one_of(one), max_size=4).map(lambda pairs: [word for pair in pairs for word in pair])


def command(name: str, before: Words, between: Words, after: Words) -> Words:
    return st.tuples(st.just([name]), before, between, after).map(
        lambda parts: [word for part in parts for word in part]
    )


any_values = several(strange | numbers | ranges | st.sampled_from(["65536", "4096"]))
axis = (
    given_as(parameters, any_values)
    | given_as(st.just("driver"), several(drivers))
    | given_as(st.just("workload"), several(workloads))
    | given_as(st.just("placement"), several(st.sampled_from([*PLACEMENTS, "best"])))
    | given_as(st.just("engine"), several(st.sampled_from(["auto", "steps", "arrays", "fast"])))
    | strange
)
table = options(
    columns=st.sampled_from(["moved", "seed,moved", "error", "", "moved,,", "verdict", "\udc80"]),
    jobs=st.sampled_from(["1", "1", "0", "-1", "x", "9" * 50]),
    keep=places,
    output=places,
)
few = st.lists(strange | places, max_size=1)
LINES = (
    command("explore", st.lists(scenarios, max_size=1), options(driver=drivers, most_states=numbers | strange), few)
    | command("sweep", given_as(st.just("pages"), several(sizes)).map(lambda a: [a]), table, st.lists(axis, max_size=2))
    | command(
        "sweep",
        st.just(["--experiment", "interleavings"]),
        table,
        st.tuples(
            given_as(st.just("scenario"), several(scenarios)),
            given_as(st.sampled_from(["most_states", "driver"]), several(numbers | drivers)),
        ).map(list),
    )
    | command("check", st.lists(strange | places, max_size=2), options(driver=drivers | strange), few)
    | command(
        "map",
        sizes.map(lambda size: ["--pages", size]),
        options(
            driver=drivers,
            workload=workloads,
            engine=st.sampled_from(["auto", "steps", "arrays", "fast"]),
            set=given_as(settable, any_values) | strange,
            seed=numbers,
            balloon=numbers | strange,
            output=places,
            theme=st.sampled_from(["light", "dark", "blue"]),
        ),
        st.lists(st.just("--compact") | strange, max_size=1),
    )
    | st.lists(strange | st.sampled_from(["-h", "map", "explore", "sweep", "--columns", "check"]), max_size=3)
)


def run(line: list[str]) -> tuple[object, str, str, set[str]]:
    """Exit code, output, errors, and names of the files that are new, of a command line in a folder of its own."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", how, newline="") for how in ("strict", "backslashreplace"))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name in ("old", "old.png"):
            Path(name).write_text("what was there")
        Path("full").symlink_to("/dev/full")
        before = {path.name for path in Path().iterdir()}
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code: object = main(line)
            except SystemExit as left:
                code = left.code
        new = {path.name for path in Path().iterdir()} - before
        assert Path("old").read_text("utf-8") == "what was there" or "old" in line
        assert not any(path.stat().st_size == 0 for path in Path().iterdir() if path.is_file())
    for stream in (out, err):
        stream.seek(0)
    return code, out.read(), err.read(), new


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(LINES)
@example(["map", "--workload", "runs", "--set", "length="])
@example(["sweep", "seed=0:100000000000"])
@example(["sweep", "pages=64", "-o", "full"])
@example(["sweep", "pages=64", "--keep", "full"])
@example(["sweep", "pages=64", "--keep", "old"])
@example(["map", "--pages", "64", "--set", "name=x"])
@example(["check", "\udc80"])
def test_any_command_line_is_answered(line: list[str]) -> None:
    code, out, err, new = run(line)
    assert code in (0, 1, 2)
    assert out or err
    assert new <= set(line)  # what was asked for, and nothing that is half written
    if not err.startswith("usage:"):
        assert all(told.startswith("balloonlab: ") for told in err.splitlines())
        assert err.count("\n") <= 2
        assert code == 2 or out or new or "wrote" in err


@pytest.mark.parametrize("seed", range(3))
def test_options_may_stand_anywhere(seed: int) -> None:
    words = [["pages=64"], ["--columns", "seed,pages"], ["seed=0:2"]]
    line = [word for part in words[seed:] + words[:seed] for word in part]
    assert run(["sweep", *line])[:3] == (0, "seed  pages\n   0     64\n   1     64\n", "")
