"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from matplotlib import image

import balloonlab as bl
from balloonlab import recordings
from balloonlab.__main__ import main
from balloonlab.memory.textmap import text_map

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "balloonlab"]
NO_DISPLAY = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=NO_DISPLAY, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_verdict_with_schedules_that_replay(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "fill-out-of-memory", "--driver", "v9"]) == 1
    out, err = capsys.readouterr()
    result = bl.explore(bl.scenario("fill-out-of-memory", "v9"))
    first, *rest = out.splitlines()
    assert first == (
        f"fill-out-of-memory, driver v9: violated: {result.states:,} states, {result.transitions:,} transitions"
    )
    assert rest[0] == f"  {result.findings[0]}"
    assert rest[1] == f"    replay: {result.findings[0].schedule.token}"
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["explore", "inflate"], 0, "inflate, driver v9: holds: 70 states"),
        (["explore", "inflate-and-compact", "--most-states", "40"], 2, "not finished: "),
        (["sweep", "seed=0:2", "pages=512", "--columns", "seed,ballooned"], 0, "seed  ballooned\n   0         64\n"),
        (["map", "--pages", "512", "--workload", "holes", "--set", "every=2"], 0, "holes(every=2) seed 0\n512 guest"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    assert words in capsys.readouterr().out


ERRORS = [
    (["explore", "nowhere"], "unknown scenario 'nowhere'; known: inflate"),
    (["explore", "inflate", "--driver", "v12"], "unknown driver 'v12'"),
    (["explore", "inflate", "--most-states", "0"], "most_states is 0"),
    (["sweep", "pages"], "'pages' is no axis"),
    (["sweep", "pages="], "pages has no values"),
    (["sweep", "pages=64", "pages=128"], "an axis is given twice"),
    (["sweep", "pages=64", "keep=x"], "keep is no parameter"),
    (["sweep", "placement=lowest,best"], "unknown placement 'best'; known: lifo, lowest, highest, random"),
    (["sweep", "--jobs", "0"], "--jobs is 0"),
    (["sweep", "--experiment", "magic"], "unknown experiment 'magic'; known: balloon_and_compact"),
    (["sweep", "pages=64", "--columns", "colour"], "unknown column 'colour'"),
    (["sweep", "pages=64", "-o", "nowhere/table.csv"], "--output is 'nowhere/table.csv'; there is no folder 'nowhere'"),
    (["map", "--pages", "-5"], "pages is -5"),
    (["map", "--pages", "64", "--balloon", "65"], "balloon is 65"),
    (["map", "--pages", "64", "-o", "map.gif"], "must end in .png or .svg"),
    (["map", "S2_256M_alt", "freed", "--balloon", "100"], "--balloon is for a new guest"),
    (["map", "--pages", "64", "-o", "nowhere/map.png"], "--output is 'nowhere/map.png'; there is no folder 'nowhere'"),
    (["map", "no-recording", "freed"], "unknown recording 'no-recording'"),
    (["map", "S2_256M_alt"], "Its snapshots: "),
    (["map", "S2_256M_alt", "later"], "unknown snapshot 'later'"),
]


@pytest.mark.parametrize(("arguments", "words"), ERRORS, ids=[" ".join(row[0]) for row in ERRORS])
def test_errors_are_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err[:12], err.count("\n")) == ("", "balloonlab: ", 1)
    assert words in err


def test_usage_is_argparses(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["dance"], ["explore"], ["map", "--pages", "many"]):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2
        assert "usage: python -m balloonlab" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["explore", "sweep", "map"])
