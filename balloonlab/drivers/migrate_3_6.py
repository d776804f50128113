"""The core's side of compaction in Linux 3.6 to 3.8, with the hooks that the series adds for balloon pages.

Retold from mm/compaction.c and mm/migrate.c of Linux 3.6 and 3.8 and the series' patches (v9 2/5, v11 4/7, v12 4/7).
3.8 differs little here: it begins where the last run ended and skips pageblocks that gave nothing, and it takes the
LRU lock only at the first LRU page (see linux_3_8.py); a full run is modelled as in 3.6 for all of them.
A target that was not used goes to the allocator through the LRU; compaction_free came with Linux 3.16.
"""

from __future__ import annotations

from balloonlab.drivers.compactor import EAGAIN, ENOMEM, Compaction, compact_zone, migrate_pages
from balloonlab.drivers.driver import routines
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    bug_on,
    isolate_lru_page,
    list_del,
    list_first,
    list_next,
    lock_page,
    put_page,
    spin_lock_irq,
    spin_unlock_irq,
    trylock_page,
    unlock_page,
)
from balloonlab.kernel.primitives.compaction import (
    compaction_alloc,
    list_add_isolated,
    list_del_migrated,
    move_lru_page,
    next_candidate,
    putback_lru_page,
)
from balloonlab.kernel.world import Ref

BALLOON_MIGRATION_RETURN = 0xBA1100  # v9, v10: tells the core that a balloon page was migrated
MIGRATEPAGE_BALLOON_SUCCESS = 1  # its name and value since v11
_BALLOON_MIGRATED = (BALLOON_MIGRATION_RETURN, MIGRATEPAGE_BALLOON_SUCCESS)


def isolate_migratepages(vb: VirtioBalloon, mm: Compaction, cc: Ref) -> Routine:
    """Take up to a batch of movable pages off their lists, with interrupts off."""
    yield spin_lock_irq(mm.lru_lock)
    while (page := (yield next_candidate(cc))) is not None:
        if (yield isolate_lru_page(page)):
            yield list_add_isolated(page, cc)
        elif not vb.driver.movable or not (yield from vb.driver.balloon_page_movable(vb, page)):
            continue
        elif (yield from vb.driver.balloon_page_isolate(vb, page)):
            yield list_add_isolated(page, cc)
    yield spin_unlock_irq(mm.lru_lock)


def unmap_and_move(vb: VirtioBalloon, cc: Ref, page: int, *, force: bool) -> Routine:
    """Move one page to a free one, under both pages' locks (with __unmap_and_move)."""
    newpage = yield compaction_alloc(cc)
    if newpage is None:
        return ENOMEM
    if not (yield trylock_page(page)):
        if not force:
            yield put_page(newpage)
            return EAGAIN
        yield lock_page(page)
    if vb.driver.movable and (yield from vb.driver.balloon_page_movable(vb, page)):
        rc = yield from vb.driver.balloon_page_migrate(vb, newpage, page)
    else:
        rc = yield from vb.driver.move_to_new_page(vb, cc, newpage, page)
    yield unlock_page(page)
    if rc in _BALLOON_MIGRATED:
        yield list_del_migrated(page, newpage, cc)
        yield from vb.driver.balloon_page_free(vb, page)
        return 0
    if rc == EAGAIN:
        yield put_page(newpage)
    return rc


def move_to_new_page(_vb: VirtioBalloon, cc: Ref, newpage: int, page: int) -> Routine:
    """Copy a workload page and switch its users to the copy."""
    locked = yield trylock_page(newpage)
    yield bug_on(not locked, "!trylock_page(newpage)")
    yield move_lru_page(page, newpage, cc)
    yield unlock_page(newpage)
    return 0


def putback_movable_pages(vb: VirtioBalloon, cc: Ref, migratepages: Ref) -> Routine:
    """Return every page that was isolated and not moved to where it came from."""
    page = yield list_first(migratepages)
    while page is not None:
        following = yield list_next(page, migratepages)
        yield list_del(page)
        if vb.driver.movable and (yield from vb.driver.balloon_page_movable(vb, page)):
            yield from vb.driver.balloon_page_putback(vb, page)
        else:
            yield putback_lru_page(page, cc)
        page = following


CORE = routines(
    compact_zone, isolate_migratepages, migrate_pages, unmap_and_move, move_to_new_page, putback_movable_pages
)
