"""The device tab as text: the structure at a moment that is known, and the statistics on their way."""

from __future__ import annotations

import pytest

import balloonlab as bl
from balloonlab.explore.program import Shared
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Routine, add
from balloonlab.widgets import device, panels


def row(machine: Machine, name: str) -> device.Row:
    return next(row for row in device.members(machine) if row.name == name)


def until(machine: Machine, thread: str, text: str) -> None:
    """Let a thread step until its step reads so."""
    while text not in machine.step(thread):
        pass


def test_the_whole_structure_in_the_middle_of_fill_balloon() -> None:
    machine = bl.scenario("inflate", "v9").machine()
    until(machine, "vballoon", "list_add(page 0x")
    assert device.structure(machine).splitlines()[1:] == [
        "  struct virtio_device *vdev                   the device              balloon_lock",
        "  struct virtqueue *inflate_vq                 empty                   balloon_lock",
        "  struct virtqueue *deflate_vq                 empty                   balloon_lock",
        "  struct virtqueue *stats_vq                   No. 1 read              balloon_lock",
        "  wait_queue_head_t config_change              nobody sleeps           its own lock",
        "  struct task_struct *thread                   vballoon                balloon_lock",
        "  struct address_space *mapping                to the driver           balloon_lock",
        "  struct mutex balloon_lock                    held by vballoon        is a lock",
        "  wait_queue_head_t acked                      nobody sleeps           its own lock",
        "  atomic_t num_isolated_pages                  0                       pages_lock",
        "  atomic_t num_pages                           0                       pages_lock",
        "  spinlock_t pages_lock                        held by vballoon        is a lock",
        "> struct list_head pages                       1 page                  written: pages_lock held",
        "  unsigned int num_pfns                        0                       balloon_lock",
        "  u32 pfns[256]                                none counted            balloon_lock",
        "  int need_stats_update                        0                       balloon_lock",
        "  struct virtio_balloon_stat stats[6]          6 figures               balloon_lock",
    ]


def test_a_step_that_does_not_keep_to_the_comment_is_told() -> None:
    machine = bl.scenario("inflate", "v9").machine()
    until(machine, "vballoon", "atomic_read(num_pages)")
    assert row(machine, "num_pages").guard == "read: no pages_lock"
    machine.step_back()
    assert row(machine, "num_pages").guard == "pages_lock"
    machine = bl.scenario("inflate", "linux-3.6").machine()
    until(machine, "vballoon", "add(num_pages, 1)")
    assert row(machine, "num_pages").guard == "written by vballoon"
    machine = bl.scenario("inflate", "v9").machine()
    machine.act("request_stats")
    until(machine, "host-statsq", "host_acknowledge_stats")
    assert row(machine, "need_stats_update").guard == "written: no balloon_lock"  # by the interrupt handler
    assert not row(machine, "stats_vq").touched


def test_a_message_is_made_of_two_members() -> None:
    machine = bl.scenario("inflate", "v9").machine()
    until(machine, "vballoon", "virtqueue_add")
    touched = {each.name: each.guard for each in device.members(machine) if each.touched}
    assert touched == {
        "inflate_vq": "written: balloon_lock held",
        "num_pfns": "read: balloon_lock held",
        "pfns": "read: balloon_lock held",
    }
    assert row(machine, "inflate_vq").now == "No. 1 added"
    assert row(machine, "pfns").now == "0x0, 1 more"


@pytest.mark.parametrize(("driver", "name"), [("v9", "pages"), ("linux-6.1", "vb_dev_info.pages")])
def test_a_page_that_leaves_the_list_touches_it(driver: str, name: str) -> None:
    machine = bl.scenario("deflate", driver).machine()
    until(machine, machine.names[0], "list_del(page 0x")
    assert row(machine, name).guard == "written: pages_lock held"
    assert row(machine, name).now == "3 pages"
    step = machine.position
    machine.run()
    machine.seek(step)
    assert row(machine, name).touched


def test_the_buffer_for_statistics_travels() -> None:
    machine = bl.scenario("inflate", "v9").machine()
    said = [(device.request(machine), device.buffer(machine))]
    machine.act("request_stats")
    while machine.runnable():
        machine.run(1)
        if (now := (device.request(machine), device.buffer(machine))) != said[-1]:
            said.append(now)
    assert said == [
        ("none", "with the host"),
        ("the host is asked for them", "with the host"),
        ("none", "with the host"),
        ("need_stats_update is set", "returned, and the driver has not looked"),
        ("none", "returned, and the driver has not looked"),
        ("none", "with the driver"),
        ("none", "filled by the driver, not sent yet"),
        ("none", "on its way to the host"),
        ("none", "with the host"),
    ]
    machine.seek(0)
    assert (device.request(machine), device.buffer(machine)) == said[0]


@pytest.mark.parametrize(("driver", "figures"), [("linux-3.6", 6), ("v9", 6), ("linux-6.1", 10), ("linux-7.2", 16)])
def test_figures_are_those_that_the_host_had_and_has(driver: str, figures: int) -> None:
    guest = bl.Guest(512, driver)
    machine = guest.machine
    machine.record()
    assert device.statistics(machine).splitlines()[1:] == ["  the host has no figures yet"]
    machine.act("request_stats")
    machine.run()
    first = dict(guest.host.statistics)
    assert [figure.before for figure in device.figures(machine)] == [None] * figures
    guest.inflate(40)
    machine.act("request_stats")
    machine.run()
    assert device.figures(machine) == [(tag, first[tag], now) for tag, now in guest.host.statistics.items()]
    (free,) = (figure for figure in device.figures(machine) if figure.tag == "memfree")
    assert free.before - free.now == 40 * 4096  # type: ignore[operator]
    assert device.figure_words("memfree", free.now) == f"{free.now // 1024:,} KiB"
    assert device.figure_words("majflt", 1234) == "1,234"
    assert len(device.statistics(machine).splitlines()) == figures + 2


def test_figures_that_are_on_their_way_are_not_the_hosts() -> None:
    machine = bl.scenario("inflate", "v9").machine()
    machine.act("request_stats")
    for thread, last in (("host-statsq", "host_acknowledge_stats"), ("vballoon", "virtqueue_kick(statsq)")):
        until(machine, thread, last)
    assert machine.world.host.statistics
    assert device.figures(machine) == []
    machine.step("host-statsq")
    assert device.figures(machine)


def test_a_program_has_no_device() -> None:
    def adding(shared: Shared) -> Routine:
        yield add(shared.x, 1)

    machine = bl.Program("one", {"a": adding}, values={"x": 0}).machine()
    assert "virtio_balloon" not in panels.panels(machine)
    assert "struct virtio_balloon" in panels.panels(bl.scenario("inflate", "v9").machine())
