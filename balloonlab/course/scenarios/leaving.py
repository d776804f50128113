"""The driver leaves, for a while or for good: suspend and resume, unloading, and compaction in the midst of it."""

from __future__ import annotations

import numpy as np

from balloonlab.course.scenarios import review_properties
from balloonlab.course.scenarios.scenario import Plot
from balloonlab.drivers import Driver
from balloonlab.drivers.actors import REMOVER
from balloonlab.drivers.review_variants import with_cond_resched, with_mapping_object
from balloonlab.drivers.suspend import SLEEPER, freezable
from balloonlab.guest.guest import Guest
from balloonlab.memory.zone import PageState

_F, _B = int(PageState.FREE), int(PageState.BALLOON)


def _sleeper(state: int, driver: Driver, candidates: tuple[int, ...] = ()) -> Guest:
    states = np.array([state], np.uint8)
    return Guest.from_states(states, freezable(driver), candidates=candidates, actors=(SLEEPER,))


def _remover(driver: Driver, *states: int) -> Guest:
    return Guest.from_states(np.array(states, np.uint8), driver, candidates=(0,), actors=(REMOVER,))


PLOTS = (
    Plot(
        "resume-without-target",
        "the system is suspended and resumed, and the host wants no balloon",
        "There is nothing to inflate. Is that nothing done well?",
        lambda driver: _sleeper(_F, driver),
        (("begin", 0),),
    ),
    Plot(
        "resume-and-statistics",
        "the host asks for statistics while the system is suspended and resumed",
        "The driver remembers the request, and the queue has been made anew. What does it find there?",
        lambda driver: _sleeper(_B, driver),
        (("request_stats", 0), ("begin", 0)),
    ),
    Plot(
        "suspend-and-compact",
        "the system is suspended while the driver wants a page back that compaction has isolated",
        "Everybody is to stop. Can everybody?",
        lambda driver: _sleeper(_B, driver, candidates=(0,)),
        (("set_target", 0), ("compact", 0), ("begin", 0)),
        watch=lambda guest: (review_properties.can_be_frozen(guest),),
        invariants=("I2", "I5"),
    ),
    Plot(
        "remove-and-compact",
        "somebody unloads the driver while compaction looks at its page",
        "What may compaction still look at when the driver is gone?",
        lambda driver: _remover(with_mapping_object(driver), _B, _F),
        (("compact", 0), ("begin", 0)),
        watch=lambda guest: (review_properties.nobody_is_in_a_removed_driver(guest),),
        invariants=("I2", "I5"),
    ),
    Plot(
        "remove-on-one-cpu",
        "who unloads the driver shares a CPU with compaction, which has isolated the balloon's only page",
        "The balloon cannot be emptied yet. How is the time spent until it can?",
        lambda driver: _remover(with_cond_resched(driver), _B),
        (("compact", 0), ("begin", 0)),
        invariants=("I2", "I5"),
        cpu=("remover", "compactor"),
    ),
)
