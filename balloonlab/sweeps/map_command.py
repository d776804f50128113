"""python -m balloonlab map: the page map of a recorded guest, or of a new one that is made as an experiment's is."""

from __future__ import annotations

import argparse
from typing import Any

from balloonlab.drivers.option import add_driver
from balloonlab.foundations.command import FINE, new_command, placed, say, tell, whole
from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.typed import typed_number
from balloonlab.guest.guest import Guest
from balloonlab.memory.textmap import text_map
from balloonlab.memory.workloads import workload_settings, workloads_text
from balloonlab.recordings import load
from balloonlab.sweeps.axes import typed_settings
from balloonlab.sweeps.experiments import balloon_size

_MAP = """\
a recording and a snapshot of it, or (without them) a new guest after a workload:

  python -m balloonlab map S2_256M_alt freed -o freed.png
  python -m balloonlab map --pages 16384 --workload runs --set length=64 --balloon 2048 --compact

exit code: 0 it is drawn, 2 it could not be, or not be written
"""


def add_to(commands: Any) -> None:  # noqa: ANN401  (argparse has no public name for it)
    """Add it to the commands of a parser."""
    about = "Draw the page map of a recorded or a new guest: as text, or to a PNG or SVG file."
    parser = new_command(commands, "map", _map, about, f"{_MAP}\n{workloads_text()}")
    parser.set_defaults(default=parser.get_default)
    parser.add_argument("recording", nargs="?", metavar="RECORDING", help="such as S2_256M_alt, or a folder")
    parser.add_argument("snapshot", nargs="?", metavar="SNAPSHOT", help="a moment of it, such as freed")
    parser.add_argument("-o", "--output", metavar="FILE", help="a file .png or .svg (default: text)")
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="colours (default: light)")
    guest = parser.add_argument_group("a new guest")
    add_driver(guest)
    pages = "guest pages of 4 KiB, 1 to 16,777,216 (default: 16,384)"
    guest.add_argument("--pages", type=whole, default=16384, metavar="N", help=pages)
    guest.add_argument("--workload", default="random", metavar="NAME", help="who fills it (below; default: random)")
    setting = "an option of the workload, such as length=64 (below); may be given again for another"
    guest.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=setting)
    guest.add_argument("--seed", type=whole, default=0, metavar="N", help="of the workload, 0 or more (default: 0)")
    balloon = "inflate by N 4 KiB pages, such as 2048, or by a share of the memory, such as 0.25"
    guest.add_argument("--balloon", default="0", metavar="N", help=balloon)
    engine = "auto, steps or arrays, with the same result (default: auto, which takes arrays where it can)"
    guest.add_argument("--engine", default="auto", metavar="NAME", help=engine)
    guest.add_argument("--compact", action="store_true", help="then compact")


def _map(options: argparse.Namespace) -> int:
    place = placed("--output", options.output)
    if place and place.suffix.lower() not in (".png", ".svg"):
        raise BadValueError(f"the output is {options.output!r}; its name must end in .png or .svg.")
    states, title = _made(options) if options.recording is None else _recorded(options)
    if place is None:
        say(f"{title}\n{text_map(states)}")
        return FINE
    from balloonlab.plots.map_file import write_map  # noqa: PLC0415  (text needs nothing that draws)

    write_map(place, states, title, options.theme)
    tell(f"wrote {options.output}")
    return FINE


def _recorded(options: argparse.Namespace) -> tuple[Any, str]:
    for name in ("driver", "pages", "workload", "set", "seed", "balloon", "engine", "compact"):
        if getattr(options, name) != options.default(name):
            raise BadValueError(f"--{name} is for a new guest, and {options.recording} is a recording; leave one out.")
    recording = load(options.recording)
    if options.snapshot is None:
        raise BadValueError(f"which moment of {recording.name}? Its snapshots: {', '.join(recording.snapshots)}.")
    return recording.snapshot_states(options.snapshot), f"{recording.name}, {options.snapshot}"


def _made(options: argparse.Namespace) -> tuple[Any, str]:
    """Page states of a new guest, and what was done to it: a line an operation."""
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
