"""What the commands of the command line have in common: exit codes, where they write, how they read a line.

Each command stands beside what it runs and has `add_to(commands)`; `__main__` puts them together.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from balloonlab.foundations.typed import typed_whole
from balloonlab.foundations.whole_files import checked_place

FINE, WRONG, UNKNOWN = 0, 1, 2  # exit codes; the last is argparse's for usage, too
UNREAD = 141  # whoever read the output has gone: what a shell sees of a program that SIGPIPE ended


def complain(text: str) -> int:
    """Say on the error stream why nothing came of it; returns the exit code."""
    tell(" ".join(text.split()))
    return UNKNOWN


def tell(text: str) -> None:
    """A line on the error stream."""
    _write(sys.stderr, f"balloonlab: {text}\n")


def say(text: str) -> None:
    """A line of what was asked for."""
    _write(sys.stdout, f"{text}\n")


def _write(stream: TextIO | None, text: str) -> None:
    """What the stream cannot write is written in escapes; a stream that was closed gets nothing."""
    if stream is not None:
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def new_command(
    commands: Any,  # noqa: ANN401  (argparse has no public name for it)
    name: str,
    run: Callable[[argparse.Namespace], int],
    about: str,
    more: str,
) -> argparse.ArgumentParser:
    """The parser of a command: `run` carries it out and returns the exit code; more: the end of its help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


def whole(text: str) -> int:
    """The type of an option that takes a whole number."""
    number = typed_whole(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number; write it as 4096 or 4,096")
    return number


def placed(option: str, path: str | None) -> Path | None:
    """Where a file goes (None without), checked before anything runs."""
    return None if path is None else checked_place(option, path)
