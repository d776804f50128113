"""Floor 4: driver versions, retold as generator functions under the kernel's names, and the compacting thread."""

from __future__ import annotations

from balloonlab.drivers import linux_3_6, linux_3_8, linux_6_1, linux_7_2, no_compaction, v9, v10, v11
from balloonlab.drivers.driver import Driver
from balloonlab.drivers.merged_variants import VARIANTS as BETWEEN
from balloonlab.foundations.errors import pick

_VERSIONS = (linux_3_6, v9, v10, v11, linux_3_8, linux_6_1, linux_7_2)
DRIVERS: dict[str, Driver] = {version.DRIVER.name: version.DRIVER for version in _VERSIONS}
_ALSO: dict[str, Driver] = BETWEEN | no_compaction.VARIANTS


def find_driver(driver: str | Driver) -> Driver:
    """The driver of that name (a Driver is returned as it is).

    The seven versions are in DRIVERS. There are also kernels between them, such as "linux-4.8", and v9, v10, v11 and
    linux-3.8 built without CONFIG_BALLOON_COMPACTION: "v9-no-compaction". Raises UnknownNameError that lists the seven
    names.
    """
    if isinstance(driver, Driver):
        return driver
    if isinstance(driver, str) and driver in _ALSO:
        return _ALSO[driver]
    return DRIVERS[pick("driver", driver, list(DRIVERS), also=_ALSO)]


__all__ = ["DRIVERS", "Driver", "find_driver"]
