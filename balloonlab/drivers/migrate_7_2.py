"""The core's side of compaction in Linux 7.2 (mm/compaction.c, mm/migrate.c): movable_ops pages, batches.

Against 6.1: a movable page is known by PG_movable_ops and its page type, both there until it is freed, so the owner
says whether it still owns the page. A batch is first migrated asynchronously as a whole: every page and its target are
locked, then page after page is moved, three passes each; what is left is tried one page at a time, seven passes,
waiting for page locks. (So since 6.3; read in the mainline of 2023 and the movable_ops patches of 2025.)
"""

from __future__ import annotations

from balloonlab.drivers.compactor import EAGAIN, ENOMEM, compact_zone
from balloonlab.drivers.driver import routines
from balloonlab.drivers.migrate_6_1 import isolate_migratepages
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    clear_page_isolated,
    get_page_unless_zero,
    list_del,
    list_first,
    list_next,
    list_pages,
    lock_page,
    page_has_movable_ops,
    page_isolated,
    put_page,
    set_page_isolated,
    trylock_page,
    unlock_page,
)
from balloonlab.kernel.primitives.compaction import (
    compaction_alloc,
    compaction_free,
    list_del_migrated,
    move_lru_page,
    putback_lru_page,
)
from balloonlab.kernel.world import Ref

ASYNC_PASSES, SYNC_PASSES = 3, 7


def page_may_be_isolated(_vb: VirtioBalloon, page: int) -> Routine:
    """The scan's lockless test: page_has_movable_ops and not PageMovableOpsIsolated."""
    return (yield page_has_movable_ops(page)) and not (yield page_isolated(page))


def isolate_movable_ops_page(vb: VirtioBalloon, page: int) -> Routine:
    """A reference, the marks again before the lock is touched, the page's lock, then the owner gives the page away.

    The owner may have let go of it already: then it says no.
    """
    if not (yield get_page_unless_zero(page)):
        return False
    if (yield page_has_movable_ops(page)) and (yield trylock_page(page)):
        isolated = False
        if not (yield page_isolated(page)):
            isolated = yield from vb.driver.balloon_page_isolate(vb, page)
        if isolated:
            yield set_page_isolated(page)
        yield unlock_page(page)
        if isolated:
            return True
    yield put_page(page)
    return False


def migrate_pages(vb: VirtioBalloon, cc: Ref, migratepages: Ref) -> Routine:
    """The whole batch asynchronously, then what is left one by one (migrate_pages_sync)."""
    pages = yield list_pages(migratepages)
    rc, left = yield from vb.driver.migrate_pages_batch(vb, cc, pages, ASYNC_PASSES, False)  # noqa: FBT003
    failed = 0
    while left and rc != ENOMEM:
        page, *left = left
        rc, again = yield from vb.driver.migrate_pages_batch(vb, cc, (page,), SYNC_PASSES, True)  # noqa: FBT003
        failed += len(again)
    if rc == ENOMEM:
        return ENOMEM
    return EAGAIN if failed else 0


def migrate_pages_batch(vb: VirtioBalloon, cc: Ref, pages: tuple[int, ...], passes: int, wait: bool) -> Routine:  # noqa: FBT001
    """Lock pages and targets, then move. Returns ENOMEM or 0, and the pages that did not move.

    wait: whether a page's lock may be waited for (never with more than one page).
    """
    rc, todo = 0, list(pages)
    unmapped: list[tuple[int, int]] = []
    for _ in range(passes):
        busy = []
        while todo and rc != ENOMEM:
            page = todo.pop(0)
            rc, newpage = yield from vb.driver.migrate_folio_unmap(vb, cc, page, wait)
            if rc == 0:
                unmapped.append((page, newpage))
            else:
                busy.append(page)
        todo += busy
        if rc == ENOMEM or not todo:
            break
    for _ in range(passes):
        unmapped = yield from vb.driver.migrate_folios_move(vb, cc, unmapped)
        if not unmapped:
            break
    yield from vb.driver.migrate_folios_undo(cc, unmapped)
    return ENOMEM if rc == ENOMEM else 0, todo + [page for page, _ in unmapped]


def migrate_folios_move(vb: VirtioBalloon, cc: Ref, unmapped: list[tuple[int, int]]) -> Routine:
    """One pass over the locked pages. Returns those that are busy, with their targets."""
    busy = []
    for page, newpage in unmapped:
        if (yield from vb.driver.migrate_folio_move(vb, cc, newpage, page)) == EAGAIN:
            busy.append((page, newpage))
    return busy


def migrate_folios_undo(cc: Ref, unmapped: list[tuple[int, int]]) -> Routine:
    """Unlock what could not be moved, and give the targets back."""
    for page, newpage in unmapped:
        yield unlock_page(page)
        yield unlock_page(newpage)
        yield compaction_free(newpage, cc)


def migrate_folio_unmap(_vb: VirtioBalloon, cc: Ref, page: int, wait: bool) -> Routine:  # noqa: FBT001
    """Take a target and lock both. Returns 0, EAGAIN or ENOMEM, and the target."""
    newpage = yield compaction_alloc(cc)
    if newpage is None:
        return ENOMEM, -1
    if not (yield trylock_page(page)):
        if not wait:
            yield compaction_free(newpage, cc)
            return EAGAIN, -1
        yield lock_page(page)
    if not (yield trylock_page(newpage)):
        yield unlock_page(page)
        yield compaction_free(newpage, cc)
        return EAGAIN, -1
    return 0, newpage


def migrate_folio_move(vb: VirtioBalloon, cc: Ref, newpage: int, page: int) -> Routine:
    """Move one page whose lock, and whose target's, are held; if it is busy they stay locked."""
    if not (yield page_has_movable_ops(page)):
        yield move_lru_page(page, newpage, cc)
        yield unlock_page(newpage)
        yield unlock_page(page)
        return 0
    rc = yield from vb.driver.migrate_movable_ops_page(vb, newpage, page)
    if rc != 0:
        return rc
    yield unlock_page(newpage)
    yield put_page(newpage)
    yield list_del_migrated(page, newpage, cc)
    yield unlock_page(page)
    yield put_page(page)
    return 0


def migrate_movable_ops_page(vb: VirtioBalloon, newpage: int, page: int) -> Routine:
    """Let the owner of an isolated page move it. Under both page locks."""
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
        if (yield page_has_movable_ops(page)):
            yield lock_page(page)
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
    isolate_movable_ops_page,
    migrate_pages,
    migrate_pages_batch,
    migrate_folios_move,
    migrate_folios_undo,
    migrate_folio_unmap,
    migrate_folio_move,
    migrate_movable_ops_page,
    putback_movable_pages,
)
