"""Floor 3: every interleaving of a few threads, and what is wrong in any of them."""

from __future__ import annotations

from balloonlab.explore.explorer import explore
from balloonlab.explore.program import Program
from balloonlab.explore.result import Finding, Result, Verdict

__all__ = ["Finding", "Program", "Result", "Verdict", "explore"]
