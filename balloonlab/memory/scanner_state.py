"""Where both scanners of a compactor stand, and the two private lists between them (the kernel's compact_control).

What only reads or moves them (free_scanner.py) needs no more than this; the rules of a run are compact_control.py's.
"""

from __future__ import annotations

from balloonlab.memory.buddy import Buddy


class _Number:
    """A number of the control, kept in the journaled Values under "<control's name> <attribute>"."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, control: ScannerState, owner: type | None = None) -> int:
        return control.values.numbers[control.slots[self.name]]

    def __set__(self, control: ScannerState, number: int) -> None:
        control.values.set(control.slots[self.name], number)


class ScannerState:
    """Positions, counts and lists of one compactor over the zone of `buddy`; `name` stands before theirs.

    All of it lives in journaled Values and Links, so undo works amid a run.
    """

    migrate_pfn = _Number("PFN")  # the migrate scanner: the next page it looks at
    free_pfn = _Number("PFN")  # the free scanner: where the next search begins
    nr_migratepages = _Number("guest pages")  # size of this batch, until it ends
    nr_freepages = _Number("guest pages")  # targets on the private list
    scan_end = _Number("PFN")  # where the scan of this batch ends
    scanned_round = _Number("flag")  # this round scans (3.6: it does not where the scanners would cross)
    last_migrated_pfn = _Number("PFN")  # 6.1: where the scan of the last batch with pages began
    iteration_start_pfn = _Number("PFN")  # 6.1: where the scan of this batch began
    rescan = _Number("flag")  # 6.1: second batch in its pageblock, takes all the rest of it
    no_target = _Number("flag")  # the free scanner found nothing: -ENOMEM
    batch_moved = _Number("guest pages")  # of this batch
    rounds = _Number("rounds")  # rounds that scanned, whatever they found
    blocks_moved = _Number("rounds")  # compact_blocks_moved: 3.6 counts a round even with nothing isolated
    pages_moved = _Number("guest pages")  # compact_pages_moved
    migrate_failed = _Number("guest pages")  # compact_pagemigrate_failed: pages left over in their batch
    migrate_scanned = _Number("guest pages")  # 6.1 counts a free block as one page here
    free_scanned = _Number("guest pages")

    def __init__(self, buddy: Buddy, name: str) -> None:
        self.buddy = buddy
        self.links = buddy.links
        self.values = buddy.values
        self.name = name
        numbers = {key: number for key, number in vars(ScannerState).items() if isinstance(number, _Number)}
        self.slots = {key: self.values.declare(f"{name} {key}", unit=number.unit) for key, number in numbers.items()}
        self.migratepages = self.links.named_list(f"{name} migratepages")
        self.freepages = self.links.named_list(f"{name} freepages")

    def capture(self, pfn: int) -> int:
        """Take the free block at `pfn` for targets, page by page to the head of the list; returns its pages."""
        pages = 1 << self.buddy.isolate_block(pfn)
        for page in range(pfn, pfn + pages):
            self.links.add(page, self.freepages)
        self.nr_freepages += pages
        return pages
