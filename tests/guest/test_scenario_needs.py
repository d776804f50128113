"""What scenarios need beside the driver: rounds of several pages, allocations that wait, suspend, a wavering host."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.course.scenarios import scenario
from balloonlab.drivers import DRIVERS
from balloonlab.drivers.invariants import check_at_rest
from balloonlab.drivers.review_variants import VARIANTS, with_cond_resched, with_mapping_object
from balloonlab.foundations.errors import BadValueError
from balloonlab.guest.guest import Guest
from balloonlab.memory.zone import PageState
from tests.drivers.steps import alone, go, pending, verbs

ALL = sorted(DRIVERS)
F, M, B = (int(state) for state in (PageState.FREE, PageState.MOVABLE, PageState.BALLOON))


def guest_of(states: list[int], driver: str, **settings: object) -> Guest:
    guest = Guest.from_states(np.array(states, np.uint8), driver, **settings)
    guest.machine.record()
    return guest


def test_a_round_of_compaction_may_offer_several_pages() -> None:
    guest = guest_of([B, B, B, M], "v9", candidates=((0, 3, 2), 1))
    guest.machine.act("compact")
    go(guest, "compactor", "spin_unlock_irq")
    assert [page for page, state in enumerate(guest.page_states) if state == PageState.ISOLATED] == [0, 2]
    alone(guest, "compactor")
    assert guest.balloon_list == (0, 2, 1), "put back in the order of the private list"
    assert verbs(guest, "compactor").count("begin_batch") == 1, "without a page to migrate to the run ends"


def test_candidates_of_a_round_are_checked() -> None:
    with pytest.raises(BadValueError, match="candidate for compaction"):
        guest_of([B, F], "v9", candidates=((0, 2),))


def test_an_allocation_waits_for_isolated_pages_only_where_it_is_asked_to() -> None:
    for throttled in (False, True):
        guest = guest_of([B, M], "v9", candidates=(0,))
        guest.world.throttled = throttled
        guest.machine.act("set_target", 2)
        guest.machine.act("compact")
        go(guest, "compactor", "compaction_alloc")
        go(guest, "vballoon", "alloc_page")
        assert ("vballoon" in guest.machine.runnable()) == (not throttled)
    assert guest.machine.blocked()["vballoon"].text == "waits for isolated pages to come back"
    alone(guest, "compactor")
    assert "vballoon" in guest.machine.runnable()


@pytest.mark.parametrize("driver", ALL)
def test_a_system_is_suspended_and_resumed(driver: str) -> None:
    guest = scenario("resume-and-statistics", driver).guest()
    guest.machine.run()
    assert guest.machine.blocked()["suspend"].status == "finished"
    assert guest.balloon_pages == guest.host.actual == 1
    assert len(verbs(guest, "suspend")) > 8


def test_the_thread_is_frozen_before_the_driver_is() -> None:
    guest = scenario("resume-without-target", "linux-3.8").guest()
    go(guest, "suspend", "wait_for_completion(frozen)")
    assert "suspend" not in guest.machine.runnable()
    alone(guest, "vballoon")
    assert pending(guest.machine, "vballoon").startswith("try_to_freeze")
    alone(guest, "suspend")
    guest.machine.run()
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize("driver", [*ALL, *VARIANTS])
def test_finer_text_and_variants_do_what_the_driver_does_when_they_are_left_alone(driver: str) -> None:
    known = VARIANTS.get(driver) or DRIVERS[driver]
    guest = guest_of([B, F, F, M], with_cond_resched(with_mapping_object(known)), candidates=(0,))
    guest.compact()
    guest.set_target(0)
    assert guest.balloon_pages == 0
    check_at_rest(guest.machine, guest.vb)
