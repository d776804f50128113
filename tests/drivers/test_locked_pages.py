"""What the compacting thread does with a page or a target that somebody has locked, or that changed meanwhile."""

from __future__ import annotations

import pytest

from balloonlab.drivers import DRIVERS
from balloonlab.drivers.invariants import check_at_rest
from balloonlab.guest.guest import Guest
from tests.drivers.steps import alone, compactable, go, pending, verbs

MOVABLE = [name for name, driver in DRIVERS.items() if driver.movable]


def somebody(guest: Guest) -> int:
    return guest.machine.names.index("host-statsq")


def isolated(guest: Guest) -> tuple[int, ...]:
    """Let the compactor isolate the whole balloon; the pages in the order in which it will try them."""
    guest.machine.act("compact")
    go(guest, "compactor", "compaction_alloc")
    return guest.world.list_pages(guest.world.lists["migratepages"])


@pytest.mark.parametrize("driver", MOVABLE)
def test_a_locked_page_is_tried_three_times_and_then_waited_for(driver: str) -> None:
    guest = compactable(1, driver)
    isolated(guest)
    guest.world.take_page_lock(0, somebody(guest))
    begin = len(guest.machine.timeline)
    alone(guest, "compactor")
    assert pending(guest.machine, "compactor") == "lock_page(page 0x0)"
    assert verbs(guest, "compactor", begin).count("trylock_page") == 3 + 1
    (target,) = guest.world.refcounts.keys() - {0}  # those of the tries before are given back
    guest.world.drop_page_lock(0)
    guest.machine.run()
    assert guest.balloon_list == (target,)
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize("driver", MOVABLE)
def test_a_busy_page_is_tried_again_though_the_next_one_moved(driver: str) -> None:
    guest = compactable(2, driver)
    first, _ = isolated(guest)
    guest.world.take_page_lock(first, somebody(guest))
    go(guest, "compactor", f"trylock_page(page {first:#x})")
    guest.machine.step("compactor")
    guest.world.drop_page_lock(first)
    guest.machine.run()
    assert min(guest.balloon_list) > 1, "both moved"
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize("driver", ["linux-6.1", "linux-7.2"])
def test_a_locked_target_is_given_back_and_the_page_unlocked(driver: str) -> None:
    guest = compactable(1, driver)
    isolated(guest)
    go(guest, "compactor", "trylock_page(page 0x0)")
    guest.machine.step("compactor")
    (target,) = guest.world.refcounts.keys() - {0}
    assert pending(guest.machine, "compactor") == f"trylock_page(page {target:#x})"
    guest.world.take_page_lock(target, somebody(guest))
    go(guest, "compactor", "compaction_free")
    assert guest.world.page_locks == {target: somebody(guest)}
    guest.world.drop_page_lock(target)
    guest.machine.run()
    assert 0 not in guest.balloon_list
    check_at_rest(guest.machine, guest.vb)


@pytest.mark.parametrize("driver", ["v9", "v10", "v11"])
def test_a_page_that_lost_its_mark_at_the_last_look_leaves_its_target_unlocked(driver: str) -> None:
    guest = compactable(1, driver)
    isolated(guest)
    go(guest, "compactor", "bug_on")
    guest.world.set_page_flags(0, 0)
    go(guest, "compactor", "unlock_page(page 0x0)")
    assert guest.world.page_locks.keys() == {0}
    assert "warn_on" in verbs(guest, "compactor")
