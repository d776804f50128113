"""Workloads: named, reproducible ways to use a guest's memory, so that free memory gets fragmented.

A workload takes all memory that its requests can reach and gives some of it back. Small zones go page by page through
the buddy allocator, so the free lists are what such a sequence leaves; large ones are set at once and their lists
rebuilt. The page states are the same both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from balloonlab.foundations.errors import BadValueError, pick, whole_number
from balloonlab.foundations.interrupt import asked
from balloonlab.memory import workload_plans as plans
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import Migratetype, PageState

if TYPE_CHECKING:
    from balloonlab.memory.arrays import ArrayZone

_FREE = int(PageState.FREE)
STEPWISE_PAGES = 65536  # zones of up to so many guest pages are worked on page by page


@dataclass(frozen=True)
class Option:
    """A setting of a workload: a whole number if its default is one, else a fraction."""

    default: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Workload:
    """A named workload: what it does in a sentence, its options, and the planner of workload_plans.py."""

    name: str
    title: str
    options: dict[str, Option]
    plan: Callable[..., plans.Plan]


_FRACTION = Option(0.5, 0.0, 1.0, "share of the pages that is given back")

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload("fill", "take all free memory, movable", {}, plans.plan_fill),
        Workload(
            "holes",
            "take all free memory, then give back every n-th page, ascending",
            {"every": Option(4, 1, 1 << 20, "PFNs divisible by it are given back")},
            plans.plan_holes,
        ),
        Workload(
            "random",
            "take all free memory, then give back a random share of the pages in random order",
            {"fraction": _FRACTION},
            plans.plan_random,
        ),
        Workload(
            "runs",
            "take all free memory, then give back random runs of pages",
            {"fraction": _FRACTION, "length": Option(32, 1, 1 << 20, "mean length of a run, guest pages")},
            plans.plan_runs,
        ),
        Workload(
            "kernel",
            "take all free memory, a share of it unmovable, then give back a random share of the movable pages",
            {
                "unmovable": Option(0.1, 0.0, 1.0, "share of the pages that cannot move"),
                "grouped": Option(0.5, 0.0, 1.0, "share of those that sit in pageblocks of their own"),
                "fraction": Option(0.5, 0.0, 1.0, "share of the movable pages that is given back"),
            },
            plans.plan_kernel,
        ),
        Workload(
            "fresh",
            "a guest just booted: the kernel at the bottom, a few programs, most memory free",
            {
                "used": Option(0.1, 0.0, 1.0, "share of the pages in use, half of it the kernel's"),
                "length": Option(64, 1, 1 << 20, "mean run of a program's pages, guest pages"),
            },
            plans.plan_fresh,
        ),
    )
}


def workload_settings(name: str, options: Mapping[str, float]) -> dict[str, float]:
    """Every option of the workload `name` with its value: that of `options`, else the default.

    Raises UnknownNameError for a workload or option that nobody knows, BadValueError for a value out of range.
    """
    workload = WORKLOADS[pick("workload", name, list(WORKLOADS))]
    for key in options:
        pick(f"option of workload {workload.name!r}", key, list(workload.options))
    return {
        key: _number(f"{key} of workload {workload.name!r}", options.get(key, option.default), option)
        for key, option in workload.options.items()
    }


def workloads_text() -> str:
    """Every workload and its options, with their ranges, in lines."""
    lines = ["workloads, and their options:"]
    for each in WORKLOADS.values():
        lines.append(f"  {each.name}: {each.title}")
        lines += [f"    {n}: {o.low:,} to {o.high:,}, {o.text} (default: {o.default})" for n, o in each.options.items()]
    return "\n".join(lines)


@dataclass(frozen=True)
class WorkloadResult:
    """What a workload did, in guest pages.

    options: every option with the value used. movable, unmovable: what it keeps. free_pages: of the zone, after it.
    """

    name: str
    seed: int
    options: dict[str, float]
    taken: int
    freed: int
    movable: int
    unmovable: int
    free_pages: int

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.options.items())
        return (
            f"{self.name}({settings}) seed {self.seed}: took {self.taken:,} guest pages and gave {self.freed:,} back; "
            f"keeps {self.movable:,} movable and {self.unmovable:,} unmovable; {self.free_pages:,} free"
        )


def apply_workload(
    buddy: Buddy, name: str, seed: int = 0, *, bulk: bool | None = None, **options: float
) -> WorkloadResult:
    """Carry the workload `name` out on the free memory of `buddy`.

    bulk: True sets all at once, False goes page by page; by default, zones above 65,536 pages are set at once unless
    the journal is recording. Both give the same page states; only page by page are the free lists (and pageblocks
    claimed on the way) those of a real sequence. Raises, before anything changes, UnknownNameError for a workload or
    option that nobody knows, BadValueError for a value out of range, or for bulk=True while the journal records.
    """
    workload, seed, settings = _prepared(name, seed, options)
    bulk = _choose_bulk(buddy, bulk)
    plan = workload.plan(_reachable(buddy), np.random.default_rng(seed), **settings)
    if bulk:
        _set_at_once(buddy.frames.states, buddy.frames.block_types, plan)
        buddy.rebuild()
    else:
        _go_through(buddy, plan)
    return _result(workload, seed, settings, plan, buddy.frames.states, buddy.free_pages)


def apply_to_zone(
    zone: ArrayZone, name: str, seed: int = 0, *, balloon_moves: bool = True, **options: float
) -> WorkloadResult:
    """The same on a zone of arrays, with the same result as apply_workload, free lists included.

    balloon_moves: see ArrayZone.allocate. Errors as in apply_workload.
    """
    workload, seed, settings = _prepared(name, seed, options)
    plan = workload.plan(np.flatnonzero(zone.states == _FREE), np.random.default_rng(seed), **settings)
    if len(zone.states) > STEPWISE_PAGES:
        _set_at_once(zone.states, zone.block_types, plan)
        zone.order.reset()
    else:
        states = np.zeros(len(zone.states), np.uint8)
        states[plan.pfns] = plan.states
        zone.allocate(len(plan.pfns), state=states, balloon_moves=balloon_moves)
        zone.block_types[plan.blocks] = Migratetype.UNMOVABLE
        zone.free(plan.freed)
    return _result(workload, seed, settings, plan, zone.states, zone.free_pages)


def release(
    buddy: Buddy,
    fraction: float = 1.0,
    seed: int = 0,
    *,
    state: int = PageState.MOVABLE,
    bulk: bool | None = None,
) -> int:
    """The workload gives back its pages, those of `state`, ascending: all, or a random `fraction`; returns how many.

    Errors and `bulk` as in apply_workload.
    """
    zone, frames = buddy.zone, buddy.frames
    chosen = _to_release(frames.states[zone.start : zone.end], fraction, seed, state)
    bulk = _choose_bulk(buddy, bulk)
    pfns = zone.start + chosen
    if bulk:
        frames.states[pfns] = PageState.FREE
        buddy.rebuild()
    else:
        _free_all(buddy, pfns)
    return len(pfns)


def release_from_zone(zone: ArrayZone, fraction: float = 1.0, seed: int = 0, *, state: int = PageState.MOVABLE) -> int:
    """The same on a zone of arrays, with the same result as `release`."""
    pfns = _to_release(zone.states, fraction, seed, state)
    zone.free(pfns)
    if len(zone.states) > STEPWISE_PAGES:
        zone.order.reset()
    return len(pfns)


def _to_release(states: np.ndarray, fraction: float, seed: int, state: int) -> np.ndarray:
    """Which of these pages are given back, ascending (int64)."""
    share = _number("fraction", fraction, Option(1.0, 0.0, 1.0, "share of the pages that is given back"))
    seed = whole_number("seed", seed, 0, (1 << 63) - 1)
    pages: np.ndarray = np.flatnonzero(states == state)
    if share < 1:
        pages = np.sort(np.random.default_rng(seed).permutation(pages)[: round(share * len(pages))])
    return pages


def _reachable(buddy: Buddy) -> np.ndarray:
    """int64 PFNs, ascending, of the free pages that MOVABLE requests can get in the end."""
    zone = buddy.zone
    free = buddy.frames.states[zone.start : zone.end] == PageState.FREE
    barred = [Migratetype.ISOLATE] if buddy.rules == "3.6" else [Migratetype.ISOLATE, Migratetype.RESERVE]
    for kind in barred:
        for order, head in enumerate(buddy.heads[kind]):
            for pfn in buddy.links.walk(head):
                free[pfn - zone.start : pfn - zone.start + (1 << order)] = False
    return zone.start + np.flatnonzero(free)


def _go_through(buddy: Buddy, plan: plans.Plan) -> None:
    states = dict(zip(plan.pfns.tolist(), plan.states.tolist(), strict=True))
    while (pfn := buddy.alloc(0, Migratetype.MOVABLE)) is not None:
        buddy.frames.set_state(pfn, states[pfn])
        _give_up_if_asked(buddy)
    for block in plan.blocks.tolist():
        buddy.frames.set_block_type(block, Migratetype.UNMOVABLE)
    _free_all(buddy, plan.freed)


def _free_all(buddy: Buddy, pfns: np.ndarray) -> None:
    for pfn in pfns.tolist():
        buddy.free(pfn)
        _give_up_if_asked(buddy)


def _give_up_if_asked(buddy: Buddy) -> None:
    """End here for an interrupt, where whoever records the changes can take them back."""
    if buddy.frames.journal.recording and asked():
        raise KeyboardInterrupt


def _set_at_once(states: np.ndarray, block_types: np.ndarray, plan: plans.Plan) -> None:
    states[plan.pfns] = plan.states
    block_types[plan.blocks] = Migratetype.UNMOVABLE
    states[plan.freed] = PageState.FREE


def _prepared(name: str, seed: int, options: dict[str, float]) -> tuple[Workload, int, dict[str, float]]:
    settings = workload_settings(name, options)
    return WORKLOADS[name], whole_number("seed", seed, 0, (1 << 63) - 1), settings


def _result(
    workload: Workload, seed: int, settings: dict[str, float], plan: plans.Plan, states: np.ndarray, free_pages: int
) -> WorkloadResult:
    left = states[plan.pfns]
    return WorkloadResult(
        name=workload.name,
        seed=seed,
        options=settings,
        taken=len(plan.pfns),
        freed=len(plan.freed),
        movable=int(np.count_nonzero(left == int(PageState.MOVABLE))),
        unmovable=int(np.count_nonzero(left == int(PageState.UNMOVABLE))),
        free_pages=free_pages,
    )


def _choose_bulk(buddy: Buddy, bulk: bool | None) -> bool:  # noqa: FBT001
    recording = buddy.frames.journal.recording
    if bulk is None:
        return buddy.zone.end - buddy.zone.start > STEPWISE_PAGES and not recording
    if bulk and recording:
        raise BadValueError("bulk is True while changes are recorded; it must be False: bulk work leaves no record.")
    return bulk


def _number(what: str, value: object, option: Option) -> float:
    if isinstance(option.default, int):
        return whole_number(what, value, int(option.low), int(option.high), option.text)
    try:
        number = float(value) if not isinstance(value, bool | str) else None  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = None
    if number is None or not option.low <= number <= option.high:
        span = f"from {option.low} to {option.high}"
        raise BadValueError(f"{what} is {value!r}; it must be a number {span} ({option.text}).")
    return number
