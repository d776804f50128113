"""The world: every piece of state that threads share, and the only code that changes it.

Primitives (the verbs of the driver text) are thin names over this class. All changes are journaled, so any moment of
a run can be restored. Pages are guest PFNs; a lock's holder and a sleeper are thread numbers, -1 means nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from balloonlab.foundations.journal import Kind, Setter
from balloonlab.host.host import ARRAY_PFNS_MAX, BALLOON_PAGE_SIZE, Host
from balloonlab.kernel.not_a_value import stands_for_a_value
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.picked_pages import Control
from balloonlab.memory.placement import Placement
from balloonlab.memory.zone import PageFrames, PageState

NOBODY = -1
PAGE_SIZES = (4096, 16384, 65536)
KIND_WORDS = {
    "value": "a shared number",
    "tally": "a shared number",
    "lock": "a lock",
    "list": "a list of pages",
    "wait queue": "a wait queue",
    "queue": "a virtqueue",
    "compact control": "a compactor",
}
_INSTEAD = {
    "lock": "`yield mutex_lock({0})` and, when done, `yield mutex_unlock({0})`",
    "list": "`(yield list_first({}))`, which is None if it is empty",
    "wait queue": "`yield from wait_event({}, condition)`",
    "queue": "`(yield virtqueue_get_buf({}))`",
    "compact control": "`(yield compact_finished({}))`",
}


def _instead_of(ref: Ref) -> str:
    instead = _INSTEAD.get(ref.kind, "`(yield read({}))`").format(ref.name)
    return f"{ref.name} is only the name of {KIND_WORDS[ref.kind]}; write {instead}."


@stands_for_a_value(_instead_of)
class Ref(NamedTuple):
    """The name of a shared object, as driver text holds it. It is a key, and nobody's value (not_a_value.py).

    kind: "lock", "list", "value", "tally", "wait queue", "queue" (a virtqueue) or "compact control".
    """

    kind: str
    number: int
    name: str


class Member(NamedTuple):
    """A member of the structure that the driver's routines share.

    name, ctype: as C has them. obj: the name of the shared object that it is, as steps have it; "" if it is none. kind:
    of that object: a Ref's, or "pfns", "stats", "work", "pointer" (to what `now` says, 0 if it is not there), or ""
    where `now` is all there is to say. number: the Ref's.
    guard: what is to be held by whoever touches it, by the text's own comments: a lock's name, or words (members.py).
    """

    name: str
    ctype: str
    obj: str
    kind: str
    number: int
    guard: str
    now: str = ""


class KernelBugError(Exception):
    """The kernel noticed, or would have noticed, that it is broken: the thread that hits it does not go on.

    where: the line of driver text at which it did, in words; "" where nobody knows, or the text says it.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.where = ""


