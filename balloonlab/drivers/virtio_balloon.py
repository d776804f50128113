"""struct virtio_balloon: what the driver's routines share, by the kernel's names (drivers/virtio/virtio_balloon.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from balloonlab.drivers.members import Declared
from balloonlab.host.host import ARRAY_PFNS_MAX, QUEUE_NAMES, Queue
from balloonlab.kernel.cpu import Cpu
from balloonlab.kernel.primitives.workqueue import PENDING
from balloonlab.kernel.world import Member, Ref, World
from balloonlab.memory.zone import PageState

if TYPE_CHECKING:
    from balloonlab.drivers.driver import Driver

__all__ = ["ARRAY_PFNS_MAX", "VirtioBalloon"]


class VirtioBalloon:
    """The device's private data: names of shared objects, nothing that changes.

    Since v11 some of it lives in struct balloon_dev_info (pages, pages_lock, isolated_pages); here it is one object.
    Units: num_pages, num_pfns and the config fields count 4 KiB balloon pages; num_isolated_pages and
    totalram_pages count guest pages (v10 counts isolated ones in 4 KiB pages). pages_per_page: 4 KiB pages in a guest
    page. deflate_on_oom: VIRTIO_BALLOON_F_DEFLATE_ON_OOM is negotiated (6.1, 7.2); then totalram_pages stays as it is.
    vmstat: the version's counters by name. The four attributes about work exist only where the driver uses work items,
    `cpu` only where a scenario lets interrupts come in, those after it only where Driver.also asks for them.
    """

    pages: Ref
    num_pages: Ref
    num_pfns: Ref
    num_isolated_pages: Ref
    isolated_pages: Ref
    totalram_pages: Ref
    need_stats_update: Ref
    should_stop: Ref
    freezing: Ref
    exited: Ref
    config_num_pages: Ref
    config_actual: Ref
    balloon_lock: Ref
    pages_lock: Ref
    config_change: Ref
    acked: Ref
    inflate_vq: Ref
    deflate_vq: Ref
    stats_vq: Ref
    stats_wanted: Ref
    update_balloon_size_work: Ref
    update_balloon_stats_work: Ref
    stop_update: Ref
    stop_update_lock: Ref
    cpu: Cpu  # of the driver's thread
    frozen: Ref  # whether the driver's thread has stopped for the system's sleep
    mapping: Ref  # whether the object that the pages' mapping points to is freed
    other_mapping: Ref  # 1 + the page in whose mapping another owner keeps a number (neighbours.py)
    cpu_hotplug_lock: Ref
    pages_to_free: Ref  # pages that leak_balloon has dequeued
    fs_lock: Ref  # a filesystem's lock, which direct reclaim takes
    oom_lock: Ref
    oom_freed: Ref  # guest pages that the OOM notifier says it has freed
    vq_broken: Ref  # whether the device is gone: nothing can be added to a queue
    vb_memory: Ref | None = None  # what a driver has that comes and goes (whole_life.py): itself,
    vb_devinfo: Ref | None = None  # struct balloon_dev_info (v11, 3.8),
    vb_mapping: Ref | None = None  # the object that its pages' mapping points to,
    vqs: Ref | None = None  # its device's queues
    vb_thread: Ref | None = None  # and its thread;
    device_status: Ref | None = None  # how far the device knows it to have come;
    fault: Ref | None = None  # and whether the next step that can fail is to fail
    core_request: Ref  # what is asked of the driver core (driver_core.py)

    def __init__(self, world: World, driver: Driver) -> None:
        self.driver = driver
        self.pages_per_page = world.pages_per_page
        self.migratetype = int(driver.migratetype)
        self.deflate_on_oom = False
        self.pages = world.new_list("pages", PageState.BALLOON)
        self.num_pages = world.new_value("num_pages", 0, "4 KiB pages")
        self.num_pfns = world.new_value("num_pfns", 0, "4 KiB pages")
        isolated, unit = driver.isolated_counter
        self.num_isolated_pages = self.isolated_pages = world.new_value(isolated, 0, unit)
        self.totalram_pages = world.new_tally("totalram_pages", "guest pages")
        self.need_stats_update = world.new_value("need_stats_update")
        self.should_stop = world.new_value("should_stop")
        self.freezing = world.new_gate("freezing")
        self.exited = world.new_gate("vballoon exited")
        self.config_num_pages = Ref("value", world.host.target_slot, "config.num_pages")
        self.config_actual = Ref("value", world.host.actual_slot, "config.actual")
        self.balloon_lock = world.new_lock("balloon_lock")
        self.pages_lock = world.new_lock(driver.pages_lock)
        self.config_change = world.new_wait_queue("config_change")
        self.acked = world.new_wait_queue("acked")
        self.inflate_vq, self.deflate_vq, self.stats_vq = (Ref("queue", int(q), QUEUE_NAMES[q]) for q in Queue)
        self.stats_wanted = world.new_gate("statistics wanted")
        self.vmstat = {name: world.new_tally(name, "guest pages") for name in driver.vmstat}
        if driver.workqueue:
            self.update_balloon_size_work = world.new_gate("update_balloon_size_work")
            self.update_balloon_stats_work = world.new_gate("update_balloon_stats_work")
            self.stop_update = world.new_value("stop_update")
            self.stop_update_lock = world.new_lock("stop_update_lock")
        for name, kind in driver.also.items():
            setattr(self, name, _new(world, kind, name))
        world.places = driver.places
        world.members = tuple(self._member(declared) for declared in driver.members)

    def _member(self, declared: Declared) -> Member:
        name, ctype, of, guard, now = declared
        if of in ("", "pfns", "stats"):
            return Member(name, ctype, of, of, -1, guard, now)
        ref: Ref | None = getattr(self, of)
        if of.startswith("vb_"):  # what a pointer points to, where it comes and goes
            kind, number = ("", -1) if ref is None else ("pointer", ref.number)
            return Member(name, ctype, "", kind, number, guard, now)
        assert ref is not None
        kind = "work" if ctype == "struct work_struct" else ref.kind
        return Member(name, ctype, ref.name, kind, ref.number, guard)

    def config_interrupt(self, world: World) -> None:
        """virtballoon_changed, as the handler of the config interrupt: the target may be another one now."""
        if not self.driver.workqueue:
            world.wake_up(self.config_change.number)
        elif not world.values.get(self.stop_update.number):
            slot = self.update_balloon_size_work.number
            world.values.set(slot, world.values.get(slot) | PENDING)


def _new(world: World, kind: str, name: str) -> Ref:
    if kind == "lock":
        return world.new_lock(name)
    if kind == "list":
        return world.new_list(name, PageState.IN_TRANSIT)
    if kind == "gate":
        return world.new_gate(name)
    return world.new_value(name)
