"""Members of the structure that a driver's routines share: what each is, what guards it, and which step touches which.

A guard is what the text's own comments say, and nothing that the machine enforces: whether it is kept is a question
that a step, or an exploration, answers.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from balloonlab.kernel.world import World

ALONE = "only "  # and the name of the thread that may touch it, if no lock is meant to guard it
OWN = "its own lock"  # a wait queue, or a work item, brings one
LOCK = "is a lock"
UNSAID = "nobody says"
HERE = "list_del"  # the list that it touches is not among its arguments: the one that the page is on

READS = frozenset(("read", "atomic_read", "list_first", "list_next", "list_pages"))
HOSTS = frozenset(("host_read", "host_acknowledge", "host_acknowledge_stats", "host_wants_stats"))
_SENT = (("num_pfns", False), ("pfns", False))
# What a verb touches beside the object that it is given: which, and whether it is written.
BESIDE: dict[str, tuple[tuple[str, bool], ...]] = {
    "set_page_pfns": (("pfns", True),),
    "copy_pfns": (("pfns", True),),
    "read_pfns": (("pfns", False),),
    "read_pfn": (("pfns", False),),
    "virtqueue_add": _SENT,
    "virtqueue_add_outbuf": _SENT,
    "collect_stats": (("stats", True),),
    "virtqueue_add_stats": (("stats", False),),
    # the interrupt handler's
    "host_acknowledge_stats": (("need_stats_update", True), ("update_balloon_stats_work", True)),
}


class Touch(NamedTuple):
    """A step's access to an object of that name."""

    obj: str
    writes: bool


def touched(verb: str, obj: str) -> list[Touch]:
    """The objects that a statement touches, by its verb and the name of the first object it is given ("" if none)."""
    given = [Touch(obj, verb not in READS)] if obj and verb not in HOSTS else []
    return given + [Touch(*each) for each in BESIDE.get(verb, ())]


def list_of(world: World, page: int) -> str:
    """The name of the list that a page is on, "" if it is on none that is known."""
    return next((name for name, head in world.lists.items() if page in world.list_pages(head)), "")


def kept_with(guard: str, held: Collection[str], name: str) -> bool | None:
    """Whether a thread of that name that holds these locks keeps to a guard; None where nothing is asked of it."""
    if guard.startswith(ALONE):
        return name == guard.removeprefix(ALONE)
    return None if guard in (OWN, LOCK, UNSAID) else guard in held
