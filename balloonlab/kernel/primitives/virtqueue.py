"""Virtqueues and config space, from both ends (Linux 3.6 virtio_ring.c and virtio_config.h; QEMU virtio-balloon.c)."""

from __future__ import annotations

from balloonlab.host.host import MessageStatus, pack_stats
from balloonlab.kernel.primitives.verb import Blocked, primitive
from balloonlab.kernel.world import Ref, World


@primitive(touches=("pfns", "messages"))
def set_page_pfns(world: World, _thread: int, index: int, page: int) -> None:
    """Write the page's 4 KiB PFNs into vb->pfns from `index` on. They are 1, 4 or 16.

    A message that the host has not read points there: it is overwritten.
    """
    for i, pfn in enumerate(world.pfns_of(page)):
        world.set_slot(index + i, pfn)


@primitive(touches=("pfns", "messages"))
def copy_pfns(world: World, _thread: int, pfns: tuple[int, ...]) -> None:
    """Copy PFNs from a local array to the start of vb->pfns. Messages that point there are overwritten."""
    for i, pfn in enumerate(pfns):
        world.set_slot(i, pfn)


@primitive(touches=("pfns",))
def read_pfns(world: World, _thread: int, amount: int) -> tuple[int, ...]:
    """Read the first `amount` entries of vb->pfns."""
    return tuple(world.slots[:amount])


@primitive(touches=("pfns",))
def read_pfn(world: World, _thread: int, index: int) -> int:
    """Read one entry of vb->pfns, as it is now."""
    return world.slots[index]


@primitive(touches=("pfns", "messages"))
def virtqueue_add(world: World, _thread: int, vq: Ref, num_pfns: Ref) -> None:
    """Put a buffer over vb->pfns[0..num_pfns) on the queue. It points there; the host reads it later."""
    world.host.messages.add(vq.number, world.slots[: world.values.get(num_pfns.number)])


@primitive(touches=("pfns", "messages"))
def virtqueue_add_outbuf(world: World, _thread: int, vq: Ref, num_pfns: Ref, broken: Ref) -> bool:
    """virtqueue_add on a device that may be gone. Then it fails. Returns whether it failed."""
    if world.values.get(broken.number):
        return True
    world.host.messages.add(vq.number, world.slots[: world.values.get(num_pfns.number)])
    return False


_EVENTS = ("swap_in", "swap_out", "majflt", "minflt")
_SINCE_6_12 = ("oom_kill", "alloc_stall", "async_scan", "direct_scan", "async_reclaim", "direct_reclaim")
_HUGE = ("htlb_pgalloc", "htlb_pgfail")
_FIGURES = {
    6: (*_EVENTS, "memfree", "memtot"),
    10: (*_EVENTS, *_HUGE, "memfree", "memtot", "avail", "caches"),
    16: (*_EVENTS, *_SINCE_6_12, *_HUGE, "memfree", "memtot", "avail", "caches"),
}  # by how many the version sends; in its order


@primitive(touches=("lists", "tallies"))
def collect_stats(world: World, _thread: int, amount: int = 6) -> bytes:
    """update_balloon_stats: put the guest's memory figures into a buffer.

    amount: how many; 6 in Linux 3.6 to 3.8, 10 in 6.1, 16 in 7.2. What the model does not count is 0.
    """
    free = sum(buddy.free_pages for buddy in world.buddies) * world.page_size
    known = {"memfree": free, "memtot": world.values["totalram_pages"] * world.page_size, "avail": free}
    return pack_stats({name: known.get(name, 0) for name in _FIGURES[amount]})


@primitive(touches=("messages",))
def virtqueue_add_stats(world: World, _thread: int, vq: Ref, payload: bytes) -> None:
    """Put the statistics buffer on the queue."""
    world.host.messages.add(vq.number, (), payload)


@primitive(touches=("messages",))
def virtqueue_kick(world: World, _thread: int, vq: Ref) -> None:
    """Notify the host that the queue has new buffers."""
    messages = world.host.messages
    while (i := messages.oldest(vq.number, MessageStatus.ADDED)) is not None:
        messages.advance(i, MessageStatus.KICKED)


@primitive(touches=("messages",))
def virtqueue_get_buf(world: World, _thread: int, vq: Ref) -> bool:
    """Take back a buffer that the host has returned. Returns whether there was one."""
    i = world.host.messages.oldest(vq.number, MessageStatus.USED)
    if i is not None:
        world.host.messages.advance(i, MessageStatus.COLLECTED)
    return i is not None


@primitive()
def config_read(world: World, _thread: int, field: Ref) -> int:
    """Read a field of the device's config space (4 KiB pages)."""
    return world.values.get(field.number)


@primitive(touches=("counter",))
def config_write(world: World, _thread: int, field: Ref, amount: int) -> None:
    """Write a field of the device's config space (4 KiB pages)."""
    world.values.set(field.number, amount)


# -- the host's end --


def _something_to_read(world: World, _thread: int, vq: Ref) -> bool:
    return world.host.messages.oldest(vq.number, MessageStatus.KICKED) is not None


def _nothing_to_read(_world: World, _thread: int, vq: Ref) -> Blocked:
    return Blocked("idle", f"a message on {vq.name}")


def _asked_for_stats(world: World, _thread: int, request: Ref, vqs: Ref | None = None) -> bool:
    return world.values.get(request.number) > 0 and (vqs is None or world.values.get(vqs.number) > 0)


def _not_asked(_world: World, _thread: int, _request: Ref, _vqs: Ref | None = None) -> Blocked:
    return Blocked("idle", "somebody to ask for statistics")


@primitive(_something_to_read, _nothing_to_read, touches=("messages", "beliefs"), rests=True)
def host_read(world: World, _thread: int, vq: Ref) -> None:
    """The host reads the oldest message that waits, and acts on it."""
    i = world.host.messages.oldest(vq.number, MessageStatus.KICKED)
    assert i is not None
    world.host.read(i)


@primitive(touches=("messages", "all sleeps"))
def host_acknowledge(world: World, _thread: int, vq: Ref, wakes: Ref) -> None:
    """The host returns the buffer and interrupts the guest. `wakes` is woken."""
    i = world.host.messages.oldest(vq.number, MessageStatus.READ)
    assert i is not None
    world.host.messages.advance(i, MessageStatus.USED)
    world.wake_up(wakes.number)


@primitive(touches=("messages", "all sleeps"))
def host_acknowledge_stats(
    world: World, _thread: int, vq: Ref, request: Ref, wakes: Ref, stopped: Ref | None = None
) -> None:
    """The host returns the statistics buffer. The driver's interrupt handler asks for fresh figures.

    request: need_stats_update, which the thread looks at when `wakes` is woken, or the work item that is queued,
    unless `stopped`.
    """
    i = world.host.messages.oldest(vq.number, MessageStatus.READ)
    assert i is not None
    world.host.messages.advance(i, MessageStatus.USED)
    if stopped is None or not world.values.get(stopped.number):
        world.values.set(request.number, world.values.get(request.number) | 1)
        world.wake_up(wakes.number)


@primitive(_asked_for_stats, _not_asked, rests=True)
def host_wants_stats(world: World, _thread: int, request: Ref, _vqs: Ref | None = None) -> None:
    """The host takes up a request for statistics. Not while the driver's queues are gone."""
    world.values.set(request.number, 0)
