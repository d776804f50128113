"""Starting situations by name: a small guest, who runs in it, and what to look for."""

from __future__ import annotations

from balloonlab.course.scenarios import basic, leaving, merged, pressure, probing, review
from balloonlab.course.scenarios.scenario import Plot, Scenario
from balloonlab.drivers import Driver, find_driver
from balloonlab.foundations.errors import of_kind, pick
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.schedule import Schedule

_ROOMS = (basic, review, leaving, probing, merged, pressure)
_PLOTS = {plot.name: plot for room in _ROOMS for plot in room.PLOTS}
SCENARIOS = list(_PLOTS)

__all__ = ["SCENARIOS", "Plot", "Scenario", "replay", "scenario"]


def scenario(name: str, driver: str | Driver = "v9") -> Scenario:
    """The scenario of that name with that driver; raises UnknownNameError that lists the names."""
    return Scenario(_PLOTS[pick("scenario", name, SCENARIOS)], find_driver(driver))


def replay(where: Scenario, token: str | Schedule) -> Machine:
    """A new machine of the scenario after a schedule, or the one that `token` stands for.

    The token of `machine.schedule` includes the scenario's first actions. Raises BadScheduleError for a damaged
    token, or one with a step that is not possible here: it was made for another scenario or driver.
    """
    of_kind("the first argument", where, Scenario, "a scenario, such as bl.scenario('inflate', driver='v9')")
    schedule = Schedule.of(token)
    machine = where.bare_guest().machine
    machine.replay(schedule)
    return machine
