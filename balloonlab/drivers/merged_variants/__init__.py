"""Kernels between the versions that the package knows by name: each for the defects that only it has, and its repair.

Each differs from its neighbour in what its module's docstring says, and in nothing else. They are drivers like any
other: ``bl.Guest(driver=variants.VARIANTS["linux-3.19"])``.
"""

from __future__ import annotations

from balloonlab.drivers.driver import Driver
from balloonlab.drivers.merged_variants import (
    linux_3_13,
    linux_3_19,
    linux_3_19_no_compaction,
    linux_4_8,
    linux_4_15,
    linux_4_19,
    linux_5_5,
    page_list,
    repairs,
)

_ALL = (
    linux_3_13.DRIVER,
    linux_3_19.DRIVER,
    linux_3_19_no_compaction.CANDIDATE,
    linux_3_19_no_compaction.DRIVER,
    page_list.DRIVER,
    page_list.REPAIRED,
    linux_4_8.DRIVER,
    linux_4_15.CANDIDATE,
    linux_4_15.DRIVER,
    linux_4_19.DRIVER,
    linux_4_19.CANDIDATE_OF_5_3,
    linux_5_5.DRIVER,
    repairs.ADD_LOOKED_AT,
    repairs.SIZE_UNDER_LOCK,
)
VARIANTS: dict[str, Driver] = {driver.name: driver for driver in _ALL}

__all__ = ["VARIANTS"]
