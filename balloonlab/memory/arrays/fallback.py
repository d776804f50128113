"""Requests that find nothing on their own lists: page by page, with the stepwise allocator.

Stealing (memory/fallback.py) retags pageblocks and moves blocks between lists, one request at a time; there is no
whole-array form of it here. A Buddy is made that stands exactly where the arrays do, list order included, does the
rest, and is read back.
"""

from __future__ import annotations

import numpy as np

from balloonlab.memory.arrays.list_order import ListOrder
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.free_blocks import FreeLevels
from balloonlab.memory.zone import MAX_ORDER, Migratetype, PageFrames, PageState, Zone


def stepwise(order: ListOrder, rules: str, *, balloon_moves: bool) -> Buddy:
    """A Buddy with the states, pageblock types and free lists of `order`."""
    frames = PageFrames(len(order.states))
    frames.states[:] = order.states
    frames.block_types[:] = order.block_types
    buddy = Buddy(Zone(frames), rules)
    if not balloon_moves:
        buddy.movable_states -= {PageState.BALLOON}
    load_lists(buddy, order)
    return buddy


def load_lists(buddy: Buddy, order: ListOrder) -> None:
    """Give `buddy`, which stands at the same page states, the lists of `order`."""
    order.settle()
    levels = FreeLevels(order.states)
    for kind in Migratetype:
        for size in range(MAX_ORDER):
            head = buddy.heads[kind][size]
            buddy.links.next[head] = buddy.links.prev[head] = head
            buddy.links.fill(head, order.blocks(levels, size, kind))


def allocate_stepwise(
    order: ListOrder, rules: str, count: int, migratetype: int, state: int, *, balloon_moves: bool
) -> np.ndarray:
    """Up to `count` pages from a Buddy that goes on where `order` stands; int32 PFNs in order. All is read back."""
    buddy = stepwise(order, rules, balloon_moves=balloon_moves)
    taken: list[int] = []
    while len(taken) < count and (pfn := buddy.alloc(0, migratetype)) is not None:
        buddy.frames.set_state(pfn, state)
        taken.append(pfn)
    order.states[:] = buddy.frames.states
    order.block_types[:] = buddy.frames.block_types
    order.load(
        [[np.array(buddy.free_blocks(size, kind), np.int64) for size in range(MAX_ORDER)] for kind in Migratetype]
    )
    return np.array(taken, np.int32)
