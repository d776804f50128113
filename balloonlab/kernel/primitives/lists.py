"""Lists of pages and shared numbers (Linux 3.6, include/linux/list.h and atomic.h)."""

from __future__ import annotations

from balloonlab.kernel.primitives.verb import primitive
from balloonlab.kernel.world import KernelBugError, Ref, World

POISON = -1  # what list_del leaves in page->lru


@primitive(touches=("lists",))
def list_first(world: World, _thread: int, pages: Ref) -> int | None:
    """The page at the head of the list, or None if the list is empty. It stays there."""
    page = world.frames.links.first(pages.number)
    return None if page < 0 else page


@primitive(touches=("lists",))
def list_next(world: World, _thread: int, page: int, pages: Ref) -> int | None:
    """What page->lru points to; None where `pages` ends. The page may be on another list by now.

    A page that is on no list any more points to POISON, and the head of another list is no page: a walk that stands
    there reads a wild pointer.
    """
    if not 0 <= page < world.frames.pages:
        raise KernelBugError("wild pointer", f"a walk of {pages.name} stands on something that is no page")
    if not world.frames.links.listed(page):
        return POISON
    node = world.frames.links.next[page]
    return None if node == pages.number else node


@primitive(touches=("lists",))
def list_pages(world: World, _thread: int, pages: Ref) -> tuple[int, ...]:
    """Every page of a list, head first. For lists that only this thread can see."""
    return world.list_pages(pages.number)


@primitive(touches=("lists",))
def list_add(world: World, _thread: int, page: int, pages: Ref) -> None:
    """Put a page at the head of the list."""
    world.list_add(page, pages.number)


@primitive(touches=("lists",))
def list_del(world: World, _thread: int, page: int) -> None:
    """Take a page off the list it is on."""
    world.list_del(page)


@primitive()
def read(world: World, _thread: int, value: Ref) -> int:
    """Read a shared number."""
    return world.values.get(value.number)


@primitive(touches=("counter",))
def write(world: World, _thread: int, value: Ref, amount: int) -> None:
    """Write a shared number."""
    world.values.set(value.number, amount)


@primitive(touches=("counter",))
def add(world: World, _thread: int, value: Ref, amount: int) -> None:
    """Add to a shared number that is not atomic. One step here: no other writer in these drivers."""
    world.values.set(value.number, world.values.get(value.number) + amount)


@primitive()
def atomic_read(world: World, _thread: int, value: Ref) -> int:
    """Read an atomic number. Two reads are two moments."""
    return world.values.get(value.number)


@primitive(touches=("counter",))
def atomic_set(world: World, _thread: int, value: Ref, amount: int) -> None:
    """Write an atomic number."""
    world.values.set(value.number, amount)


@primitive(touches=("counter",))
def atomic_add(world: World, _thread: int, amount: int, value: Ref) -> None:
    """Add to an atomic number."""
    world.values.set(value.number, world.values.get(value.number) + amount)


@primitive(touches=("counter",))
def atomic_sub(world: World, _thread: int, amount: int, value: Ref) -> None:
    """Subtract from an atomic number."""
    world.values.set(value.number, world.values.get(value.number) - amount)


@primitive(touches=("counter",))
def atomic_inc(world: World, _thread: int, value: Ref) -> None:
    """Add one to an atomic number."""
    world.values.set(value.number, world.values.get(value.number) + 1)


@primitive(touches=("counter",))
def atomic_dec(world: World, _thread: int, value: Ref) -> None:
    """Take one from an atomic number."""
    world.values.set(value.number, world.values.get(value.number) - 1)
