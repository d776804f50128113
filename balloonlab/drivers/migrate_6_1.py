"""The core's side of compaction in Linux 6.1: pages with movable_operations (mm/compaction.c, mm/migrate.c, 6.1.192).

A balloon page is one kind of a non-LRU movable page: known by a type bit in page->mapping, which may be stale, and
by operations there, which are asked for under the page's lock. The LRU lock is taken for LRU pages only and dropped
before another kind of page is touched. migrate_pages tries ten times (compactor.py); a target that was not used goes
back to those set aside. This run is compact_memory's: MIGRATE_SYNC, so it may wait for a page's lock.
Left out: pages freed while isolated (balloon pages are not), NR_ISOLATED counts, too_many_isolated.
"""

from __future__ import annotations

from balloonlab.drivers.compactor import EAGAIN, ENOMEM, Compaction, compact_zone, migrate_pages
from balloonlab.drivers.driver import routines
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    bug_on,
    clear_page_isolated,
    get_page_unless_zero,
    isolate_lru_page,
    list_del,
    list_first,
    list_next,
    lock_page,
    page_isolated,
    page_looks_movable,
    page_movable,
    put_page,
    set_page_isolated,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    trylock_page,
    unlock_page,
)
from balloonlab.kernel.primitives.compaction import (
    compaction_alloc,
    compaction_free,
    list_add_isolated,
    list_del_migrated,
    move_lru_page,
    next_candidate,
    putback_lru_page,
)
from balloonlab.kernel.world import Ref

_CHUNK = 32  # COMPACT_CLUSTER_MAX: the LRU lock is dropped each time the scan comes to a multiple of it


def isolate_migratepages(vb: VirtioBalloon, mm: Compaction, cc: Ref) -> Routine:
    """Take up to a batch of movable pages off their lists (isolate_migratepages_block)."""
    locked, chunk = False, -1
    while (page := (yield next_candidate(cc))) is not None:
        if locked and page // _CHUNK != chunk:
            yield spin_unlock_irqrestore(mm.lru_lock)
            locked = False
        chunk = page // _CHUNK
        if (yield isolate_lru_page(page)):
            if not locked:
                yield spin_lock_irqsave(mm.lru_lock)
                locked = True
            yield list_add_isolated(page, cc)
        elif (yield from vb.driver.page_may_be_isolated(vb, page)):
            if locked:
                yield spin_unlock_irqrestore(mm.lru_lock)
                locked = False
            if (yield from vb.driver.isolate_movable_page(vb, page)):
                yield list_add_isolated(page, cc)
    if locked:
        yield spin_unlock_irqrestore(mm.lru_lock)


def page_may_be_isolated(_vb: VirtioBalloon, page: int) -> Routine:
    """The scan's lockless test: __PageMovable and not PageIsolated."""
    return (yield page_looks_movable(page)) and not (yield page_isolated(page))


def isolate_movable_page(vb: VirtioBalloon, page: int) -> Routine:
    """A reference, the type bit again before the lock is touched, the page's lock, then the owner gives the page away.

    Who has just allocated a page expects nobody to touch its lock: hence the test before it (V11).
    """
    if not (yield get_page_unless_zero(page)):
        return False
    if (yield page_looks_movable(page)) and (yield trylock_page(page)):
        isolated = False
        if (yield page_movable(page)) and not (yield page_isolated(page)):
            isolated = yield from vb.driver.balloon_page_isolate(vb, page)
        if isolated:
            yield set_page_isolated(page)
        yield unlock_page(page)
        if isolated:
            return True
    yield put_page(page)
    return False


def unmap_and_move(vb: VirtioBalloon, cc: Ref, page: int, *, force: bool) -> Routine:
    """Move one page to a free one (migrate_folio_unmap and migrate_folio_move)."""
    newpage = yield compaction_alloc(cc)
    if newpage is None:
        return ENOMEM
    if not (yield trylock_page(page)):
        if not force:
            yield compaction_free(newpage, cc)
            return EAGAIN
        yield lock_page(page)
    if not (yield trylock_page(newpage)):
        yield unlock_page(page)
        yield compaction_free(newpage, cc)
        return EAGAIN
    is_lru = not (yield page_looks_movable(page))
    rc = yield from vb.driver.move_to_new_folio(vb, cc, newpage, page, is_lru)
    yield unlock_page(newpage)
    yield unlock_page(page)
    if is_lru:
        return rc
    if rc != 0:
        yield compaction_free(newpage, cc)
        return rc
    yield put_page(newpage)
    yield list_del_migrated(page, newpage, cc)
    yield put_page(page)
    return 0


def move_to_new_folio(vb: VirtioBalloon, cc: Ref, newpage: int, page: int, is_lru: bool) -> Routine:  # noqa: FBT001
    """Copy an LRU page, or let the owner of a movable one move it. Under both page locks."""
    if is_lru:
        yield move_lru_page(page, newpage, cc)
        return 0
    if not (yield page_movable(page)):
        yield clear_page_isolated(page)
        return 0
    rc = yield from vb.driver.balloon_page_migrate(vb, newpage, page)
    if rc == 0:
        yield clear_page_isolated(page)
    return rc


def putback_movable_pages(vb: VirtioBalloon, cc: Ref, migratepages: Ref) -> Routine:
    """Return every page that was isolated and not moved to where it came from."""
    page = yield list_first(migratepages)
    while page is not None:
        following = yield list_next(page, migratepages)
        yield list_del(page)
        if (yield page_looks_movable(page)):
            yield bug_on(not (yield page_isolated(page)), "!PageIsolated(page)")
            yield lock_page(page)
            if (yield page_movable(page)):
                yield from vb.driver.balloon_page_putback(vb, page)
            yield clear_page_isolated(page)
            yield unlock_page(page)
            yield put_page(page)
        else:
            yield putback_lru_page(page, cc)
        page = following


CORE = routines(
    compact_zone,
    isolate_migratepages,
    page_may_be_isolated,
    isolate_movable_page,
    migrate_pages,
    unmap_and_move,
    move_to_new_folio,
    putback_movable_pages,
)
