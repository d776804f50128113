"""The two engines of one guest: arrays that work whole operations out, and the machine that takes their steps.

A guest has the one or the other. Where arrays cannot go on it goes over to steps, from where it stands; and so it does
when somebody asks for its machine.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.interrupt import held_back, interruptible
from balloonlab.foundations.words import counted
from balloonlab.guest.array_guest import ArrayGuest, OnItsWayError, StepsNeededError
from balloonlab.guest.array_history import ArrayHistory
from balloonlab.guest.going_over import Life, Make, Request, stand_in, steps_of, taken_over
from balloonlab.guest.stepped_guest import SteppedGuest
from balloonlab.memory.workloads import WorkloadResult, workload_named


class Engines:
    """Which of them a guest has, and what is asked of it. All values are checked by the caller.

    now: how the guest begins. make: makes a stepped guest of it. may_step: whether it goes over to steps for a
    compaction that arrays refuse (OnItsWayError).
    """

    def __init__(self, now: ArrayGuest | SteppedGuest, make: Make, *, may_step: bool) -> None:
        self.now = now
        self._make, self._may_step = make, may_step
        self._life = Life(now, make) if isinstance(now, ArrayGuest) else None

    @property
    def arrays(self) -> ArrayGuest | None:
        """The guest of arrays, as long as it is one."""
        return self.now if isinstance(self.now, ArrayGuest) else None

    @property
    def stepped(self) -> SteppedGuest:
        """The guest of steps, from now on."""
        if isinstance(self.now, ArrayGuest):
            self._go_over()
        assert isinstance(self.now, SteppedGuest)
        return self.now

    def _go_over(self, *, far: bool = False) -> None:
        """Come to a machine, whole or not at all; far: not by making all steps again."""
        arrays, life = self.arrays, self._life
        assert arrays is not None
        assert life is not None
        with held_back():
            again = life.fits() and not far
            steps = life.again(arrays.zone.states) if again else taken_over(arrays, self._make)
            stand_in(arrays, steps)
            self.now, self._life = steps, None

    def _note(self, pages: int, moved: int, method: str, *arguments: object, **options: object) -> None:
        assert self._life is not None
        self._life.note(Request(method, arguments, options, steps_of(method, pages, moved)))

    def workload(self, name: str, **options: Any) -> WorkloadResult:  # noqa: ANN401
        """As Guest's."""
        if (arrays := self.arrays) is None:
            return self.stepped.workload(name, **options)
        with interruptible(f"workload {workload_named(name).name}"):
            result = arrays.workload(name, **options)
            self._note(len(arrays.zone.states), 0, "workload", name, **options)
        return result

    def release(self, fraction: float, seed: int) -> int:
        """As Guest's."""
        if (arrays := self.arrays) is None:
            return self.stepped.release(fraction, seed)
        with interruptible("giving back"):
            given = arrays.release(fraction, seed)
            self._note(len(arrays.zone.states), 0, "release", fraction, seed)
        return given

    def set_target(self, n: int) -> tuple[str, int]:
        """Why the balloon is of another size then ("" if it is not), and the steps taken (0 by arrays)."""
        if (arrays := self.arrays) is not None:
            pages = abs(n - arrays.balloon_pages) // arrays.pages_per_page
            with interruptible(f"towards {counted(n, 'balloon page')}") as interruption, suppress(StepsNeededError):
                why = arrays.set_target(n, interruption.say)
                self._note(pages, 0, "set_target", n)
                return why, 0
            if far := self._life is None or not self._life.fits(steps_of("set_target", pages)):
                arrays.approach(n)
            self._go_over(far=far)
        return self.stepped.set_target(n)

    def compact(self) -> tuple[NDArray[np.signedinteger[Any]], str, int]:
        """The pairs of pages that moved, what is amiss, and the steps taken (0 by arrays)."""
        if (arrays := self.arrays) is not None:
            refused = [StepsNeededError, *([OnItsWayError] if self._may_step else [])]
            with interruptible("compaction") as interruption, suppress(*refused):
                pairs = arrays.compact(interruption.say).pairs
                self._note(len(arrays.zone.states), len(pairs), "compact")
                return pairs, "", 0
        return self.stepped.compact()

    def undo(self) -> str:
        """Take the last operation back; says which it was."""
        text = self.history().undo().text
        if self._life is not None:
            self._life.undone()
        return text

    def redo(self) -> str:
        """Do it again; says which it is."""
        text = self.history().redo()
        if self._life is not None:
            self._life.redone()
        return text

    def history(self) -> ArrayHistory:
        """Of whole operations; BadValueError for a guest of steps."""
        if (arrays := self.arrays) is None:
            raise BadValueError(
                "this guest takes steps: guest.machine.record(), called before what is to be taken back, begins a "
                "timeline, and guest.machine.seek(step) goes anywhere in it. Whole operations are taken back in guests "
                "of arrays (engine='arrays'), as long as nobody asks for their machine."
            )
        return arrays.history
