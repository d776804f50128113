"""The kernel's driver core, as a thread: it loads and unloads the driver, suspends and resumes the system, when asked.

In a guest that has one the driver has its whole life (whole_life.py), and can be frozen while it sleeps. The order is
that of Linux 3.6: drivers/virtio/virtio_pci.c restores the driver before kernel/power/process.c lets the threads go on.
"""

from __future__ import annotations

from balloonlab.drivers import linux_3_6
from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.driver import Driver
from balloonlab.drivers.suspend import freezable, suspend
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.drivers.whole_life import virtio_dev_probe, virtio_dev_remove, whole_life
from balloonlab.kernel.machine_events import Need
from balloonlab.kernel.primitives import Routine, add_status, write
from balloonlab.kernel.primitives.devices import ACKNOWLEDGE, DRIVER, DRIVER_OK, driver_request

_IDLE = Need("core_request", set=False, otherwise="the driver core is still busy with what was asked before")
_AWAKE = Need("freezing", set=False, otherwise="the system is suspended: resume it first")
_LOADED = Need("vb_memory", set=True, otherwise="no driver is loaded")
REQUESTS = {  # in the order of their numbers, from 1
    "load": (_IDLE, _AWAKE, Need("vb_memory", set=False, otherwise="the driver is loaded already")),
    "unload": (_IDLE, _AWAKE, _LOADED),
    "suspend": (_IDLE, Need("freezing", set=False, otherwise="the system is suspended already"), _LOADED),
    "resume": (_IDLE, Need("freezing", set=True, otherwise="the system is not suspended")),
}
_LOAD, _UNLOAD, _SUSPEND, _RESUME = range(1, len(REQUESTS) + 1)


def with_driver_core(driver: Driver) -> Driver:
    """The driver in a guest with a driver core; a learner's own `balloon` stays, and freezes if its text does."""
    alive = whole_life(driver).sharing(core_request="gate", frozen="gate")
    if driver.balloon is linux_3_6.balloon:
        alive = freezable(alive)
    return alive.variant(driver.name, driver.title)


def driver_core(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """Do what is asked for, one after the other."""
    while True:
        request = yield driver_request(vb.core_request)
        if request == _LOAD:
            yield from virtio_dev_probe(vb)
        elif request == _UNLOAD:
            yield from virtio_dev_remove(vb)
        elif request == _SUSPEND:
            yield from suspend(vb)
        elif request == _RESUME:
            yield write(vb.frozen, 0)
            err = yield from vb.driver.virtballoon_restore(vb)
            if not err:  # virtio_pci_restore
                yield add_status(vb.device_status, ACKNOWLEDGE | DRIVER | DRIVER_OK)
            yield write(vb.freezing, 0)
        yield write(vb.core_request, 0)


DRIVER_CORE = Actor("driver-core", "loads and unloads, suspends and resumes", driver_core, at_once=True)
