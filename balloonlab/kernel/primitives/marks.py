"""What marks a page as the balloon's and as movable: tests, sets and clears of PageFlag bits.

The mapping flag is v9's to Linux 3.17's (include/linux/balloon_compaction.h); PageBalloon with PG_private is Linux
3.18's to 4.7's (include/linux/mm.h, balloon_compaction.h); the movable type in page->mapping is Linux 6.1's
(mm/compaction.c, include/linux/page-flags.h); PG_movable_ops is Linux 7.2's (include/linux/page-flags.h).
"""

from __future__ import annotations

from enum import IntFlag

from balloonlab.kernel.primitives.verb import primitive
from balloonlab.kernel.world import KernelBugError, Ref, World
from balloonlab.memory.zone import PageState

_NO_ADDRESS, _FLAGS_AT = 0x54, 0x140  # as in the oops in linux-next, November 2012: a fault at 0x194


class PageFlag(IntFlag):
    """A mark on a page; the bits of World.page_flags. They go when the page returns to the allocator."""

    MAPPING = 1  # v9 to 3.8: page->mapping is the balloon's, whose flags have AS_BALLOON_MAP
    MOVABLE = 2  # 6.1: page->mapping has the type bit PAGE_MAPPING_MOVABLE; stays until the page is freed
    MOVABLE_OPS = 4  # 6.1: page->mapping holds the balloon's movable_operations; 7.2: PG_movable_ops, which stays
    ISOLATED = 8  # 6.1: PG_isolated; 7.2: PG_movable_ops_isolated
    OFFLINE = 16  # 6.1, 7.2: PageOffline; in 7.2 it stays until the page is freed
    PRIVATE = 32  # 6.1, 7.2: page->private is the balloon device
    BALLOON = 64  # 3.18 to 4.7: PageBalloon, a type that is kept in page->_mapcount
    PRIVATE_FLAG = 128  # 3.18 to 4.7: PG_private; on a balloon page it says that the page is on the balloon's list


FLAG_WORDS = {  # each mark as the page's line in a Lab says it
    PageFlag.MAPPING: "page->mapping is the balloon's",
    PageFlag.MOVABLE: "page->mapping says movable",
    PageFlag.MOVABLE_OPS: "the balloon moves it (movable_ops)",
    PageFlag.ISOLATED: "PG_isolated",
    PageFlag.OFFLINE: "PageOffline",
    PageFlag.PRIVATE: "page->private is the balloon",
    PageFlag.BALLOON: "PageBalloon",
    PageFlag.PRIVATE_FLAG: "PG_private",
}


def _has(world: World, page: int, flags: int) -> bool:
    return world.page_flags.get(page, 0) & flags == flags


def _set(world: World, page: int, flag: int) -> None:
    world.set_page_flags(page, world.page_flags.get(page, 0) | flag)


def _clear(world: World, page: int, flag: int) -> None:
    world.set_page_flags(page, world.page_flags.get(page, 0) & ~flag)


# -- v9 to 3.8: the flag of page->mapping --


@primitive(touches=("marks",))
def assign_balloon_mapping(world: World, _thread: int, page: int) -> None:
    """Mark the page as the balloon's in page->mapping."""
    _set(world, page, PageFlag.MAPPING)


@primitive(touches=("marks",))
def clear_balloon_mapping(world: World, _thread: int, page: int) -> None:
    """Take the balloon's mark off the page."""
    _clear(world, page, PageFlag.MAPPING)


@primitive(touches=("marks",))
def movable_balloon_page(world: World, _thread: int, page: int) -> bool:
    """Does page->mapping carry the balloon's mark? Asked without any lock."""
    return _has(world, page, PageFlag.MAPPING)


@primitive()
def kfree_mapping(world: World, _thread: int, mapping: Ref) -> None:
    """Free the object that the balloon's pages point to in page->mapping. `mapping` is 1 from then on."""
    world.values.set(mapping.number, 1)


@primitive()
def mapping_balloon(world: World, _thread: int, mapping: Ref) -> None:
    """Read the flags of the object whose address page->mapping gave. It has the balloon's."""
    if world.values.get(mapping.number):
        raise KernelBugError("use after free", "the flags of the balloon's mapping are read after it was freed")


@primitive()
def mapping_flags(world: World, _thread: int, page: int, other_mapping: Ref) -> None:
    """Follow page->mapping, and read the flags there. `other_mapping`: 1 + the page that holds no address there."""
    if world.values.get(other_mapping.number) == page + 1:
        what = f"page {page:#x} is another owner's, and what its mapping holds is no address"
        raise KernelBugError("wild read", f"{what}: flags are read at {_NO_ADDRESS + _FLAGS_AT:#x}")


@primitive(touches=("lists", "references", "marks", "page locks"))
def unused_balloon_page(world: World, _thread: int, page: int) -> bool:
    """3.8: is the page marked as the balloon's, and used by nobody? Neither locked nor on the LRU, one reference."""
    plain = page not in world.page_locks and world.frames.state_of[page] != PageState.MOVABLE
    return plain and world.refcounts.get(page, 0) == 1 and _has(world, page, PageFlag.MAPPING)


