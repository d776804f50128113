"""virtio_balloon as merged in Linux 3.8 (drivers/virtio/virtio_balloon.c, mm/balloon_compaction.c and its header).

Against v11: fill_balloon has one exit, which gives balloon_lock back (V1); a dequeued page gets one more reference,
and both are dropped when it is freed; the counters in /proc/vmstat are gone. The lockless test got stricter after a
crash in linux-next (V13): no page flags, one reference. But an isolated page has two and is locked while it is moved:
it migrates by the generic way, whose caller does not know the balloon's return value and takes the mark off the new
page, which never migrates again (M4); put back, it goes to the LRU (M5). M1, M2 and M3 are v11's, unchanged.
Compaction itself is modelled as in 3.6 (migrate_3_6.py); `isolate_migratepages` here is 3.8's own way with the LRU
lock (M6): ``DRIVER.replace(isolate_migratepages=linux_3_8.isolate_migratepages)``.
"""

from __future__ import annotations

from balloonlab.drivers import members, v11
from balloonlab.drivers.balloon_compaction import PAGE_FLAGS, balloon_page_insert
from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.driver import Driver, routines
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    bug_on,
    clear_balloon_mapping,
    isolate_lru_page,
    movable_balloon_page,
    msleep,
    mutex_lock,
    mutex_unlock,
    read,
    read_pfn,
    set_page_pfns,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    trylock_page,
    unlock_page,
    unused_balloon_page,
    write,
)
from balloonlab.kernel.primitives.compaction import list_add_isolated, move_lru_page, next_candidate
from balloonlab.kernel.world import Ref
from balloonlab.memory.zone import Migratetype


def fill_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of inflation: up to 256 balloon pages, one message."""
    num = min(num, ARRAY_PFNS_MAX)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield from vb.driver.balloon_page_enqueue(vb)
        if page is None:
            yield msleep(200, f"Out of puff! Can't get {vb.pages_per_page} pages")
            break
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, vb.pages_per_page)
        yield add(vb.totalram_pages, -1)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (yield read(vb.num_pfns)) != 0:
        yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)


def release_pages_by_pfn(vb: VirtioBalloon, num: int) -> Routine:
    """Free the pages of `num` entries of vb->pfns, in its order, as the array is when each is read."""
    for i in range(0, num, vb.pages_per_page):
        pfn = yield read_pfn(i)
        yield from vb.driver.balloon_page_free(vb, pfn // vb.pages_per_page)
        yield add(vb.totalram_pages, 1)


def balloon_page_movable(_vb: VirtioBalloon, page: int) -> Routine:
    """Is this a balloon page that nobody uses? Asked without a lock, and nowhere else than before isolation right."""
    return (yield unused_balloon_page(page))


def move_to_new_page(vb: VirtioBalloon, cc: Ref, newpage: int, page: int) -> Routine:
    """The generic way: let the owner of page->mapping move its page; a page that nobody owns is copied."""
    locked = yield trylock_page(newpage)
    yield bug_on(not locked, "!trylock_page(newpage)")
    if (yield movable_balloon_page(page)):
        rc = yield from vb.driver.virtballoon_migratepage(vb, newpage, page)
        if rc != 0:  # taken for a failure: newpage is to belong to nobody
            yield clear_balloon_mapping(newpage)
    else:
        rc = 0
        yield move_lru_page(page, newpage, cc)
    yield unlock_page(newpage)
    return rc


def isolate_migratepages(vb: VirtioBalloon, mm: Compaction, cc: Ref) -> Routine:
    """As 3.8 does it: the LRU lock is taken at the first LRU page, and balloon pages before that are passed over."""
    locked = False
    while (page := (yield next_candidate(cc))) is not None:
        if (yield isolate_lru_page(page)):
            if not locked:
                yield spin_lock_irqsave(mm.lru_lock)
                locked = True
            yield list_add_isolated(page, cc)
        elif not (yield from vb.driver.balloon_page_movable(vb, page)):
            continue
        elif locked and (yield from vb.driver.balloon_page_isolate(vb, page)):
            yield list_add_isolated(page, cc)
    if locked:
        yield spin_unlock_irqrestore(mm.lru_lock)


DRIVER = Driver(
    name="linux-3.8",
    title="Linux 3.8, the first release with movable balloon pages: they move once",
    functions=dict(v11.DRIVER.functions)
    | routines(
        fill_balloon,
        release_pages_by_pfn,
        balloon_page_insert,
        balloon_page_movable,
        move_to_new_page,
    ),
    migratetype=Migratetype.MOVABLE,
    movable=True,
    rules="3.6",
    page_flags=PAGE_FLAGS,
    dequeued_references=2,
    isolated_counter=("isolated_pages", "guest pages"),
    members=members.LINUX_3_8,
)
