"""Floor 4: every interleaving of a few threads, and what is wrong in any of them.

The package itself can be called: ``bl.explore(scenario)`` is ``bl.explore.explore(scenario)``.
"""

from __future__ import annotations

import sys
from types import ModuleType

from balloonlab.explore.explorer import explore
from balloonlab.explore.judge.behaviour import Behaviour, Difference, difference
from balloonlab.explore.judge.fate import Fate, Fates
from balloonlab.explore.judge.lock_order import LockOrder, lock_order
from balloonlab.explore.judge.locks_held import LocksHeld, locks_held
from balloonlab.explore.judge.member_locks import MemberLocks, member_locks
from balloonlab.explore.judge.result import Finding, Result, Verdict
from balloonlab.explore.program import Program
from balloonlab.explore.promela import promela

__all__ = [
    "Behaviour",
    "Difference",
    "Fate",
    "Fates",
    "Finding",
    "LockOrder",
    "LocksHeld",
    "MemberLocks",
    "Program",
    "Result",
    "Verdict",
    "difference",
    "explore",
    "lock_order",
    "locks_held",
    "member_locks",
    "promela",
]


class _Explore(ModuleType):
    """This package, with `explore` as what a call does."""

    __call__ = staticmethod(explore)


sys.modules[__name__].__class__ = _Explore
