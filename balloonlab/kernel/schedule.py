"""A schedule: which thread took each step. A value with equality and a printable token that replays it.

A choice is a thread's name, or an action from outside written ``!name=value`` (a new target, a request to compact).
A token is plain data: it is parsed strictly and nothing in it is ever executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby, pairwise

from balloonlab.foundations.errors import BadScheduleError
from balloonlab.foundations.words import shown

_VERSION = "bl1"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}|![a-z_]{1,40}(=-?\d{1,10})?")
_RUN = re.compile(r"([a-z]{1,3})(\d{1,9})")
_LONGEST = 20_000_000  # steps


@dataclass(frozen=True, slots=True)
class Schedule:
    """The choices of a run, first to last."""

    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.choices, tuple) or not all(isinstance(choice, str) for choice in self.choices):
            wanted = "a tuple of the names of threads and actions; Schedule.from_token makes one of a token."
            raise BadScheduleError(f"the choices of a schedule are {shown(self.choices)}; they must be {wanted}")

    def __len__(self) -> int:
        return len(self.choices)

    def __str__(self) -> str:
        runs = [f"{name} x{len(list(group))}" for name, group in groupby(self.choices)]
        return ", ".join(runs) or "no steps"

    @property
    def preemptions(self) -> int:
        """How often the running thread changes, actions not counted."""
        threads = [c for c in self.choices if not c.startswith("!")]
        return sum(a != b for a, b in pairwise(threads))

    @property
    def token(self) -> str:
        """The schedule as one printable word, e.g. ``bl1.!compact,vballoon.a1b12``."""
        names = list(dict.fromkeys(self.choices))
        letters = {name: _letters(i) for i, name in enumerate(names)}
        runs = "".join(f"{letters[name]}{sum(1 for _ in group)}" for name, group in groupby(self.choices))
        return f"{_VERSION}.{','.join(names)}.{runs}"

    @classmethod
    def of(cls, what: object) -> Schedule:
        """A schedule itself, or the one that a token stands for; raises BadScheduleError for anything else."""
        return what if isinstance(what, Schedule) else cls.from_token(what)

    @classmethod
    def from_token(cls, token: object) -> Schedule:
        """The schedule a token stands for; raises BadScheduleError that says what is wrong with it."""
        if not isinstance(token, str):
            raise BadScheduleError(f"{shown(token)} is no schedule; legal: a Schedule, or the text of its token.")
        parts = token.strip().split(".")
        if len(parts) != len(("version", "names", "runs")) or parts[0] != _VERSION:
            raise BadScheduleError(f"{shown(token)} is no schedule token; one looks like {_VERSION}.vballoon.a12.")
        names = parts[1].split(",") if parts[1] else []
        for name in names:
            if not _NAME.fullmatch(name):
                raise BadScheduleError(f"a schedule token names {shown(name)}, which is no thread or action.")
        by_letters = {_letters(i): name for i, name in enumerate(names)}
        choices: list[str] = []
        at = 0
        while at < len(parts[2]):
            run = _RUN.match(parts[2], at)
            if run is None or run[1] not in by_letters:
                raise BadScheduleError(f"the token is damaged after {at} characters of its steps; was it cut?")
            if len(choices) + int(run[2]) > _LONGEST:
                raise BadScheduleError(f"the token asks for more than {_LONGEST:,} steps; it must be damaged.")
            choices.extend([by_letters[run[1]]] * int(run[2]))
            at = run.end()
        return cls(tuple(choices))


def _letters(i: int) -> str:
    word = ""
    while True:
        word = chr(ord("a") + i % 26) + word
        i = i // 26 - 1
        if i < 0:
            return word
