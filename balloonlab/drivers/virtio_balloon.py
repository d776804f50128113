"""struct virtio_balloon: what the driver's routines share, by the kernel's names (drivers/virtio/virtio_balloon.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from balloonlab.host import ARRAY_PFNS_MAX, QUEUE_NAMES, Queue
from balloonlab.kernel.world import Ref, World
from balloonlab.memory.zone import PageState

if TYPE_CHECKING:
    from balloonlab.drivers.driver import Driver

__all__ = ["ARRAY_PFNS_MAX", "VirtioBalloon"]


class VirtioBalloon:
    """The device's private data: names of shared objects, nothing that changes.

    Units: num_pages, num_pfns and the config fields count 4 KiB balloon pages; num_isolated_pages and
    totalram_pages count guest pages. pages_per_page: 4 KiB pages in a guest page.
    """

    def __init__(self, world: World, driver: Driver) -> None:
        self.driver = driver
        self.pages_per_page = world.pages_per_page
        self.migratetype = int(driver.migratetype)
        self.pages = world.new_list("pages", PageState.BALLOON)
        self.num_pages = world.new_value("num_pages", 0, "4 KiB pages")
        self.num_pfns = world.new_value("num_pfns", 0, "4 KiB pages")
        self.num_isolated_pages = world.new_value("num_isolated_pages", 0, "guest pages")
        self.totalram_pages = world.new_value("totalram_pages", 0, "guest pages")
        self.need_stats_update = world.new_value("need_stats_update")
        self.should_stop = world.new_value("should_stop")
        self.freezing = world.new_gate("freezing")
        self.exited = world.new_gate("vballoon exited")
        self.config_num_pages = Ref("value", world.host.target_slot, "config.num_pages")
        self.config_actual = Ref("value", world.host.actual_slot, "config.actual")
        self.balloon_lock = world.new_lock("balloon_lock")
        self.pages_lock = world.new_lock("pages_lock")
        self.config_change = world.new_wait_queue("config_change")
        self.acked = world.new_wait_queue("acked")
        self.inflate_vq, self.deflate_vq, self.stats_vq = (Ref("queue", int(q), QUEUE_NAMES[q]) for q in Queue)
        self.stats_wanted = world.new_gate("statistics wanted")
