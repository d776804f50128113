"""Floor 3: driver versions, retold as generator functions under the kernel's names, and the compacting thread."""

from __future__ import annotations

from balloonlab.drivers import linux_3_6, v9
from balloonlab.drivers.driver import Driver
from balloonlab.errors import pick

DRIVERS: dict[str, Driver] = {d.name: d for d in (linux_3_6.DRIVER, v9.DRIVER)}


def find_driver(driver: str | Driver) -> Driver:
    """The driver of that name (a Driver is returned as it is); raises UnknownNameError that lists the names."""
    if isinstance(driver, Driver):
        return driver
    return DRIVERS[pick("driver", driver, list(DRIVERS))]


__all__ = ["DRIVERS", "Driver", "find_driver"]
