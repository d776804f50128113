"""The compacting thread of the 3.6 kernel, with the hooks that the patch series adds for balloon pages.

Retold from Linux 3.6 mm/compaction.c and mm/migrate.c and the series' patches 1/5, 2/5 and 4/5. Which page comes
next, and which free page takes it, is the scanners' business (memory/compaction.py).
"""

from __future__ import annotations

from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    bug_on,
    free_page,
    get_page_unless_zero,
    isolate_lru_page,
    list_del,
    list_pages,
    lock_page,
    movable_balloon_page,
    page_count,
    put_page,
    spin_lock_irq,
    spin_unlock_irq,
    trylock_page,
    unlock_page,
)
from balloonlab.kernel.primitives.compaction import (
    begin_batch,
    compact_begin,
    compact_finished,
    compaction_alloc,
    compaction_free,
    compaction_wanted,
    count_vm_event,
    end_batch,
    list_add_isolated,
    list_del_migrated,
    move_lru_page,
    next_candidate,
    putback_lru_page,
    release_freepages,
)
from balloonlab.kernel.world import Ref, World
from balloonlab.memory.compact_control import CompactControl
from balloonlab.memory.zone import PageState

EAGAIN, ENOMEM = -11, -12
PASSES = 10  # migrate_pages tries a list this often


class Compaction:
    """What a compacting thread shares with the rest: the LRU lock, the request, a compact_control for each zone."""

    def __init__(self, world: World, vb: VirtioBalloon, controls: list[CompactControl]) -> None:
        self.lru_lock = world.new_lock("lru_lock")
        self.wanted = world.new_gate("compaction wanted")
        self.zones = [self._zone(world, control) for control in controls]
        self.events = {name: world.new_value(name, 0, "guest pages") for name in vb.driver.vmstat}

    @staticmethod
    def _zone(world: World, control: CompactControl) -> tuple[Ref, Ref]:
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
            yield from compact_zone(vb, mm, cc, migratepages)


def compact_zone(vb: VirtioBalloon, mm: Compaction, cc: Ref, migratepages: Ref) -> Routine:
    """Isolate a batch, migrate it, until the two scanners meet."""
    yield compact_begin(cc)
    while not (yield compact_finished(cc)):
        yield begin_batch(cc)
        yield from isolate_migratepages(vb, mm, cc)
        error = yield from migrate_pages(vb, mm, cc, migratepages)
        for page in (yield list_pages(migratepages)):
            yield from putback_page(vb, mm, cc, page)
        yield end_batch(cc)
        if error == ENOMEM:
            break
    yield release_freepages(cc)


def isolate_migratepages(vb: VirtioBalloon, mm: Compaction, cc: Ref) -> Routine:
    """Take up to a batch of movable pages off their lists, with interrupts off."""
    yield spin_lock_irq(mm.lru_lock)
    while (page := (yield next_candidate(cc))) is not None:
        if vb.driver.movable and (yield movable_balloon_page(page)):
            if (yield from isolate_balloon_page(vb, page)):
                yield list_add_isolated(page, cc)
                yield count_vm_event(mm.events["compact_balloon_isolated"])
        elif (yield isolate_lru_page(page)):
            yield list_add_isolated(page, cc)
    yield spin_unlock_irq(mm.lru_lock)


def isolate_balloon_page(vb: VirtioBalloon, page: int) -> Routine:
    """Take a reference, then the page's lock, then look again, then let the driver give the page away."""
    if not (yield get_page_unless_zero(page)):
        return False
    if (yield trylock_page(page)):
        if (yield movable_balloon_page(page)) and (yield page_count(page)) == 2:  # noqa: PLR2004
            yield from vb.driver.virtballoon_isolatepage(vb, page)
            yield unlock_page(page)
            return True
        yield unlock_page(page)
    yield put_page(page)
    return False


def migrate_pages(vb: VirtioBalloon, mm: Compaction, cc: Ref, migratepages: Ref) -> Routine:
    """Move every page of the batch; a page that is busy is tried again in the next pass."""
    busy = 0
    for attempt in range(PASSES):
        busy = 0
        for page in (yield list_pages(migratepages)):
            error = yield from unmap_and_move(vb, mm, cc, page, force=attempt > 2)  # noqa: PLR2004
            if error == ENOMEM:
                return ENOMEM
            busy += error == EAGAIN
        if busy == 0:
            break
    return EAGAIN if busy else 0


def unmap_and_move(vb: VirtioBalloon, mm: Compaction, cc: Ref, page: int, *, force: bool) -> Routine:
    """Move one page to a free one, under both pages' locks."""
    newpage = yield compaction_alloc(cc)
    if newpage is None:
        return ENOMEM
    if not (yield trylock_page(page)):
        if not force:
            yield compaction_free(newpage, cc)
            return EAGAIN
        yield lock_page(page)
    locked = yield trylock_page(newpage)
    yield bug_on(not locked, "!trylock_page(newpage)")
    if vb.driver.movable and (yield movable_balloon_page(page)):
        yield from vb.driver.virtballoon_migratepage(vb, newpage, page)
        yield count_vm_event(mm.events["compact_balloon_migrated"])
        yield unlock_page(newpage)
        yield unlock_page(page)
        yield list_del_migrated(page, newpage, cc)
        yield put_page(page)
        yield free_page(page)
        yield count_vm_event(mm.events["compact_balloon_released"])
        return 0
    yield move_lru_page(page, newpage, cc)
    yield unlock_page(newpage)
    yield unlock_page(page)
    return 0


def putback_page(vb: VirtioBalloon, mm: Compaction, cc: Ref, page: int) -> Routine:
    """putback_movable_pages, for one page that was isolated and not moved."""
    if vb.driver.movable and (yield movable_balloon_page(page)):
        yield list_del(page)
        yield lock_page(page)
        yield from vb.driver.virtballoon_putbackpage(vb, page)
        yield put_page(page)
        yield unlock_page(page)
        yield count_vm_event(mm.events["compact_balloon_returned"])
    else:
        yield putback_lru_page(page, cc)
