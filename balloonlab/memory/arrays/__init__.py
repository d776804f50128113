"""Whole-array memory: what the stepwise allocator and compaction do, computed for millions of pages at once.

Nothing here takes a step. Each module says by what argument its result is exactly that of the page-by-page code in
`balloonlab.memory`; the tests compare the two.
"""

from balloonlab.memory.arrays.compaction import ArrayRun
from balloonlab.memory.arrays.zone import ArrayZone

__all__ = ["ArrayRun", "ArrayZone"]
