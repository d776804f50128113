"""How fragmented free memory is: the kernel's three indexes, from the free blocks of each order.

Integer arithmetic as in mm/vmstat.c of Linux 3.6 and 6.1 (fill_contig_page_info, __fragmentation_index,
unusable_free_index; extfrag_for_order is 6.1's). Every division there is of numbers that are not negative.
`counts` is always a sequence of 11 whole numbers: free blocks of order 0..10. BadValueError for anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from balloonlab.foundations.errors import whole_number
from balloonlab.foundations.rows import whole_row
from balloonlab.memory.free_blocks import counts_by_order
from balloonlab.memory.free_lists import FreeLists
from balloonlab.memory.reduced_map import checked_states
from balloonlab.memory.zone import MAX_ORDER, MOST_PAGES, PAGEBLOCK_ORDER, Zone

__all__ = [
    "Metrics",
    "checked_counts",
    "counts_by_order",
    "extfrag_for_order",
    "fragmentation_index",
    "free_huge_pages",
    "metrics",
    "metrics_of_counts",
    "unusable_free_index",
]


def fragmentation_index(counts: Sequence[int], order: int) -> int:
    """Why would a request of `order` fail? Thousandths: towards 0 lack of memory, towards 1000 fragmentation.

    -1000 if it would not fail; 0 without free memory. It can be negative without being -1000 (few, large blocks).
    """
    pages, blocks, suitable = _contig_page_info(counts, order)
    if blocks == 0:
        return 0
    if suitable:
        return -1000
    return 1000 - (1000 + pages * 1000 // (1 << order)) // blocks


def unusable_free_index(counts: Sequence[int], order: int) -> int:
    """Share of free memory that a request of `order` cannot use, in thousandths; 1000 without free memory."""
    pages, _, suitable = _contig_page_info(counts, order)
    return 1000 if pages == 0 else (pages - (suitable << order)) * 1000 // pages


def extfrag_for_order(counts: Sequence[int], order: int) -> int:
    """The same share in hundredths, 0 without free memory (6.1: the score of proactive compaction)."""
    pages, _, suitable = _contig_page_info(counts, order)
    return 0 if pages == 0 else (pages - (suitable << order)) * 100 // pages


def free_huge_pages(counts: Sequence[int]) -> int:
    """Huge pages (2 MiB, order 9) that could be allocated now."""
    return _contig_page_info(counts, PAGEBLOCK_ORDER)[2]


def checked_counts(counts: Sequence[int], what: str = "counts") -> list[int]:
    """Numbers of free blocks by order, as they are; raises BadValueError for what cannot be such numbers."""
    unit = "free blocks of each order 0..10"
    numbers: list[int] = whole_row(what, counts, 0, MOST_PAGES, (MAX_ORDER, MAX_ORDER), unit).tolist()
    return numbers


def _contig_page_info(counts: Sequence[int], order: int) -> tuple[int, int, int]:
    """(free pages, free blocks, blocks of `order` that the larger free blocks make)."""
    order = whole_number("order", order, 0, MAX_ORDER - 1, why="Blocks are of 2^order guest pages.")
    pages = blocks = suitable = 0
    for o, count in enumerate(checked_counts(counts)):
        pages += count << o
        blocks += count
        if o >= order:
            suitable += count << (o - order)
    return pages, blocks, suitable


@dataclass(frozen=True)
class Metrics:
    """Free memory at one moment: free guest pages, free blocks by order, huge pages to be had, and the indexes."""

    free_pages: int
    counts: tuple[int, ...]
    free_huge_pages: int

    def fragmentation_index(self, order: int = PAGEBLOCK_ORDER) -> int:
        return fragmentation_index(self.counts, order)

    def unusable_free_index(self, order: int = PAGEBLOCK_ORDER) -> int:
        return unusable_free_index(self.counts, order)

    def extfrag_for_order(self, order: int = PAGEBLOCK_ORDER) -> int:
        return extfrag_for_order(self.counts, order)

    def __str__(self) -> str:
        lines = [
            f"free guest pages {self.free_pages:,}, free huge pages {self.free_huge_pages:,}",
            "order  free blocks  fragmentation index  unusable free index  extfrag",
        ]
        lines += [
            f"{o:>5}  {count:>11,}  {self.fragmentation_index(o):>19}  {self.unusable_free_index(o):>19}"
            f"  {self.extfrag_for_order(o):>7}"
            for o, count in enumerate(self.counts)
        ]
        return "\n".join(lines)


def metrics(source: Zone | FreeLists | ArrayLike) -> Metrics:
    """Metrics of a zone (from its page states), of a Buddy (from its counters), or of page states from PFN 0 on.

    States: uint8[pages] of PageState codes, FREE is 0. Raises BadValueError for anything else; those of a guest are
    ``guest.metrics()``.
    """
    if isinstance(source, FreeLists):
        return metrics_of_counts(source.block_counts())
    if isinstance(source, Zone):
        return metrics_of_counts(counts_by_order(source.frames.states[source.start : source.end], source.start))
    return metrics_of_counts(counts_by_order(checked_states(source, "source")))


def metrics_of_counts(counts: list[int]) -> Metrics:
    """Metrics from the free blocks of each order, as the allocator counts them."""
    huge = free_huge_pages(counts)
    return Metrics(sum(count << order for order, count in enumerate(counts)), tuple(counts), huge)
