"""Retellings beside the seven versions: what was proposed and never merged, and small changes that make a point.

``VARIANTS`` has them by name. The functions below it make a driver's text finer where a scenario needs that: they add
steps or checks, and change nothing else.
"""

from __future__ import annotations

import dataclasses

from balloonlab.drivers import v9, v10, v11
from balloonlab.drivers.driver import Driver, Function
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    atomic_read,
    atomic_sub,
    bug_on,
    clear_balloon_mapping,
    cond_resched,
    copy_pfns,
    kfree_mapping,
    list_del,
    list_first,
    lock_page,
    mapping_balloon,
    mutex_lock,
    mutex_unlock,
    read,
    read_pfns,
    set_page_pfns,
    size_t,
    spin_lock,
    spin_lock_irqsave,
    spin_unlock,
    spin_unlock_irqrestore,
    trylock_page,
    unlock_page,
    wait_event,
    write,
)
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.kernel.world import Ref

# -- R1: a wait that was proposed in the discussion of v9 (mail of 28 August 2012), and never merged --


def sampled_once() -> Function:
    """__wait_on_isolated_pages that looks at both counters once, under pages_lock, and waits for the copies."""

    def wait_on_isolated_pages(vb: VirtioBalloon, leak_target: int) -> Routine:
        num_pages = yield atomic_read(vb.num_pages)
        isolated = yield atomic_read(vb.num_isolated_pages)
        enough = isolated == 0 or leak_target <= size_t(num_pages - isolated)

        def enough_came_back() -> Routine:
            return enough
            yield

        if not enough:
            yield spin_unlock(vb.pages_lock)
            yield from wait_event(vb.config_change, enough_came_back)
            yield spin_lock(vb.pages_lock)

    return wait_on_isolated_pages


# -- N5: what the page's lock is for --


def no_page_lock() -> Function:
    """v9's leak_balloon, without the page's lock."""

    def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
        num = leak_target = min(num, ARRAY_PFNS_MAX)
        pfns: tuple[int, ...] = ()
        while len(pfns) < num:
            yield spin_lock(vb.pages_lock)
            yield from vb.driver.wait_on_isolated_pages(vb, leak_target)
            page = yield list_first(vb.pages)
            if page is not None:
                yield clear_balloon_mapping(page)
                yield list_del(page)
                first = page * vb.pages_per_page
                pfns += tuple(range(first, first + vb.pages_per_page))
                yield atomic_sub(vb.pages_per_page, vb.num_pages)
                leak_target -= 1
            yield spin_unlock(vb.pages_lock)
        yield mutex_lock(vb.balloon_lock)
        yield copy_pfns(pfns[:num])
        yield write(vb.num_pfns, len(pfns))
        yield from vb.driver.tell_host(vb, vb.deflate_vq)
        yield from vb.driver.release_pages_by_pfn(vb, pfns)
        yield mutex_unlock(vb.balloon_lock)

    return leak_balloon


# -- N8: what balloon_lock is for --


def no_balloon_lock() -> Function:
    """v9's leak_balloon, without balloon_lock: others may write vb->pfns while its message points there."""

    def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
        num = leak_target = min(num, ARRAY_PFNS_MAX)
        pfns: tuple[int, ...] = ()
        while len(pfns) < num:
            yield spin_lock(vb.pages_lock)
            yield from vb.driver.wait_on_isolated_pages(vb, leak_target)
            page = yield list_first(vb.pages)
            if page is not None and (yield trylock_page(page)):
                yield clear_balloon_mapping(page)
                yield list_del(page)
                first = page * vb.pages_per_page
                pfns += tuple(range(first, first + vb.pages_per_page))
                yield atomic_sub(vb.pages_per_page, vb.num_pages)
                yield unlock_page(page)
                leak_target -= 1
            yield spin_unlock(vb.pages_lock)
        yield copy_pfns(pfns[:num])
        yield write(vb.num_pfns, len(pfns))
        yield from vb.driver.tell_host(vb, vb.deflate_vq)
        yield from vb.driver.release_pages_by_pfn(vb, pfns)

    return leak_balloon


# -- V10: what the trylocks are for --


def leak_that_waits_for_the_page() -> Function:
    """v10's __leak_balloon with lock_page in place of trylock_page."""

    def do_leak_balloon(vb: VirtioBalloon, leak_target: int) -> Routine:
        leak_target = min(leak_target, ARRAY_PFNS_MAX)
        yield write(vb.num_pfns, 0)
        while (slot := (yield read(vb.num_pfns))) < leak_target:
            page = yield list_first(vb.pages)
            if page is None:
                break
            yield lock_page(page)
            yield clear_balloon_mapping(page)
            yield list_del(page)
            yield add(vb.num_pages, -vb.pages_per_page)
            yield set_page_pfns(slot, page)
            yield unlock_page(page)
            yield add(vb.num_pfns, vb.pages_per_page)
        if (told := (yield read(vb.num_pfns))) > 0:
            yield spin_unlock(vb.pages_lock)
            yield from vb.driver.tell_host(vb, vb.deflate_vq)
            pfns = yield read_pfns(told)
            yield from vb.driver.release_pages_by_pfn(vb, pfns)
            yield spin_lock(vb.pages_lock)
        return (yield read(vb.num_pfns))

    return do_leak_balloon


