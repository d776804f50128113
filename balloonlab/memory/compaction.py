"""A whole compaction run at once: CompactControl with nobody in the way, or with a migration of the caller's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from balloonlab.foundations.words import counted
from balloonlab.memory.compact_control import CompactControl

__all__ = ["CompactControl", "CompactResult", "compact"]

Migrate = Callable[[int, int], bool]


@dataclass(frozen=True)
class CompactResult:
    """What a run did. Counts are guest pages; `rounds` counts scans of a range, blocks_moved is compact_blocks_moved.

    pairs: int64 (k, 2) array of (old, new) PFNs, in the order of migration.
    complete: the scanners met; False if the run ended because no target page was left.
    """

    pairs: np.ndarray = field(repr=False, compare=False)
    rounds: int
    blocks_moved: int
    pages_moved: int
    failed: int
    migrate_scanned: int
    free_scanned: int
    complete: bool

    def __str__(self) -> str:
        end = "the scanners met" if self.complete else "no target page was left"
        return (
            f"{counted(self.pages_moved, 'page')} moved, {self.failed:,} failed, in {counted(self.rounds, 'round')} "
            f"(compact_blocks_moved {self.blocks_moved:,}); scanned {counted(self.migrate_scanned, 'page')} for "
            f"migration, {self.free_scanned:,} for targets; {end}"
        )


def compact(control: CompactControl, migrate: Migrate | None = None) -> CompactResult:
    """Run `control` from start to end.

    migrate: called as ``migrate(old, new)`` for each page; False means that it could not be moved. Without it every
    page moves. Balloon pages are left to it as to their list: it may put `new` there.
    """
    control.begin()
    pairs = go_on(control, migrate)
    control.release()
    return CompactResult(
        pairs=np.array(pairs, np.int64).reshape(-1, 2),
        rounds=control.rounds,
        blocks_moved=control.blocks_moved,
        pages_moved=control.pages_moved,
        failed=control.migrate_failed,
        migrate_scanned=control.migrate_scanned,
        free_scanned=control.free_scanned,
        complete=control.complete(),
    )


def go_on(control: CompactControl, migrate: Migrate | None = None) -> list[tuple[int, int]]:
    """Run `control`, which has begun, until its run is over but for the release; the (old, new) pairs in order."""
    pairs: list[tuple[int, int]] = []
    while not control.finished():
        control.begin_batch()
        while (pfn := control.next_candidate()) is not None:
            control.isolated(pfn)
        for old in control.batch():
            new = control.alloc_target()
            if new is None:
                break
            if migrate is None or migrate(old, new):
                control.moved(old, new)
                pairs.append((old, new))
            else:
                control.give_back_target(new)
        control.end_batch()
    return pairs