def test_help_names_what_can_be_given(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    out = capsys.readouterr().out
    assert (left.value.code, "exit code: 0" in out) == (0, True)
    if command == "sweep":
        assert " page_size placement, options" in out
    if command == "explore":
        assert all(f"\n  {name}\n" in out for name in bl.SCENARIOS)


def test_a_sweep_to_a_file_on_two_processes(tmp_path: Path) -> None:
    path, keep = tmp_path / "table.csv", tmp_path / "rows.jsonl"
    ran = shell("sweep", "pages=512,1024", "driver=v9,v10", "--jobs", "2", "-o", str(path), "--keep", str(keep))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", f"balloonlab: wrote {path}\n")
    table = bl.sweep(pages=[512, 1024], driver=["v9", "v10"])
    assert path.read_text() == table.to_csv()
    assert bl.sweep(pages=[512, 1024], driver=["v9", "v10"], keep=keep) == table


def test_a_sweep_with_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    # half a guest page of 64 KiB can be asked for, and never be met
    assert main(["sweep", "pages=64", "page_size=65536", "balloon=100,160", "driver=linux-3.6", "workload=fresh"]) == 1
    out, err = capsys.readouterr()
    assert "DidNotSettleError" in out
    assert err == "balloonlab: 2 experiments; 1 of them failed\n"


def test_an_interrupted_sweep_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest, seen = bl.Guest.compact, []

    def compact(guest: bl.Guest) -> object:
        seen.append(guest.seed)
        if seen == [0, 1]:
            signal.raise_signal(signal.SIGINT)
        return honest(guest)

    monkeypatch.setattr(bl.Guest, "compact", compact)
    arguments = ["sweep", "pages=512", "seed=0:3", "-o", str(tmp_path / "t.csv"), "--keep", str(tmp_path / "rows")]
    assert main(arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "balloonlab: interrupted after 1 of 3; the same command does the rest"
    assert main(arguments) == 0
    assert seen == [0, 1, 1, 2]
    assert len(list(csv.reader((tmp_path / "t.csv").read_text().splitlines()))) == 4


def test_ctrl_c_in_a_terminal_ends_workers_too(tmp_path: Path) -> None:
    keep = tmp_path / "rows"
    arguments = ["sweep", "pages=1024", "seed=0:10000", "--columns", "seed", "--jobs", "2", "--keep", str(keep)]
    out, err = tmp_path / "out", tmp_path / "err"
    with (
        out.open("w") as said,
        err.open("w") as told,
        subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=said, stderr=told, start_new_session=True) as command,
    ):
        try:
            while not keep.exists() or keep.read_bytes().count(b"\n") < 40:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"it ended with {command.wait(timeout=0.1)}")
            os.killpg(command.pid, signal.SIGINT)
            code = command.wait(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
    assert code == 2
    last = err.read_text().splitlines()[-1]
    assert last.startswith("balloonlab: ")
    assert "interrupted after" in last
    assert len(out.read_text().splitlines()) >= 40


def test_a_recorded_map_is_that_of_the_snapshot(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "S2_256M_alt", "freed"]) == 0
    states = recordings.load("S2_256M_alt").snapshot_states("freed")
    assert capsys.readouterr().out == f"S2_256M_alt, freed\n{text_map(states)}\n"


def test_a_map_is_drawn_without_a_display(tmp_path: Path) -> None:
    png, svg = tmp_path / "map.png", tmp_path / "map.SVG"
    ran = shell("map", "--pages", "2048", "--balloon", "0.25", "--compact", "--theme", "dark", "-o", str(png))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", f"balloonlab: wrote {png}\n")
    assert image.imread(png).shape[2] == 4
    arguments = ["map", "S1_256M_16384", recordings.load("S1_256M_16384").snapshots[-1], "-o", str(svg)]
    texts = []
    for _ in range(2):
        assert main(arguments) == 0
        texts.append(svg.read_text())
    assert texts[0] == texts[1]
    assert ET.fromstring(texts[0]).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  (our own)


def test_help_loads_nothing_that_draws() -> None:
    code = (
        "import sys; from balloonlab.__main__ import main\ntry: main(['explore', 'inflate'])\nexcept SystemExit: pass\n"
    )
    code += (
        "sys.exit(str({'matplotlib', 'ipywidgets', 'anywidget', 'concurrent.futures.process'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stderr == "set()\n"


def test_whoever_stops_reading_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [*COMMAND, "map", "--pages", "64"], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_recording_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "S1_256M_16384"]) == 0
    assert capsys.readouterr().out == f"{recordings.load('S1_256M_16384').check()}\n"
    assert main(["check", "nothing"]) == 2
    assert "S2_256M_alt" in capsys.readouterr().err
