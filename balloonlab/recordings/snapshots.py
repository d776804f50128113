"""What a real guest's own page flags and counters say, in this package's page states and migratetypes.

Page flags are the bits of /proc/kpageflags (Linux 6.1, include/uapi/linux/kernel-page-flags.h).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from balloonlab.foundations.words import counted, shown
from balloonlab.memory.zone import MAX_ORDER, MOST_PAGES, PAGEBLOCK_PAGES, Migratetype, PageState
from balloonlab.recordings.reading import damaged, integers, member, read_arrays, read_json, whole

LRU, SLAB, BUDDY, ANON, NOPAGE, OFFLINE, RESERVED = (1 << bit for bit in (5, 7, 10, 12, 20, 23, 32))
REFERENCED, ACTIVE, MAPPED = (1 << bit for bit in (2, 6, 11))
MOST_FLAGS = (1 << 63) - 1
# /proc/pagetypeinfo's words. HighAtomic blocks are the kernel's own reserve, which nothing movable enters; CMA, of
# kernels built with it, lends its blocks to movable pages. A word of another kernel is taken for UNMOVABLE.
MIGRATETYPES = {
    "Unmovable": Migratetype.UNMOVABLE,
    "Movable": Migratetype.MOVABLE,
    "Reclaimable": Migratetype.RECLAIMABLE,
    "HighAtomic": Migratetype.UNMOVABLE,
    "CMA": Migratetype.MOVABLE,
    "Isolate": Migratetype.ISOLATE,
}

_WORD = re.compile(r"[A-Za-z]\w{0,30}", re.ASCII)
_PER_CPU = re.compile(r"^ +count: +(\d+)\n +high: +(\d+)\n +batch: +(\d+)$", re.MULTILINE)

States = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.int64]
TypeCounts = dict[str, dict[str, list[int]]]  # by zone and type's word


class ZoneSpan(NamedTuple):
    """A zone of the recorded guest: the guest pages ``start_pfn..end_pfn-1``."""

    name: str
    start_pfn: int
    end_pfn: int


class PerCpu(NamedTuple):
    """One CPU's lists of free pages of one zone: guest pages on them; with `high`, `batch` of them go back."""

    pages: int
    high: int
    batch: int


def read_flags(path: Path) -> dict[str, Flags]:
    """``kpageflags.npz``: by snapshot, one int64 of flags a guest page from PFN 0; all of one length."""
    arrays = read_arrays(path)
    flags = {}
    for name in [name.removesuffix("_codes") for name in arrays if name.endswith("_codes")]:
        values = integers(arrays, f"{name}_flagvals", path, 0, MOST_FLAGS)
        codes = integers(arrays, f"{name}_codes", path, 0, len(values) - 1)
        flags[name] = values[codes]
        flags[name].setflags(write=False)
    sizes = {len(row) for row in flags.values()}
    if len(sizes) != 1 or not 0 < min(sizes) <= MOST_PAGES:
        raise damaged(
            path, f"snapshots of {shown(sorted(sizes))} pages; all must have one size, from 1 to {MOST_PAGES:,}"
        )
    return flags


def page_states(flags: Flags, zones: list[ZoneSpan]) -> States:
    """uint8 PageState codes, one a guest page.

    NOPAGE or in no zone: HOLE; OFFLINE: BALLOON; BUDDY: FREE; LRU or ANON: MOVABLE; all the rest: UNMOVABLE, among it
    free pages on per-cpu lists, which carry no flag (a few hundred at most).
    """
    states = np.full(len(flags), PageState.UNMOVABLE, np.uint8)
    for bits, state in (
        (LRU | ANON, PageState.MOVABLE),
        (BUDDY, PageState.FREE),
        (OFFLINE, PageState.BALLOON),
        (NOPAGE, PageState.HOLE),
    ):
        states[flags & bits != 0] = state
    outside = np.ones(len(flags), np.bool_)
    for zone in zones:
        outside[zone.start_pfn : zone.end_pfn] = False
    states[outside] = PageState.HOLE
    return states


def read_zones(path: Path, text: str, pages: int) -> list[ZoneSpan]:
    """The zones with memory that the text of /proc/zoneinfo names, in order of PFN."""
    zones = []
    for name, section in _zone_sections(text):
        spanned = re.search(r"^ +spanned +(\d+)$", section, re.MULTILINE)
        start = re.search(r"^ +start_pfn: +(\d+)$", section, re.MULTILINE)
        if spanned and start:
            first = whole(start[1], f"start_pfn of zone {name}", path, pages)
            size = whole(spanned[1], f"span of zone {name}", path, pages)
            zones.append(ZoneSpan(name, first, first + size))
    zones.sort(key=lambda zone: zone.start_pfn)
    ends = [0, *(zone.end_pfn for zone in zones)]
    if not zones or ends[-1] > pages or any(zone.start_pfn < end for zone, end in zip(zones, ends, strict=False)):
        found = ", ".join(zone.name for zone in zones) or "of no name"
        raise damaged(path, f"zones {found} do not lie one after another within {pages:,} pages")
    return zones


