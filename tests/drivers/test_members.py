"""struct virtio_balloon of each version: every shared object that is a member is in its table, with its lock."""

from __future__ import annotations

import inspect

import pytest

import balloonlab as bl
from balloonlab.drivers.merged_variants import VARIANTS
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.drivers.whole_life import whole_life
from balloonlab.host.host import STAT_TAGS
from balloonlab.kernel.members import ALONE, LOCK, OWN, UNSAID
from balloonlab.widgets.device import members

DRIVERS = {**bl.DRIVERS, **VARIANTS}
ELSEWHERE = {  # shared objects that are no members of the structure
    "totalram_pages": "the kernel's",
    "should_stop": "the thread's",
    "freezing": "the system's",
    "exited": "the thread's",
    "frozen": "the thread's",
    "config_num_pages": "config space",
    "config_actual": "config space",
    "stats_wanted": "the host's",
    "mapping": "the object that the member points to",
    "pages_to_free": "a list on the stack",
    "fs_lock": "a filesystem's",
    "oom_lock": "the kernel's",
    "oom_freed": "the notifier's caller's",
    "vq_broken": "the queue's",
}
SINCE = {  # members that only some versions have
    "need_stats_update": lambda driver: not driver.workqueue,
    "config_change": lambda driver: not driver.workqueue,
    "num_isolated_pages": lambda driver: driver.name in ("v9", "v10"),
    "isolated_pages": lambda driver: driver.name not in ("linux-3.6", "v9", "v10"),
    "balloon_lock": lambda driver: driver.name != "linux-3.6",
    "pages_lock": lambda driver: driver.name != "linux-3.6" and not driver.pages_lock.startswith("balloon_"),
}


@pytest.mark.parametrize("name", DRIVERS)
def test_every_shared_object_of_the_structure_is_a_member(name: str) -> None:
    driver = DRIVERS[name]
    guest = bl.Guest(64, driver)
    declared = [at for at, kind in inspect.get_annotations(VirtioBalloon).items() if kind == "Ref"]
    wanted = {
        at for at in declared if at not in ELSEWHERE and hasattr(guest.vb, at) and SINCE.get(at, lambda _: True)(driver)
    }
    shown = {member.of for member in driver.members if not member.of.startswith("vb_")}
    assert shown - {"", "pfns", "stats"} == wanted
    assert [member.name for member in guest.world.members] == [member.name for member in driver.members]
    assert len({member.name for member in guest.world.members}) == len(guest.world.members)


@pytest.mark.parametrize("name", DRIVERS)
def test_a_guard_is_a_lock_of_that_guest_or_a_word(name: str) -> None:
    world = bl.Guest(64, DRIVERS[name]).world
    for member in world.members:
        words = (OWN, LOCK, UNSAID, f"{ALONE}vballoon")
        assert member.guard in world.lock_names or member.guard in words or member.now == "not modelled", member
        assert (member.guard == LOCK) == (member.kind == "lock")
        assert (member.guard == OWN) == (member.kind in ("wait queue", "work"))


@pytest.mark.parametrize("driver", ["linux-3.6", "v9", "v11"])
def test_what_the_driver_gets_when_it_is_loaded_can_be_missing(driver: str) -> None:
    """With all that comes and goes in sight, the pointers to thread and mapping say whether it is there."""
    guest = bl.Guest(64, whole_life(bl.find_driver(driver), loaded=False))
    pointers = [row for row in members(guest.machine) if row.now == "not there"]
    assert [row.name.rpartition(".")[2] for row in pointers] == ["thread", "mapping"][: 1 + (driver != "linux-3.6")]
    guest = bl.Guest(64, whole_life(bl.find_driver(driver)))
    assert not [row for row in members(guest.machine) if row.now == "not there"]


def test_the_patch_says_what_its_locks_are_for() -> None:
    """The comments that v9 adds to the structure: "elements" for the mutex, list and counters for the spinlock."""
    guards = {member.name: member.guard for member in bl.DRIVERS["v9"].members}
    assert [name for name, guard in guards.items() if guard == "pages_lock"] == [
        "num_isolated_pages",
        "num_pages",
        "pages",
    ]
    assert guards["num_pfns"] == guards["pfns"] == guards["need_stats_update"] == "balloon_lock"
    types = {member.name: member.ctype for member in bl.DRIVERS["v9"].members}
    assert types["num_pages"] == types["num_isolated_pages"] == "atomic_t"
    assert {m.name: m.ctype for m in bl.DRIVERS["linux-3.6"].members}["num_pages"] == "unsigned int"


@pytest.mark.parametrize("name", bl.DRIVERS)
def test_there_is_room_for_the_figures_that_are_sent(name: str) -> None:
    guest = bl.Guest(64, name)
    guest.machine.act("request_stats")
    guest.machine.run()
    (stats,) = (member for member in guest.world.members if member.name == "stats")
    assert stats.now == f"{len(guest.host.statistics)} figures"
    assert set(guest.host.statistics) <= set(STAT_TAGS)
