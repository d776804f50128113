"""The command line: python -m balloonlab explore, sweep, check or map.

Thin over the functions of the package. What is asked for goes to the standard output; errors are a line on the error
stream. Each command returns 0, 1 or 2; what these mean stands in its help. It returns 141 when whoever read the output
has gone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from balloonlab.course.scenarios import SCENARIOS
from balloonlab.drivers import DRIVERS
from balloonlab.foundations.errors import BadValueError, BalloonlabError, NotWrittenError, pick, whole_number
from balloonlab.foundations.typed import typed_number, typed_whole
from balloonlab.foundations.whole_files import checked_place
from balloonlab.memory.placement import PLACEMENTS
from balloonlab.memory.workloads import workload_settings, workloads_text

FINE, WRONG, UNKNOWN = 0, 1, 2  # exit codes; the last is argparse's for usage, too
UNREAD = 141  # whoever read the output has gone: what a shell sees of a program that SIGPIPE ended

_ABOUT = "Memory ballooning and balloon page compaction, from the shell. The lessons are the notebooks."


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line (by default the process's); returns the exit code. Raises SystemExit for usage."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    try:
        code = int(options.run(options))
        if sys.stdout is not None:
            sys.stdout.flush()
    except BalloonlabError as error:
        return _complain(str(error))
    except BrokenPipeError:
        return UNREAD
    except OSError as error:
        return _complain(f"{error.filename or 'output'}: {error.strerror or error}")
    except MemoryError:
        return _complain("there is not enough memory for this")
    except KeyboardInterrupt:
        return _complain("interrupted")
    return code


def _complain(text: str) -> int:
    _tell(" ".join(text.split()))
    return UNKNOWN


def _tell(text: str) -> None:
    _write(sys.stderr, f"balloonlab: {text}\n")


def _say(text: str) -> None:
    _write(sys.stdout, f"{text}\n")


def _write(stream: TextIO | None, text: str) -> None:
    """What the stream cannot write is written in escapes; a stream that was closed gets nothing."""
    if stream is not None:
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """Options may stand before, between and after what they belong to."""
    parser = argparse.ArgumentParser(prog="python -m balloonlab", description=_ABOUT)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (_add_explore, _add_sweep, _add_check, _add_map):
        add(commands)
    if arguments and arguments[0] in commands.choices:
        return commands.choices[arguments[0]].parse_intermixed_args(arguments[1:])
    return parser.parse_args(arguments)


def _command(commands: Any, name: str, run: Any, about: str, more: str) -> argparse.ArgumentParser:  # noqa: ANN401
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


_DRIVERS = f"{', '.join(DRIVERS)}; v9, v10, v11 and linux-3.8 also as v9-no-compaction and so on"


def _driver(parser: Any, default: str = "v9") -> None:  # noqa: ANN401
    parser.add_argument("--driver", default=default, metavar="NAME", help=f"{_DRIVERS} (default: {default})")


def _whole(text: str) -> int:
    """The type of an option that takes a whole number."""
    number = typed_whole(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number; write it as 4096 or 4,096")
    return number


# -- explore --

_EXPLORE = """\
"holds" means that no interleaving comes to grief: no deadlock, no page in two places, no host that is told wrongly
forever, and the scenario's own questions. A schedule that is printed can be looked at in a notebook, step by step:

  python -m balloonlab explore fill-out-of-memory --driver v9
  bl.Lab(bl.replay(bl.scenario("fill-out-of-memory", "v9"), "bl1..."))

exit code: 0 it holds, 1 it is violated, 2 it was not finished or not tested (no end was ever reached),
or it could not begin

scenarios:
"""


def _add_explore(commands: Any) -> None:  # noqa: ANN401
    about = "Run every interleaving of a scenario's threads, and print the verdict and the schedules that break it."
    parser = _command(commands, "explore", _explore, about, _EXPLORE + "\n".join(f"  {name}" for name in SCENARIOS))
    parser.add_argument("scenario", metavar="SCENARIO", help="name of a scenario (below)")
    _driver(parser)
    limit = "give up after N states, 1 to 2,147,483,646 (default: 10,000,000)"
    parser.add_argument("--most-states", type=_whole, metavar="N", help=limit)


def _explore(options: argparse.Namespace) -> int:
    from balloonlab.course.scenarios import scenario  # noqa: PLC0415  (help is quick)
    from balloonlab.explore import Verdict, explore  # noqa: PLC0415

    limits = {} if options.most_states is None else {"most_states": options.most_states}
    result = explore(scenario(options.scenario, options.driver), **limits)
    _say(f"{options.scenario}, driver {options.driver}: {str(result).splitlines()[0]}")
    for finding in result.findings:
        _say(f"  {finding}\n    replay: {finding.schedule.token}")
    return {Verdict.HOLDS: FINE, Verdict.VIOLATED: WRONG}.get(result.verdict, UNKNOWN)


# -- sweep --

_SWEEP = """\
an axis is NAME=VALUE,VALUE,... with whole numbers (4096: a comma parts two values), fractions, words, or whole
numbers START:END (END left out):

  python -m balloonlab sweep pages=1024,2048 driver=v9,linux-6.1 seed=0:3
  python -m balloonlab sweep --experiment interleavings scenario=inflate,deflate driver=v9,v10

