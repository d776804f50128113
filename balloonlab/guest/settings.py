"""What a guest can be made from: sizes, page map, pageblock types, balloon, zones, engine; each is checked here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balloonlab.drivers.actors import Actor
from balloonlab.foundations.errors import BadValueError, each_of, of_kind, one_of, pick, whole_number
from balloonlab.foundations.rows import whole_row
from balloonlab.foundations.words import counted, shown
from balloonlab.kernel.world import PAGE_SIZES
from balloonlab.memory.zone import MOST_PAGES, PAGEBLOCK_PAGES, Migratetype, PageFrames, PageState, Zone

AT_REST = (PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON, PageState.HOLE)  # 0 to 4
_AT_REST = f"A page map at rest has only {', '.join(f'{int(state)} {state.name}' for state in AT_REST)}."
ENGINES = ["auto", "steps", "arrays"]
STEPWISE_PAGES = 1 << 18  # of the largest guest (guest pages) that engine="auto" takes step by step where it may choose


def use_arrays(engine: str, against: str | None) -> bool:
    """Whether the guest is made of arrays; `against`: what arrays cannot do here, if anything."""
    if pick("engine", engine, ENGINES) == "arrays" and against is not None:
        raise BadValueError(f"engine is 'arrays', which cannot do {against}; it must be 'steps' or 'auto' here.")
    return engine != "steps" and against is None


def balloon_pages(states: NDArray[np.uint8], balloon: Sequence[int] | NDArray[np.int64] | None) -> NDArray[np.int64]:
    """PFNs of the balloon's list, head first: those given, or all BALLOON pages ascending."""
    inside = np.flatnonzero(states == int(PageState.BALLOON))
    if balloon is None:
        return inside
    limits = (0, len(states) - 1, (0, len(states)))
    pages = whole_row("balloon", balloon, *limits, "PFNs of guest pages").astype(np.int64)
    if not np.array_equal(np.sort(pages), inside):
        listed, marked = counted(len(pages), "page"), f"{len(inside):,}"
        raise BadValueError(f"balloon lists {listed}; the map marks {marked} as BALLOON, or others.")
    return pages


def check_page_size(page_size: object) -> int:
    """The size of a guest page, in bytes; raises BadValueError for what is none."""
    return one_of("page_size", page_size, PAGE_SIZES, "bytes (4, 16 and 64 KiB kernels)")


def check_actors(actors: Sequence[Actor]) -> list[Actor]:
    """The actors; raises BadValueError for anything else."""
    wanted = "an actor (balloonlab.drivers.actors.Actor)"
    return [of_kind("an actor", each, Actor, wanted) for each in each_of("actors", actors, "actors")]


def check_states(states: ArrayLike, lengths: tuple[int, int] = (1, MOST_PAGES)) -> NDArray[np.uint8]:
    """A page map at rest as uint8 PageState codes, so many as `lengths` say; raises BadValueError for others."""
    array = whole_row("states", states, 0, int(max(AT_REST)), lengths, "PageState codes, one a guest page", _AT_REST)
    return array.astype(np.uint8, copy=False)


def zones_of(frames: PageFrames, zones: Sequence[tuple[str, int, int]] | None) -> list[Zone]:
    """The zones asked for (name, first PFN, end), ascending; what lies in none must be no memory."""
    if zones is None:
        return [Zone(frames)]
    made: list[Zone] = []
    for zone in each_of("zones", zones, "(name, first PFN, end)"):
        if not isinstance(zone, tuple | list) or len(zone) != 3 or not isinstance(zone[0], str):  # noqa: PLR2004
            raise BadValueError(f"a zone is (name, first PFN, end); this is {shown(zone)}.")
        name, low = zone[0], made[-1].end if made else 0
        start = whole_number(
            f"start of zone {shown(name)}", zone[1], low, frames.pages - 1, "PFN", "Zones do not overlap."
        )
        end = whole_number(f"end of zone {shown(name)}", zone[2], start + 1, frames.pages, "PFN")
        if any(other.name == name for other in made):
            raise BadValueError(f"two zones are called {shown(name)}; each needs a name of its own.")
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
    if states is not None:
        frames[:] = check_states(states, (len(frames), len(frames)))
    if block_types is not None:
        unit = f"Migratetype codes, one for {PAGEBLOCK_PAGES} pages"
        types[:] = whole_row("pageblock_types", block_types, 0, int(max(Migratetype)), (len(types), len(types)), unit)
