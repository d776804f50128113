"""A driver that comes and goes: its memory, its device's queues, its thread (Linux 3.6, mm/slub.c, kernel/kthread.c).

Whatever is allocated, found or running is a shared number that is not 0, so that it can be seen, and found where it is
left behind. In a guest whose driver is there from the start nobody keeps these numbers (None): then it is no step.
Device and queues are drivers/virtio/virtio_pci.c's and virtio.c's.
"""

from __future__ import annotations

import errno

from balloonlab.host.host import MessageStatus
from balloonlab.kernel.primitives.lists import write
from balloonlab.kernel.primitives.verb import Blocked, primitive
from balloonlab.kernel.primitives.waiting import Routine, wait_for_completion, wake_up
from balloonlab.kernel.world import NOBODY, KernelBugError, Ref, World

ACKNOWLEDGE, DRIVER, DRIVER_OK, FAILED = 1, 2, 4, 128  # bits of a device's status (include/linux/virtio_config.h)
MADE, RUNS = 1, 2  # a thread that kthread_run has made, and one that has begun


def _strikes(world: World, fault: Ref) -> bool:
    """Whether the failure that somebody ordered happens here; it happens once (lib/fault-inject.c, times=1)."""
    ordered = bool(world.values.get(fault.number))
    if ordered:
        world.values.set(fault.number, 0)
    return ordered


# -- memory --


@primitive()
def slab_alloc(world: World, _thread: int, what: Ref, fault: Ref) -> int:
    """Allocate an object. Returns a pointer to it: 1, or 0, which is NULL."""
    if _strikes(world, fault):
        return 0
    world.values.set(what.number, 1)
    return 1


@primitive()
def slab_free(world: World, _thread: int, what: Ref, pointer: int) -> None:
    """Free the object that a pointer points to. NULL is as good as nothing, an error number is no pointer."""
    if pointer < 0:
        raise KernelBugError("wild pointer", f"{pointer} is freed for {what.name}: an error, no pointer")
    if pointer and not world.values.get(what.number):
        raise KernelBugError("double free", f"{what.name} is freed and is not allocated")
    if pointer:
        world.values.set(what.number, 0)


def kmalloc(what: Ref | None, fault: Ref | None) -> Routine:
    """Allocate an object of the driver's. Returns a pointer to it: 1, or 0, which is NULL."""
    if what is None or fault is None:
        return 1
    return (yield slab_alloc(what, fault))


def kfree(what: Ref | None, pointer: int = 1) -> Routine:
    """Free it. `pointer`: what kmalloc gave."""
    if what is not None:
        yield slab_free(what, pointer)


# -- the device --


@primitive()
def vp_find_vqs(world: World, _thread: int, vqs: Ref, fault: Ref) -> int:
    """Find the device's queues and allocate their rings. Returns 0, or -ENOMEM."""
    if _strikes(world, fault):
        return -errno.ENOMEM
    world.values.set(vqs.number, 1)
    return 0


@primitive()
def vp_del_vqs(world: World, _thread: int, vqs: Ref) -> None:
    """Give the queues up."""
    if not world.values.get(vqs.number):
        raise KernelBugError("double free", f"{vqs.name} are given up and were not found")
    world.values.set(vqs.number, 0)


@primitive(touches=("counter",))
def vp_reset(world: World, _thread: int, status: Ref) -> None:
    """Reset the device: it forgets its driver and its queues. Its status is 0."""
    world.values.set(status.number, 0)


@primitive()
def add_status(world: World, _thread: int, status: Ref, bit: int) -> None:
    """Tell the device how far its driver has come. ACKNOWLEDGE 1, DRIVER 2, DRIVER_OK 4, FAILED 128."""
    world.values.set(status.number, world.values.get(status.number) | bit)


