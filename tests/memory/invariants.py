"""What must hold of a buddy allocator after every operation, as one check for tests and exercises."""

from __future__ import annotations

import numpy as np

from balloonlab.memory.buddy import Buddy
from balloonlab.memory.free_lists import merges_across_types
from balloonlab.memory.zone import MAX_ORDER, PAGEBLOCK_ORDER, Migratetype, PageState


def check_buddy(buddy: Buddy) -> None:
    """Raise AssertionError, with a sentence, if an invariant of `buddy` is broken.

    Lists, links, counters, `orders` and page states must tell the same story, blocks be aligned and inside the
    zone, every FREE page be in exactly one block, and no two buddies that could merge be free apart.
    """
    blocks = _listed_blocks(buddy)
    zone, frames = buddy.zone, buddy.frames
    covered = np.zeros(zone.end - zone.start, np.int64)
    orders = np.full(zone.end - zone.start, -1, np.int8)
    for pfn, order in blocks.items():
        where = f"the free block of order {order} at PFN {pfn}"
        _must(pfn % (1 << order) == 0, f"{where} is not aligned to its size")
        _must(zone.start <= pfn and pfn + (1 << order) <= zone.end, f"{where} reaches beyond its zone")
        covered[pfn - zone.start : pfn - zone.start + (1 << order)] += 1
        orders[pfn - zone.start] = order
        _check_unmerged(buddy, blocks, pfn, order)
    twice = np.flatnonzero(covered > 1)
    _must(len(twice) == 0, f"PFN {zone.start + _at(twice)} is in more than one free block")
    free = frames.states[zone.start : zone.end] == PageState.FREE
    unlike = np.flatnonzero(free != (covered == 1))
    _must(len(unlike) == 0, f"PFN {zone.start + _at(unlike)}: its state and the free lists disagree whether it is free")
    unlike = np.flatnonzero(orders != frames.orders[zone.start : zone.end])
    _must(len(unlike) == 0, f"PFN {zone.start + _at(unlike)}: the noted order differs from the list it is on")


def _listed_blocks(buddy: Buddy) -> dict[int, int]:
    """PFN -> order of every listed block, links and counters checked on the way."""
    blocks: dict[int, int] = {}
    following, previous = buddy.links.next, buddy.links.prev
    for order in range(MAX_ORDER):
        before = len(blocks)
        for kind in Migratetype:
            head = node = buddy.heads[kind][order]
            while True:
                after = following[node]
                name = buddy.links.heads[head - buddy.links.pages]
                _must(after >= 0 and previous[after] == node, f"links beside node {node} of list {name!r} are broken")
                node = after
                if node == head:
                    break
                _must(node not in blocks, f"PFN {node} is on two free lists (or {name!r} runs in a circle)")
                blocks[node] = order
        count = len(blocks) - before
        counted = buddy.nr_free(order)
        _must(counted == count, f"nr_free[{order}] is {counted}, but {count} blocks of order {order} are listed")
    return blocks


def _check_unmerged(buddy: Buddy, blocks: dict[int, int], pfn: int, order: int) -> None:
    other = pfn ^ (1 << order)
    if order == MAX_ORDER - 1 or blocks.get(other) != order:
        return
    types = buddy.frames.block_type_of
    one, two = types[pfn >> PAGEBLOCK_ORDER], types[other >> PAGEBLOCK_ORDER]
    apart = buddy.strict_types and not merges_across_types(one, two)
    _must(order == PAGEBLOCK_ORDER and apart, f"free buddies of order {order} at PFN {pfn} and {other} did not merge")


def _at(found: np.ndarray) -> int:
    return int(found[0]) if len(found) else -1


def _must(holds: object, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)
