"""Stable kernels of the PageBalloon line (3.18 to 4.7) with "deflate via a page list", before and after its repair.

Against 3.19: leak_balloon keeps what it has dequeued on a list of its own, by page->lru, and frees from there inside
balloon_lock (195a8c43e93d, back-ported; f68b992bbb47). That brought an older mistake to light (M12): migration asks
whether the new page is the balloon's after it has unlocked it. By then it may have been dequeued; it is taken for an
ordinary page and put on the LRU, by the same page->lru. The repair of January 2019 asks the old page, before
(mm/migrate.c; the mail of David Hildenbrand).
"""

from __future__ import annotations

from balloonlab.drivers.merged_variants import linux_3_19
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    list_add,
    list_del,
    list_first,
    lru_cache_add,
    mutex_lock,
    mutex_unlock,
    put_page,
    read,
    set_page_pfns,
    write,
)


def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of deflation: put what pages there are on pages_to_free, tell the host, free them. Returns how many."""
    num = min(num, ARRAY_PFNS_MAX)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield from vb.driver.balloon_page_dequeue(vb)
        if page is None:
            break
        yield set_page_pfns(slot, page)
        yield list_add(page, vb.pages_to_free)
        yield add(vb.num_pages, -vb.pages_per_page)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (freed := (yield read(vb.num_pfns))) != 0:
        yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield from vb.driver.release_pages_balloon(vb)
    yield mutex_unlock(vb.balloon_lock)
    return freed


def release_pages_balloon(vb: VirtioBalloon) -> Routine:
    """Drop the balloon's reference of each page of pages_to_free."""
    while (page := (yield list_first(vb.pages_to_free))) is not None:
        yield list_del(page)
        yield add(vb.totalram_pages, 1)
        yield put_page(page)


def putback_newpage(_vb: VirtioBalloon, newpage: int, is_lru: bool) -> Routine:  # noqa: FBT001
    """The end of unmap_and_move since January 2019: newpage is what the old page was (is_lru: not the balloon's)."""
    if is_lru:
        yield lru_cache_add(newpage)
    yield put_page(newpage)


DRIVER = linux_3_19.DRIVER.variant(
    "linux-3.19 (page list)",
    "the PageBalloon line with deflation via a page list: the new page is looked at after its unlock",
    leak_balloon,
    release_pages_balloon,
    also={"pages_to_free": "list"},
)
REPAIRED = DRIVER.variant(
    "linux-3.19 (page list, old page decides)",
    "the same after January 2019: what a new page is, the old page says",
    putback_newpage,
)
