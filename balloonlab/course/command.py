"""python -m balloonlab explore: every interleaving of a scenario."""

from __future__ import annotations

import argparse
from typing import Any

from balloonlab.course.scenarios import SCENARIOS, scenario
from balloonlab.drivers.option import add_driver
from balloonlab.explore import Verdict, explore
from balloonlab.foundations.command import FINE, UNKNOWN, WRONG, new_command, say, whole

_EXPLORE = """\
"holds" means that no interleaving comes to grief: no deadlock, no page in two places, no host that is told wrongly
forever, and the scenario's own questions. A schedule that is printed can be looked at in a notebook, step by step:

  python -m balloonlab explore fill-out-of-memory --driver v9
  bl.Lab(bl.replay(bl.scenario("fill-out-of-memory", "v9"), "bl1..."))

exit code: 0 it holds, 1 it is violated, 2 it was not finished or not tested (no end was ever reached),
or it could not begin

scenarios:
"""


def add_to(commands: Any) -> None:  # noqa: ANN401  (argparse has no public name for it)
    """Add it to the commands of a parser."""
    about = "Run every interleaving of a scenario's threads, and print the verdict and the schedules that break it."
    parser = new_command(commands, "explore", _explore, about, _EXPLORE + "\n".join(f"  {name}" for name in SCENARIOS))
    parser.add_argument("scenario", metavar="SCENARIO", help="name of a scenario (below)")
    add_driver(parser)
    limit = "give up after N states, 1 to 2,147,483,646 (default: 10,000,000)"
    parser.add_argument("--most-states", type=whole, metavar="N", help=limit)


def _explore(options: argparse.Namespace) -> int:
    limits = {} if options.most_states is None else {"most_states": options.most_states}
    result = explore(scenario(options.scenario, options.driver), **limits)
    say(f"{options.scenario}, driver {options.driver}: {str(result).splitlines()[0]}")
    for finding in result.findings:
        say(f"  {finding}\n    replay: {finding.schedule.token}")
    return {Verdict.HOLDS: FINE, Verdict.VIOLATED: WRONG}.get(result.verdict, UNKNOWN)
