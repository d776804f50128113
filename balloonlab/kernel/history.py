"""The history of a machine, from its opening to its last step, in bounded memory.

Steps of the last stretch are there one by one (timeline.py, journal.py). Of all others this keeps who stepped, what
came from outside, what each thread was told, packed, and a `Moment` every so often: from the one before it any stretch
is made again, step for step, for the same choices from the same state do the same.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from balloonlab.foundations.errors import BadScheduleError
from balloonlab.kernel.machine_events import Mark
from balloonlab.kernel.moment import Moment
from balloonlab.kernel.stepper import Stepper
from balloonlab.kernel.thread import Packed
from balloonlab.kernel.timeline import OUTSIDE, Timeline

MOST_STEPS = 1_000_000  # that are there one by one, about 250 bytes each
MOST_BYTES = 64 << 20  # of moments
_MOMENTS = 16  # in as many steps as are there one by one
_CHANGES = 8  # a step, on average, that are there as well
_LOOK = 256  # steps made again between two chances to stop


@dataclass
class _Stretch:
    """What happened from a moment to the next one: who stepped, and by thread what it was told, in parts."""

    moment: Moment
    steps: int = 0
    who: list[bytes] = field(default_factory=list)
    told: list[list[Packed]] = field(default_factory=list)


class History:
    """Of one machine, from the moment it is made. `end`: steps in it.

    Of them the timeline has at most `most` one by one; moments are further apart when all take more than MOST_BYTES.
    """

    def __init__(self, machine: Stepper, most: int) -> None:
        self.machine, self.most = machine, most
        self.marks: list[Mark] = []
        self._before = [list(thread.packed) for thread in machine.threads]  # the opening
        self._stretches = [_Stretch(Moment(machine))]
        self._between = max(1, most // _MOMENTS)  # steps from one moment to the next
        machine.due = self._between

    @property
    def size(self) -> int:
        """Bytes that all moments take, about."""
        return sum(stretch.moment.size for stretch in self._stretches)

    # -- it grows --

    def outside(self) -> None:
        """Something is about to come from outside, at the end of the history."""
        machine, last = self.machine, self._stretches[-1].moment.step
        changes = len(machine.journal) - machine.timeline.journal_at(last)
        if machine.position - last > self._between // 8 or changes > self._between:
            self.remember()

    def remember(self) -> None:
        """Keep the moment, here at the end; let the oldest steps go if there are too many."""
        machine = self.machine
        if machine.position > self._stretches[-1].moment.step:
            self._stretches.append(_Stretch(Moment(machine)))
        if len(machine.timeline) > self.most - self._between or len(machine.journal) > _CHANGES * self.most:
            self._pack()
            self._let_go(self._first_to_keep())
        if self.size > MOST_BYTES:
            self._thin_out()
        machine.due = machine.position + self._between

    def forget(self, position: int) -> None:
        """A new future begins at a position of the timeline."""
        del self.marks[bisect_left(self.marks, position, key=_step) :]
        del self._stretches[bisect_right(self._stretches, position, key=_begin) :]
        last = self._stretches[-1]
        last.steps, last.who, last.told = 0, [], []
        self.machine.due = last.moment.step + self._between

    def _first_to_keep(self) -> int:
        """Where the timeline is to begin: at an operation, if one begins at a moment of its second half."""
        machine, line = self.machine, self.machine.timeline
        first, changes = machine.end - self.most // 2, len(machine.journal) - _CHANGES * self.most // 2
        steps = (stretch.moment.step for stretch in self._stretches)
        kept = [step for step in steps if step >= max(first, line.first) and line.journal_at(step) >= changes]
        marked = {mark.step for mark in self.marks[bisect_left(self.marks, first, key=_step) :]}
        return next((step for step in kept if step in marked), kept[0])

    def _pack(self) -> None:
        """Keep packed what so far only the timeline has. The machine is at the end."""
        machine, line = self.machine, self.machine.timeline
        now = [thread.done for thread in machine.threads]
        ends = [*((s.moment.step, s.moment.done) for s in self._stretches[1:]), (machine.position, now)]
        for stretch, (end, done) in zip(self._stretches, ends, strict=True):
            begin = stretch.moment.step
            if begin >= line.first and stretch.steps < end - begin:
                rows = line.thread[begin - line.first : end - line.first]
                stretch.steps, stretch.who = end - begin, [zlib.compress(rows.tobytes(), 1)]
                parts = zip(machine.threads, stretch.moment.done, done, strict=True)
                stretch.told = [[thread.pack(first, last) for thread, first, last in parts]]

    def _let_go(self, position: int) -> None:
        """Keep no step before a moment one by one."""
        machine = self.machine
        number = bisect_left(self._stretches, position, key=_begin)
        moment = self._stretches[number].moment
        machine.journal.cut(0, machine.timeline.journal_at(position))
        machine.timeline = machine.timeline.since(position)
        for thread, done in zip(machine.threads, moment.done, strict=True):
            thread.forget(self._told(thread.index, number), done)

    def _told(self, thread: int, number: int) -> list[Packed]:
        """Every result that a thread received before stretch `number`."""
        parts = (part[thread] for stretch in self._stretches[:number] for part in stretch.told)
        return [*self._before[thread], *parts]

    def _thin_out(self) -> None:
        """Forget every second moment of the steps that are packed; the way from one to the next gets longer."""
        first = self.machine.timeline.first
        kept: list[_Stretch] = []
        for number, stretch in enumerate(self._stretches):
            if number % 2 and stretch.moment.step < first:
                kept[-1].steps += stretch.steps
                kept[-1].who += stretch.who
                kept[-1].told += stretch.told
            else:
                kept.append(stretch)
        self._stretches = kept

    # -- reading it --

    def choices(self, position: int) -> tuple[str, ...]:
        """The choices that lead to a position, from the opening or from the last workload before it."""
        marks = {mark.step: mark for mark in self.marks[: bisect_left(self.marks, position, key=_step)]}
        first = max((step + 1 for step, mark in marks.items() if mark.number is None), default=0)
        names = dict(enumerate(self.machine.names))
        who = enumerate(self._who(position)[first:], first)
        return tuple(names[w] if w in names else marks[step].choice for step, w in who)

    def _who(self, position: int) -> memoryview:
        """Who took each of the first `position` steps: numbers of threads, OUTSIDE for none."""
        line = self.machine.timeline
        known = position <= line.stop  # otherwise all of it is packed
        parts = (part for s in self._stretches if not known or s.moment.step < line.first for part in s.who)
        packed = b"".join(map(zlib.decompress, parts))
        rows = line.thread[: position - line.first].tobytes() if known else b""
        return memoryview((packed + rows)[:position]).cast("b")

    # -- making steps again --

    def visit(self, position: int, ahead: int = 0) -> Iterator[int]:
        """Go to a position whose steps are not there one by one; yields, now and then, the position come to.

        ahead: make up to so many steps more than needed, to the next mark at most. Whoever asks may stop in between,
        and let others have the machine: where they took it elsewhere, this ends. Raises BadScheduleError if a step
        cannot be made again, because driver text depends on more than its arguments.
        """
        machine, line = self.machine, self.machine.timeline
        machine.seek_near(line.stop)
        if line.stop == machine.end:
            self._pack()
        number = bisect_right(self._stretches, position, key=_begin) - 1
        near = self._stretches[number].moment.step <= line.stop <= position
        if not near or len(line) > self.most - self._between - ahead:
            self._stand_at(number)
        line = machine.timeline
        later = self.marks[bisect_right(self.marks, position, key=_step) :][:1]
        goal = max(position, min(position + ahead, later[0].step if later else machine.end))
        for who in self._who_again(number):
            if machine.position >= goal:
                break
            self._again(who)
            self._check()
            if machine.position % _LOOK == 0:
                here = machine.position
                yield here
                if machine.position != here or machine.timeline is not line:
                    return
        machine.seek_near(position)

    def _who_again(self, number: int) -> Iterator[int]:
        """Who takes the packed steps from the machine's position on, which is in or after that stretch."""
        skipped = self.machine.position - self._stretches[number].moment.step
        for part in (part for stretch in self._stretches[number:] for part in stretch.who):
            who = memoryview(zlib.decompress(part)).cast("b")
            yield from who[skipped:]
            skipped = max(0, skipped - len(who))

    def _stand_at(self, number: int) -> None:
        """Stand at the beginning of a stretch; the timeline begins there, without a step."""
        machine, moment = self.machine, self._stretches[number].moment
        machine.journal.truncate(0)
        moment.restore_world(machine)
        for thread in machine.threads:
            moment.restore(thread, self._told(thread.index, number))
        machine.timeline = Timeline(moment.step, moment.turn, moment.clock, machine.timeline)
        machine.position, machine.turn = moment.step, moment.turn

    def _again(self, who: int) -> None:
        machine = self.machine
        end, due = machine.end, machine.due
        machine.end, machine.due = machine.position, end + 1  # it is neither a new future nor a new end
        try:
            if who == OUTSIDE:
                machine.happen(self.marks[bisect_left(self.marks, machine.position, key=_step)])
            elif machine.threads[who].enabled(machine.world):
                machine.take(machine.threads[who])
            else:
                raise BadScheduleError(
                    f"step {machine.position:,} cannot be made again: {machine.names[who]} "
                    f"{machine.wait_of(machine.threads[who]).text}, which it did not do before."
                )
        finally:
            machine.end, machine.due = end, due

    def _check(self) -> None:
        """Hold every thread against the moment that was kept here, if one was."""
        machine = self.machine
        number = bisect_left(self._stretches, machine.position, key=_begin)
        if number < len(self._stretches):
            moment = self._stretches[number].moment
            if moment.step == machine.position and (name := moment.differs(machine)):
                raise BadScheduleError(
                    f"the steps before {machine.position:,} cannot be made again: {name} did something "
                    "else than before. Driver text may depend on nothing but its arguments and what its yields return."
                )


def _step(mark: Mark) -> int:
    return mark.step


def _begin(stretch: _Stretch) -> int:
    return stretch.moment.step
