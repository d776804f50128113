"""v9 to Linux 3.8 built without CONFIG_BALLOON_COMPACTION: the same text, as the header's other half leaves it.

The driver works and its pages do not move: GFP_HIGHUSER as before the patch, no callbacks, nothing is ever isolated.
What remains of the patch are its locks, so what goes wrong with them alone goes wrong here too (V1, V2).

v9: the wait is an empty macro; pages are marked all the same, since both functions stand outside the #ifdef, and
alloc_balloon_mapping does too. Its macro for the callbacks has other parameters here and declares a pointer (V19).
v10: the marks are empty macros; the wait that leaks stays, and finds nothing isolated. v11 and 3.8: inserting and
deleting touch the list alone, and there is no mapping: probe is told EOPNOTSUPP, and goes on.
(v9 1/5 and 3/5; v10 3/5, and its 1/5 as quoted on 17 September 2012; include/linux/balloon_compaction.h of Linux 3.8.)
"""

from __future__ import annotations

import errno

from balloonlab.drivers import linux_3_8, v9, v10, v11
from balloonlab.drivers.driver import Driver, Function
from balloonlab.drivers.migrate_3_6 import move_to_new_page
from balloonlab.drivers.virtio_balloon import ARRAY_PFNS_MAX, VirtioBalloon
from balloonlab.kernel.primitives import (
    Routine,
    add,
    alloc_page,
    bug_on,
    list_add,
    list_del,
    list_first,
    msleep,
    mutex_lock,
    mutex_unlock,
    read,
    read_pfns,
    set_page_pfns,
    spin_lock,
    spin_unlock,
    trylock_page,
    unlock_page,
    write,
)
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.memory.zone import Migratetype

CALLED_BY_COMPACTION = (
    *("balloon_page_isolate", "balloon_page_migrate", "balloon_page_putback"),
    *("virtballoon_isolatepage", "virtballoon_migratepage", "virtballoon_putbackpage"),
    *("do_isolate_balloon_page", "do_putback_balloon_page"),
)


def balloon_page_movable(_vb: VirtioBalloon, _page: int) -> Routine:
    """movable_balloon_page until v10: no, whatever the page is."""
    return False
    yield


# -- v9 --


def wait_on_isolated_pages(_vb: VirtioBalloon, _leak_target: int) -> Routine:
    """__wait_on_isolated_pages: an empty macro, for nobody isolates."""
    return
    yield


# -- v10 --


def fill_balloon(vb: VirtioBalloon, num: int) -> Routine:
    """One round of inflation: up to 256 balloon pages, one message. Pages get no mark."""
    num = min(num, ARRAY_PFNS_MAX)
    yield mutex_lock(vb.balloon_lock)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < num:
        page = yield alloc_page(vb.migratetype)
        if page is None:
            yield msleep(200, f"Out of puff! Can't get {num} pages")
            break
        yield set_page_pfns(slot, page)
        yield add(vb.totalram_pages, -1)
        locked = yield trylock_page(page)
        yield bug_on(not locked, "!trylock_page(page)")
        yield spin_lock(vb.pages_lock)
        yield list_add(page, vb.pages)
        yield add(vb.num_pages, vb.pages_per_page)
        yield spin_unlock(vb.pages_lock)
        yield unlock_page(page)
        yield add(vb.num_pfns, vb.pages_per_page)
    if (yield read(vb.num_pfns)) == 0:
        return
    yield from vb.driver.tell_host(vb, vb.inflate_vq)
    yield mutex_unlock(vb.balloon_lock)


def do_leak_balloon(vb: VirtioBalloon, leak_target: int) -> Routine:
    """__leak_balloon: take pages off the list until one is missing or locked, tell the host, free them.

    Entered and left with balloon_lock and pages_lock held; tells and frees without the latter.
    """
    leak_target = min(leak_target, ARRAY_PFNS_MAX)
    yield write(vb.num_pfns, 0)
    while (slot := (yield read(vb.num_pfns))) < leak_target:
        page = yield list_first(vb.pages)
        if page is None or not (yield trylock_page(page)):
            break
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


# -- v11 and Linux 3.8 --


def balloon_page_insert(vb: VirtioBalloon, page: int) -> Routine:
    """Put the page at the head of the list. Under the page's lock and pages_lock."""
    yield list_add(page, vb.pages)


def balloon_page_delete(_vb: VirtioBalloon, page: int) -> Routine:
    """Take the page off its list. Under the page's lock."""
    yield list_del(page)


def balloon_mapping_alloc(_vb: VirtioBalloon) -> Routine:
    """There is no object for page->mapping to point to."""
    return -errno.EOPNOTSUPP
    yield


def balloon_mapping_free(_vb: VirtioBalloon, _balloon_mapping: int) -> Routine:
    """Nothing to free."""
    return
    yield


def _without(driver: Driver, *functions: Function, without: tuple[str, ...] = (), marks: int = PageFlag(0)) -> Driver:
    mapping = {"now": "not there"} if balloon_mapping_alloc in functions else {}
    members = (each._replace(**mapping) if each.of == "vb_mapping" else each for each in driver.members)
    return driver.variant(
        f"{driver.name}-no-compaction",
        f"{driver.title.partition(',')[0]}, built without CONFIG_BALLOON_COMPACTION: pages that cannot move",
        balloon_page_movable,
        *functions,
        without=(*CALLED_BY_COMPACTION, *without),
        migratetype=Migratetype.UNMOVABLE,
        movable=False,
        vmstat=(),
        page_flags=marks,
        members=tuple(members),
    )


_CORE_KEEPS_THE_LIST = (balloon_page_insert, balloon_page_delete, balloon_mapping_alloc, balloon_mapping_free)
_ALL = (
    _without(v9.DRIVER, wait_on_isolated_pages, without=("pages_at_balloon_list",), marks=v9.DRIVER.page_flags),
    _without(v10.DRIVER, fill_balloon, do_leak_balloon, balloon_mapping_alloc, balloon_mapping_free),
    _without(v11.DRIVER, *_CORE_KEEPS_THE_LIST),
    _without(linux_3_8.DRIVER, *_CORE_KEEPS_THE_LIST, move_to_new_page),
)
VARIANTS: dict[str, Driver] = {driver.name: driver for driver in _ALL}
