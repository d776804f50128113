"""Which pageblocks may receive migrated pages.

Linux 3.6 and 6.1, mm/compaction.c, suitable_migration_target. The two differ about a pageblock that begins a free
block of order 9 or more: 3.6 welcomes it (and so may break huge pages up), 6.1 refuses it.
"""

from __future__ import annotations

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PAGEBLOCK_ORDER, Migratetype


def suitable_target(buddy: Buddy, block_start: int) -> bool:
    """Whether compaction may move pages into the pageblock whose first PFN is `block_start`."""
    kind = buddy.frames.block_type_of[block_start >> PAGEBLOCK_ORDER]
    large = buddy.frames.order_of[block_start] >= PAGEBLOCK_ORDER
    if buddy.rules == "3.6":
        if kind in (Migratetype.ISOLATE, Migratetype.RESERVE):
            return False
        return large or kind == Migratetype.MOVABLE
    return not large and kind == Migratetype.MOVABLE
