"""python -m balloonlab sweep: an experiment for every combination of parameters, and their table."""

from __future__ import annotations

import argparse
from typing import Any

from balloonlab.drivers import DRIVERS
from balloonlab.foundations.command import FINE, UNKNOWN, WRONG, complain, new_command, placed, say, tell, whole
from balloonlab.foundations.errors import BadValueError, NotWrittenError, pick, whole_number
from balloonlab.memory.placement import PLACEMENTS
from balloonlab.memory.workloads import workloads_text
from balloonlab.sweeps.axes import typed_axes
from balloonlab.sweeps.experiments import EXPERIMENTS, results_of
from balloonlab.sweeps.running import ExecutorFailedError, sweep

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


def add_to(commands: Any) -> None:  # noqa: ANN401  (argparse has no public name for it)
    """Add it to the commands of a parser."""
    more = f"{_SWEEP}driver: {', '.join(DRIVERS)}.\nplacement: {', '.join(PLACEMENTS)}.\n{_ENGINE}\n{workloads_text()}"
    about = "Run an experiment for every combination of parameters, and print a table of results."
    parser = new_command(commands, "sweep", _sweep, about, more)
    parser.add_argument("axes", nargs="*", metavar="NAME=VALUES", help="an axis of the grid (below)")
    parser.add_argument(
        "--experiment", default="balloon_and_compact", metavar="NAME", help="(below; default: %(default)s)"
    )
    parser.add_argument("--columns", metavar="A,B,...", help="print only these columns, such as seed,ballooned,moved")
    parser.add_argument("--jobs", type=whole, default=1, metavar="N", help="processes, 1 to 1,024 (default: 1)")
    parser.add_argument("--keep", metavar="FILE", help="add each row to FILE at once, and do only what is not in it")
    parser.add_argument("-o", "--output", metavar="FILE.csv", help="write comma-separated values, not text")


def _sweep(options: argparse.Namespace) -> int:
    from balloonlab.sweeps.workers import end_processes, processes  # noqa: PLC0415  (other commands need no processes)

    experiment = EXPERIMENTS[pick("experiment", options.experiment, list(EXPERIMENTS))]
    axes = typed_axes(options.axes)
    jobs = whole_number("--jobs", options.jobs, 1, 1024, "processes")
    columns = _columns(options, [*axes])
    output, keep = placed("--output", options.output), placed("--keep", options.keep)
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
        say(str(shown))
    else:
        try:
            shown.to_csv(output)
        except NotWrittenError as error:
            say(shown.to_csv().rstrip("\n"))
            return complain(f"{error} Its lines stand on the standard output instead.")
        tell(f"wrote {options.output}")
    if why:
        rest = "the same command does the rest" if keep else "with --keep FILE, the same command does the rest"
        tell(f"{why}; {rest}")
    elif len(table.failed):
        tell(table.summary())
    return UNKNOWN if why else WRONG if len(table.failed) else FINE


def _columns(options: argparse.Namespace, axes: list[str]) -> list[str]:
    """What --columns asks for ([] for all), checked before anything runs."""
    if options.columns is None:
        return []
    known = [*axes, *results_of(options.experiment), "error"]
    return [pick("column", name.strip(), known) for name in options.columns.split(",")]
