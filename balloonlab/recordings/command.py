"""python -m balloonlab check: a recording, held against the rules of a driver."""

from __future__ import annotations

import argparse
from typing import Any

from balloonlab.drivers.option import add_driver
from balloonlab.foundations.command import FINE, WRONG, new_command, say
from balloonlab.recordings import load

_CHECK = """\
  python -m balloonlab check S2_256M_alt --driver linux-6.1

exit code: 0 every message and config event is accepted, 1 some are not, 2 it could not be asked:
no such recording or driver, or a recording that is damaged
"""


def add_to(commands: Any) -> None:  # noqa: ANN401  (argparse has no public name for it)
    """Add it to the commands of a parser."""
    about = "Walk every message and config event of a recording, by the rules of a driver."
    parser = new_command(commands, "check", _check, about, _CHECK)
    parser.add_argument("recording", metavar="RECORDING", help="such as S2_256M_alt, or a folder")
    add_driver(parser, "linux-6.1")


def _check(options: argparse.Namespace) -> int:
    found = load(options.recording).check(driver=options.driver)
    say(str(found))
    return FINE if found else WRONG
