"""What MUST_TELL_HOST promises, as an invariant: all versions keep it; who frees first breaks it, and only then."""

from __future__ import annotations

from dataclasses import replace

import pytest

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import Routine, add, free_page, list_del, list_first, set_page_pfns, write


def free_then_tell(vb: VirtioBalloon, num: int) -> Routine:
    for slot in range(num):
        page = yield list_first(vb.pages)
        yield list_del(page)
        yield set_page_pfns(slot, page)
        yield add(vb.num_pages, -1)
        yield free_page(page)  # and nobody has told the host
    yield write(vb.num_pfns, num)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)


HASTY = bl.find_driver("linux-3.6").replace(leak_balloon=free_then_tell)


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_version_tells_first(driver: str) -> None:
    assert bl.explore(bl.scenario("deflate-promised", driver))


def test_who_frees_first_breaks_the_promise_in_the_step_that_frees() -> None:
    where = bl.scenario("deflate-promised", HASTY)
    (finding, *_) = bl.explore(where).findings
    assert finding.kind == "invariant"
    assert finding.text.startswith("told first: page")
    guest = where.guest()
    guest.machine.replay(bl.Schedule(finding.choices))
    assert [view.data_at_risk for view in guest.disagreements()] == [True]
    guest.machine.step_back()
    assert guest.disagreements() == []


def test_nothing_is_broken_where_nothing_was_promised() -> None:
    where = bl.scenario("deflate-promised", HASTY)
    plot = where.plot._replace(build=lambda driver: bl.Guest.from_states([3, 3, 1], driver))
    assert bl.explore(replace(where, plot=plot))
