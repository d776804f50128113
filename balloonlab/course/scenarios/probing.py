"""The driver comes: loading, with any of its steps failing, and unloading, down to the last object."""

from __future__ import annotations

from balloonlab.course.scenarios.review import F, small
from balloonlab.course.scenarios.scenario import Plot
from balloonlab.drivers import Driver
from balloonlab.drivers.actors import Actor
from balloonlab.drivers.whole_life import FAILSLAB, LOADER, VISITOR, held_by, whole_life
from balloonlab.explore.learn.subject import Property
from balloonlab.guest.guest import Guest
from balloonlab.kernel.primitives.devices import DRIVER_OK, FAILED


def nothing_is_left_behind(guest: Guest) -> Property:
    """Nobody runs, and the device has no driver: then nothing is allocated, found or running."""
    held, values = tuple(held_by(guest.driver)), guest.world.values

    def check() -> None:
        status = values["device_status"]
        if status & DRIVER_OK:
            return
        left = [each for each in held if values[each.number]]
        words = ", ".join(each.words for each in left)
        labels = ", ".join(dict.fromkeys(each.label for each in left if each.label))
        what = f"{labels} is missing" if status & FAILED else "virtballoon_remove forgets something"
        assert not left, f"{what}; still there: {words}"

    reads = ("device_status", *(each.number for each in held))
    return Property("no leak", "left behind", "at rest", reads, check)


def nobody_runs_without_memory(guest: Guest) -> Property:
    """The driver's thread runs while struct virtio_balloon is there."""
    own = guest.machine.thread(guest.driver.threads[0].name)

    def check() -> None:
        runs = own.pending is not None and own.pending.verb.name != "kthread_begin"
        gone = not guest.world.values["vb_memory"]
        assert not (runs and gone), f"{own.name} is about to {own.pending}, and struct virtio_balloon is freed"

    return Property("who runs has memory", "use after free", "always", (own.name, "vb_memory"), check)


def _watch(guest: Guest) -> tuple[Property, ...]:
    return nothing_is_left_behind(guest), nobody_runs_without_memory(guest)


def _without_driver(driver: Driver, *actors: Actor) -> Guest:
    return small([F, F], whole_life(driver, loaded=False), candidates=(), actors=actors)


PLOTS = (
    Plot(
        "probe-when-something-fails",
        "the driver is loaded, and whatever step can fail may be the one that does",
        "Is everything undone that was done before, and nothing else?",
        lambda driver: _without_driver(driver, LOADER, FAILSLAB),
        (("begin", 0),),
        watch=_watch,
    ),
    Plot(
        "probe-and-remove",
        "the driver is loaded while the host wants a balloon, and unloaded again at any moment",
        "What is left when it is gone?",
        lambda driver: _without_driver(driver, VISITOR),
        (("set_target", 1), ("begin", 0)),
        watch=_watch,
        invariants=("I1", "I2", "I5", "I6"),
    ),
)