def reader_pages(flags: Flags) -> npt.NDArray[np.bool_]:
    """By guest page, whether it likely was in the buffer of the process that wrote these flags down, and then ended.

    Such a page is anonymous, mapped, and referenced, since the kernel had it in hand to write it out (mm/gup.c); once
    only, so it is not active.
    """
    wanted = ANON | MAPPED | REFERENCED
    reader: npt.NDArray[np.bool_] = flags & (wanted | ACTIVE) == wanted
    return reader


def read_per_cpu(path: Path, text: str) -> dict[str, list[PerCpu]]:
    """By zone, each CPU's lists as the text of /proc/zoneinfo counts them."""
    return {
        zone: [
            PerCpu(*(whole(number, "pages on a per-cpu list", path, MOST_PAGES) for number in row))
            for row in _PER_CPU.findall(section)
        ]
        for zone, section in _zone_sections(text)
    }


def _zone_sections(text: str) -> list[tuple[str, str]]:
    """The name and the text of each zone in the text of /proc/zoneinfo."""
    sections = re.split(r"^(?=Node )", text, flags=re.MULTILINE)
    return [(name[1], section) for section in sections if (name := re.match(r"Node +\d+, zone +(\w+)", section))]


def read_type_counts(path: Path, text: str, zones: list[ZoneSpan]) -> tuple[TypeCounts, TypeCounts]:
    """The tables of /proc/pagetypeinfo, by zone and type's word: pageblocks, and free blocks of each order 0..10."""
    free_table, _, last = text.partition("Number of blocks type")
    heading, _, table = last.partition("\n")
    words = heading.split()
    counts: TypeCounts = {}
    free: TypeCounts = {}
    for zone in zones:
        row = re.search(rf"^Node +\d+, zone +{zone.name} +([\d ]+)$", table, re.MULTILINE)
        numbers = row[1].split() if row else []
        blocks = -(-zone.end_pfn // PAGEBLOCK_PAGES) - zone.start_pfn // PAGEBLOCK_PAGES
        if not (0 < len(words) == len(set(words)) == len(numbers) and all(map(_WORD.fullmatch, words))):
            raise damaged(path, f"no count of pageblocks by type for zone {zone.name}")
        row_counts = [whole(number, f"pageblocks of zone {zone.name}", path, blocks) for number in numbers]
        if sum(row_counts) > blocks:
            raise damaged(path, f"zone {zone.name} has {counted(blocks, 'pageblock')}, not {sum(row_counts)}")
        counts[zone.name] = {word: [count] for word, count in zip(words, row_counts, strict=True)}
        free[zone.name] = {word: _free_of_type(path, free_table, zone, word) for word in words}
    return counts, free


def _free_of_type(path: Path, table: str, zone: ZoneSpan, word: str) -> list[int]:
    row = re.search(rf"^Node +\d+, zone +{zone.name}, type +{word} +([\d ]+)$", table, re.MULTILINE)
    numbers = row[1].split() if row else []
    if len(numbers) != MAX_ORDER:
        raise damaged(path, f"no {MAX_ORDER} counts of free blocks of type {word} for zone {zone.name}")
    most = zone.end_pfn - zone.start_pfn
    return [whole(number, f"free blocks of type {word} in zone {zone.name}", path, most) for number in numbers]


def read_free_blocks(path: Path, snapshot: dict[str, Any], zones: list[ZoneSpan]) -> dict[str, list[int]]:
    """By zone, the free blocks of each order 0..10, as the guest's /proc/buddyinfo counted them."""
    table = member(snapshot, "buddyinfo", dict, path)
    free: dict[str, list[int]] = {}
    for zone in zones:
        row = member(table, zone.name, list, path)
        most = zone.end_pfn - zone.start_pfn
        if len(row) != MAX_ORDER or not all(type(count) is int and 0 <= count <= most for count in row):
            raise damaged(path, f"buddyinfo of zone {zone.name} is {shown(row)}, not {MAX_ORDER} counts up to {most}")
        free[zone.name] = row
    return free


def check_summary(path: Path, name: str, snapshot: dict[str, Any], flags: Flags) -> None:
    """The counts that were written beside the flags must be those of the flags."""
    summary = member(snapshot, "summary", dict, path)
    found = {"pfns": len(flags)}
    for what, bit in (("free_buddy_pages", BUDDY), ("balloon_pages", OFFLINE), ("nopage", NOPAGE)):
        found[what] = int((flags & bit != 0).sum())
    for what, count in found.items():
        if member(summary, what, int, path) != count:
            raise damaged(
                path, f"snapshot {shown(name)} says {what} = {shown(summary[what])}; its page flags say {count}"
            )


def read_texts(path: Path) -> dict[str, dict[str, str]]:
    """``pagetypeinfo_zoneinfo.json.gz``: the two texts, by name and snapshot."""
    whole_file = read_json(path)
    return {
        kind: {name: member(texts, name, str, path) for name in texts}
        for kind in ("pagetypeinfo", "zoneinfo")
        for texts in [member(whole_file, kind, dict, path)]
    }
