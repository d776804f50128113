"""The guest: whole operations, both views of a page, and what it refuses."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import numpy as np
import pytest

from balloonlab.drivers.actors import INTERRUPT
from balloonlab.drivers.invariants import check_at_rest
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.guest.guest import Guest
from balloonlab.memory.placement import PLACEMENTS
from balloonlab.memory.zone import Migratetype, PageState
from tests.kernel.fingerprint import fingerprint
from tests.memory.maps import BALLOON, FREE, MOVABLE


@pytest.mark.parametrize("driver", ["linux-3.6", "v9"])
@pytest.mark.parametrize("page_size", [4096, 16384, 65536])
def test_inflate_and_deflate_in_rounds_of_256(driver: str, page_size: int) -> None:
    guest = Guest(2048, driver=driver, page_size=page_size)
    grown = guest.inflate(2000)
    assert (grown.before, grown.after, grown.messages) == (0, 2000, 8)
    sizes = [len(m.pfns) for m in guest.host.messages if m.queue == "inflateq"]
    assert sizes == [256] * 7 + [208]
    assert len(guest.balloon_list) == 2000 * 4096 // page_size
    shrunk = guest.deflate(2000)
    assert (shrunk.after, shrunk.messages) == (0, 8)
    assert guest.disagreements() == []
    check_at_rest(guest.machine, guest.vb)


def test_an_undisturbed_deflate_is_the_exact_reverse() -> None:
    guest = Guest(4096)
    guest.inflate(900)
    guest.deflate(900)
    told = {"inflateq": [], "deflateq": []}  # type: dict[str, list[int]]
    for message in guest.host.messages:
        told.setdefault(message.queue, []).extend(message.pfns.tolist())
    assert told["deflateq"] == told["inflateq"][::-1]


def test_the_balloon_takes_what_there_is() -> None:
    guest = Guest.from_states([0] * 100 + [1] * 412, driver="linux-3.6")
    result = guest.inflate(300)
    assert (result.after, result.target, result.messages) == (100, 300, 1)
    assert guest.host.believed.sum() == 100
    assert result.why == "out of memory, tries again"
    assert str(result) == "inflated from 0 to 100 of 300 balloon pages, 1 message: out of memory, tries again"


def test_same_seed_same_map() -> None:
    maps = []
    for seed in (1, 1, 2):
        guest = Guest(4096, seed=seed)
        guest.workload("random")
        maps.append(guest.page_states.tobytes())
    assert maps[0] == maps[1] != maps[2]


def test_the_workload_gives_back_what_it_holds_and_nothing_else() -> None:
    guest = Guest(4096)
    guest.workload("holes")
    guest.inflate(600)
    guest.machine.record()
    assert guest.release(0.5) == 1536
    assert np.bincount(guest.page_states, minlength=4).tolist() == [1960, 1536, 0, 600]
    assert guest.release() == 1536
    assert np.bincount(guest.page_states, minlength=4).tolist() == [3496, 0, 0, 600]
    assert [str(mark) for mark in guest.machine.marks] == ["release", "release"]
    guest.machine.step_back()
    assert np.bincount(guest.page_states, minlength=4).tolist() == [1960, 1536, 0, 600]
    guest.machine.seek(2)
    with pytest.raises(BadValueError, match="fraction is 2"):
        guest.release(2)
    check_at_rest(guest.machine, guest.vb)


def test_the_workload_gives_back_the_pages_of_every_zone() -> None:
    guest = Guest.from_states([1] * 2048, zones=[("DMA", 0, 1024), ("DMA32", 1024, 2048)])
    assert guest.release() == 2048
    assert guest.metrics().free_huge_pages == 4


def test_page_states_are_read_only() -> None:
    guest = Guest(64)
    with pytest.raises(ValueError, match="read-only"):
        guest.page_states[0] = 1


def bad_calls(guest: Guest) -> list[tuple[Callable[[], object], type[Exception], str]]:
    return [
        (lambda: guest.inflate(-1), BadValueError, "inflate is -1"),
        (lambda: guest.inflate(10**9), BadValueError, "more than the guest has"),
        (lambda: guest.deflate(99), BadValueError, "0 to 40"),
        (lambda: guest.set_target(257), BadValueError, "0 to 256"),
        (lambda: guest.set_target(2.5), BadValueError, "whole number"),  # type: ignore[arg-type]
        (lambda: guest.compare(256), BadValueError, "0 to 255"),
        (lambda: guest.workload("tetris"), UnknownNameError, "tetris"),
        (lambda: guest.machine.step("nobody"), UnknownNameError, "vballoon"),
    ]


@pytest.mark.parametrize("which", range(8))
def test_bad_input_is_refused_and_changes_nothing(which: int) -> None:
    guest = Guest(256)
    guest.inflate(40)
    guest.machine.record()
    before = fingerprint(guest.machine)
    call, error, words = bad_calls(guest)[which]
    with pytest.raises(error, match=words):
        call()
    assert fingerprint(guest.machine) == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"pages": 0}, "pages is 0"),
        ({"pages": 2**25}, "16,777,216"),
        ({"driver": "v12"}, "known: linux-3.6, v9"),
        ({"page_size": 8192}, "4,096, 16,384, 65,536"),
        ({"backing": 1}, "backing page"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises((BadValueError, UnknownNameError), match=words):
        Guest(**{"pages": 256, **settings})  # type: ignore[arg-type]


def test_from_states_takes_only_a_map_at_rest() -> None:
    with pytest.raises(BadValueError, match="only 0 FREE"):
        Guest.from_states(np.array([0, 6], np.uint8))
    with pytest.raises(BadValueError, match="one row"):
        Guest.from_states(np.zeros((2, 2), np.uint8))
    with pytest.raises(BadValueError, match="marks 1 as BALLOON"):
        Guest.from_states([3, 0], balloon=[1])
    with pytest.raises(BadValueError, match="Migratetype"):
        Guest.from_states([0] * 512, pageblock_types=[9])


def test_from_states_keeps_the_balloons_order() -> None:
    guest = Guest.from_states([3, 0, 3, 1], balloon=[2, 0])
    assert guest.balloon_list == (2, 0)
    assert guest.balloon_pages == guest.host.actual == guest.host.target == 2
    assert guest.compare(0).agree
    guest.deflate(1)
    assert guest.page_states.tolist() == [3, 0, 0, 1]


def test_both_views_of_a_page_while_a_message_is_in_flight() -> None:
    guest = Guest(256)
    guest.machine.record()
    guest.machine.act("set_target", 1)
    while not guest.balloon_list:
        guest.machine.run(1)
    (page,) = guest.balloon_list
    view = guest.compare(page)
    assert (view.guest_state, view.host_believes, view.agree) == (PageState.BALLOON, False, False)
    assert str(view).endswith("they disagree, which is harmless: memory given up that the host has not won")
    assert not view.data_at_risk
    assert guest.disagreements() == [view]
    guest.machine.run()
    assert guest.compare(page).agree


def test_an_interrupt_stops_between_two_steps() -> None:
    guest = Guest(65536, engine="steps")
    threading.Timer(0.05, signal.raise_signal, (signal.SIGINT,)).start()
    with pytest.raises(KeyboardInterrupt):
        guest.inflate(60_000)
    held = guest.balloon_pages
    assert 0 < held < 60_000
    guest.machine.run()
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize(
    ("zones", "words"),
    [
        ([("A", 0, 800), ("B", 512, 1024)], "do not overlap"),
        ([("A", 0, 512), ("A", 512, 1024)], "two zones are called"),
        ([("A", 0, 512)], "lies in no zone"),
        ([("A", 0)], "a zone is"),
        ([("A", 0, 2000)], "end of zone"),
    ],
)
def test_zones_are_checked(zones: list[tuple[str, int, int]], words: str) -> None:
    with pytest.raises(BadValueError, match=words):
        Guest(1024, zones=zones)


def test_a_numpy_number_is_a_number() -> None:
    guest = Guest(1024)
    guest.inflate(np.uint16(300))
    assert guest.set_target(np.uint8(5)).after == 5
    for wrong in (np.array([1, 2]), 10**5000, float("nan")):
        with pytest.raises(BadValueError, match="whole number"):
            guest.set_target(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("states", [[None, 0], [[0], [0, 0]], np.zeros(5), [0.5]])
def test_states_are_whole_numbers(states: object) -> None:
    with pytest.raises(BadValueError):
        Guest.from_states(states)  # type: ignore[arg-type]


def test_two_zones_are_used_from_the_last() -> None:
    guest = Guest.from_states([0] * 2048, zones=[("DMA", 0, 1024), ("DMA32", 1024, 2048)])
    guest.inflate(1000)
    assert min(guest.balloon_list) >= 1024
    guest.inflate(500)
    assert min(guest.balloon_list) < 1024
    assert guest.metrics().free_pages == 548


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("driver", ["v9", "linux-6.1"])
def test_a_placement_goes_back_and_forth_with_the_machine(placement: str, driver: str) -> None:
    guest = Guest(2048, driver, seed=3, placement=placement, engine="steps")
    guest.workload("random")
    guest.machine.record()
    moments = []
    for work in (lambda: guest.inflate(300), guest.compact, lambda: guest.deflate(100), lambda: guest.inflate(250)):
        work()
        moments.append((guest.machine.position, guest.balloon_list, guest.page_states.tolist(), guest.metrics()))
    for at, pages, states, metrics in (*moments[::-1], *moments):
        guest.machine.seek(at)
        assert (guest.balloon_list, guest.page_states.tolist(), guest.metrics()) == (pages, states, metrics)
    guest.machine.seek(moments[2][0])
    assert guest.set_target(450).after == 450  # another future, and the same one
    assert guest.balloon_list == moments[3][1]


def test_only_the_balloons_pages_are_placed() -> None:
    states = [FREE, MOVABLE, FREE, MOVABLE, FREE, BALLOON, MOVABLE, MOVABLE]
    settings = {"candidates": (5,), "zones": [("DMA", 0, 4), ("Normal", 4, 8)], "actors": (INTERRUPT,)}
    guest = Guest.from_states(states, placement="lowest", **settings)  # type: ignore[arg-type]
    assert guest.compact().pairs.tolist() == [[5, 4]]  # the head of the list
    guest.inflate(1)
    assert guest.balloon_list == (5, 4)
    guest.inflate(1)
    assert guest.balloon_list == (0, 5, 4)  # from the zone that is asked next
    assert Guest.from_states(states, **settings).inflate(2).after == 3  # type: ignore[arg-type]


def test_a_workload_and_a_compaction_are_not_placed() -> None:
    guests = [Guest(4096, seed=2, placement=placement) for placement in PLACEMENTS]
    for guest in guests:
        guest.workload("random")
        guest.compact()
        assert guest.page_states.tolist() == guests[0].page_states.tolist()
        assert guest.buddies[0].free_blocks(0) == guests[0].buddies[0].free_blocks(0)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_placed_balloon_retags_no_pageblock(placement: str) -> None:
    guest = Guest(4096, driver="linux-3.6", placement=placement)  # it wants UNMOVABLE pages, and there are none
    guest.workload("runs", length=300)
    guest.inflate(800)
    assert guest.balloon_pages == 800
    assert (Migratetype.UNMOVABLE in guest.frames.block_types) == (placement == "lifo")
