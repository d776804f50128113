"""Linux 3.19 built without CONFIG_BALLOON_COMPACTION, and its candidate, which forgot that one can (M7).

Without the option a page of the balloon never gets PG_private, the flag that says "on the list, not isolated". 3.19
asks for it only where the option is (balloon_page_dequeue has a guard). The redesign in 3.18-rc asked always: every
page looked isolated, and none could leave the balloon.
"""

from __future__ import annotations

from balloonlab.drivers.merged_variants import linux_3_19
from balloonlab.drivers.migrate_3_6 import move_to_new_page, putback_movable_pages, unmap_and_move
from balloonlab.drivers.no_compaction import CALLED_BY_COMPACTION, balloon_page_movable
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    bug_on,
    clear_page_balloon,
    list_add,
    list_del,
    list_first,
    list_next,
    read,
    set_page_balloon,
    spin_lock_irqsave,
    spin_unlock_irqrestore,
    trylock_page,
    unlock_page,
)
from balloonlab.kernel.primitives.compaction import count_vm_event
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.memory.zone import Migratetype


def balloon_page_insert(vb: VirtioBalloon, page: int) -> Routine:
    """Mark the page and put it at the head of the list. Under the page's lock and pages_lock."""
    yield set_page_balloon(page)
    yield list_add(page, vb.pages)


def balloon_page_delete(_vb: VirtioBalloon, page: int) -> Routine:
    """Take the mark off the page, and the page off the list. Under the page's lock."""
    yield clear_page_balloon(page)
    yield list_del(page)


def balloon_page_dequeue(vb: VirtioBalloon) -> Routine:
    """Take the first page off the list that can be locked; None if there is none. No page is ever isolated."""
    page = yield list_first(vb.pages)
    while page is not None:
        following = yield list_next(page, vb.pages)
        if (yield trylock_page(page)):
            yield spin_lock_irqsave(vb.pages_lock)
            yield from vb.driver.balloon_page_delete(vb, page)
            yield count_vm_event(vb.vmstat["balloon_deflate"])
            yield spin_unlock_irqrestore(vb.pages_lock)
            yield unlock_page(page)
            return page
        page = following
    yield spin_lock_irqsave(vb.pages_lock)
    lost = (yield list_first(vb.pages)) is None and (yield read(vb.isolated_pages)) == 0
    yield bug_on(lost, "list_empty(&pages) && !isolated_pages")
    yield spin_unlock_irqrestore(vb.pages_lock)
    return None


CANDIDATE = linux_3_19.DRIVER.variant(
    "linux-3.18-rc-no-compaction",
    "a candidate of Linux 3.18, built without CONFIG_BALLOON_COMPACTION: no page can leave the balloon",
    balloon_page_insert,
    balloon_page_delete,
    balloon_page_movable,
    unmap_and_move,
    move_to_new_page,
    putback_movable_pages,
    without=CALLED_BY_COMPACTION,
    migratetype=Migratetype.UNMOVABLE,
    movable=False,
    vmstat=("balloon_inflate", "balloon_deflate"),
    page_flags=PageFlag.BALLOON,
)
DRIVER = CANDIDATE.variant(
    "linux-3.19-no-compaction",
    "Linux 3.19, built without CONFIG_BALLOON_COMPACTION: pages that cannot move",
    balloon_page_dequeue,
)
