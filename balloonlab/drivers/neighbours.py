"""Who else uses what the balloon uses: another owner of page->mapping (V13), the lock of CPU hotplug (V17).

Neither is in a driver's text, so each is an actor that a scenario brings, and a finer text of the driver for what it
shares with that actor. All versions of the driver stay as they are. (V13: an oops in linux-next, November 2012. V17: by
reading all_vm_events of mm/vmstat.c, Linux 3.6.)
"""

from __future__ import annotations

from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.driver import Driver
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import Routine, alloc_page, mapping_flags, mutex_lock, mutex_unlock, write
from balloonlab.kernel.primitives.marks import PageFlag

# -- V13: page->mapping --


def another_owner(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """Somebody takes a page, and keeps a number of his own where other owners keep page->mapping."""
    page = yield alloc_page(vb.migratetype)
    if page is not None:
        yield write(vb.other_mapping, page + 1)


OWNER = Actor("another-owner", "another part of the kernel, which keeps a number in page->mapping", another_owner)


def with_other_mappings(driver: Driver) -> Driver:
    """V13: whoever asks whether a page is the balloon's follows page->mapping, whoever's page it is.

    Drivers that know a page otherwise never look there.
    """
    if driver.page_flags != PageFlag.MAPPING or not driver.movable:
        return driver
    look = driver.balloon_page_movable

    def balloon_page_movable(vb: VirtioBalloon, page: int) -> Routine:
        yield mapping_flags(page, vb.other_mapping)
        return (yield from look(vb, page))

    return driver.replace(balloon_page_movable=balloon_page_movable)


# -- V17: the lock of CPU hotplug --


def cpu_down(vb: VirtioBalloon, mm: Compaction) -> Routine:
    """A CPU is taken away; an allocation for that goes short of large blocks, and compacts memory itself."""
    yield mutex_lock(vb.cpu_hotplug_lock)
    cc, migratepages = mm.zones[0]
    yield from vb.driver.compact_zone(vb, mm, cc, migratepages)
    yield mutex_unlock(vb.cpu_hotplug_lock)


HOTPLUG = Actor("cpu-hotplug", "somebody takes a CPU away, and needs memory for that", cpu_down)


def with_cpu_hotplug(driver: Driver) -> Driver:
    """V17: who gathers statistics asks every CPU (all_vm_events), and none may go meanwhile (get_online_cpus)."""
    handle = driver.stats_handle_request

    def stats_handle_request(vb: VirtioBalloon) -> Routine:
        answering, told = handle(vb), None
        while True:
            try:
                step = answering.send(told)
            except StopIteration:
                return
            gathers = step.verb.name == "collect_stats"
            if gathers:
                yield mutex_lock(vb.cpu_hotplug_lock)
            told = yield step
            if gathers:
                yield mutex_unlock(vb.cpu_hotplug_lock)

    return driver.replace(stats_handle_request=stats_handle_request).sharing(cpu_hotplug_lock="lock")
