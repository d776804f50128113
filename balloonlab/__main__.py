"""The command line: python -m balloonlab explore, sweep, check or map.

Thin over the functions of the package. What is asked for goes to the standard output; errors are a line on the error
stream. Each command returns 0, 1 or 2; what these mean stands in its help.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from balloonlab.course.scenarios import SCENARIOS
from balloonlab.drivers import DRIVERS
from balloonlab.foundations.errors import BadValueError, BalloonlabError

FINE, WRONG, UNKNOWN = 0, 1, 2  # exit codes; the last is argparse's for usage, too

_ABOUT = "Memory ballooning and balloon page compaction, from the shell. The lessons are the notebooks."


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line (by default the process's); returns the exit code. Raises SystemExit for usage."""
    options = _parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except BalloonlabError as error:
        return _complain(str(error))
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except OSError as error:
        return _complain(f"{error.filename or 'output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return _complain("interrupted")
    return code


def _complain(text: str) -> int:
    _tell(text)
    return UNKNOWN


def _tell(text: str) -> None:
    sys.stderr.write(f"balloonlab: {text}\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m balloonlab", description=_ABOUT)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_explore(commands)
    _add_sweep(commands)
    _add_check(commands)
    _add_map(commands)
    return parser


def _command(commands: Any, name: str, run: Any, about: str, more: str) -> argparse.ArgumentParser:  # noqa: ANN401
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


def _listed(names: Sequence[str]) -> str:
    return "\n".join(f"  {name}" for name in names)


# -- explore --

_EXPLORE = """\
"holds" means that no interleaving comes to grief: no deadlock, no page in two places, no host that is told wrongly
forever, and the scenario's own questions. A schedule that is printed can be looked at in a notebook, step by step:

  bl.Lab(bl.replay(bl.scenario("fill-out-of-memory", "v9"), "bl1..."))

exit code: 0 it holds, 1 it is violated, 2 it was not finished, or could not begin

scenarios:
"""


def _add_explore(commands: Any) -> None:  # noqa: ANN401
    about = "Run every interleaving of a scenario's threads, and print the verdict and the schedules that break it."
    parser = _command(commands, "explore", _explore, about, f"{_EXPLORE}{_listed(SCENARIOS)}")
    parser.add_argument("scenario", metavar="SCENARIO", help="name of a scenario (below)")
    _driver(parser)
    parser.add_argument("--most-states", type=int, metavar="N", help="give up after N states (default: 10,000,000)")


def _driver(parser: argparse.ArgumentParser, default: str = "v9") -> None:
    known = ", ".join(DRIVERS)
    parser.add_argument("--driver", default=default, metavar="NAME", help=f"{known} (default: {default})")


def _explore(options: argparse.Namespace) -> int:
    from balloonlab.course.scenarios import scenario  # noqa: PLC0415
    from balloonlab.explore import Verdict, explore  # noqa: PLC0415  (help is quick)

    limits = {} if options.most_states is None else {"most_states": options.most_states}
    result = explore(scenario(options.scenario, options.driver), **limits)
    lines = str(result).splitlines()
    _say(f"{options.scenario}, driver {options.driver}: {lines[0]}")
    for finding in result.findings:
        _say(f"  {finding}\n    replay: {finding.schedule.token}")
    return {Verdict.HOLDS: FINE, Verdict.VIOLATED: WRONG, Verdict.NOT_FINISHED: UNKNOWN}[result.verdict]


# -- sweep --

_SWEEP = """\
an axis is NAME=VALUE,VALUE,... with whole numbers (4096, not 4,096), fractions, words, or whole numbers START:END
(END left out):

  python -m balloonlab sweep pages=4096,8192 driver=v9,linux-6.1 seed=0:3
  python -m balloonlab sweep --experiment interleavings scenario=inflate,deflate driver=v9,v10

exit code: 0 every experiment is done, 1 one failed, 2 it was interrupted, or could not begin

experiments and their parameters:
  balloon_and_compact: pages balloon driver workload seed page_size placement, options of the workload
  interleavings: scenario driver most_states
"""


def _add_sweep(commands: Any) -> None:  # noqa: ANN401
    about = "Run an experiment for every combination of parameters, and print a table of results."
    parser = _command(commands, "sweep", _sweep, about, _SWEEP)
    parser.add_argument("axes", nargs="*", metavar="NAME=VALUES", help="an axis of the grid (below)")
    parser.add_argument("--experiment", default="balloon_and_compact", metavar="NAME", help="(default: %(default)s)")
    parser.add_argument("--columns", metavar="A,B,...", help="print only these columns")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to run on (default: 1)")
    parser.add_argument("--keep", metavar="FILE", help="add each row to FILE at once, and do only what is not in it")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.csv", help="write comma-separated values, not text")


def _sweep(options: argparse.Namespace) -> int:
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  (help is quick)
    from multiprocessing import active_children, get_context  # noqa: PLC0415

    from balloonlab.foundations.errors import pick, whole_number  # noqa: PLC0415
    from balloonlab.sweeps import EXPERIMENTS, sweep  # noqa: PLC0415

    experiment = EXPERIMENTS[pick("experiment", options.experiment, list(EXPERIMENTS))]
    axes = dict(map(_axis, options.axes))
    if len(axes) < len(options.axes):
        raise BadValueError(f"an axis is given twice: {' '.join(options.axes)}. Each has all its values in one place.")
    reserved = {"executor", "keep", "experiment"} & axes.keys()
    if reserved:
        raise BadValueError(f"{reserved.pop()} is no parameter of an experiment; options begin with --.")
    jobs = whole_number("--jobs", options.jobs, 1, 1024, "processes")
    if options.output:
        _check_folder(options.output)
    with contextlib.ExitStack() as stack:
        pool = None
        if jobs > 1:
            deaf = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches workers, too; one that died of it could hold a lock
            pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=signal.signal, initargs=deaf)
            stack.enter_context(pool)
        table = sweep(experiment, executor=pool, keep=options.keep, **axes)
        if table.why:
            for worker in active_children():  # they would go on to the end of their experiments
                worker.terminate()
    why, table.why = table.why, ""  # it is said below, in words for a shell
    shown = table.only(*options.columns.split(",")) if options.columns else table
    if options.output is None:
        _say(str(shown))
    else:
        shown.to_csv(options.output)
        _tell(f"wrote {options.output}")
    if why:
        rest = "the same command does the rest" if options.keep else "with --keep FILE, the same command does the rest"
        _tell(f"{why.partition(':')[0]}; {rest}")
    elif len(table.failed):
        _tell(table.summary())
    return UNKNOWN if why else WRONG if len(table.failed) else FINE