class World:
    """Shared state of one guest and its host.

    page_size: bytes of a guest page. pages_per_page: 4 KiB balloon pages in one guest page (1, 4 or 16).
    buddies: the zones' allocators in the order an allocation tries them. placement: which block of a zone the driver's
    pages are taken from, None for the allocator's own choice.
    """

    def __init__(
        self,
        frames: PageFrames,
        buddies: list[Buddy],
        host: Host,
        page_size: int = 4096,
        placement: Placement | None = None,
    ) -> None:
        self.frames = frames
        self.journal = frames.journal
        self.values = frames.values
        self.buddies = buddies
        self.host = host
        self.page_size = page_size
        self.placement = placement
        self.pages_per_page = page_size // BALLOON_PAGE_SIZE
        self.lock_names: list[str] = []
        self.lock_holders: list[int] = []
        self.wait_queues: list[str] = []
        self.irqs_off: dict[int, int] = {}  # thread: slot of how often it turned interrupts off, if one may come in
        self.throttled = False  # whether an allocation that finds no page waits while pages are isolated
        self.gates: set[int] = set()  # slots of numbers that a primitive may wait for
        self.tallies: set[int] = set()  # slots of numbers that are kept for statistics only
        self.members: tuple[Member, ...] = ()  # of the structure that the driver shares, for people
        self.places: Mapping[str, str] = {}  # where in the kernel a routine of driver text begins, in words, for people
        self.controls: list[Control] = []  # one a zone, for the compacting thread
        self.moves: list[tuple[int, int]] | None = None  # a whole operation may collect (old, new) here
        self.lists: dict[str, int] = {}
        self._member_state: dict[int, int] = {}
        self.page_locks: dict[int, int] = {}
        self.refcounts: dict[int, int] = {}
        self.page_flags: dict[int, int] = {}  # PageFlag bits by which a page is known as the balloon's
        self.sleeping: list[int] = []
        self.slots = [0] * ARRAY_PFNS_MAX
        own = self.journal.owns
        own(Kind.LOCK, self.lock_holders.__setitem__)
        own(Kind.PAGE_LOCK, _sparse(self.page_locks, NOBODY))
        own(Kind.REFCOUNT, _sparse(self.refcounts, 0))
        own(Kind.PAGE_FLAGS, _sparse(self.page_flags, 0))
        own(Kind.SLOT, self.slots.__setitem__)
        own(Kind.SLEEP, self.sleeping.__setitem__)

    # -- making shared objects (before the machine starts; not journaled) --

    def new_lock(self, name: str) -> Ref:
        self.lock_names.append(name)
        self.lock_holders.append(NOBODY)
        return Ref("lock", len(self.lock_names) - 1, name)

    def new_list(self, name: str, member_state: int) -> Ref:
        """A list of pages; a page on it has state `member_state`."""
        head = self.frames.links.new_list(name)
        return self.known_list(name, head, member_state)

    def known_list(self, name: str, head: int, member_state: int) -> Ref:
        """A list somebody else made, to be shown and used under `name`."""
        self.lists[name] = head
        self._member_state[head] = member_state
        return Ref("list", head, name)

    def new_value(self, name: str, number: int = 0, unit: str = "") -> Ref:
        return Ref("value", self.values.declare(name, number, unit), name)

    def new_tally(self, name: str, unit: str = "") -> Ref:
        """A number that is kept for statistics only: hardly anything that anybody does depends on it."""
        tally = Ref("tally", self.values.declare(name, 0, unit), name)
        self.tallies.add(tally.number)
        return tally

    def new_gate(self, name: str) -> Ref:
        """A shared number that some primitive waits for."""
        gate = self.new_value(name)
        self.gates.add(gate.number)
        return gate

    def new_wait_queue(self, name: str) -> Ref:
        self.wait_queues.append(name)
        return Ref("wait queue", len(self.wait_queues) - 1, name)

    # -- locks --

    def take_lock(self, lock: int, thread: int) -> None:
        self._note(Kind.LOCK, lock, self.lock_holders[lock], thread)
        self.lock_holders[lock] = thread

    def drop_lock(self, lock: int, thread: int) -> None:
        if self.lock_holders[lock] != thread:
            raise KernelBugError("bad unlock", f"{self.lock_names[lock]} is unlocked by a thread that does not hold it")
        self.take_lock(lock, NOBODY)

    def turn_irqs_off(self, thread: int) -> None:
        """Turn interrupts off on the thread's CPU, and remember that once more."""
        if (slot := self.irqs_off.get(thread)) is not None:
            self.values.set(slot, self.values.get(slot) + 1)

    def restore_irqs(self, thread: int) -> None:
        """Undo one turning off: interrupts come on with the first one's."""
        if (slot := self.irqs_off.get(thread)) is not None:
            self.values.set(slot, max(0, self.values.get(slot) - 1))

    def turn_irqs_on(self, thread: int) -> None:
        """Turn interrupts on, however often they were turned off."""
        if (slot := self.irqs_off.get(thread)) is not None:
            self.values.set(slot, 0)

    def page_lock_holder(self, page: int) -> int:
        return self.page_locks.get(page, NOBODY)

    def take_page_lock(self, page: int, thread: int) -> None:
        old = self.page_locks.get(page, NOBODY)
        self._note(Kind.PAGE_LOCK, page, old, thread)
        if thread == NOBODY:
            del self.page_locks[page]
        else:
            self.page_locks[page] = thread

    def drop_page_lock(self, page: int) -> None:
        """Clear the lock bit. Like the kernel's, it does not ask who set it; it must be set."""
        if page not in self.page_locks:
            raise KernelBugError("bad unlock", f"page {page:#x} is unlocked but was not locked")
        self.take_page_lock(page, NOBODY)

    # -- pages --

    def set_refcount(self, page: int, count: int) -> None:
        old = self.refcounts.get(page, 0)
        self._note(Kind.REFCOUNT, page, old, count)
        if count:
            self.refcounts[page] = count
        else:
            self.refcounts.pop(page, None)

    def set_page_flags(self, page: int, flags: int) -> None:
        """Give the page exactly these PageFlag bits."""
        old = self.page_flags.get(page, 0)
        if old != flags:
            self._note(Kind.PAGE_FLAGS, page, old, flags)
            if flags:
                self.page_flags[page] = flags
            else:
                del self.page_flags[page]

    def alloc_page(self, migratetype: int) -> int | None:
        """One order-0 page with one reference, or None when every zone is empty. A placement asks for no type."""
        placement = self.placement
        for buddy in self.buddies:
            page = buddy.alloc(0, migratetype) if placement is None else placement.alloc(buddy)
            if page is not None:
                self.set_refcount(page, 1)
                return page
        return None

    def put_page(self, page: int) -> int:
        """Drop one reference; the last one gives the page back to its zone. Returns the references left."""
        left = self.refcounts.get(page, 0) - 1
        if left < 0:
            raise KernelBugError("double free", f"page {page:#x} is freed but has no reference left")
        if left == 0 and self.frames.links.listed(page):
            raise KernelBugError("use after free", f"page {page:#x} is freed while it is still on a list")
        self.set_refcount(page, left)
        if left == 0:
            self.set_page_flags(page, 0)
            self.buddy_of(page).free(page, 0)
        return left

    def buddy_of(self, page: int) -> Buddy:
        return next(b for b in self.buddies if b.zone.start <= page < b.zone.end)

    def pfns_of(self, page: int) -> range:
        """The 4 KiB PFNs of a guest page."""
        return range(page * self.pages_per_page, (page + 1) * self.pages_per_page)

    # -- lists --

    def list_add(self, page: int, head: int) -> None:
        if self.frames.links.listed(page):
            raise KernelBugError("list corruption", f"page {page:#x} is added to a list while it is on one already")
        self.frames.links.add(page, head)
        self.frames.set_state(page, self._member_state.get(head, PageState.IN_TRANSIT))

    def list_del(self, page: int) -> None:
        if not self.frames.links.listed(page):
            raise KernelBugError("list corruption", f"page {page:#x} is deleted from a list but is on none")
        self.frames.links.delete(page)
        self.frames.set_state(page, PageState.IN_TRANSIT)

    def list_pages(self, head: int) -> tuple[int, ...]:
        """Pages of a list, head first."""
        return tuple(self.frames.links.walk(head))

    # -- the driver's array of PFNs --

    def set_slot(self, index: int, pfn: int) -> None:
        """Write vb->pfns[index], and with it every message that points there and that the host has yet to read."""
        if not 0 <= index < len(self.slots):
            raise KernelBugError("array overrun", f"vb->pfns[{index}] is written; the array has {len(self.slots)}")
        self._note(Kind.SLOT, index, self.slots[index], pfn)
        self.slots[index] = pfn
        self.host.messages.overwrite(index, pfn)

    # -- sleeping --

    def sleep_on(self, thread: int, queue: int | None) -> None:
        """Put the thread on a wait queue (None: awake)."""
        new = 0 if queue is None else queue + 1
        old = self.sleeping[thread]
        if old != new:
            self._note(Kind.SLEEP, thread, old, new)
            self.sleeping[thread] = new

    def wake_up(self, queue: int) -> int:
        """Wake every thread on the queue; returns how many were asleep."""
        woken = [t for t, s in enumerate(self.sleeping) if s == queue + 1]
        for thread in woken:
            self.sleep_on(thread, None)
        return len(woken)

    # -- reading for people --

    def states(self) -> np.ndarray:
        """Read-only view of the page states (uint8, PageState codes)."""
        view = self.frames.states.view()
        view.flags.writeable = False
        return view

    def _note(self, kind: int, key: int, old: int, new: int) -> None:
        if self.journal.recording:
            self.journal.note(kind, key, old, new)


def _sparse(table: dict[int, int], empty: int) -> Setter:
    def put(key: int, value: int) -> None:
        if value == empty:
            table.pop(key, None)
        else:
            table[key] = value

    return put
