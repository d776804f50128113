"""The compacting thread: the frame that is the same in every version (mm/compaction.c, mm/migrate.c).

What it does with a page is the version's and reached through the driver: migrate_3_6.py for v9 to Linux 3.8,
migrate_6_1.py, migrate_7_2.py. Which page comes next, and which free page takes it, is the scanners' business
(memory/compact_control.py), by the rules of the driver's kernel.
"""

from __future__ import annotations

from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import Routine, list_first, list_next
from balloonlab.kernel.primitives.compaction import (
    begin_batch,
    compact_begin,
    compact_finished,
    compaction_wanted,
    end_batch,
    release_freepages,
)
from balloonlab.kernel.world import Ref, World
from balloonlab.memory.picked_pages import Control
from balloonlab.memory.zone import PageState

EAGAIN, ENOMEM, ENOENT = -11, -12, -2
PASSES = 10  # migrate_pages tries a list this often
FORCE_AFTER = 2  # the passes after this one wait for a page's lock


class Compaction:
    """What a compacting thread shares with the rest: the LRU lock, the request, a compact_control for each zone."""

    def __init__(self, world: World, controls: list[Control]) -> None:
        self.lru_lock = world.new_lock("lru_lock")
        self.wanted = world.new_gate("compaction wanted")
        self.zones = [self._zone(world, control) for control in controls]

    @staticmethod
    def _zone(world: World, control: Control) -> tuple[Ref, Ref]:
        number = len(world.controls)
        world.controls.append(control)
        name = "migratepages" if number == 0 else f"migratepages {number}"
        isolated = world.known_list(name, control.migratepages, PageState.ISOLATED)
        return Ref("compact control", number, f"zone {control.buddy.zone.name}"), isolated


def compact_memory(vb: VirtioBalloon, mm: Compaction) -> Routine:
    """Each time somebody writes to /proc/sys/vm/compact_memory, compact every zone."""
    while True:
        yield compaction_wanted(mm.wanted)
        for cc, migratepages in mm.zones:
            yield from vb.driver.compact_zone(vb, mm, cc, migratepages)


def compact_zone(vb: VirtioBalloon, mm: Compaction, cc: Ref, migratepages: Ref) -> Routine:
    """Isolate a batch, migrate it, put back what did not move, until the two scanners meet."""
    yield compact_begin(cc)
    while not (yield compact_finished(cc)):
        yield begin_batch(cc)
        yield from vb.driver.isolate_migratepages(vb, mm, cc)
        error = yield from vb.driver.migrate_pages(vb, cc, migratepages)
        yield from vb.driver.putback_movable_pages(vb, cc, migratepages)
        yield end_batch(cc)
        if error == ENOMEM:
            break
    yield release_freepages(cc)


def migrate_pages(vb: VirtioBalloon, cc: Ref, migratepages: Ref) -> Routine:
    """Move every page of the batch; a page that is busy is tried again in the next pass, ten times in all."""
    busy = 0
    for attempt in range(PASSES):
        busy = 0
        page = yield list_first(migratepages)
        while page is not None:
            following = yield list_next(page, migratepages)
            error = yield from vb.driver.unmap_and_move(vb, cc, page, force=attempt > FORCE_AFTER)
            if error == ENOMEM:
                return ENOMEM
            busy += error == EAGAIN
            page = following
        if busy == 0:
            break
    return EAGAIN if busy else 0