def _check_folder(path: Path) -> None:
    """Raises BadValueError, before anything takes time, for a file in a folder that is not there."""
    if not path.absolute().parent.is_dir():
        raise BadValueError(f"--output is {str(path)!r}; there is no folder {str(path.parent)!r}.")


def _axis(text: str) -> tuple[str, list[Any]]:
    name, equals, values = text.partition("=")
    if not equals or not name.isidentifier():
        raise BadValueError(f"{text!r} is no axis; an axis is NAME=VALUE,VALUE,... such as seed=0:3 or driver=v9,v10.")
    return name, [value for part in values.split(",") if part for value in _read(part)]


def _read(text: str) -> Sequence[Any]:
    """The values that one word of an axis stands for."""
    start, colon, end = text.partition(":")
    with contextlib.suppress(ValueError):
        return range(int(start), int(end)) if colon else [int(text)]
    with contextlib.suppress(ValueError):
        return [float(text)]
    return [text]


# -- check --

_CHECK = """\
exit code: 0 every message and config event is accepted, 1 some are not, 2 there is no such recording, or it is damaged
"""


def _add_check(commands: Any) -> None:  # noqa: ANN401
    about = "Walk every message and config event of a recording, by the rules of a driver."
    parser = _command(commands, "check", _check, about, _CHECK)
    parser.add_argument("recording", metavar="RECORDING", help="name of a recording, or its folder")
    parser.add_argument("--driver", default="linux-6.1", help=f"one of {', '.join(DRIVERS)} (default: linux-6.1)")


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