# -- 3.18 to 4.7: a type of its own, and PG_private --


@primitive(touches=("marks",))
def set_page_balloon(world: World, _thread: int, page: int) -> None:
    """__SetPageBalloon: the page is of the balloon's type. page->private = the device."""
    _set(world, page, PageFlag.BALLOON)


@primitive(touches=("marks",))
def clear_page_balloon(world: World, _thread: int, page: int) -> None:
    """__ClearPageBalloon: the page is an ordinary one again. page->private = 0."""
    _clear(world, page, PageFlag.BALLOON)


@primitive(touches=("marks",))
def page_balloon(world: World, _thread: int, page: int) -> bool:
    """PageBalloon: whether the page is of the balloon's type."""
    return _has(world, page, PageFlag.BALLOON)


@primitive(touches=("marks",))
def set_page_private_flag(world: World, _thread: int, page: int) -> None:
    """SetPagePrivate: the balloon page is on the balloon's list."""
    _set(world, page, PageFlag.PRIVATE_FLAG)


@primitive(touches=("marks",))
def clear_page_private_flag(world: World, _thread: int, page: int) -> None:
    """ClearPagePrivate: the balloon page is on the balloon's list no more."""
    _clear(world, page, PageFlag.PRIVATE_FLAG)


@primitive(touches=("marks",))
def page_private_flag(world: World, _thread: int, page: int) -> bool:
    """PagePrivate: whether the balloon page is on the balloon's list."""
    return _has(world, page, PageFlag.PRIVATE_FLAG)


# -- 6.1: a type bit and operations in page->mapping --


@primitive(touches=("marks",))
def set_page_movable(world: World, _thread: int, page: int) -> None:
    """__SetPageMovable: page->mapping gets the type bit. And its owner's operations."""
    _set(world, page, PageFlag.MOVABLE | PageFlag.MOVABLE_OPS)


@primitive(touches=("marks",))
def clear_page_movable(world: World, _thread: int, page: int) -> None:
    """__ClearPageMovable: the operations go. The type bit stays until the page is freed."""
    _clear(world, page, PageFlag.MOVABLE_OPS)


@primitive(touches=("marks",))
def page_looks_movable(world: World, _thread: int, page: int) -> bool:
    """__PageMovable: has page->mapping the type bit? Asked without the page's lock; it may be a stale one."""
    return _has(world, page, PageFlag.MOVABLE)


@primitive(touches=("marks",))
def page_movable(world: World, _thread: int, page: int) -> bool:
    """PageMovable: the type bit and operations. Asked under the page's lock."""
    return _has(world, page, PageFlag.MOVABLE | PageFlag.MOVABLE_OPS)


# -- 7.2: flags of their own --


@primitive(touches=("marks",))
def set_page_movable_ops(world: World, _thread: int, page: int) -> None:
    """SetPageMovableOps; it stays until the page is freed."""
    _set(world, page, PageFlag.MOVABLE_OPS)


@primitive(touches=("marks",))
def page_has_movable_ops(world: World, _thread: int, page: int) -> bool:
    """PG_movable_ops on a page whose type has operations. PageOffline, for the balloon."""
    return _has(world, page, PageFlag.MOVABLE_OPS | PageFlag.OFFLINE)


# -- 6.1 and 7.2 --


@primitive(touches=("marks",))
def set_page_isolated(world: World, _thread: int, page: int) -> None:
    """The core has isolated the page for migration."""
    _set(world, page, PageFlag.ISOLATED)


@primitive(touches=("marks",))
def clear_page_isolated(world: World, _thread: int, page: int) -> None:
    """The page is isolated no more."""
    _clear(world, page, PageFlag.ISOLATED)


@primitive(touches=("marks",))
def page_isolated(world: World, _thread: int, page: int) -> bool:
    """Is the page isolated for migration? Set and cleared under the page's lock."""
    return _has(world, page, PageFlag.ISOLATED)


@primitive(touches=("marks",))
def set_page_offline(world: World, _thread: int, page: int) -> None:
    """The page's type says that its content is not to be touched."""
    _set(world, page, PageFlag.OFFLINE)


@primitive(touches=("marks",))
def clear_page_offline(world: World, _thread: int, page: int) -> None:
    """The page is an ordinary one again."""
    _clear(world, page, PageFlag.OFFLINE)


@primitive(touches=("marks",))
def set_page_private(world: World, _thread: int, page: int, owned: bool) -> None:  # noqa: FBT001  (device or 0)
    """page->private = the balloon device, or 0."""
    (_set if owned else _clear)(world, page, PageFlag.PRIVATE)


@primitive(touches=("marks",))
def page_private(world: World, _thread: int, page: int) -> bool:
    """Is page->private the balloon device? (balloon_page_device)."""
    return _has(world, page, PageFlag.PRIVATE)
