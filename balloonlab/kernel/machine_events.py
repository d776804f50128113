"""What happens to a machine beside its steps, as plain values: requests from outside, ends of runs, bugs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Action(NamedTuple):
    """Something that may come from outside the guest: `check` refuses a bad number, `change` does it."""

    check: Callable[[int], object]
    change: Callable[[int], None]


class Ran(NamedTuple):
    """What `run` did: steps taken, why it ended ("idle", "budget", "stopped", "bug"), and that in a sentence."""

    steps: int
    reason: str
    text: str


class Bug(NamedTuple):
    """A bug that a step ran into: its kind, a sentence, the thread's name, the number of the step."""

    kind: str
    text: str
    thread: str
    step: int
