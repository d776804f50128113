"""What happens to a machine beside its steps, as plain values: requests from outside, ends of runs, bugs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Need(NamedTuple):
    """When something may be asked for: a shared number must be 0, or must not be; and why it may not otherwise."""

    number: str
    set: bool
    otherwise: str


class Action(NamedTuple):
    """Something that may come from outside the guest: `check` refuses a bad number, `change` does it.

    needs: what must hold for it to be asked for.
    """

    check: Callable[[int], object]
    change: Callable[[int], None]
    needs: tuple[Need, ...] = ()


class Ran(NamedTuple):
    """What `run` did: steps taken, why it ended ("idle", "budget", "stopped", "bug"), and that in a sentence."""

    steps: int
    reason: str
    text: str


class Bug(NamedTuple):
    """A bug that a step ran into: its kind, a sentence, the thread's name, the number of the step.

    step: -1 if it was before the timeline began. where: the line of driver text, in words, unless `text` names it.
    """

    kind: str
    text: str
    thread: str
    step: int
    where: str = ""

    def __str__(self) -> str:
        kind = "" if self.kind == "BUG" else f" ({self.kind})"
        return f"BUG in {self.thread}{kind}: {self.text}{f' ({self.where})' if self.where else ''}"


@dataclass(frozen=True)
class Mark:
    """Something that came from outside: an operation begins here.

    step: steps before it, from the opening on. name, number: of the action; number is None for what is no action (a
    workload), and `about` says then what it was.
    """

    step: int
    name: str
    number: int | None = None
    about: str = ""
    change: Callable[[], Any] = field(default=lambda: None, repr=False, compare=False)

    @property
    def choice(self) -> str:
        """As a schedule names it."""
        return f"!{self.name}={self.number}"

    def __str__(self) -> str:
        what = self.about or (f"{self.number:,}" if self.number else "")
        return f"{self.name.replace('_', ' ')} {what}".rstrip()
