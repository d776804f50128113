"""What looks wrong in v9: each suspicion is held against every interleaving of its scenario."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from balloonlab.course.defects import defects
from balloonlab.foundations.errors import BadValueError, pick
from balloonlab.foundations.interrupt import held_back
from balloonlab.foundations.said import Said
from balloonlab.foundations.words import counted, shown


@dataclass(frozen=True, repr=False)
class Suspicion(Said):
    """Something about v9 that looks wrong. defect: its id in the catalogue, whose scenario tells whether it is."""

    name: str
    text: str
    defect: str

    def check(self, verdict: bool | None) -> str:  # noqa: FBT001 - it is the answer
        """What to say to a verdict: True if v9 has it, None if not answered yet. Raises BadValueError for others."""
        if verdict is None:
            return "not answered yet"
        if not isinstance(verdict, bool | np.bool_):
            raise BadValueError(
                f"your verdict on {self.name!r} is {shown(verdict)}; it is True (v9 has it), False, or None."
            )
        defect = defects[self.defect]
        case = defect.case()
        with held_back():  # half an exploration says nothing about a verdict
            result = case.explore("v9")
        found = case.found_in(result)
        said = found or f"in none of {counted(result.states, 'state')} of {case.scenario}"
        right = verdict == (found is not None)
        return f"{'Right' if right else 'Not so'}: {said}. The catalogue has it as {defect.id}, {defect.title}."


_SUSPICIONS = [
    Suspicion("underflow", "leak_target is lowered for each page, and may fall below zero", "N1"),
    Suspicion("lost wake-up", "a page comes back just before the driver falls asleep, and nobody wakes it", "N2"),
    Suspicion("unloading", "compaction is in the midst of a driver that is being unloaded", "N3"),
    Suspicion("memory count", "totalram_pages gets wrong when compaction moves pages meanwhile", "N4"),
    Suspicion("unheard page", "a page is listed before the host has heard of it, and could leave again", "N5"),
    Suspicion("too many", "leak_balloon can be asked for more pages than there are", "N6"),
    Suspicion("too early", "a page is freed before the host has acknowledged that it left", "N7"),
    Suspicion("complaint", "compaction prints a warning though nobody has done anything wrong", "V12"),
    Suspicion("locked page", "the allocator hands the driver a page that somebody has locked: a BUG_ON", "V11"),
]
SUSPICIONS = [suspicion.name for suspicion in _SUSPICIONS]


def suspicion(name: str) -> Suspicion:
    """The suspicion of that name; raises UnknownNameError that lists the names."""
    return _SUSPICIONS[SUSPICIONS.index(pick("suspicion", name, SUSPICIONS))]
