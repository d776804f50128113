"""Between 3.8 and 3.18: what Linux 3.13 has of the repairs (drivers/virtio/virtio_balloon.c, mm/migrate.c).

Against 3.8: a deflate message is sent only if it names a page (M3; seen in 3.13), and an isolated page that did not
move is known by its raised reference count and returns to the balloon (M5; 117aad1e9e4d of 3.12). The mark of a new
page is still lost (M4), pages are still freed after balloon_lock is given back (M1), and the list is still walked
without pages_lock (M2).
"""

from __future__ import annotations

from balloonlab.drivers import linux_3_8
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    list_del,
    list_first,
    list_next,
    movable_balloon_page,
    mutex_lock,
    mutex_unlock,
    page_count,
    read,
    set_page_pfns,
    write,
)
from balloonlab.kernel.primitives.compaction import putback_lru_page
from balloonlab.kernel.world import Ref


def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of deflation: take what pages there are, tell the host if there are any, then free them.

    Returns how many, as 3.19 does for its OOM notifier (in 4 KiB pages).
    """
    num = min(num, ARRAY_PFNS_MAX)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield from vb.driver.balloon_page_dequeue(vb)
        if page is None:
            break
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, -vb.pages_per_page)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (freed := (yield read(vb.num_pfns))) != 0:
        yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield mutex_unlock(vb.balloon_lock)
    num_pfns = yield read(vb.num_pfns)
    yield from vb.driver.release_pages_by_pfn(vb, num_pfns)
    return freed


def isolated_balloon_page(_vb: VirtioBalloon, page: int) -> Routine:
    """Whether this is a balloon page with a reference more than the balloon's."""
    return (yield page_count(page)) > 1 and (yield movable_balloon_page(page))


def putback_movable_pages(vb: VirtioBalloon, cc: Ref, migratepages: Ref) -> Routine:
    """Return every page that was isolated and not moved to where it came from."""
    page = yield list_first(migratepages)
    while page is not None:
        following = yield list_next(page, migratepages)
        yield list_del(page)
        if (yield from vb.driver.isolated_balloon_page(vb, page)):
            yield from vb.driver.balloon_page_putback(vb, page)
        else:
            yield putback_lru_page(page, cc)
        page = following


DRIVER = linux_3_8.DRIVER.variant(
    "linux-3.13",
    "Linux 3.13: no empty message, nothing lost on the LRU; the rest as in 3.8",
    leak_balloon,
    isolated_balloon_page,
    putback_movable_pages,
)
