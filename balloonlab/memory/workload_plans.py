"""What each workload does to free memory, as a plan: who takes which page, and which pages come back in what order.

A plan is made from the free PFNs alone, whole arrays at a time, so that carrying it out page by page or at once
leaves the same page states. All PFNs and counts are of guest pages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from balloonlab.memory.zone import PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, PageState


@dataclass(frozen=True)
class Plan:
    """Who takes which page, and what comes back.

    pfns: int64, ascending, the pages taken. states: uint8, what each is taken for. blocks: numbers of the pageblocks
    that become UNMOVABLE. freed: int64, the PFNs given back, in that order.
    """

    pfns: np.ndarray
    states: np.ndarray
    blocks: np.ndarray
    freed: np.ndarray


def plan_fill(pfns: np.ndarray, _rng: np.random.Generator) -> Plan:
    """Take everything, movable."""
    return _movable(pfns, pfns[:0])


def plan_holes(pfns: np.ndarray, _rng: np.random.Generator, every: int) -> Plan:
    """Take everything, then free every PFN that `every` divides, ascending."""
    return _movable(pfns, pfns[pfns % every == 0])


def plan_random(pfns: np.ndarray, rng: np.random.Generator, fraction: float) -> Plan:
    """Take everything, then free a random `fraction`, page by page in random order."""
    return _movable(pfns, _sample(pfns, rng, fraction))


def plan_runs(pfns: np.ndarray, rng: np.random.Generator, fraction: float, length: int) -> Plan:
    """Take everything, then free runs of about `length` pages, `fraction` of all, in random order of the runs."""
    start, size = _random_runs(len(pfns), rng, fraction, length)
    order = rng.permutation(len(start))
    return _movable(pfns, pfns[_ranges(start[order], size[order])])


def plan_kernel(pfns: np.ndarray, rng: np.random.Generator, unmovable: float, grouped: float, fraction: float) -> Plan:
    """Take everything, a share `unmovable`: of those, `grouped` in pageblocks of their own, the others scattered.

    Then free a random `fraction` of the movable pages.
    """
    share = round(unmovable * len(pfns))
    whole = np.flatnonzero(np.bincount(pfns >> PAGEBLOCK_ORDER) == PAGEBLOCK_PAGES)
    blocks = rng.permutation(whole)[: round(grouped * share / PAGEBLOCK_PAGES)]
    fixed = np.isin(pfns >> PAGEBLOCK_ORDER, blocks)
    stray = rng.permutation(np.flatnonzero(~fixed))[: max(share - len(blocks) * PAGEBLOCK_PAGES, 0)]
    fixed[stray] = True
    states = np.where(fixed, PageState.UNMOVABLE, PageState.MOVABLE).astype(np.uint8)
    return Plan(pfns, states, np.sort(blocks), _sample(pfns[~fixed], rng, fraction))


def plan_fresh(pfns: np.ndarray, rng: np.random.Generator, used: float, length: int) -> Plan:
    """A guest just booted: the kernel in the lowest half of the `used` share, programs in a few runs above it."""
    kernel = round(used * len(pfns) / 2)
    states = np.full(len(pfns), PageState.MOVABLE, np.uint8)
    states[:kernel] = PageState.UNMOVABLE
    rest = len(pfns) - kernel
    start, size = _random_runs(rest, rng, (len(pfns) * used - kernel) / rest if rest else 0.0, length)
    kept = np.zeros(len(pfns), bool)
    kept[:kernel] = True
    kept[kernel + _ranges(start, size)] = True
    return Plan(pfns, states, np.unique(pfns[:kernel] >> PAGEBLOCK_ORDER), pfns[~kept])


def _movable(pfns: np.ndarray, freed: np.ndarray) -> Plan:
    """Everything taken for movable pages, then `freed` given back."""
    states = np.full(len(pfns), PageState.MOVABLE, np.uint8)
    return Plan(pfns, states, np.zeros(0, np.int64), freed)


def _sample(pfns: np.ndarray, rng: np.random.Generator, fraction: float) -> np.ndarray:
    """A random `fraction` of `pfns`, in random order."""
    return rng.permutation(pfns)[: round(fraction * len(pfns))]


def _random_runs(pages: int, rng: np.random.Generator, fraction: float, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(start, size) of runs of `length` pages on average that cover about `fraction` of ``0..pages-1``, apart."""
    if pages == 0 or round(fraction * pages) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if fraction >= 1:
        return np.array([0]), np.array([pages])
    gap = max(length * (1 - fraction) / fraction, 1.0)
    number = int(2 * pages / (length + gap)) + 64
    size = rng.geometric(1 / length, number)
    start = np.cumsum(rng.geometric(1 / gap, number) + np.concatenate(([0], size[:-1]))) - 1
    inside = start < pages
    start, size = start[inside], size[inside]
    return start, np.minimum(size, pages - start)


def _ranges(start: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The numbers ``start[i]..start[i]+size[i]-1`` of each run in turn, as one array."""
    before = np.cumsum(size) - size
    return np.repeat(start - before, size) + np.arange(int(size.sum()))
