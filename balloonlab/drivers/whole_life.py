"""A driver that is loaded and unloaded: what it has is seen, any step of loading may fail, its thread comes and goes.

Linux 3.6 to 3.16, v9 to v11. What the mail never touches is not retold: the probe of 3.19 and later registers an OOM
notifier (later also a shrinker, free page hinting, page reporting and a file system of its own) and has no mapping.
Around it is the bus: drivers/virtio/virtio.c, and lib/fault-inject.c with mm/failslab.c (Linux 3.6).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from balloonlab.drivers import DRIVERS
from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.driver import Driver, DriverThread
from balloonlab.drivers.no_compaction import balloon_mapping_alloc as no_mapping
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.primitives import Routine, add_status, bug_on, read, write
from balloonlab.kernel.primitives.devices import ACKNOWLEDGE, DRIVER, DRIVER_OK, FAILED, kthread_begin
from balloonlab.kernel.world import World

_PROBE = "virtballoon_probe"
RETOLD = [name for name, driver in DRIVERS.items() if _PROBE in driver.functions]  # versions that can be loaded


class Held(NamedTuple):
    """Something that probe gets: the shared number that says so, what it is, and the label that gives it back."""

    number: str
    words: str
    label: str


HELD = (
    Held("vb_thread", "the thread vballoon", ""),
    Held("vqs", "the device's queues", "out_del_vqs"),
    Held("vb_mapping", "the balloon's mapping", "out_free_vb_mapping"),
    Held("vb_devinfo", "struct balloon_dev_info", "out_free_vb_devinfo"),
    Held("vb_memory", "struct virtio_balloon", "out_free_vb"),
)


def held_by(driver: Driver) -> Iterator[Held]:
    """What that version has, last got first; v10 has one label for the mapping and struct virtio_balloon."""
    without = {"vb_devinfo"} if "balloon_devinfo_alloc" not in driver.functions else set()
    if not {"alloc_balloon_mapping", "balloon_mapping_alloc"} & {*driver.functions}:
        without |= {"vb_mapping"}
    one_label = "free_balloon_mapping" in driver.aliases
    for held in HELD:
        if held.number not in without:
            yield held._replace(label="out_free_vb") if one_label and held.number == "vb_mapping" else held


def whole_life(driver: Driver, *, loaded: bool = True) -> Driver:
    """The driver, with all that it has in sight; loaded: whether a guest begins with it.

    Raises BadValueError for a version whose probe is not retold.
    """
    if _PROBE not in driver.functions:
        raise BadValueError(
            f"{_PROBE} of driver {driver.name} is not retold: it registers what the patch of 2012 never touches (an "
            f"OOM notifier, page reporting and more). Legal: {', '.join(RETOLD)} and what is made of them."
        )
    threads = tuple(DriverThread(each.name, each.role, "kthread", 2) for each in driver.threads)
    kinds = {held.number: "value" for held in held_by(driver)} | {"vb_thread": "gate", "vqs": "gate"}
    alive = driver.variant(driver.name, driver.title, kthread, threads=threads, loaded=loaded)
    return alive.sharing(**kinds, device_status="value", fault="value")


def kthread(vb: VirtioBalloon) -> Routine:
    """kernel/kthread.c: what a thread of the kernel runs, once kthread_run has made it, is the driver's routine."""
    while True:
        yield kthread_begin(vb.vb_thread)
        yield from vb.driver.balloon(vb)


def begin(world: World, vb: VirtioBalloon) -> None:
    """The moment before anybody runs: no driver is there, or one whose probe has just ended."""
    world.values["device_status"] = ACKNOWLEDGE
    if vb.driver.loaded:
        world.values["device_status"] = ACKNOWLEDGE | DRIVER | DRIVER_OK
        unsupported = vb.driver.functions.get("balloon_mapping_alloc") is no_mapping
        for held in held_by(vb.driver):
            world.values[held.number] = int(held.number != "vb_mapping" or not unsupported)


# -- the bus --


def virtio_dev_probe(vb: VirtioBalloon) -> Routine:
    """The device has got a driver: let it probe, and tell the device what came of it. Returns 0 or an error."""
    yield add_status(vb.device_status, DRIVER)
    err = yield from vb.driver.virtballoon_probe(vb)
    yield add_status(vb.device_status, FAILED if err else DRIVER_OK)
    return err


def virtio_dev_remove(vb: VirtioBalloon) -> Routine:
    """The device loses its driver, which must have reset it."""
    yield from vb.driver.virtballoon_remove(vb)
    status = yield read(vb.device_status)
    yield bug_on(status != 0, "dev->config->get_status(dev)")
    yield add_status(vb.device_status, ACKNOWLEDGE)


def load(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """Load the driver."""
    yield from virtio_dev_probe(vb)


def load_and_unload(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """Load it, and unload it as soon as it is there."""
    err = yield from virtio_dev_probe(vb)
    if not err:
        yield from virtio_dev_remove(vb)


def order_a_failure(vb: VirtioBalloon, _mm: Compaction) -> Routine:
    """Whatever can fail next is to fail, once."""
    yield write(vb.fault, 1)


LOADER = Actor("modprobe", "somebody loads the driver", load)
VISITOR = Actor("modprobe", "somebody loads the driver and unloads it", load_and_unload)
FAILSLAB = Actor("failslab", "fault injection: the next step that can fail will", order_a_failure)
