"""C's numbers: held against Python's own way to C (ctypes), and where they decide in v9."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.drivers import v9
from balloonlab.drivers.actors import Actor
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.mistakes import MistakenRoutineError
from balloonlab.kernel.not_a_value import NotAValueError
from balloonlab.kernel.primitives import (
    Routine,
    atomic_read,
    bug_on,
    le32,
    read,
    s64,
    size_t,
    spin_lock,
    spin_unlock,
    unsigned_int,
    wait_event,
)

TWINS = {size_t: ctypes.c_uint64, unsigned_int: ctypes.c_uint32, le32: ctypes.c_uint32, s64: ctypes.c_int64}
F, B = int(bl.PageState.FREE), int(bl.PageState.BALLOON)


@given(st.integers(-(2**66), 2**66) | st.sampled_from([-1, 2**31, 2**32, 2**63, -(2**63), 2**64]))
def test_a_number_becomes_what_c_makes_of_it(number: int) -> None:
    for c_type, twin in TWINS.items():
        assert c_type(number) == twin(number).value
    assert size_t(np.int32(-1)) == 2**64 - 1
    assert type(size_t(True)) is int  # noqa: FBT003


@pytest.mark.parametrize("c_type", TWINS)
def test_what_is_no_number_is_refused_and_a_step_is_told_to_be_taken(c_type: Callable[[object], int]) -> None:
    for odd in (1.0, "1", None):
        with pytest.raises(BadValueError, match=c_type.__name__):
            c_type(odd)
    guest = bl.scenario("deflate").guest()
    with pytest.raises(NotAValueError, match="yield"):
        c_type(read(guest.vb.num_pages))
    with pytest.raises(NotAValueError, match="num_pages"):
        c_type(guest.vb.num_pages)


def test_a_forgotten_yield_inside_a_type_is_read_before_anything_runs() -> None:
    def remove_common(vb):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        while size_t(atomic_read(vb.num_pages)) > 0:
            yield from vb.driver.leak_balloon(vb, size_t(vb.driver.pages_at_balloon_list(vb)))

    with pytest.raises(MistakenRoutineError) as told:
        v9.DRIVER.replace(remove_common=remove_common)
    said = [str(mistake) for mistake in told.value.mistakes]
    assert len(said) == 2
    assert "(yield atomic_read(vb.num_pages))" in said[0]
    assert "(yield from vb.driver.pages_at_balloon_list(vb))" in said[1]


def one_too_few(vb: VirtioBalloon) -> Routine:
    """The length of the list less one: -1 where it is empty."""
    return (yield from v9.pages_at_balloon_list(vb)) - 1


def as_people_compare(vb: VirtioBalloon, leak_target: int) -> Routine:
    """v9's wait, with the sign that the difference has."""

    def enough_came_back() -> Routine:
        return leak_target <= (yield from vb.driver.pages_at_balloon_list(vb))

    yield spin_unlock(vb.pages_lock)
    yield from wait_event(vb.config_change, enough_came_back)
    yield spin_lock(vb.pages_lock)


def test_where_the_difference_is_minus_one_v9_skips_its_wait() -> None:
    """The only page is isolated. Whoever minds the sign sleeps; C's -1 is plenty, and the list is asked for ever."""
    looked = {}
    for name, driver in {"C": v9.DRIVER, "people": v9.DRIVER.replace(wait_on_isolated_pages=as_people_compare)}.items():
        machine = bl.scenario("empty-and-compact", driver.replace(pages_at_balloon_list=one_too_few)).machine()
        while not str(machine.thread("compactor").pending).startswith("mutex_lock(balloon_lock"):
            machine.step("compactor")
        first = machine.position
        while "vballoon" in machine.runnable() and machine.position < first + 200:
            machine.step("vballoon")
        steps = [machine.timeline.text(step, machine.names) for step in range(first, machine.position)]
        looked[name] = sum("list_first(pages)" in step for step in steps)
    assert looked["people"] == 0
    assert looked["C"] > 10


def test_with_a_second_thread_that_inflates_the_difference_can_be_minus_one() -> None:
    """v9 reads one counter, then the other; in between somebody else inflates, and compaction isolates."""

    def checked(vb: VirtioBalloon) -> Routine:
        difference = yield from v9.pages_at_balloon_list(vb)
        yield bug_on(size_t(difference) > vb_pages, "more pages are listed than the guest has")
        return difference

    vb_pages = 2
    driver = v9.DRIVER.replace(pages_at_balloon_list=checked)
    inflater = Actor("inflater", "somebody else who inflates", lambda vb, _mm: vb.driver.fill_balloon(vb, 1))
    alone = bl.scenario("empty-and-compact").plot._replace(invariants=(), watch=None)
    crowded = alone._replace(
        build=lambda driver: bl.Guest.from_states(
            np.array([B, F], np.uint8), driver, candidates=((0, 1),), actors=(inflater,)
        ),
        actions=(*alone.actions, ("begin", 0)),
    )
    bugs = {
        plot: [finding for finding in bl.explore(bl.Scenario(plot, driver)).findings if finding.kind == "BUG"]
        for plot in (alone, crowded)
    }
    assert not bugs[alone]
    assert any("more pages are listed" in bug.text for bug in bugs[crowded])
