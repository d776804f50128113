"""The free scanner: down from the zone's end, it sets free pages aside as migration targets.

Retells isolate_freepages of mm/compaction.c. Linux 3.6 takes whole pageblocks; 6.1 stops at the page that makes
enough and remembers where it stopped. Both put each page at the head of the private list, so the page found last is
used first. All positions are PFNs of guest pages.
"""

from __future__ import annotations

from balloonlab.memory.scanner_state import ScannerState
from balloonlab.memory.suitability import suitable_target
from balloonlab.memory.zone import PAGEBLOCK_PAGES

MOST_STRIDE = 32  # COMPACT_CLUSTER_MAX, guest pages


def isolate_freepages_36(control: ScannerState) -> None:
    """Linux 3.6: whole pageblocks, downward, until there are as many pages as the batch has.

    The next search begins at the highest pageblock that gave any: migration may have returned pages there.
    """
    zone = control.buddy.zone
    pfn = control.free_pfn
    low = control.migrate_pfn + PAGEBLOCK_PAGES
    high = min(low, pfn)
    while pfn > low and control.nr_freepages < control.nr_migratepages:
        # A zone that ends with a pageblock begins the search at its end, where no page is.
        if pfn < zone.end and suitable_target(control.buddy, pfn):
            before = control.nr_freepages
            isolate_freepages_block(control, pfn, min(pfn + PAGEBLOCK_PAGES, zone.end), whole=True)
            if control.nr_freepages > before:
                high = max(high, pfn)
        pfn -= PAGEBLOCK_PAGES
    control.free_pfn = high


def isolate_freepages_61(control: ScannerState) -> None:
    """Linux 6.1: from the exact page where the last search stopped, until there are enough pages.

    After a pageblock that gave none, it looks at every second page only, then at every fourth, up to every 32nd, until
    a pageblock gives some: so it may pass over free pages, for good.
    """
    position = control.free_pfn
    start = position - position % PAGEBLOCK_PAGES
    stop = min(start + PAGEBLOCK_PAGES, control.buddy.zone.end)
    low = control.migrate_pfn - control.migrate_pfn % PAGEBLOCK_PAGES + PAGEBLOCK_PAGES
    stride = 1
    while start >= low:
        if suitable_target(control.buddy, start):
            before = control.nr_freepages
            position = isolate_freepages_block(control, position, stop, whole=False, stride=stride)
            stride = 1 if control.nr_freepages > before else min(2 * stride, MOST_STRIDE)
            if control.nr_freepages >= control.nr_migratepages:
                if position >= stop:
                    position = start - PAGEBLOCK_PAGES
                break
        stop = start
        start -= PAGEBLOCK_PAGES
        position = start
    control.free_pfn = position


ISOLATE_FREEPAGES = {"3.6": isolate_freepages_36, "6.1": isolate_freepages_61}


def isolate_freepages_block(control: ScannerState, pfn: int, stop: int, *, whole: bool, stride: int = 1) -> int:
    """Capture the free blocks of ``pfn..stop-1``, ascending; returns where the search ended.

    whole: take all of them (3.6), else stop when there are enough (6.1). stride: from one page looked at to the next.
    6.1 counts every page of a captured block as scanned, 3.6 the block once.
    """
    orders = control.buddy.frames.order_of
    scanned = 0
    while pfn < stop:
        if orders[pfn] < 0:
            scanned += 1
            pfn += stride
            continue
        pages = control.capture(pfn)
        scanned += 1 if whole else pages
        pfn += pages
        if not whole and control.nr_freepages >= control.nr_migratepages:
            break
        pfn += stride - 1
    control.free_scanned += scanned
    return min(pfn, stop)
