"""Locks: mutex, spinlock and page lock (Linux 3.6, include/linux/mutex.h, spinlock.h, pagemap.h)."""

from __future__ import annotations

from balloonlab.kernel.primitives.verb import Blocked, primitive
from balloonlab.kernel.world import NOBODY, Ref, World


def _free(world: World, _thread: int, lock: Ref) -> bool:
    return world.lock_holders[lock.number] == NOBODY


def _held(world: World, _thread: int, lock: Ref) -> Blocked:
    return Blocked("blocked", lock.name, world.lock_holders[lock.number])


def _page_free(world: World, _thread: int, page: int) -> bool:
    return page not in world.page_locks


def _page_held(world: World, _thread: int, page: int) -> Blocked:
    return Blocked("blocked", f"the lock of page {page:#x}", world.page_lock_holder(page))


@primitive(_free, _held)
def mutex_lock(world: World, thread: int, lock: Ref) -> None:
    """Take a sleeping lock; waits while anybody holds it. Even if it is this thread."""
    world.take_lock(lock.number, thread)


@primitive()
def mutex_trylock(world: World, thread: int, lock: Ref) -> bool:
    """Take the lock if it is free; never waits. Returns whether it was taken."""
    if world.lock_holders[lock.number] != NOBODY:
        return False
    world.take_lock(lock.number, thread)
    return True


@primitive()
def mutex_unlock(world: World, thread: int, lock: Ref) -> None:
    """Give the lock back; unlocking what one does not hold is a bug."""
    world.drop_lock(lock.number, thread)


@primitive(_free, _held, touches=("own sleep",))
def mutex_lock_slowpath(world: World, thread: int, lock: Ref) -> None:
    """Sleep for the lock and take it. Who has slept for a mutex runs on: it is asleep on no wait queue any more."""
    world.take_lock(lock.number, thread)
    world.sleep_on(thread, None)


@primitive(_free, _held)
def spin_lock(world: World, thread: int, lock: Ref) -> None:
    """Take a spinning lock with interrupts as they are."""
    world.take_lock(lock.number, thread)


@primitive()
def spin_unlock(world: World, thread: int, lock: Ref) -> None:
    """Give a spinning lock back."""
    world.drop_lock(lock.number, thread)


@primitive(_free, _held, touches=("interrupts",))
def spin_lock_irq(world: World, thread: int, lock: Ref) -> None:
    """Take a spinning lock with this CPU's interrupts off."""
    world.take_lock(lock.number, thread)
    world.turn_irqs_off(thread)


@primitive(touches=("interrupts",))
def spin_unlock_irq(world: World, thread: int, lock: Ref) -> None:
    """Give it back and turn interrupts on."""
    world.drop_lock(lock.number, thread)
    world.turn_irqs_on(thread)


@primitive(_free, _held, touches=("interrupts",))
def spin_lock_irqsave(world: World, thread: int, lock: Ref) -> None:
    """Take a spinning lock with this CPU's interrupts off. Whatever they were."""
    world.take_lock(lock.number, thread)
    world.turn_irqs_off(thread)


@primitive(touches=("interrupts",))
def spin_unlock_irqrestore(world: World, thread: int, lock: Ref) -> None:
    """Give it back and set interrupts as they were."""
    world.drop_lock(lock.number, thread)
    world.restore_irqs(thread)


@primitive(_page_free, _page_held, touches=("page locks",))
def lock_page(world: World, thread: int, page: int) -> None:
    """Take the lock bit of a page; waits while it is set."""
    world.take_page_lock(page, thread)


@primitive(touches=("page locks",))
def trylock_page(world: World, thread: int, page: int) -> bool:
    """Take the lock bit of a page if it is clear; never waits. Returns whether it was taken."""
    if page in world.page_locks:
        return False
    world.take_page_lock(page, thread)
    return True


@primitive(touches=("page locks",))
def unlock_page(world: World, _thread: int, page: int) -> None:
    """Clear the lock bit of a page. The kernel does not check who set it."""
    world.drop_page_lock(page)
