"""The experiments that come with the package: plain functions of their parameters.

Each has an attribute `check`, which is called with the same parameters and raises what is wrong with them without
running anything; a function of your own may have one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from balloonlab.course.scenarios import scenario as scenario_named
from balloonlab.drivers import Driver, find_driver
from balloonlab.explore import explore
from balloonlab.foundations.errors import BadValueError, UnknownNameError, pick, whole_number
from balloonlab.guest.array_guest import beyond_arrays
from balloonlab.guest.guest import Guest
from balloonlab.guest.settings import check_page_size, use_arrays
from balloonlab.host.host import BALLOON_PAGE_SIZE
from balloonlab.memory.placement import check_placement
from balloonlab.memory.workloads import WORKLOADS, workload_settings
from balloonlab.memory.zone import MOST_PAGES
from balloonlab.sweeps.cells import Row

MOST_STATES = 1_000_000  # of one exploration

_Function = TypeVar("_Function", bound=Callable[..., Any])


def checked_by(check: Callable[..., object]) -> Callable[[_Function], _Function]:
    """Give an experiment its `check`."""

    def give(function: _Function) -> _Function:
        function.check = check  # type: ignore[attr-defined]
        return function

    return give


def balloon_size(balloon: object, balloon_pages: int) -> int:
    """A balloon's size in 4 KiB pages, of a guest that has `balloon_pages`: a whole number, or a share (a float)."""
    if isinstance(balloon, float):
        if not 0 <= balloon <= 1:
            raise BadValueError(
                f"balloon is {balloon}; a share must be from 0.0 to 1.0. Balloon pages are whole numbers."
            )
        return int(balloon * balloon_pages)
    why = "The balloon cannot hold more than the guest has."
    return whole_number("balloon", balloon, 0, balloon_pages, "4 KiB balloon pages, or a share as a float", why)


def _check_balloon(
    pages: int = 4096,
    balloon: float = 0.125,
    driver: str | Driver = "v9",
    workload: str = "random",
    seed: int = 0,
    page_size: int = 4096,
    placement: str = "lifo",
    engine: str = "auto",
    **options: float,
) -> int:
    """The balloon's size in 4 KiB pages; raises for what is wrong with the parameters."""
    whole_number("pages", pages, 1, MOST_PAGES, "guest pages", "64 GiB of 4 KiB pages is the largest.")
    use_arrays(engine, beyond_arrays(find_driver(driver), np.zeros(0, np.uint8)))
    whole_number("seed", seed, 0, 2**63 - 1)
    check_page_size(page_size)
    check_placement(placement)
    known = [key for each in WORKLOADS.values() for key in each.options]
    for key in options:
        if key not in known:
            own = ["pages", "balloon", "driver", "workload", "seed", "page_size", "placement", "engine"]
            names = ", ".join(dict.fromkeys([*own, *known]))
            raise UnknownNameError(f"unknown parameter of balloon_and_compact {key!r}; known: {names}.")
        if workload in WORKLOADS:
            why = "Workloads with other options are a sweep of their own; two tables can be added."
            pick(f"option of workload {workload!r}", key, list(WORKLOADS[workload].options), why)
    workload_settings(workload, options)
    return balloon_size(balloon, pages * (page_size // BALLOON_PAGE_SIZE))


@checked_by(_check_balloon)
def balloon_and_compact(
    pages: int = 4096,
    balloon: float = 0.125,
    driver: str | Driver = "v9",
    workload: str = "random",
    seed: int = 0,
    page_size: int = 4096,
    placement: str = "lifo",
    engine: str = "auto",
    **options: float,
) -> Row:
    """Fragment a guest's memory, inflate the balloon, compact, deflate: what was left after each.

    pages: guest pages. balloon: 4 KiB balloon pages if a whole number, the share of the guest's memory if a float.
    workload, options: names in memory/workloads.py. page_size: bytes. placement: where the balloon's pages are taken
    from, a name in memory/placement.py ("random" by the seed, too). engine: as of Guest; all other results are the same
    by either. Results: `huge_*`, free blocks of order 9 (2 MiB where guest pages are 4 KiB) after the workload,
    inflated, compacted, deflated; `unusable_*`, the unusable free index of order 9 then (thousandths); `ballooned`, the
    balloon's size reached (4 KiB pages); messages of each part; guest pages `moved`, those of the balloon
    `moved_balloon`; `steps` of all threads (None where arrays worked it out at once: engine "steps" counts them);
    `why`, bugs first, what was not reached and why (None if all was).
    """
    size = _check_balloon(pages, balloon, driver, workload, seed, page_size, placement, engine, **options)
    guest = Guest(pages, driver, page_size=page_size, seed=seed, placement=placement, engine=engine)
    stepped = guest.engine == "steps"
    guest.workload(workload, **options)
    metrics = {"before": guest.metrics()}
    inflated = guest.inflate(size)
    metrics["inflated"], inside = guest.metrics(), set(guest.balloon_list)
    compacted = guest.compact()
    metrics["compacted"], stayed = guest.metrics(), inside & set(guest.balloon_list)
    deflated = guest.set_target(0)
    metrics["deflated"] = guest.metrics()
    parts = {"inflate": inflated.why, "compact": compacted.why, "deflate": deflated.why}
    why = [deflated.bug, *(f"{what}: {each}" for what, each in parts.items() if each)]
    return {
        "why": "; ".join(filter(None, why)) or None,
        **{f"huge_{when}": each.free_huge_pages for when, each in metrics.items()},
        **{f"unusable_{when}": each.unusable_free_index() for when, each in metrics.items()},
        "ballooned": inflated.after,
        "inflate_messages": inflated.messages,
        "migration_messages": compacted.messages,
        "deflate_messages": deflated.messages,
        "moved": len(compacted.pairs),
        "moved_balloon": len(inside) - len(stayed),
        "steps": inflated.steps + compacted.steps + deflated.steps if stepped else None,
    }


def _check_interleavings(scenario: str, driver: str | Driver = "v9", most_states: int = MOST_STATES) -> None:
    scenario_named(scenario, driver)
    whole_number("most_states", most_states, 1, 2**31 - 2, "states")


@checked_by(_check_interleavings)
def interleavings(scenario: str, driver: str | Driver = "v9", most_states: int = MOST_STATES) -> Row:
    """Every interleaving of a scenario: verdict, size, and the nearest finding with its schedule's token.

    most_states: where it ends as "not finished". Results: `verdict`, `states`, `transitions`, number of `findings`;
    `kind`, `depth` (steps) and `token` of the nearest (None without one).
    """
    result = explore(scenario_named(scenario, driver), most_states=most_states)
    nearest = result.findings[0] if result.findings else None
    return {
        "verdict": result.verdict.value,
        "states": result.states,
        "transitions": result.transitions,
        "findings": len(result.findings),
        "kind": nearest.kind if nearest else None,
        "depth": nearest.steps if nearest else None,
        "token": nearest.schedule.token if nearest else None,
    }


EXPERIMENTS: dict[str, Callable[..., Row]] = {each.__name__: each for each in (balloon_and_compact, interleavings)}
_SMALLEST: dict[str, dict[str, Any]] = {
    "balloon_and_compact": {"pages": 1, "balloon": 0},
    "interleavings": {"scenario": "inflate"},
}


def results_of(name: str) -> list[str]:
    """Names of the results of an experiment, known before it runs: those of its smallest example."""
    return list(EXPERIMENTS[name](**_SMALLEST[name]))
