"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from matplotlib import image

import balloonlab as bl
from balloonlab import recordings, sweeps
from balloonlab.__main__ import main
from balloonlab.explore import Verdict
from balloonlab.memory.textmap import text_map
from balloonlab.memory.workloads import WORKLOADS
from balloonlab.sweeps import running

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "balloonlab"]
NO_DISPLAY = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "MPLBACKEND")}


MAIN = "import sys; from balloonlab.__main__ import main; sys.exit(main())"


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


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
        (["map", "--workload", "runs", "--set", "length=1,024"], 0, "length=1024) seed 0\n16,384 guest"),
        (["explore", "inflate", "--most-states", "1,000,000"], 0, "inflate, driver v9: holds: 70 states"),
        (["sweep", "pages=512", "--jobs", "1", "seed=0:2", "--columns=seed"], 0, "seed\n   0\n   1\n"),
        (["sweep", "pages=128,256", "--columns", "pages,error"], 0, "pages  error\n  128  -\n  256  -\n"),
        (["map", "--theme", "dark", "S2_256M_alt", "--theme", "light", "freed"], 0, "S2_256M_alt, freed\n"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    assert words in capsys.readouterr().out


def test_a_map_is_the_same_by_either_engine(capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for engine in ("auto", "steps", "arrays"):
        assert main(["map", "--pages", "2048", "--balloon", "200", "--compact", "--engine", engine]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] == texts[2]


ERRORS = [
    (["explore", "nowhere"], "unknown scenario 'nowhere'; known: inflate"),
    (["explore", "inflate", "--driver", "v12"], "unknown driver 'v12'"),
    (["explore", "inflate", "--most-states", "0"], "most_states is 0"),
    (["sweep", "pages"], "'pages' is no axis"),
    (["sweep", "pages="], "pages has no values"),
    (["sweep", "pages=4,096"], "is 2 values, and probably meant to be pages=4096"),
    (["sweep", "seed=3:0"], "seed=3:0 has no values: a range START:END leaves END out"),
    (["sweep", "seed=0:100000000000"], "seed has 100,000,000,000 values; a grid has at most 1,000,000"),
    (["sweep", "seed=0:5,10:100000000000"], "a grid has at most 1,000,000"),
    (["sweep", "pages=64", "pages=128"], "an axis is given twice"),
    (["sweep", "pages=64", "keep=x"], "keep is no parameter"),
    (["sweep", "placement=lowest,best"], "unknown placement 'best'; known: lifo, lowest, highest, random"),
    (["sweep", "engine=fast"], "unknown engine 'fast'; known: auto, steps, arrays"),
    (["sweep", "--jobs", "0"], "--jobs is 0"),
    (["sweep", "--experiment", "magic"], "unknown experiment 'magic'; known: balloon_and_compact"),
    (["sweep", "pages=64", "--columns", "colour"], "unknown column 'colour'"),
    (["sweep", "pages=64", "--columns", ""], "unknown column ''; known: pages, why, huge_before"),
    (["sweep", "pages=64", "-o", ""], "--output is ''; it cannot be used: it is a folder"),
    (["sweep", "pages=64", "-o", "rows", "--keep", "./rows"], "--keep and --output are both 'rows'"),
    (["sweep", "pages=64", "-o", "nowhere/table.csv"], "--output is 'nowhere/table.csv'; there is no folder 'nowhere'"),
    (["map", "--pages", "-5"], "pages is -5"),
    (["map", "--pages", "64", "--balloon", "65"], "balloon is 65"),
    (["map", "--pages", "64", "--balloon", "1/4"], "balloon is '1/4'"),
    (["map", "--set", "length"], "'length' sets nothing; an option of a workload is set by NAME=VALUE"),
    (["map", "--workload", "runs", "--set", "length="], "length is ''; for one guest it has one value"),
    (["map", "--set", "fraction=0.5,0.7"], "fraction is '0.5,0.7'; for one guest it has one value"),
    (["map", "--set", "fraction=0.5", "--set", "fraction=0.7"], "an option is set twice: fraction=0.5 fraction=0.7"),
    (["map", "--set", "name=x"], "unknown option of workload 'random' 'name'; known: fraction"),
    (["map", ""], "unknown recording ''; known: S1_256M_16384"),
    (["map", "--engine", "fast"], "unknown engine 'fast'; known: auto, steps, arrays"),
    (["map", "S2_256M_alt", "freed", "--engine", "steps"], "--engine is for a new guest"),
    (["map", "--driver", "linux-6.2"], "It lies between 'linux-6.1' and 'linux-7.2'"),
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


def helped(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["explore", "sweep", "check", "map"])
def test_help_names_what_can_be_given(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = helped(command, capsys)
    assert "exit code: 0" in out
    assert all(name in out for name in bl.DRIVERS)
    if command in ("sweep", "map"):
        assert all(f"\n  {name}: " in out for name in WORKLOADS)
        assert "auto takes arrays where it can" in out or "which takes arrays where it can" in " ".join(out.split())
        assert "\n    length: 1 to 1,048,576, mean length of a run, guest pages (default: 32)\n" in out
        assert "4 KiB" in out
        assert "1 to 16,777,216" in out
    if command == "sweep":
        assert " page_size placement engine, options" in out
    if command == "explore":
        codes = out.partition("exit code:")[2].partition("scenarios:")[0]
        assert all(str(verdict) in codes for verdict in Verdict)
        assert all(f"\n  {name}\n" in out for name in bl.SCENARIOS)


EXAMPLES = [
    ("README.md", 3),
    *((command, count) for command, count in (("explore", 1), ("sweep", 2), ("check", 1), ("map", 2))),
]


@pytest.mark.parametrize(("source", "count"), EXAMPLES)
def test_the_examples_run(
    source: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = helped(source, capsys) if count < 3 else (ROOT / source).read_text("utf-8")
    commands = re.findall(r"^ *python -m balloonlab (.*?) *(?:#.*)?$", text, re.MULTILINE)
    assert len(commands) == count
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # where it is loaded, progress is a widget
    for command in commands:
        assert main(command.split()) == (1 if "fill-out-of-memory" in command else 0), command
        out, err = capsys.readouterr()
        assert (out != "") != (err != ""), command  # an answer, or the file that it was written to
    assert all(path.stat().st_size > 200 for path in tmp_path.iterdir())


def test_a_map_says_what_operations_came_to(capsys: pytest.CaptureFixture[str]) -> None:
    guest = bl.Guest(2048, seed=1)
    done = [str(guest.workload("random")).partition(":")[0], str(guest.inflate(1500)), str(guest.compact())]
    assert "inflated from 0 to 1,024 of 1,500 balloon pages" in done[1]
    assert main(["map", "--pages", "2048", "--seed", "1", "--balloon", "1,500", "--compact"]) == 0
    assert capsys.readouterr().out == "\n".join([*done, text_map(guest.page_states), ""])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--columns", "pages,colour"], "unknown column 'colour'; known: pages, why, huge_before"),
        (["-o", "no/table.csv"], "there is no folder"),
        (["-o", "."], "it is a folder"),
        (["--keep", "no/rows"], "there is no folder"),
        (["--keep", "."], "it is a folder"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "attempt", lambda *_: pytest.fail("it runs"))
    assert main(["sweep", "pages=64", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_table_that_the_disk_does_not_take_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("what was there")
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); {MAIN}"
    ran = python(limits, "sweep", "pages=64,128", "-o", str(path))
    assert (ran.returncode, ran.stdout) == (2, bl.sweep(pages=[64, 128]).to_csv())
    assert ran.stderr.startswith(f"balloonlab: {str(path)!r} was not written: File too large.")
    ran = python(limits, "map", "--pages", "64", "-o", str(tmp_path / "map.svg"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"balloonlab: {str(tmp_path / 'map.svg')!r} was not written: File too large.\n"
    assert [each.read_text() for each in tmp_path.iterdir()] == ["what was there"]


def test_columns_of_a_sweep_in_which_all_fail_are_those_that_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    failing = ["pages=64", "page_size=65536", "balloon=100", "driver=linux-3.6", "workload=fresh"]
    assert main(["sweep", *failing, "--columns", "moved"]) == 1
    assert "DidNotSettleError" in capsys.readouterr().out


def test_rows_are_printed_when_the_executor_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = bl.sweep(pages=64)

    def fail(*_: object, **_axes: object) -> None:
        raise sweeps.ExecutorFailedError("the executor did not run.", done)

    monkeypatch.setattr(sweeps.command, "sweep", fail)
    assert main(["sweep", "pages=64,128"]) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err == "balloonlab: the executor did not run; with --keep FILE, the same command does the rest\n"


def test_a_folder_without_a_recording_is_not_called_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "map"):
        assert main([command, str(tmp_path)]) == 2
        err = capsys.readouterr().err
        assert f"there is no recording in the folder {str(tmp_path)!r}" in err
        assert "damaged" not in err
        assert "S2_256M_alt" in err


def test_an_output_that_cannot_be_written_to_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    for arguments in (["map", "--pages", "64"], ["map", "--help"]):
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                [*COMMAND, *arguments], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        told = "" if "--help" in arguments else "balloonlab: output: No space left on device\n"  # argparse says nothing
        assert (ran.returncode, ran.stderr) == (2 if told else 0, told)


def test_without_an_output_nothing_is_written() -> None:
    for streams in (">&-", ">&- 2>&-"):
        line = f"{sys.executable} -m balloonlab map --pages 64 {streams}"
        ran = subprocess.run(["/bin/sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_what_an_output_cannot_show_is_escaped(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    for path in (recordings.SHIPPED / "S1_256M_16384").iterdir():
        (folder / path.name).symlink_to(path)
    ran = shell("map", str(folder), recordings.load("S1_256M_16384").snapshots[0])
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("caf\\udce9, ")


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


def test_a_new_guests_map_says_what_was_not_reached_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "--pages", "4096", "--balloon", "3000", "--compact"]) == 0
    told = capsys.readouterr().out.splitlines()
    waits = "vballoon waits for balloon_lock, which it holds itself"
    assert re.fullmatch(rf"inflated from 0 to [\d,]+ of 3,000 balloon pages, \d+ messages: {waits}", told[1])
    assert re.match(r"moved [\d,]+ pages with [\d,]+ messages; free 2 MiB blocks \d+ -> \d+", told[2])


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


@pytest.mark.parametrize("arguments", [["map", "--pages", "64"], ["explore", "--help"]])
def test_where_nobody_reads_there_is_no_traceback_and_the_code_says_so(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ran = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, env=buffered, check=False
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, b"")


def test_a_recording_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "S1_256M_16384"]) == 0
    assert capsys.readouterr().out == f"{recordings.load('S1_256M_16384').check()}\n"
    assert main(["check", "nothing"]) == 2
    assert "S2_256M_alt" in capsys.readouterr().err
