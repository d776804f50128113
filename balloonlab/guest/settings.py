"""What a guest can be made from: sizes, page map, pageblock types, balloon, zones, engine; each is checked here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balloonlab.foundations.errors import BadValueError, pick, whole_number
from balloonlab.kernel.world import PAGE_SIZES
from balloonlab.memory.zone import PAGEBLOCK_PAGES, PageFrames, PageState, Zone

ENGINES = ["auto", "steps", "arrays"]
STEPWISE_PAGES = 1 << 18  # the largest guest (guest pages) that engine="auto" takes step by step


def use_arrays(engine: str, pages: int, against: str | None) -> bool:
    """Whether the guest is made of arrays; `against`: what arrays cannot do here, if anything."""
    if pick("engine", engine, ENGINES) == "arrays" and against is not None:
        raise BadValueError(f"engine is 'arrays', which cannot do {against}; it must be 'steps' or 'auto' here.")
    return engine == "arrays" or (engine == "auto" and pages > STEPWISE_PAGES and against is None)


def balloon_pages(states: NDArray[np.uint8], balloon: Sequence[int] | NDArray[np.int64] | None) -> NDArray[np.int64]:
    """PFNs of the balloon's list, head first: those given, or all BALLOON pages ascending."""
    inside = np.flatnonzero(states == int(PageState.BALLOON))
    pages = inside if balloon is None else row("balloon", balloon).astype(np.int64)
    if len(pages) != len(inside) or not np.array_equal(np.sort(pages), inside):
        raise BadValueError(f"balloon lists {len(pages)} pages; the map marks {len(inside)} as BALLOON, or others.")
    return pages


def check_page_size(page_size: object) -> None:
    """Raises BadValueError for what is no size of a guest page, in bytes."""
    if page_size not in PAGE_SIZES or not isinstance(page_size, int):
        legal = ", ".join(f"{size:,}" for size in PAGE_SIZES)
        raise BadValueError(f"page_size is {page_size!r}; legal: {legal} bytes (4, 16 and 64 KiB kernels).")


def row(what: str, numbers: ArrayLike) -> NDArray[Any]:
    """Whole numbers as an array; raises BadValueError for anything else."""
    try:
        array = np.asarray(numbers)
    except ValueError:  # rows of unequal length
        array = np.empty(0, object)
    if array.dtype.kind not in "iub" and array.size:
        raise BadValueError(f"{what} must be a row of whole numbers; this is of {array.dtype}.")
    if array.dtype == object:
        raise BadValueError(f"{what} must be one row of whole numbers; its parts differ in length.")
    return array


def zones_of(frames: PageFrames, zones: Sequence[tuple[str, int, int]] | None) -> list[Zone]:
    """The zones asked for (name, first PFN, end), ascending; what lies in none must be no memory."""
    if zones is None:
        return [Zone(frames)]
    made: list[Zone] = []
    for zone in zones:
        if not isinstance(zone, tuple | list) or len(zone) != 3 or not isinstance(zone[0], str):  # noqa: PLR2004
            raise BadValueError(f"a zone is (name, first PFN, end); this is {zone!r}.")
        name, low = zone[0], made[-1].end if made else 0
        start = whole_number(f"start of zone {name!r}", zone[1], low, frames.pages - 1, "PFN", "Zones do not overlap.")
        end = whole_number(f"end of zone {name!r}", zone[2], start + 1, frames.pages, "PFN")
        if any(other.name == name for other in made):
            raise BadValueError(f"two zones are called {name!r}; each needs a name of its own.")
        made.append(Zone(frames, start, end, name))
    outside = np.ones(frames.pages, bool)
    for each in made:
        outside[each.start : each.end] = False
    stray = np.flatnonzero(outside & (frames.states != PageState.HOLE))
    if len(stray):
        raise BadValueError(f"PFN {stray[0]:#x} lies in no zone; only pages of state HOLE may.")
    return made


def set_memory(
    frames: NDArray[np.uint8], types: NDArray[np.uint8], states: ArrayLike | None, block_types: ArrayLike | None
) -> None:
    """Put the states and pageblock types that were asked for into `frames` and `types`, checked."""
    at_rest = (PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON, PageState.HOLE)
    if states is not None:
        array = row("states", states)
        if array.shape != frames.shape:
            raise BadValueError(f"states has shape {array.shape}; the guest has {len(frames):,} pages, one row.")
        strange = np.setdiff1d(array, at_rest)
        if len(strange):
            legal = ", ".join(f"{int(s)} {s.name}" for s in at_rest)
            raise BadValueError(f"states contains {strange[0]!r}; a page map at rest has only {legal}.")
        frames[:] = array
    if block_types is not None:
        codes = row("pageblock_types", block_types)
        if codes.shape != types.shape or np.any(codes > 4) or np.any(codes < 0):  # noqa: PLR2004
            wanted = len(types)
            legal = f"{wanted} Migratetype codes 0..4, one for {PAGEBLOCK_PAGES} pages"
            raise BadValueError(f"pageblock_types must be {legal}.")
        types[:] = codes
