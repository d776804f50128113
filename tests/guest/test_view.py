"""One page as guest and host see it: which of two ways to disagree can lose something."""

from __future__ import annotations

import pytest

from balloonlab.drivers import find_driver
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.guest.guest import Guest
from balloonlab.guest.outcomes import View
from balloonlab.kernel.primitives import Routine, free_page, list_del, list_first, set_page_pfns, write
from balloonlab.memory.zone import PageState


def free_one_then_tell(vb: VirtioBalloon, _num: int) -> Routine:
    page = yield list_first(vb.pages)
    yield list_del(page)
    yield set_page_pfns(0, page)
    yield write(vb.num_pfns, 1)
    yield write(vb.num_pages, 1)
    yield free_page(page)
    yield from vb.driver.tell_host(vb, vb.deflate_vq)


HASTY = find_driver("linux-3.6").replace(leak_balloon=free_one_then_tell)


@pytest.mark.parametrize(
    ("must_tell_host", "words"),
    [
        (True, "THEY DISAGREE, and what the guest writes there may be lost"),
        (False, "they disagree; nothing is lost, for nobody promised to tell first (no MUST_TELL_HOST)"),
    ],
)
def test_a_page_that_was_freed_untold_is_at_risk_where_telling_first_was_promised(
    *, must_tell_host: bool, words: str
) -> None:
    guest = Guest.from_states([3, 3, 1], driver=HASTY, must_tell_host=must_tell_host)
    guest.machine.act("set_target", 1)
    while not guest.disagreements():
        guest.machine.run(1)
    (view,) = guest.disagreements()
    assert (view.guest_state, view.host_believes) == (PageState.FREE, True)
    assert view.data_at_risk is must_tell_host
    assert str(view).endswith(f": {words}")
    guest.machine.run()
    assert guest.disagreements() == []
    assert not guest.compare(0).data_at_risk


@pytest.mark.parametrize("state", PageState)
@pytest.mark.parametrize("believes", [False, True])
@pytest.mark.parametrize("must_tell_host", [False, True])
def test_only_what_a_promise_protects_is_at_risk(state: PageState, *, believes: bool, must_tell_host: bool) -> None:
    view = View(3, 3, state, believes, must_tell_host)
    away = state not in (PageState.BALLOON, PageState.ISOLATED, PageState.IN_TRANSIT)
    assert view.data_at_risk is (must_tell_host and believes and away)
    assert ("DISAGREE" in str(view)) is view.data_at_risk
    assert str(view).endswith("they agree") is view.agree
