"""Each thread's own variables, as words: for programs, whose every step is a reader's to follow.

They are in no journal: they are read off the generators, at each position of a timeline that is short enough for that.
"""

from __future__ import annotations

from types import GeneratorType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from balloonlab.kernel.machine import Machine
from balloonlab.kernel.thread import Thread

MOST_STEPS = 2_000  # of a timeline; beyond it nothing is told
_TOLD = (int, str, tuple, type(None))
_LONGEST = 60  # characters of a value


def own_variables(thread: Thread) -> str:
    """The variables of a thread's innermost routine where it stands: "seen = 0, tries = 2"; "" if it has none."""
    routine = cast("Any", thread.generator)
    while isinstance(routine.gi_yieldfrom, GeneratorType):
        routine = routine.gi_yieldfrom
    frame = routine.gi_frame
    local = {} if frame is None else frame.f_locals
    told = [f"{name} = {value!r:.{_LONGEST}}" for name, value in local.items() if isinstance(value, _TOLD)]
    return ", ".join(told)


class OwnVariables:
    """The words met so far, and the rows of a machine's timeline as numbers of them."""

    def __init__(self) -> None:
        self.words: list[str] = [""]
        self._numbers = {"": 0}

    def rows(self, machine: Machine, first: int) -> NDArray[np.uint16]:
        """uint16, one a thread and position ``first..`` the end of the timeline, counted in it; empty if it is long.

        The machine is left at the end. Called with its lock held.
        """
        last = len(machine.timeline)
        rows = []
        for position in range(first, last + 1) if last <= MOST_STEPS else ():
            machine.seek(machine.timeline.first + position)
            rows += [self._number(own_variables(thread)) for thread in machine.threads]
        return np.array(rows, np.uint16)

    def _number(self, words: str) -> int:
        if words not in self._numbers:
            self._numbers[words] = len(self.words)
            self.words.append(words)
        return self._numbers[words]
