"""Direct reclaim: what an allocation does when no page is free, for those scenarios in which it matters.

Retold from mm/vmscan.c, mm/oom_kill.c (Linux 4.8) as far as it concerns a balloon: it waits for a filesystem's lock
(M10), asks the shrinkers, the balloon's among them (M13), and drops clean pages of the page cache. A simplification:
here the shrinker goes first, and the cache only gives what the shrinker did not; in the kernel both give a share. The
balloon's allocations are NORETRY: they reclaim once and never call the OOM killer.
"""

from __future__ import annotations

from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.driver import Driver
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    alloc_page,
    free_page,
    mutex_lock,
    mutex_trylock,
    mutex_unlock,
    shrink_page_list,
    write,
)

SHRINK_BATCH = 128  # guest pages that a shrinker is asked for at once


def direct_reclaim(vb: VirtioBalloon) -> Routine:
    """Wait for the filesystem, then free what can be freed. Returns whether anything was."""
    yield mutex_lock(vb.fs_lock)
    yield mutex_unlock(vb.fs_lock)
    shrink = getattr(vb.driver, "virtio_balloon_shrinker_scan", None)
    if shrink is not None and (yield from shrink(vb, SHRINK_BATCH)):
        return True
    return (yield shrink_page_list())


def balloon_page_alloc(vb: VirtioBalloon) -> Routine:
    """A page for the balloon, or None."""
    page = yield alloc_page(vb.migratetype)
    if page is None and (yield from vb.driver.direct_reclaim(vb)):
        page = yield alloc_page(vb.migratetype)
    return page


def out_of_memory(vb: VirtioBalloon) -> Routine:
    """Ask the notifiers for memory, with oom_lock held. Returns how many guest pages they say they have freed."""
    if not (yield mutex_trylock(vb.oom_lock)):
        return 0
    freed = 0
    notifier = getattr(vb.driver, "virtio_balloon_oom_notify", None)
    if notifier is not None:
        freed = yield from notifier(vb)
    yield mutex_unlock(vb.oom_lock)
    return freed


def reclaiming(driver: Driver) -> Driver:
    """The driver in a guest whose allocations reclaim (of the versions that allocate in a routine: from 3.19 on)."""
    driver = driver.sharing(fs_lock="lock", oom_lock="lock")
    if "balloon_page_alloc" not in driver.functions:
        return driver
    return driver.variant(driver.name, driver.title, balloon_page_alloc, direct_reclaim)


# -- who runs out of memory --


def write_a_file(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """A filesystem needs a page for a moment: with a lock of its own held, hence GFP_NOFS, without reclaim."""
    yield mutex_lock(vb.fs_lock)
    page = yield alloc_page(vb.migratetype)
    if page is None:
        yield from out_of_memory(vb)
        page = yield alloc_page(vb.migratetype)
    if page is not None:
        yield free_page(page)
    yield mutex_unlock(vb.fs_lock)


def run_out_of_memory(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """The kernel is out of memory: note how many guest pages the notifiers say they have freed."""
    freed = yield from out_of_memory(vb)
    yield write(vb.oom_freed, freed)


def shrink_the_balloon(pages: int) -> Actor:
    """kswapd, which asks the balloon's shrinker, if the version has one, for that many guest pages."""

    def shrink(vb: VirtioBalloon, _mm: Compaction) -> Routine:
        scan = getattr(vb.driver, "virtio_balloon_shrinker_scan", None)
        if scan is not None:
            yield from scan(vb, pages)

    return Actor("kswapd", "reclaim, which asks the shrinkers", shrink)


WRITER = Actor("writer", "a task that writes to a file when no page is free", write_a_file)
OUT_OF_MEMORY = Actor("oom", "a task for which no memory is left", run_out_of_memory)
