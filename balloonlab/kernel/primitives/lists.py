"""Lists of pages and shared numbers (Linux 3.6, include/linux/list.h and atomic.h)."""

from __future__ import annotations

from balloonlab.kernel.primitives.verb import primitive
from balloonlab.kernel.world import Ref, World


@primitive()
def list_first(world: World, _thread: int, pages: Ref) -> int | None:
    """The page at the head of the list, or None if the list is empty. It stays there."""
    page = world.frames.links.first(pages.number)
    return None if page < 0 else page


@primitive()
def list_pages(world: World, _thread: int, pages: Ref) -> tuple[int, ...]:
    """Every page of a list, head first. For lists that only this thread can see."""
    return world.list_pages(pages.number)


@primitive()
def list_add(world: World, _thread: int, page: int, pages: Ref) -> None:
    """Put a page at the head of the list."""
    world.list_add(page, pages.number)


@primitive()
def list_del(world: World, _thread: int, page: int) -> None:
    """Take a page off the list it is on."""
    world.list_del(page)


@primitive()
def read(world: World, _thread: int, value: Ref) -> int:
    """Read a shared number."""
    return world.values.get(value.number)


@primitive()
def write(world: World, _thread: int, value: Ref, amount: int) -> None:
    """Write a shared number."""
    world.values.set(value.number, amount)


@primitive()
def add(world: World, _thread: int, value: Ref, amount: int) -> None:
    """Add to a shared number that is not atomic (one step here: no other writer in these drivers)."""
    world.values.set(value.number, world.values.get(value.number) + amount)


@primitive()
def atomic_read(world: World, _thread: int, value: Ref) -> int:
    """Read an atomic number. Two reads are two moments."""
    return world.values.get(value.number)


@primitive()
def atomic_add(world: World, _thread: int, amount: int, value: Ref) -> None:
    """Add to an atomic number."""
    world.values.set(value.number, world.values.get(value.number) + amount)


@primitive()
def atomic_sub(world: World, _thread: int, amount: int, value: Ref) -> None:
    """Subtract from an atomic number."""
    world.values.set(value.number, world.values.get(value.number) - amount)


@primitive()
def atomic_inc(world: World, _thread: int, value: Ref) -> None:
    """Add one to an atomic number."""
    world.values.set(value.number, world.values.get(value.number) + 1)


@primitive()
def atomic_dec(world: World, _thread: int, value: Ref) -> None:
    """Take one from an atomic number."""
    world.values.set(value.number, world.values.get(value.number) - 1)