exit code: 0 every experiment is done, 1 one failed, 2 it was interrupted or lost its processes, could not begin, or the
table could not be written

experiments and their parameters:
  balloon_and_compact: pages balloon driver workload seed page_size placement engine, options of the workload
  interleavings: scenario driver most_states

pages: guest pages, 1 to 16,777,216. balloon: 4 KiB balloon pages, or a share of the guest's memory, 0.0 to 1.0 (a
fraction). seed: from 0. page_size: bytes of a guest page, 4096, 16384 or 65536. most_states: 1 to 2,147,483,646.
"""


_ENGINE = "engine: auto, steps (one by one), arrays (at once, with the same result); auto takes arrays where it can.\n"


def _add_sweep(commands: Any) -> None:  # noqa: ANN401
    more = f"{_SWEEP}driver: {', '.join(DRIVERS)}.\nplacement: {', '.join(PLACEMENTS)}.\n{_ENGINE}\n{workloads_text()}"
    about = "Run an experiment for every combination of parameters, and print a table of results."
    parser = _command(commands, "sweep", _sweep, about, more)
    parser.add_argument("axes", nargs="*", metavar="NAME=VALUES", help="an axis of the grid (below)")
    parser.add_argument(
        "--experiment", default="balloon_and_compact", metavar="NAME", help="(below; default: %(default)s)"
    )
    parser.add_argument("--columns", metavar="A,B,...", help="print only these columns, such as seed,ballooned,moved")
    parser.add_argument("--jobs", type=_whole, default=1, metavar="N", help="processes, 1 to 1,024 (default: 1)")
    parser.add_argument("--keep", metavar="FILE", help="add each row to FILE at once, and do only what is not in it")
    parser.add_argument("-o", "--output", metavar="FILE.csv", help="write comma-separated values, not text")


def _sweep(options: argparse.Namespace) -> int:
    from balloonlab.sweeps import EXPERIMENTS, ExecutorFailedError, sweep  # noqa: PLC0415  (help is quick)
    from balloonlab.sweeps.axes import typed_axes  # noqa: PLC0415
    from balloonlab.sweeps.workers import end_processes, processes  # noqa: PLC0415

    experiment = EXPERIMENTS[pick("experiment", options.experiment, list(EXPERIMENTS))]
    axes = typed_axes(options.axes)
    jobs = whole_number("--jobs", options.jobs, 1, 1024, "processes")
    columns = _columns(options, [*axes])
    output, keep = _place("--output", options.output), _place("--keep", options.keep)
    if output and keep and output.resolve() == keep.resolve():
        raise BadValueError(f"--keep and --output are both {options.output!r}; each writes a file of its own.")
    with processes(jobs) as executor:
        try:
            table = sweep(experiment, executor=executor, keep=keep, **axes)
            why = table.why.rpartition(":")[0]  # the rest is for notebooks
        except ExecutorFailedError as error:
            table, why = error.table, str(error).rstrip(".")
        if why:
            end_processes()
    table.why = ""  # it is said below
    shown = table.only(*columns) if columns and len(table.failed) < len(table) else table
    if output is None:
        _say(str(shown))
    else:
        try:
            shown.to_csv(output)
        except NotWrittenError as error:
            _say(shown.to_csv().rstrip("\n"))
            return _complain(f"{error} Its lines stand on the standard output instead.")
        _tell(f"wrote {options.output}")
    if why:
        rest = "the same command does the rest" if keep else "with --keep FILE, the same command does the rest"
        _tell(f"{why}; {rest}")
    elif len(table.failed):
        _tell(table.summary())
    return UNKNOWN if why else WRONG if len(table.failed) else FINE


def _columns(options: argparse.Namespace, axes: list[str]) -> list[str]:
    """What --columns asks for ([] for all), checked before anything runs."""
    from balloonlab.sweeps.experiments import results_of  # noqa: PLC0415

    if options.columns is None:
        return []
    known = [*axes, *results_of(options.experiment), "error"]
    return [pick("column", name.strip(), known) for name in options.columns.split(",")]


def _place(option: str, path: str | None) -> Path | None:
    """Where a file goes (None without), checked before anything runs."""
    return None if path is None else checked_place(option, path)


# -- check --

_CHECK = """\
  python -m balloonlab check S2_256M_alt --driver linux-6.1