exit code: 0 it is drawn, 2 it could not be
"""


def _add_map(commands: Any) -> None:  # noqa: ANN401
    about = "Draw the page map of a recorded or a new guest: as text, or to a PNG or SVG file."
    parser = _command(commands, "map", _map, about, _MAP)
    parser.add_argument("recording", nargs="?", metavar="RECORDING", help="name of a recording, or its folder")
    parser.add_argument("snapshot", nargs="?", metavar="SNAPSHOT", help="a moment of it")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="a file .png or .svg (default: text)")
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="colours (default: light)")
    guest = parser.add_argument_group("a new guest")
    _driver(guest)  # type: ignore[arg-type]
    guest.add_argument("--pages", type=int, default=16384, metavar="N", help="guest pages (default: 16384)")
    guest.add_argument("--workload", default="random", metavar="NAME", help="who fills it (default: random)")
    guest.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of the workload")
    guest.add_argument("--seed", type=int, default=0, metavar="N", help="of the workload (default: 0)")
    guest.add_argument("--balloon", default="0", metavar="N", help="inflate by N 4 KiB pages, or a share such as 0.25")
    guest.add_argument("--compact", action="store_true", help="then compact")


def _map(options: argparse.Namespace) -> int:
    from balloonlab.memory.textmap import text_map  # noqa: PLC0415  (help is quick)

    suffix = options.output.suffix.lower() if options.output else ""
    if options.output and suffix not in (".png", ".svg"):
        raise BadValueError(f"the output is {str(options.output)!r}; its name must end in .png or .svg.")
    if options.output:
        _check_folder(options.output)
    states, title = _recorded(options) if options.recording else _made(options)
    if not options.output:
        _say(f"{title}\n{text_map(states)}")
        return FINE
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    from balloonlab.plots import map_columns, plot_pages  # noqa: PLC0415

    with mpl.rc_context({"svg.hashsalt": "balloonlab"}):  # the same file for the same states
        rows = -(-len(states) // map_columns(len(states)))
        figure = Figure(figsize=(8, min(5.5, max(3, 7 * rows / map_columns(len(states)))) + 1.5), layout="constrained")
        plot_pages(states, figure.subplots(), title=title, theme=options.theme)
        metadata = {"Date": None} if suffix == ".svg" else {"Software": None}
        figure.savefig(options.output, dpi=150, metadata=metadata)
    _tell(f"wrote {options.output}")
    return FINE


def _recorded(options: argparse.Namespace) -> tuple[Any, str]:
    from balloonlab.recordings import load  # noqa: PLC0415

    plain = _parser().parse_args(["map"])
    for name in ("driver", "pages", "workload", "set", "seed", "balloon", "compact"):
        if getattr(options, name) != getattr(plain, name):
            raise BadValueError(f"--{name} is for a new guest, and {options.recording} is a recording; leave one out.")
    recording = load(options.recording)
    if options.snapshot is None:
        raise BadValueError(f"which moment of {recording.name}? Its snapshots: {', '.join(recording.snapshots)}.")
    return recording.snapshot_states(options.snapshot), f"{recording.name}, {options.snapshot}"


def _made(options: argparse.Namespace) -> tuple[Any, str]:
    from balloonlab.guest.guest import Guest  # noqa: PLC0415
    from balloonlab.sweeps.experiments import balloon_size  # noqa: PLC0415

    guest = Guest(options.pages, options.driver, seed=options.seed)
    settings = {name: value for text in options.set for name, (value, *_) in [_axis(text)]}
    size = balloon_size(_read(options.balloon)[0], guest.host.balloon_pages)
    done = [str(guest.workload(options.workload, **settings)).partition(":")[0]]
    if size:
        guest.inflate(size)
        done.append(f"a balloon of {guest.balloon_pages:,} (4 KiB pages)")
    if options.compact:
        done.append(f"moved {len(guest.compact().pairs):,} pages")
    return guest.page_states, ", ".join(done)


def _run() -> NoReturn:
    sys.exit(main())


if __name__ == "__main__":
    _run()
