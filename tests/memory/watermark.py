"""The watermark test: whether a request may still be served, or the memory must stay free."""

from __future__ import annotations

from collections.abc import Sequence

from balloonlab.foundations.errors import whole_number
from balloonlab.memory.zone import MAX_ORDER


def watermark_ok(counts: Sequence[int], order: int, mark: int, reserve: int = 0) -> bool:
    """Linux 3.6 __zone_watermark_ok (mm/page_alloc.c), without the exceptions for urgent requests.

    counts: free blocks of each order 0..10 (`Buddy.block_counts`). mark: pages that must stay free; reserve:
    lowmem_reserve, pages kept from requests that could use a higher zone. Blocks smaller than the request do not
    help it, and for each order above 0 half of the mark is asked of what is left.
    """
    order = whole_number("order", order, 0, MAX_ORDER - 1)
    free = sum(count << o for o, count in enumerate(counts)) - (1 << order) + 1
    if free <= mark + reserve:
        return False
    for smaller in range(order):
        free -= counts[smaller] << smaller
        mark >>= 1
        if free <= mark:
            return False
    return True