exit code: 0 every message and config event is accepted, 1 some are not, 2 it could not be asked:
no such recording or driver, or a recording that is damaged
"""


def _add_check(commands: Any) -> None:  # noqa: ANN401
    about = "Walk every message and config event of a recording, by the rules of a driver."
    parser = _command(commands, "check", _check, about, _CHECK)
    parser.add_argument("recording", metavar="RECORDING", help="such as S2_256M_alt, or a folder")
    _driver(parser, "linux-6.1")


def _check(options: argparse.Namespace) -> int:
    from balloonlab.recordings import load  # noqa: PLC0415 - reading recordings takes a moment

    found = load(options.recording).check(driver=options.driver)
    _say(str(found))
    return FINE if found else WRONG


# -- map --

_MAP = """\
a recording and a snapshot of it, or (without them) a new guest after a workload:

  python -m balloonlab map S2_256M_alt freed -o freed.png
  python -m balloonlab map --pages 16384 --workload runs --set length=64 --balloon 2048 --compact

exit code: 0 it is drawn, 2 it could not be, or not be written
"""


def _add_map(commands: Any) -> None:  # noqa: ANN401
    about = "Draw the page map of a recorded or a new guest: as text, or to a PNG or SVG file."
    parser = _command(commands, "map", _map, about, f"{_MAP}\n{workloads_text()}")
    parser.add_argument("recording", nargs="?", metavar="RECORDING", help="such as S2_256M_alt, or a folder")
    parser.add_argument("snapshot", nargs="?", metavar="SNAPSHOT", help="a moment of it, such as freed")
    parser.add_argument("-o", "--output", metavar="FILE", help="a file .png or .svg (default: text)")
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="colours (default: light)")
    guest = parser.add_argument_group("a new guest")
    _driver(guest)
    pages = "guest pages of 4 KiB, 1 to 16,777,216 (default: 16,384)"
    guest.add_argument("--pages", type=_whole, default=16384, metavar="N", help=pages)
    guest.add_argument("--workload", default="random", metavar="NAME", help="who fills it (below; default: random)")
    setting = "an option of the workload, such as length=64 (below); may be given again for another"
    guest.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=setting)
    guest.add_argument("--seed", type=_whole, default=0, metavar="N", help="of the workload, 0 or more (default: 0)")
    balloon = "inflate by N 4 KiB pages, such as 2048, or by a share of the memory, such as 0.25"
    guest.add_argument("--balloon", default="0", metavar="N", help=balloon)
    engine = "auto, steps or arrays, with the same result (default: auto, which takes arrays where it can)"
    guest.add_argument("--engine", default="auto", metavar="NAME", help=engine)
    guest.add_argument("--compact", action="store_true", help="then compact")


def _map(options: argparse.Namespace) -> int:
    from balloonlab.memory.textmap import text_map  # noqa: PLC0415  (help is quick)

    place = _place("--output", options.output)
    if place and place.suffix.lower() not in (".png", ".svg"):
        raise BadValueError(f"the output is {options.output!r}; its name must end in .png or .svg.")
    states, title = _made(options) if options.recording is None else _recorded(options)
    if place is None:
        _say(f"{title}\n{text_map(states)}")
        return FINE
    from balloonlab.plots.map_file import write_map  # noqa: PLC0415

    write_map(place, states, title, options.theme)
    _tell(f"wrote {options.output}")
    return FINE


def _recorded(options: argparse.Namespace) -> tuple[Any, str]:
    from balloonlab.recordings import load  # noqa: PLC0415

    plain = _options(["map"])
    for name in ("driver", "pages", "workload", "set", "seed", "balloon", "engine", "compact"):
        if getattr(options, name) != getattr(plain, name):
            raise BadValueError(f"--{name} is for a new guest, and {options.recording} is a recording; leave one out.")
    recording = load(options.recording)
    if options.snapshot is None:
        raise BadValueError(f"which moment of {recording.name}? Its snapshots: {', '.join(recording.snapshots)}.")
    return recording.snapshot_states(options.snapshot), f"{recording.name}, {options.snapshot}"


def _made(options: argparse.Namespace) -> tuple[Any, str]:
    """Page states of a new guest, and what was done to it: a line an operation."""
    from balloonlab.guest.guest import Guest  # noqa: PLC0415
    from balloonlab.sweeps.axes import typed_settings  # noqa: PLC0415
    from balloonlab.sweeps.experiments import balloon_size  # noqa: PLC0415

    settings = typed_settings(options.set)
    workload_settings(options.workload, settings)
    guest = Guest(options.pages, options.driver, seed=options.seed, engine=options.engine)
    number = typed_number(options.balloon)
    size = balloon_size(options.balloon if number is None else number, guest.host.balloon_pages)
    done = [str(guest.workload(options.workload, **settings)).partition(":")[0]]
    if size:
        done.append(str(guest.inflate(size)))
    if options.compact:
        done.append(str(guest.compact()))
    return guest.page_states, "\n".join(done)


def _run() -> NoReturn:
    try:
        code: Any = main()
    except SystemExit as left:
        code = left.code
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:  # told already, but for this
        code = UNREAD if isinstance(error, BrokenPipeError) else code
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    _run()
