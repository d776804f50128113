"""Fallback: where a request takes memory when the lists of its own migratetype are empty.

Retells the stealing of mm/page_alloc.c (Linux 3.6: __rmqueue_fallback; 6.1: also can_steal_fallback and
steal_suitable_fallback). Sizes are guest pages; a pageblock is 512 of them.
"""

from __future__ import annotations

from balloonlab.memory.buddy_events import Stole
from balloonlab.memory.free_lists import FreeLists
from balloonlab.memory.zone import MAX_ORDER, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, Migratetype

FALLBACKS: dict[int, tuple[Migratetype, Migratetype]] = {
    Migratetype.UNMOVABLE: (Migratetype.RECLAIMABLE, Migratetype.MOVABLE),
    Migratetype.RECLAIMABLE: (Migratetype.UNMOVABLE, Migratetype.MOVABLE),
    Migratetype.MOVABLE: (Migratetype.RECLAIMABLE, Migratetype.UNMOVABLE),
}
LARGE_ORDER = PAGEBLOCK_ORDER // 2  # 4: from here on a whole pageblock is worth taking
CLAIM_PAGES = PAGEBLOCK_PAGES // 2  # 256 free (6.1: or compatible) pages make the pageblock the requester's


def steal_36(lists: FreeLists, order: int, wanted: int) -> Stole | None:
    """Linux 3.6: the first block of the largest order; its pageblock's free pages come along if it is large.

    They go to the heads of the requester's lists. None: no other type has a block of `order` or more.
    """
    for current in range(MAX_ORDER - 1, order - 1, -1):
        found = _first_fallback(lists, current, wanted)
        if found is None:
            continue
        pfn, _, source = found
        moved = 0
        if current >= LARGE_ORDER or wanted == Migratetype.RECLAIMABLE:
            moved = _move_pageblock(lists, pfn, wanted, tail=False)
        retagged = current >= PAGEBLOCK_ORDER or moved >= CLAIM_PAGES
        if retagged:
            _claim(lists, pfn, current, wanted)
        return Stole(pfn, current, source, wanted, moved, retagged)
    return None


def steal_61(lists: FreeLists, order: int, wanted: int) -> Stole | None:
    """Linux 6.1: like 3.6, but a MOVABLE request leaves large blocks alone if it cannot steal their pageblock.

    Moved blocks go to the tails of the requester's lists, and the request then starts again from those lists.
    """
    for current in range(MAX_ORDER - 1, order - 1, -1):
        found = _first_fallback(lists, current, wanted)
        if found is None:
            continue
        if wanted == Migratetype.MOVABLE and current < LARGE_ORDER:
            return _steal_suitable(lists, *_smallest_fallback(lists, order, wanted), wanted)
        return _steal_suitable(lists, *found, wanted)
    return None


STEAL = {"3.6": steal_36, "6.1": steal_61}


def _first_fallback(lists: FreeLists, order: int, wanted: int) -> tuple[int, int, int] | None:
    """(PFN, order, migratetype) of the first block of `order` on the lists that `wanted` may fall back to."""
    for source in FALLBACKS[wanted]:
        pfn = lists.links.first(lists.heads[source][order])
        if pfn >= 0:
            return pfn, order, source
    return None


def _smallest_fallback(lists: FreeLists, order: int, wanted: int) -> tuple[int, int, int]:
    """The first block of the smallest order that serves; the caller knows that there is one."""
    found = None
    while found is None:
        found = _first_fallback(lists, order, wanted)
        order += 1
    return found


def _steal_suitable(lists: FreeLists, pfn: int, order: int, source: int, wanted: int) -> Stole:
    """6.1: take the pageblock, its free pages, or just this block for the lists of `wanted`."""
    if order >= PAGEBLOCK_ORDER:
        _claim(lists, pfn, order, wanted)
        lists.links.add_tail(pfn, lists.heads[wanted][order])
        return Stole(pfn, order, source, wanted, 1 << order, retagged=True)
    old_type = lists.frames.block_type_of[pfn >> PAGEBLOCK_ORDER]
    may_take_all = order >= LARGE_ORDER or wanted != Migratetype.MOVABLE
    moved = _move_pageblock(lists, pfn, wanted, tail=True) if may_take_all else 0
    if not moved:
        lists.links.add_tail(pfn, lists.heads[wanted][order])
        return Stole(pfn, order, source, wanted, 1 << order, retagged=False)
    retagged = moved + _alike_pages(lists, pfn, wanted, old_type, moved) >= CLAIM_PAGES
    if retagged:
        _claim(lists, pfn, order, wanted)
    return Stole(pfn, order, source, wanted, moved, retagged)


def _alike_pages(lists: FreeLists, pfn: int, wanted: int, old_type: int, free: int) -> int:
    """6.1: used pages of the pageblock that are as movable as the request."""
    start, stop = _pageblock_span(lists, pfn)
    movable = sum(state in lists.movable_states for state in lists.frames.state_of[start:stop])
    if wanted == Migratetype.MOVABLE:
        return movable
    return PAGEBLOCK_PAGES - free - movable if old_type == Migratetype.MOVABLE else 0


def _move_pageblock(lists: FreeLists, pfn: int, wanted: int, *, tail: bool) -> int:
    """Move every free block of the pageblock to the lists of `wanted`; how many pages that were.

    A pageblock that the zone's end cuts is left alone (0); one that the zone's start cuts is moved from `pfn` on.
    """
    page, stop = _pageblock_span(lists, pfn)
    if stop > lists.zone.end:
        return 0
    moved = 0
    add = lists.links.add_tail if tail else lists.links.add
    while page < stop:
        order = lists.frames.order_of[page]
        if order < 0:
            page += 1
            continue
        add(page, lists.heads[wanted][order])
        page += 1 << order
        moved += 1 << order
    return moved


def _pageblock_span(lists: FreeLists, pfn: int) -> tuple[int, int]:
    """(first PFN, end) of the pageblock of `pfn`; from `pfn` on if it begins before the zone does."""
    start = pfn - pfn % PAGEBLOCK_PAGES
    return (start if start >= lists.zone.start else pfn), start + PAGEBLOCK_PAGES


def _claim(lists: FreeLists, pfn: int, order: int, wanted: int) -> None:
    """Retag the pageblock of `pfn`, or each one that the block of `order` covers."""
    for page in range(pfn, pfn + (1 << order), PAGEBLOCK_PAGES):
        lists.frames.set_block_type(page >> PAGEBLOCK_ORDER, wanted)
