"""Steps of compaction that touch shared state: scanners and what they set aside (mm/compaction.c, migrate.c)."""

from __future__ import annotations

from balloonlab.kernel.primitives.verb import Blocked, primitive
from balloonlab.kernel.world import Ref, World
from balloonlab.memory.zone import PageState


def _wanted(world: World, _thread: int, request: Ref) -> bool:
    return world.values.get(request.number) > 0


def _not_wanted(_world: World, _thread: int, _request: Ref) -> Blocked:
    return Blocked("idle", "somebody to ask for compaction")


@primitive(_wanted, _not_wanted, rests=True)
def compaction_wanted(world: World, _thread: int, request: Ref) -> None:
    """Take up a request to compact. A write to /proc/sys/vm/compact_memory."""
    world.values.set(request.number, 0)


@primitive(touches=("scanners", "lists"))
def compact_begin(world: World, _thread: int, cc: Ref) -> None:
    """Put both scanners at the ends of the zone."""
    world.controls[cc.number].begin()


@primitive(touches=("scanners",))
def compact_finished(world: World, _thread: int, cc: Ref) -> bool:
    """Whether the scanners have met."""
    return world.controls[cc.number].finished()


@primitive(touches=("scanners", "lists"))
def begin_batch(world: World, _thread: int, cc: Ref) -> None:
    """Start a batch at the migrate scanner: choose how far it may scan."""
    world.controls[cc.number].begin_batch()


@primitive(touches=("scanners", "lists"))
def next_candidate(world: World, _thread: int, cc: Ref) -> int | None:
    """Move the migrate scanner to the next page that may be movable. None: the batch ends."""
    return world.controls[cc.number].next_candidate()


@primitive(touches=("scanners", "lists"))
def list_add_isolated(world: World, _thread: int, page: int, cc: Ref) -> None:
    """Put an isolated page on the compactor's private list, migratepages."""
    if world.frames.state_of[page] == PageState.IN_TRANSIT:  # the driver took it off the balloon's list
        world.frames.set_state(page, PageState.ISOLATED)
    world.controls[cc.number].isolated(page)


@primitive(touches=("scanners", "lists", "references"))
def compaction_alloc(world: World, _thread: int, cc: Ref) -> int | None:
    """Take a page to migrate to from those set aside. Runs the free scanner when none is left. None: out of targets."""
    page = world.controls[cc.number].alloc_target()
    if page is not None:
        world.set_refcount(page, 1)
    return page


@primitive(touches=("scanners", "lists", "references"))
def compaction_free(world: World, _thread: int, page: int, cc: Ref) -> None:
    """Give an unused target back to those set aside."""
    world.set_refcount(page, 0)
    world.controls[cc.number].give_back_target(page)


@primitive(touches=("scanners", "lists", "references"))
def move_lru_page(world: World, _thread: int, page: int, newpage: int, cc: Ref) -> None:
    """Copy a workload page. Switch its users to the copy, free the old page."""
    world.set_refcount(newpage, 0)  # references of workload pages are not modelled
    world.controls[cc.number].moved(page, newpage)
    if world.moves is not None:
        world.moves.append((page, newpage))


@primitive(touches=("scanners", "lists"))
def list_del_migrated(world: World, _thread: int, page: int, newpage: int, cc: Ref) -> None:
    """Count a migrated page. Takes it off migratepages if the driver has not; the caller drops its references."""
    world.controls[cc.number].moved(page, newpage, settled=True, free_old=False)
    if world.moves is not None:
        world.moves.append((page, newpage))


@primitive(touches=("scanners", "lists", "references", "marks"))
def putback_lru_page(world: World, _thread: int, page: int, cc: Ref) -> None:
    """Put an isolated page back on the kernel's LRU lists. Drops the reference of its isolation.

    The LRU does not ask what the page is. References of workload pages are not modelled.
    """
    world.controls[cc.number].put_back(page, settled=True)
    world.frames.set_state(page, PageState.MOVABLE)
    if world.refcounts.get(page, 0):
        world.put_page(page)


@primitive(touches=("scanners",))
def end_batch(world: World, _thread: int, cc: Ref) -> None:
    """Count the batch. In compact_blocks_moved, compact_pages_moved, compact_pagemigrate_failed."""
    world.controls[cc.number].end_batch()


@primitive(touches=("scanners", "lists"))
def release_freepages(world: World, _thread: int, cc: Ref) -> None:
    """Give the targets that were not needed back to the allocator."""
    world.controls[cc.number].release()


@primitive(touches=("counter",))
def count_vm_event(world: World, _thread: int, counter: Ref) -> None:
    """Add one to a counter of /proc/vmstat."""
    world.values.set(counter.number, world.values.get(counter.number) + 1)
