"""balloonlab: run, step and explore the virtio_balloon driver of a famous patch review, on the memory of a real guest.

Start with ``bl.Guest(...)`` or ``bl.recordings.load(...)``, look with ``bl.Lab(...)``, repeat with ``bl.sweep(...)``.
Read the review in ``bl.mail``, two drivers side by side with ``bl.diff(...)``; ask for every interleaving of a
``bl.scenario(...)`` with ``bl.explore(...)``; what is known to go wrong stands in ``bl.defects``.
What draws (matplotlib, anywidget) is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from balloonlab import explore
from balloonlab.course import defects, mail
from balloonlab.course.scenarios import SCENARIOS, Scenario, replay, scenario
from balloonlab.drivers import DRIVERS, Driver, find_driver
from balloonlab.drivers.compare.diff import diff
from balloonlab.explore import Program
from balloonlab.foundations import errors
from balloonlab.guest.guest import Guest
from balloonlab.kernel.schedule import Schedule
from balloonlab.memory.fragmentation import fragmentation_index, metrics, unusable_free_index
from balloonlab.memory.zone import Migratetype, PageState

if TYPE_CHECKING:
    from balloonlab import plots, recordings, sweeps
    from balloonlab.course import exercises
    from balloonlab.sweeps import sweep
    from balloonlab.widgets import panels
    from balloonlab.widgets.interactive import interact
    from balloonlab.widgets.lab import Lab
    from balloonlab.widgets.pagemap import PageMap

_LATER = {
    "Lab": "balloonlab.widgets.lab",
    "PageMap": "balloonlab.widgets.pagemap",
    "exercises": "balloonlab.course.exercises",
    "interact": "balloonlab.widgets.interactive",
    "panels": "balloonlab.widgets.panels",
    "plots": "balloonlab.plots",
    "recordings": "balloonlab.recordings",
    "sweep": "balloonlab.sweeps",
    "sweeps": "balloonlab.sweeps",
}

__all__ = [
    "DRIVERS",
    "SCENARIOS",
    "Driver",
    "Guest",
    "Lab",
    "Migratetype",
    "PageMap",
    "PageState",
    "Program",
    "Scenario",
    "Schedule",
    "defects",
    "diff",
    "errors",
    "exercises",
    "explore",
    "find_driver",
    "fragmentation_index",
    "interact",
    "mail",
    "metrics",
    "panels",
    "plots",
    "recordings",
    "replay",
    "scenario",
    "sweep",
    "sweeps",
    "unusable_free_index",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _LATER:
        raise AttributeError(f"balloonlab has no {name!r}; it has {', '.join(__all__)}")
    module = importlib.import_module(_LATER[name])
    return module if _LATER[name].endswith(f".{name}") else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