@primitive(touches=("messages",))
def prime_stats(world: World, _thread: int, vq: Ref) -> None:
    """Give the host an empty buffer for statistics. Only one that it has already is as good.

    A buffer that the host had returned is gone with the queue it was on.
    """
    messages = world.host.messages
    returned = messages.oldest(vq.number, MessageStatus.USED)
    if returned is not None:
        messages.advance(returned, MessageStatus.COLLECTED)
    under_way = (MessageStatus.ADDED, MessageStatus.KICKED, MessageStatus.READ)
    if all(messages.oldest(vq.number, status) is None for status in under_way):
        messages.advance(messages.add(vq.number, ()), MessageStatus.KICKED)


def find_vqs(vqs: Ref | None, fault: Ref | None) -> Routine:
    """vdev->config->find_vqs: find the queues. Returns 0 or an error."""
    if vqs is None or fault is None:
        return 0
    return (yield vp_find_vqs(vqs, fault))


def del_vqs(vqs: Ref | None) -> Routine:
    """vdev->config->del_vqs: give the queues up."""
    if vqs is not None:
        yield vp_del_vqs(vqs)


def reset(status: Ref | None) -> Routine:
    """vdev->config->reset: reset the device."""
    if status is not None:
        yield vp_reset(status)


# -- locks, lists and wait queues, before anybody knows them --


@primitive()
def mutex_init(world: World, _thread: int, lock: Ref) -> None:
    """Make it a mutex that nobody holds."""
    world.take_lock(lock.number, NOBODY)


@primitive()
def spin_lock_init(world: World, _thread: int, lock: Ref) -> None:
    """Make it a spinlock that nobody holds."""
    world.take_lock(lock.number, NOBODY)


@primitive(touches=("lists",))
def init_list_head(world: World, _thread: int, pages: Ref) -> None:
    """INIT_LIST_HEAD: make it an empty list."""
    if world.list_pages(pages.number):
        raise KernelBugError("list corruption", f"{pages.name} is made an empty list while pages are on it")


@primitive(touches=("own sleep",))
def init_waitqueue_head(_world: World, _thread: int, _queue: Ref) -> None:
    """Make it a wait queue on which nobody sleeps. Nobody does before the driver's thread runs."""


# -- the thread --


def _made(world: World, _thread: int, task: Ref) -> bool:
    return world.values.get(task.number) == MADE


def _not_made(_world: World, _thread: int, _task: Ref) -> Blocked:
    return Blocked("idle", "somebody to load the driver")


@primitive()
def kthread_run(world: World, _thread: int, task: Ref, should_stop: Ref, exited: Ref, fault: Ref) -> int:
    """Make a thread and let it run. Nobody has asked it to stop. Returns 0, or -ENOMEM."""
    if _strikes(world, fault):
        return -errno.ENOMEM
    for value, number in ((should_stop, 0), (exited, 0), (task, MADE)):
        world.values.set(value.number, number)
    return 0


@primitive(_made, _not_made, rests=True)
def kthread_begin(world: World, _thread: int, task: Ref) -> None:
    """The thread begins. Until kthread_run has made it, it is not there."""
    world.values.set(task.number, RUNS)


@primitive()
def put_task_struct(world: World, _thread: int, task: Ref) -> None:
    """The last reference to a thread that has ended is dropped. Nothing of it is left."""
    world.values.set(task.number, 0)


def kthread_stop(task: Ref | None, should_stop: Ref, wakes: Ref, exited: Ref) -> Routine:
    """Sleep until a thread has ended. It is asked to, and woken."""
    yield write(should_stop, 1)
    yield wake_up(wakes)
    yield wait_for_completion(exited)
    if task is not None:
        yield put_task_struct(task)


# -- requests --


def _asked(world: World, _thread: int, request: Ref) -> bool:
    return bool(world.values.get(request.number))


def _not_asked(_world: World, _thread: int, _request: Ref) -> Blocked:
    return Blocked("idle", "a request to load, unload, suspend or resume")


@primitive(_asked, _not_asked, rests=True)
def driver_request(world: World, _thread: int, request: Ref) -> int:
    """Take up what is asked of the driver core. Returns what: to load, unload, suspend or resume."""
    return world.values.get(request.number)
