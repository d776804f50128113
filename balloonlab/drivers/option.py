"""The option of a command that names a driver."""

from __future__ import annotations

from typing import Any

from balloonlab.drivers import DRIVERS

_NAMES = f"{', '.join(DRIVERS)}; v9, v10, v11 and linux-3.8 also as v9-no-compaction and so on"


def add_driver(parser: Any, default: str = "v9") -> None:  # noqa: ANN401  (a parser, or a group of one)
    """Add ``--driver NAME`` to a parser of argparse."""
    parser.add_argument("--driver", default=default, metavar="NAME", help=f"{_NAMES} (default: {default})")
