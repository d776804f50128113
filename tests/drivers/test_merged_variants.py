"""Kernels between the seven versions: left alone they are sound, and each has what its docstring says, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.course.scenarios import SCENARIOS, scenario
from balloonlab.drivers.invariants import check_at_rest
from balloonlab.drivers.merged_variants import VARIANTS
from balloonlab.drivers.merged_variants.broken_device import LOOKS_AT_THE_ADD
from balloonlab.drivers.merged_variants.reclaim import shrink_the_balloon
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import lru_cache_add, shrink_page_list
from balloonlab.kernel.world import KernelBugError
from balloonlab.memory.zone import PageState
from tests.drivers.steps import alone, go, pending, results, told, verbs
from tests.kernel.fingerprint import fingerprint

F, M, U, B = PageState.FREE, PageState.MOVABLE, PageState.UNMOVABLE, PageState.BALLOON
ALONE = sorted(VARIANTS.keys() - {"linux-3.18-rc-no-compaction", "linux-4.15-rc", "linux-5.3-rc"})
PAGE_LIST, OLD_PAGE_DECIDES = "linux-3.19 (page list)", "linux-3.19 (page list, old page decides)"


@pytest.mark.parametrize("name", ALONE)
def test_left_alone_it_keeps_its_books(name: str) -> None:
    states = np.where(np.random.default_rng(5).random(1536) < 0.6, M, F).astype(np.uint8)
    guest = Guest.from_states(states, VARIANTS[name])
    for target in (300, 20, 90, 0):
        guest.set_target(target)
        guest.compact()
        check_at_rest(guest.machine, guest.vb)
        assert guest.balloon_pages == target
        assert guest.disagreements() == []
    assert guest.machine.bugs == ()
    assert ("deflateq", []) not in told(guest)


@pytest.mark.parametrize("name", sorted(VARIANTS))
@pytest.mark.parametrize("where", [s for s in SCENARIOS if s.startswith(("oom", "shrink", "deflate-the", "inflate-"))])
def test_every_step_can_be_taken_back(where: str, name: str) -> None:
    machine = scenario(where, VARIANTS[name]).machine()
    machine.walk(40, seed=2)
    here, middle = fingerprint(machine), machine.position
    machine.walk(60, seed=3)
    there, end = fingerprint(machine), machine.position
    machine.seek(0)
    machine.seek(end)
    assert fingerprint(machine) == there
    machine.seek(middle)
    assert fingerprint(machine) == here


@pytest.mark.parametrize(("name", "again"), [("linux-3.13", 0), ("linux-3.19", 4), (OLD_PAGE_DECIDES, 4)])
def test_m4_pages_move_again_since_3_18(name: str, again: int) -> None:
    states = np.full(4096, U, np.uint8)
    states[:4] = B
    states[1536:1560] = F
    guest = Guest.from_states(states, VARIANTS[name])
    assert len(guest.compact().pairs) == 4
    for page in range(4000, 4032):
        guest.buddies[0].free(page)
    assert len(guest.compact().pairs) == again
    check_at_rest(guest.machine, guest.vb)


def test_m5_is_gone_in_3_13() -> None:
    guest = scenario("compact-without-room", VARIANTS["linux-3.13"]).guest()
    guest.machine.run()
    assert "lock_page" in verbs(guest, "compactor"), "put back into the balloon"
    assert guest.balloon_list == (1,)
    check_at_rest(guest.machine, guest.vb)


def test_3_19_passes_over_what_an_isolator_took_meanwhile() -> None:
    guest = scenario("deflate-the-last-and-compact", VARIANTS["linux-3.19"]).guest()
    go(guest, "vballoon", "trylock_page(page 0x0)")
    go(guest, "compactor", "compaction_alloc")
    guest.machine.step("vballoon")
    assert pending(guest.machine, "vballoon") == "page_private_flag(page 0x0)"
    guest.machine.step("vballoon")
    assert pending(guest.machine, "vballoon") == "unlock_page(page 0x0)"


@pytest.mark.parametrize(("name", "bugs"), [(PAGE_LIST, ["list corruption"]), (OLD_PAGE_DECIDES, [])])
def test_m12_the_new_page_has_left_the_balloon_when_it_is_looked_at(name: str, bugs: list[str]) -> None:
    guest = scenario("deflate-the-last-and-compact", VARIANTS[name]).guest()
    machine = guest.machine
    go(guest, "vballoon", "mutex_lock")
    go(guest, "compactor", "list_del_migrated")
    (new,) = guest.balloon_list
    go(guest, "vballoon", "virtqueue_add")
    assert guest.world.list_pages(guest.vb.pages_to_free.number) == (new,)
    machine.run()
    assert [bug.kind for bug in machine.bugs] == bugs
    if not bugs:
        check_at_rest(machine, guest.vb)


@pytest.mark.parametrize(("asked", "freed"), [(128, 128), (256, 256), (300, 1024), (512, 1024), (1000, 1024)])
def test_m14_vectors_with_small_pages(asked: int, freed: int) -> None:
    assert shrunk("linux-4.19", 1024, asked) == freed
    assert shrunk("linux-5.5", 1024, asked) == asked


@pytest.mark.parametrize(("asked", "freed"), [(16, 16), (17, 200), (128, 200)])
def test_m14_vectors_with_large_pages(asked: int, freed: int) -> None:
    assert shrunk("linux-4.19", 200, asked, page_size=65536) == freed
    assert shrunk("linux-5.5", 200, asked, page_size=65536) == asked


def shrunk(name: str, pages: int, asked: int, page_size: int = 4096) -> int:
    """How many guest pages kswapd gets from a balloon of `pages`."""
    kswapd = (shrink_the_balloon(asked),)
    guest = Guest.from_states([B] * pages, VARIANTS[name], page_size=page_size, actors=kswapd)
    guest.machine.act("begin")
    assert guest.machine.run().reason == "idle"
    return pages - guest.balloon_pages // guest.world.pages_per_page


def test_m10_reclaim_in_the_shape_of_4_8_and_of_4_15() -> None:
    for name, blocked in (("linux-4.8", {"balloon-worker", "writer"}), ("linux-4.15", set())):
        machine = stand_before_the_filesystem(name)
        machine.run()
        assert {thread for thread, wait in machine.blocked().items() if wait.status == "blocked"} == blocked


def stand_before_the_filesystem(name: str) -> Machine:
    """A writer that holds its lock, and a balloon that waits for it."""
    guest = scenario("oom-in-a-filesystem", VARIANTS[name]).guest()
    machine = guest.machine
    machine.step("writer")
    machine.step("writer")
    alone(guest, "balloon-worker", 50)
    assert "fs_lock, held by writer" in machine.blocked()["balloon-worker"].text
    return machine


def test_m13_the_pages_that_are_inflated_are_those_that_were_deflated() -> None:
    guest = scenario("inflate-much-under-pressure", VARIANTS["linux-5.5"]).guest()
    for _ in range(3):
        go(guest, "balloon-worker", "work_done")
        guest.machine.step("balloon-worker")
    queues = [(queue, len(pfns)) for queue, pfns in told(guest)]
    assert queues == [("deflateq", 256), ("inflateq", 256)] * 3
    assert guest.balloon_pages == 256
    assert (guest.page_states == M).sum() == 17, "the page cache was never asked"
    fixed = scenario("inflate-much-under-pressure", "linux-6.1").guest()
    fixed.machine.run()
    assert fixed.balloon_pages == fixed.host.target


def test_m13_the_last_round_counts_what_it_inflated_and_rests_short_of_the_target() -> None:
    guest = scenario("inflate-under-pressure", VARIANTS["linux-5.5"]).guest()
    assert guest.machine.run().text == "nothing more can happen"
    assert told(guest) == [("deflateq", [0]), ("inflateq", [0])]
    assert (guest.balloon_pages, guest.host.target) == (1, 2)


def test_m11_the_first_place_is_never_written() -> None:
    guest = scenario("inflate-beside-used-memory", VARIANTS["linux-4.15-rc"]).guest()
    guest.machine.run()
    assert told(guest) == [("inflateq", [0, 3])]
    assert guest.balloon_list == (2, 3)


def test_m20_nobody_waits_where_the_add_is_looked_at() -> None:
    for name, asleep in (("linux-3.19", True), (LOOKS_AT_THE_ADD, False)):
        guest = scenario("inflate-a-device-that-breaks", VARIANTS[name]).guest()
        alone(guest, "unplugger")
        guest.machine.run()
        assert ("wake-up on acked" in " ".join(wait.text for wait in guest.machine.blocked().values())) == asleep
        assert told(guest) == []


def test_an_oom_task_notes_what_it_was_told() -> None:
    guest = scenario("oom-with-large-pages", VARIANTS["linux-4.8"]).guest()
    guest.machine.run()
    assert results(guest, "oom", "mutex_trylock")[0] == 1
    assert guest.world.values["oom_freed"] == 256
    assert guest.balloon_pages == 16


def test_reclaim_drops_the_lowest_clean_page_and_no_page_of_the_balloon() -> None:
    guest = Guest.from_states([U, B, M, M], VARIANTS["linux-3.19"])
    guest.world.set_refcount(2, 1)  # as a balloon page that got onto the LRU by mistake
    shrink = shrink_page_list().verb.effect
    before = fingerprint(guest.machine)
    guest.machine.record()
    assert shrink(guest.world, 0)
    assert guest.page_states.tolist() == [U, B, M, F]
    assert not shrink(guest.world, 0)
    guest.machine.journal.undo(0, len(guest.machine.journal))
    assert fingerprint(guest.machine)[:11] == before[:11]


def test_a_listed_page_cannot_be_put_on_the_lru() -> None:
    guest = Guest.from_states([B, U], VARIANTS["linux-3.19"])
    with pytest.raises(KernelBugError, match="put on the LRU while it is on a list") as found:
        lru_cache_add(0).verb.effect(guest.world, 0, 0)
    assert found.value.kind == "list corruption"
    guest.world.list_del(0)
    lru_cache_add(0).verb.effect(guest.world, 0, 0)
    assert guest.page_states[0] == M


def test_a_variant_leaves_its_base_as_it_is() -> None:
    base = VARIANTS["linux-4.15"]
    routines, also = dict(base.functions), dict(base.also)
    variant = base.variant("x", "a test's", without=("virtballoon_oom_notify",)).sharing(fs_lock="lock", more="value")
    assert "virtballoon_oom_notify" not in variant.functions
    assert (dict(base.functions), dict(base.also)) == (routines, also)
    guest = Guest.from_states([F, F], variant)
    assert guest.vb.fs_lock.kind == "lock"
    assert guest.world.values["more"] == 0