def dequeue_that_waits_for_the_page() -> Function:
    """v11's balloon_page_dequeue with lock_page in place of trylock_page, for a balloon of one page."""

    def balloon_page_dequeue(vb: VirtioBalloon) -> Routine:
        page = yield list_first(vb.pages)
        if page is not None:
            yield lock_page(page)
            yield spin_lock_irqsave(vb.pages_lock)
            yield from vb.driver.balloon_page_delete(vb, page)
            yield spin_unlock_irqrestore(vb.pages_lock)
            yield unlock_page(page)
        return page

    return balloon_page_dequeue


def _variant(driver: Driver, name: str, title: str) -> Driver:
    return dataclasses.replace(driver, name=name, title=title)


_WAITS = dequeue_that_waits_for_the_page()
SAMPLED_ONCE = _variant(
    v9.DRIVER.replace(wait_on_isolated_pages=sampled_once()),
    "v9 (sampled once)",
    "v9 with the wait that was proposed first: on copies of the counters",
)
NO_PAGE_LOCK = _variant(
    v9.DRIVER.replace(leak_balloon=no_page_lock()),
    "v9 (no page lock)",
    "v9 that takes pages off the list without their locks",
)
NO_BALLOON_LOCK = _variant(
    v9.DRIVER.replace(leak_balloon=no_balloon_lock()),
    "v9 (no balloon_lock)",
    "v9 that deflates without balloon_lock: messages share one array",
)
LEAK_WAITS_10 = _variant(
    v10.DRIVER.replace(do_leak_balloon=leak_that_waits_for_the_page()),
    "v10 (leak waits)",
    "v10 that waits for the page's lock when it leaks",
)
LEAK_WAITS = _variant(
    v11.DRIVER.replace(balloon_page_dequeue=_WAITS),
    "v11 (leak waits)",
    "v11 that waits for the page's lock when it leaks",
)
MIGRATION_WAITS = _variant(
    v11.DRIVER.replace(virtballoon_migratepage=v10.virtballoon_migratepage),
    "v11 (migration waits)",
    "v11 whose migration waits for balloon_lock",
)
BOTH_WAIT = _variant(
    v11.DRIVER.replace(balloon_page_dequeue=_WAITS, virtballoon_migratepage=v10.virtballoon_migratepage),
    "v11 (both wait)",
    "v11 whose leaking waits for the page's lock, and whose migration waits for balloon_lock",
)
VARIANTS = {
    driver.name: driver
    for driver in (
        *(SAMPLED_ONCE, NO_PAGE_LOCK, NO_BALLOON_LOCK),
        *(LEAK_WAITS_10, LEAK_WAITS, MIGRATION_WAITS, BOTH_WAIT),
    )
}


# -- finer text --


def with_mapping_object(driver: Driver) -> Driver:
    """V14: page->mapping is loaded in one step, and what it points to read in the next; unloading frees that.

    Drivers that know a page otherwise have no such object.
    """
    if driver.page_flags != PageFlag.MAPPING:
        return driver
    look, remove = driver.balloon_page_movable, driver.virtballoon_remove

    def balloon_page_movable(vb: VirtioBalloon, page: int) -> Routine:
        if not (yield from look(vb, page)):
            return False
        yield mapping_balloon(vb.mapping)
        return True

    def virtballoon_remove(vb: VirtioBalloon) -> Routine:
        yield from remove(vb)
        yield kfree_mapping(vb.mapping)

    finer = driver.replace(balloon_page_movable=balloon_page_movable, virtballoon_remove=virtballoon_remove)
    return finer.sharing(mapping="value")


def with_cond_resched(driver: Driver) -> Driver:
    """R4: migrate_pages begins by giving others the CPU, as all versions do before each page (mm/migrate.c)."""
    migrate = driver.migrate_pages

    def migrate_pages(vb: VirtioBalloon, cc: Ref, migratepages: Ref) -> Routine:
        yield cond_resched()
        return (yield from migrate(vb, cc, migratepages))

    return driver.replace(migrate_pages=migrate_pages)


def with_checked_target(driver: Driver) -> Driver:
    """N1: leak_target is between 0 and 256 whenever v9 or v10 compares it; later drivers compare nothing."""
    if "wait_on_isolated_pages" not in driver.functions:
        return driver
    wait = driver.wait_on_isolated_pages

    def wait_on_isolated_pages(vb: VirtioBalloon, leak_target: int) -> Routine:
        yield bug_on(not 0 <= leak_target <= ARRAY_PFNS_MAX, "leak_target < 0 || leak_target > 256")
        return (yield from wait(vb, leak_target))

    return driver.replace(wait_on_isolated_pages=wait_on_isolated_pages)


def with_checked_difference(driver: Driver) -> Driver:
    """S1: num_pages - num_isolated_pages is never below 0; since v11 nothing is subtracted."""
    if "pages_at_balloon_list" not in driver.functions:
        return driver
    subtract = driver.pages_at_balloon_list

    def pages_at_balloon_list(vb: VirtioBalloon) -> Routine:
        difference = yield from subtract(vb)
        yield bug_on(difference < 0, "num_pages < num_isolated_pages")
        return difference

    return driver.replace(pages_at_balloon_list=pages_at_balloon_list)


def with_checked_request(driver: Driver) -> Driver:
    """N6: leak_balloon is never asked for more than num_pages."""
    leak = driver.leak_balloon

    def leak_balloon(vb: VirtioBalloon, num: int) -> Routine:
        yield bug_on(num > (yield atomic_read(vb.num_pages)), "num > num_pages")
        return (yield from leak(vb, num))

    return driver.replace(leak_balloon=leak_balloon)
