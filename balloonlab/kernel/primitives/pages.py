"""Pages: allocation, references, the LRU, BUG_ON and WARN_ON (Linux 3.6, mm/page_alloc.c, include/linux/mm.h)."""

from __future__ import annotations

from balloonlab.kernel.primitives.verb import Blocked, primitive
from balloonlab.kernel.world import KernelBugError, World
from balloonlab.memory.zone import PageState


def _no_need_to_wait(world: World, _thread: int, _migratetype: int) -> bool:
    if not world.throttled or any(buddy.free_pages for buddy in world.buddies):
        return True
    return not any(state in world.frames.state_of for state in (PageState.ISOLATED, PageState.ISOLATED_MOVABLE))


def _too_many_isolated(_world: World, _thread: int, _migratetype: int) -> Blocked:
    return Blocked("asleep", "isolated pages to come back")


@primitive(_no_need_to_wait, _too_many_isolated, touches=("lists", "references"))
def alloc_page(world: World, _thread: int, migratetype: int) -> int | None:
    """One page of the wanted mobility, or None. Never retries, never reaches for the reserves (NORETRY, NOMEMALLOC).

    In a world with a placement (memory/placement.py) it takes the page that this chooses, of whatever mobility.
    Without a free page it looks for one that can be reclaimed. That is not modelled, but for one thing, and only in a
    `throttled` world: shrink_inactive_list sleeps as long as too many pages are isolated (mm/vmscan.c).
    """
    return world.alloc_page(migratetype)


@primitive(touches=("lists", "references", "marks"))
def free_page(world: World, _thread: int, page: int) -> int:
    """__free_page: drop a reference; the last one frees the page. Returns the references left."""
    return world.put_page(page)


@primitive(touches=("lists", "references", "marks"))
def put_page(world: World, _thread: int, page: int) -> int:
    """Drop a reference; the last one returns the page to the allocator. Returns the references left."""
    return world.put_page(page)


@primitive(touches=("references",))
def get_page_unless_zero(world: World, _thread: int, page: int) -> bool:
    """Take a reference, but not on a free page. Returns whether it was taken."""
    count = world.refcounts.get(page, 0)
    if count:
        world.set_refcount(page, count + 1)
    return bool(count)


@primitive(touches=("references",))
def page_count(world: World, _thread: int, page: int) -> int:
    """The page's references."""
    return world.refcounts.get(page, 0)


@primitive(touches=("references",))
def get_page(world: World, _thread: int, page: int) -> None:
    """Take one more reference."""
    world.set_refcount(page, world.refcounts.get(page, 0) + 1)


@primitive(touches=("lists", "references"))
def isolate_lru_page(world: World, _thread: int, page: int) -> bool:
    """Take a page off the kernel's LRU lists if it is still there. Returns whether it was.

    References of workload pages are not modelled; a page that has counted ones (a balloon page that got there by
    mistake) gets one more.
    """
    if world.frames.state_of[page] != PageState.MOVABLE:
        return False
    if count := world.refcounts.get(page, 0):
        world.set_refcount(page, count + 1)
    return True


@primitive(touches=("lists",))
def lru_cache_add(world: World, _thread: int, page: int) -> None:
    """putback_lru_page, first half: put a page on the kernel's LRU lists. Its one pair of links, page->lru, is used.

    The second half drops a reference.
    """
    if world.frames.links.listed(page):
        raise KernelBugError("list corruption", f"page {page:#x} is put on the LRU while it is on a list")
    world.frames.set_state(page, PageState.MOVABLE)


@primitive(touches=("lists", "references"))
def shrink_page_list(world: World, _thread: int) -> bool:
    """Reclaim drops one clean page of the page cache, the lowest. Returns whether there was one.

    References of workload pages are not modelled: a page with counted ones is the balloon's.
    """
    for page, state in enumerate(world.frames.state_of):
        if state == PageState.MOVABLE and page not in world.refcounts:
            world.buddy_of(page).free(page, 0)
            return True
    return False


@primitive()
def bug_on(_world: World, _thread: int, condition: bool, what: str) -> None:  # noqa: FBT001  (the kernel's BUG_ON)
    """BUG_ON: stop here for good if the condition holds. Its author believed it impossible."""
    if condition:
        raise KernelBugError("BUG", f"BUG_ON({what})")


@primitive(prints=True)
def warn_on(_world: World, _thread: int, condition: bool, what: str) -> bool:  # noqa: ARG001, FBT001  (WARN_ON)
    """WARN_ON: if the condition holds, complain and go on. Returns whether it held."""
    return condition
