"""Floor 3: every interleaving of a few threads, and what is wrong in any of them."""

from __future__ import annotations

from balloonlab.explore.behaviour import Behaviour, Difference, difference
from balloonlab.explore.explorer import explore
from balloonlab.explore.fate import Fate, Fates
from balloonlab.explore.program import Program
from balloonlab.explore.promela import promela
from balloonlab.explore.result import Finding, Result, Verdict

__all__ = [
    "Behaviour",
    "Difference",
    "Fate",
    "Fates",
    "Finding",
    "Program",
    "Result",
    "Verdict",
    "difference",
    "explore",
    "promela",
]
