"""V13 and V17 step by step: the two rings that need somebody beside the driver and compaction."""

from __future__ import annotations

import pytest

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.drivers.neighbours import with_cpu_hotplug, with_other_mappings


def test_v13_the_address_is_the_one_of_the_oops() -> None:
    finding = bl.explore(bl.scenario("another-owner", "v9")).finding("wild read")
    assert "0x194" in finding.text
    machine = finding.machine(finding.steps - 1)
    assert machine.world.refcounts[0] == 1, "it has an owner"
    assert 0 not in machine.world.page_flags, "who is not the balloon"
    assert str(machine.thread("compactor").pending).startswith("mapping_flags(page 0x0")


def test_v17_each_holds_what_the_other_wants() -> None:
    machine = bl.explore(bl.scenario("statistics-and-hotplug", "v9")).finding("wait cycle").machine()
    waits = {name: (wait.on, wait.holder) for name, wait in machine.blocked().items() if wait.status == "blocked"}
    assert waits == {"vballoon": ("cpu_hotplug_lock", "cpu-hotplug"), "cpu-hotplug": ("balloon_lock", "vballoon")}


@pytest.mark.parametrize("name", DRIVERS)
def test_statistics_are_those_that_the_plain_text_sends(name: str) -> None:
    sent = []
    for driver in (bl.find_driver(name), with_cpu_hotplug(bl.find_driver(name))):
        guest = bl.Guest(64, driver)
        guest.machine.act("request_stats")
        guest.machine.run()
        sent.append(guest.host.statistics)
        assert not [holder for holder in guest.world.lock_holders if holder >= 0]
    assert sent[0] == sent[1]
    assert sent[0]


@pytest.mark.parametrize("name", DRIVERS)
def test_only_drivers_that_ask_page_mapping_look_there(name: str) -> None:
    driver = bl.find_driver(name)
    assert (with_other_mappings(driver) is driver) == (name in ("linux-3.6", "linux-6.1", "linux-7.2"))
