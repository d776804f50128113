"""Pages: allocation, references, the balloon mark in page->mapping, BUG_ON (Linux 3.6, mm/page_alloc.c, mm.h)."""

from __future__ import annotations

from balloonlab.kernel.primitives.verb import primitive
from balloonlab.kernel.world import KernelBugError, World
from balloonlab.memory.zone import PageState


@primitive()
def alloc_page(world: World, _thread: int, migratetype: int) -> int | None:
    """One page of the wanted mobility, or None. Never retries, never reaches for the reserves (NORETRY, NOMEMALLOC)."""
    return world.alloc_page(migratetype)


@primitive()
def free_page(world: World, _thread: int, page: int) -> int:
    """__free_page: drop a reference; the last one returns the page to the allocator. Returns the references left."""
    return world.put_page(page)


@primitive()
def put_page(world: World, _thread: int, page: int) -> int:
    """Drop a reference; the last one returns the page to the allocator. Returns the references left."""
    return world.put_page(page)


@primitive()
def get_page_unless_zero(world: World, _thread: int, page: int) -> bool:
    """Take a reference, but not on a free page. Returns whether it was taken."""
    count = world.refcounts.get(page, 0)
    if count:
        world.set_refcount(page, count + 1)
    return bool(count)


@primitive()
def page_count(world: World, _thread: int, page: int) -> int:
    """The page's references."""
    return world.refcounts.get(page, 0)


@primitive()
def assign_balloon_mapping(world: World, _thread: int, page: int) -> None:
    """Mark the page as the balloon's in page->mapping."""
    world.set_mapped(page, 1)


@primitive()
def clear_balloon_mapping(world: World, _thread: int, page: int) -> None:
    """Take the balloon's mark off the page."""
    world.set_mapped(page, 0)


@primitive()
def movable_balloon_page(world: World, _thread: int, page: int) -> bool:
    """Does page->mapping carry the balloon's mark? Asked without any lock."""
    return bool(world.mapped.get(page, 0))


@primitive()
def isolate_lru_page(world: World, _thread: int, page: int) -> bool:
    """Take a workload page off the kernel's LRU lists if it is still there. Returns whether it was."""
    return world.frames.state_of[page] == PageState.MOVABLE


@primitive()
def bug_on(_world: World, _thread: int, condition: bool, what: str) -> None:  # noqa: FBT001  (the kernel's BUG_ON)
    """BUG_ON: a condition the author believed impossible. If it holds, the thread stops here for good."""
    if condition:
        raise KernelBugError("BUG", f"BUG_ON({what})")
