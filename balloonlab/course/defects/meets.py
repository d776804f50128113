"""Which defects each scenario of the review meets, by driver: a case of one of them names the others as `besides`."""

from __future__ import annotations

from collections.abc import Mapping

from balloonlab.course.defects.defect import Case
from balloonlab.drivers import DRIVERS, Driver
from balloonlab.drivers.review_variants import BOTH_WAIT, LEAK_WAITS, LEAK_WAITS_10, MIGRATION_WAITS, NO_PAGE_LOCK
from balloonlab.drivers.whole_life import RETOLD

_M1_M2, _M_3_8 = ("M1", "M2"), ("M1", "M2", "M5")
MEETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "leak-64k": {
        "linux-3.6": ("M17",),
        "v9": ("V3", "M17"),
        "v10": ("N1",),
        "v11": ("M17",),
        "linux-3.8": ("M17",),
    },
    "isolated-64k": {"v9": ("V4",), "v11": ("M2",), "linux-3.8": ("M2", "M5")},
    "empty-and-compact": {
        "v9": ("V6", "V12"),
        "v10": ("V6", "R2"),
        "v11": _M1_M2,
        "linux-3.8": _M_3_8,
        NO_PAGE_LOCK.name: ("N5", "V6", "V12"),
        LEAK_WAITS_10.name: ("V6", "V10", "R2"),
        LEAK_WAITS.name: ("V10", *_M1_M2),
        MIGRATION_WAITS.name: ("V15", *_M1_M2),
        BOTH_WAIT.name: ("V10", "V15", *_M1_M2),
    },
    "another-owner": {"v9": ("V13",), "v10": ("V13",), "v11": ("V13", *_M1_M2), "linux-3.8": ("V13", *_M_3_8)},
    "statistics-and-hotplug": {"v9": ("V17",), "v10": ("V17",)},
    "message-on-its-way": {"v11": _M1_M2, "linux-3.8": _M_3_8},
    "empty-two-and-compact": {"v9": ("V7", "V18"), "v10": ("V7", "V18"), "v11": _M1_M2, "linux-3.8": _M_3_8},
    "suspend-and-compact": {
        "v9": ("V1", "V8"),
        "v10": ("V1", "V8"),
        "v11": ("V1", "M2"),
        "linux-3.8": ("M2", "M5"),
    },
    "interrupt": {"v9": ("V9",), "v10": ("V9",), "v11": ("M2",), "linux-3.8": ("M2", "M5")},
    "reuse-and-compact": {
        "v9": ("V1", "V11"),
        "v10": ("V1", "V11"),
        "v11": ("V1", "V11", "M2"),
        "linux-3.8": ("V11", "M2", "M5"),
    },
    "remove-and-compact": {
        "v9": ("V14",),
        "v10": ("V14",),
        "v11": ("V14", *_M1_M2),
        "linux-3.8": ("V14", *_M_3_8),
    },
    "fill-and-compact": {
        "v9": ("V15", "V16"),
        "v10": ("V15", "V16"),
        "v11": ("V16",),
        "linux-3.8": ("V16", "M4", "M5"),
    },
    "reclaim-and-compact": {"v9": ("V16",), "v10": ("V16",), "v11": ("V1",)},
    "probe-when-something-fails": {"v10": ("R5",)},
    "remove-on-one-cpu": {"v11": ("R4",), "linux-3.8": ("R4", "M5"), "linux-6.1": ("R4",), "linux-7.2": ("R4",)},
}


_REGISTERS = "what its probe registers beside the balloon is not retold"
_UNASKED = {"probe-when-something-fails": {name: _REGISTERS for name in DRIVERS if name not in RETOLD}}


def case(
    own: str,
    scenario: str,
    finding: str,
    shortest: Mapping[str, int],
    text: str = "",
    variants: tuple[Driver, ...] = (),
) -> Case:
    """A case of the defect `own`, with what else the scenario meets."""
    others = {driver: ", ".join(name for name in met if name != own) for driver, met in MEETS.get(scenario, {}).items()}
    besides = {driver: met for driver, met in others.items() if met}
    unasked = _UNASKED.get(scenario, {})
    return Case(scenario, finding, shortest, text, unasked=unasked, besides=besides, variants=variants)
