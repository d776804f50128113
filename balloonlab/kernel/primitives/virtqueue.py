"""Virtqueues and config space, from both ends (Linux 3.6 virtio_ring.c and virtio_config.h; QEMU virtio-balloon.c)."""

from __future__ import annotations

from balloonlab.host import MessageStatus, pack_stats
from balloonlab.kernel.primitives.verb import Blocked, primitive
from balloonlab.kernel.world import Ref, World


@primitive()
def set_page_pfns(world: World, _thread: int, index: int, page: int) -> None:
    """Write the page's 4 KiB PFNs (1, 4 or 16 of them) into vb->pfns from `index` on."""
    for i, pfn in enumerate(world.pfns_of(page)):
        world.set_slot(index + i, pfn)


@primitive()
def copy_pfns(world: World, _thread: int, pfns: tuple[int, ...]) -> None:
    """Copy PFNs from a local array to the start of vb->pfns."""
    for i, pfn in enumerate(pfns):
        world.set_slot(i, pfn)


@primitive()
def read_pfns(world: World, _thread: int, amount: int) -> tuple[int, ...]:
    """Read the first `amount` entries of vb->pfns."""
    return tuple(world.slots[:amount])


@primitive()
def virtqueue_add(world: World, _thread: int, vq: Ref, num_pfns: Ref) -> None:
    """Put a buffer over vb->pfns[0..num_pfns) on the queue."""
    world.host.messages.add(vq.number, world.slots[: world.values.get(num_pfns.number)])


@primitive()
def collect_stats(world: World, _thread: int) -> bytes:
    """update_balloon_stats: gather the guest's memory figures into a statistics buffer (six in Linux 3.6)."""
    free = sum(buddy.free_pages for buddy in world.buddies) * world.page_size
    total = world.values["totalram_pages"] * world.page_size
    figures = {"swap_in": 0, "swap_out": 0, "majflt": 0, "minflt": 0, "memfree": free, "memtot": total}
    return pack_stats(figures)


@primitive()
def virtqueue_add_stats(world: World, _thread: int, vq: Ref, payload: bytes) -> None:
    """Put the statistics buffer on the queue."""
    world.host.messages.add(vq.number, (), payload)


@primitive()
def virtqueue_kick(world: World, _thread: int, vq: Ref) -> None:
    """Notify the host that the queue has new buffers."""
    messages = world.host.messages
    while (i := messages.oldest(vq.number, MessageStatus.ADDED)) is not None:
        messages.advance(i, MessageStatus.KICKED)


@primitive()
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


@primitive()
def config_write(world: World, _thread: int, field: Ref, amount: int) -> None:
    """Write a field of the device's config space (4 KiB pages)."""
    world.values.set(field.number, amount)


# -- the host's end --


def _something_to_read(world: World, _thread: int, vq: Ref) -> bool:
    return world.host.messages.oldest(vq.number, MessageStatus.KICKED) is not None


def _nothing_to_read(_world: World, _thread: int, vq: Ref) -> Blocked:
    return Blocked("idle", f"a message on {vq.name}")


def _asked_for_stats(world: World, _thread: int, request: Ref) -> bool:
    return world.values.get(request.number) > 0


def _not_asked(_world: World, _thread: int, _request: Ref) -> Blocked:
    return Blocked("idle", "somebody to ask for statistics")


@primitive(_something_to_read, _nothing_to_read)
def host_read(world: World, _thread: int, vq: Ref) -> None:
    """The host reads the oldest waiting message of the queue and acts on it."""
    i = world.host.messages.oldest(vq.number, MessageStatus.KICKED)
    assert i is not None
    world.host.read(i)


@primitive()
def host_acknowledge(world: World, _thread: int, vq: Ref, wakes: Ref) -> None:
    """The host returns the buffer and interrupts the guest, whose handler wakes `wakes`."""
    i = world.host.messages.oldest(vq.number, MessageStatus.READ)
    assert i is not None
    world.host.messages.advance(i, MessageStatus.USED)
    world.wake_up(wakes.number)


@primitive()
def host_acknowledge_stats(world: World, _thread: int, vq: Ref, need_stats_update: Ref, wakes: Ref) -> None:
    """The host returns the statistics buffer: the driver's interrupt handler asks the thread for fresh figures."""
    i = world.host.messages.oldest(vq.number, MessageStatus.READ)
    assert i is not None
    world.host.messages.advance(i, MessageStatus.USED)
    world.values.set(need_stats_update.number, 1)
    world.wake_up(wakes.number)


@primitive(_asked_for_stats, _not_asked)
def host_wants_stats(world: World, _thread: int, request: Ref) -> None:
    """The host takes up a request for statistics."""
    world.values.set(request.number, 0)
