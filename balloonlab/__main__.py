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
from typing import Any, NoReturn

from balloonlab.course import command as explore
from balloonlab.foundations.command import UNREAD, complain
from balloonlab.foundations.errors import BalloonlabError
from balloonlab.recordings import command as check
from balloonlab.sweeps import command as sweep
from balloonlab.sweeps import map_command as page_map

_ABOUT = "Memory ballooning and balloon page compaction, from the shell. The lessons are the notebooks."


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line (by default the process's); returns the exit code. Raises SystemExit for usage."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    try:
        code = int(options.run(options))
        if sys.stdout is not None:
            sys.stdout.flush()
    except BalloonlabError as error:
        return complain(str(error))
    except BrokenPipeError:
        return UNREAD
    except OSError as error:
        return complain(f"{error.filename or 'output'}: {error.strerror or error}")
    except MemoryError:
        return complain("there is not enough memory for this")
    except KeyboardInterrupt:
        return complain("interrupted")
    return code


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """Options may stand before, between and after what they belong to."""
    parser = argparse.ArgumentParser(prog="python -m balloonlab", description=_ABOUT)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (explore, sweep, check, page_map):
        command.add_to(commands)
    if arguments and arguments[0] in commands.choices:
        return commands.choices[arguments[0]].parse_intermixed_args(arguments[1:])
    return parser.parse_args(arguments)


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
