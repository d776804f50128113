"""What the review asks for beyond the invariants, as properties: how to wait, in which order to lock, and so on.

Each is a sentence about states, true of a driver that does it well; the finding says where it does not hold. They look
at what a thread is about to do (its pending primitive) and at the locks, lists and messages of that moment.
"""

from __future__ import annotations

from collections.abc import Callable

from balloonlab.explore.learn.subject import Property
from balloonlab.foundations.words import counted
from balloonlab.guest.guest import Guest
from balloonlab.host.host import MessageStatus, Queue
from balloonlab.kernel.primitives import Primitive
from balloonlab.kernel.thread import Thread
from balloonlab.kernel.world import NOBODY, Ref
from balloonlab.memory.zone import PageState

DEQUEUE = ("balloon_page_dequeue", "balloon_page_list_dequeue")  # the core's: they go on to the next page
Check = Callable[[], None]


def _about_to(thread: Thread, *verbs: str) -> Primitive | None:
    """What the thread will do next, if it is one of these verbs."""
    pending = thread.pending
    return pending if pending is not None and pending.verb.name in verbs else None


def _own(guest: Guest) -> Thread:
    """The thread that resizes the balloon."""
    return guest.machine.thread(guest.driver.threads[0].name)


def _queued(guest: Guest, thread: Thread) -> bool:
    """Whether the thread is on the wait queue config_change, not woken yet."""
    return guest.world.sleeping[thread.index] == guest.vb.config_change.number + 1


def _waits_for_pages(guest: Guest) -> bool:
    """Whether the driver's thread sleeps until isolated pages come back."""
    own = _own(guest)
    return _about_to(own, "schedule") is not None and _queued(guest, own) and "leak_balloon" in own.calls


# -- waiting --


def looks_where_pages_are(guest: Guest) -> Property:
    """V4: v9 and v10 compare counters to know whether pages are listed; with one unit for both they would know."""

    def check() -> None:
        own = _own(guest)
        if _about_to(own, "list_first") is not None and own.calls[-1] in ("leak_balloon", "do_leak_balloon"):
            assert guest.balloon_list, "leak_balloon found enough pages by its counters, and the list is empty"

    return Property("who goes for a page finds one", "accounting", "always", (_own(guest).name, "lists"), check)


def wakes_for_a_page_it_can_have(guest: Guest) -> Property:
    """V6: a wake-up comes when the page can be used."""

    def check() -> None:
        compactor, world = guest.machine.thread("compactor"), guest.world
        if _about_to(compactor, "wake_up") is not None and _waits_for_pages(guest):
            head = guest.balloon_list[:1]
            free = [page for page in head if world.page_lock_holder(page) != compactor.index]
            assert free, "the compactor wakes who waits for a page, and still holds the lock of the page at the head"

    reads = (_own(guest).name, "compactor", "lists", "page locks", "all sleeps")
    return Property("who is woken can go on", "wait design", "always", reads, check)


def takes_what_is_there(guest: Guest) -> Property:
    """V7: nobody sleeps for all pages while some could be had."""

    def check() -> None:
        listed = len(guest.balloon_list)
        assert not (listed and _waits_for_pages(guest)), f"leak_balloon sleeps, and {listed} of its pages could be had"

    reads = (_own(guest).name, "lists", "all sleeps")
    return Property("leak_balloon takes what is there", "starvation", "always", reads, check)


def sleeps_for_one_thing(guest: Guest) -> Property:
    """R2: the condition of a wait must not sleep itself."""

    def check() -> None:
        own = _own(guest)
        if _about_to(own, "mutex_lock", "mutex_lock_slowpath", "lock_page", "prepare_to_wait") is not None:
            what = "has queued up on config_change to sleep, and sleeps for something else in its condition"
            assert not _queued(guest, own), f"{own.name} {what}"

    return Property("a condition does not sleep", "wait design", "always", (_own(guest).name, "all sleeps"), check)


def passes_over_locked_pages(guest: Guest) -> Property:
    """V18: a locked page at the head keeps nobody from the pages behind it."""

    def check() -> None:
        own, locks = _own(guest), guest.world.page_locks
        tried = _about_to(own, "trylock_page")
        if tried is not None and own.calls[-1] in ("leak_balloon", "do_leak_balloon") and tried.args[0] in locks:
            others = [page for page in guest.balloon_list if page not in locks]
            assert not others, "leak_balloon tries a locked page and no other, and a page behind it is unlocked"

    reads = (_own(guest).name, "lists", "page locks")
    return Property("a locked page is passed over", "fairness", "always", reads, check)


def can_be_frozen(guest: Guest) -> Property:
    """V8: a thread that is to be frozen does not sleep where it cannot be."""

    def check() -> None:
        freezing = guest.world.values.get(guest.vb.freezing.number)
        assert not (freezing and _waits_for_pages(guest)), "the system waits to freeze a thread that waits for pages"

    reads = (_own(guest).name, "freezing", "all sleeps")
    return Property("who is to be frozen can be", "suspend hang", "always", reads, check)


def nobody_complains(guest: Guest) -> Property:
    """V12: no WARN_ON where nothing is wrong."""

    def check() -> None:
        warning = _about_to(guest.machine.thread("compactor"), "warn_on")
        if warning is not None:
            condition, what = warning.args
            assert not condition, f"the compactor warns of {what}"

    return Property("nobody complains", "warning", "always", ("compactor",), check)


# -- locks --


def never_sleeps_for_it_under_a_page_lock(guest: Guest) -> Property:
    """V15: migration does not sleep for balloon_lock."""

    def check() -> None:
        compactor, lock = guest.machine.thread("compactor"), guest.vb.balloon_lock
        wanted = _about_to(compactor, "mutex_lock")
        if wanted is not None and wanted.args[0] == lock and guest.world.lock_holders[lock.number] != NOBODY:
            held = compactor.index in guest.world.page_locks.values()
            assert not held, "the compactor sleeps for balloon_lock and holds the locks of pages"

    reads = ("compactor", "page locks", "balloon_lock")
    return Property("migration does not sleep for balloon_lock", "latency", "always", reads, check)


def allocates_without_it(guest: Guest) -> Property:
    """V16: memory is looked for, and 200 ms are slept, without balloon_lock."""

    def check() -> None:
        own = _own(guest)
        act = _about_to(own, "alloc_page", "msleep")
        if guest.world.lock_holders[guest.vb.balloon_lock.number] == own.index:
            assert act is None, f"{own.name} holds balloon_lock and is about to {act}"

    reads = (_own(guest).name, "balloon_lock")
    return Property("nobody allocates under balloon_lock", "convoy", "always", reads, check)


def never_waits_for_a_page_under_it(guest: Guest) -> Property:
    """V10: who holds balloon_lock only tries the locks of pages."""

    def check() -> None:
        own = _own(guest)
        wanted = _about_to(own, "lock_page")
        if wanted is not None and guest.world.lock_holders[guest.vb.balloon_lock.number] == own.index:
            free = wanted.args[0] not in guest.world.page_locks
            assert free, f"{own.name} holds balloon_lock and waits for a page's lock"

    reads = (_own(guest).name, "page locks", "balloon_lock")
    return Property("a page's lock is not waited for under balloon_lock", "lock order", "always", reads, check)


# -- the end of the driver, and the books --


def nobody_is_in_a_removed_driver(guest: Guest) -> Property:
    """N3: when the driver is unloaded, compaction uses nothing of it; 7.2's lock of pages is not the driver's."""
    vb = guest.vb
    own: set[Ref] = {vb.pages, vb.num_pages, vb.num_pfns, vb.num_isolated_pages, vb.balloon_lock, vb.config_change}
    own |= {vb.inflate_vq, vb.deflate_vq, vb.acked} | ({vb.pages_lock} if vb.pages_lock.name == "pages_lock" else set())

    def check() -> None:
        pending = guest.machine.thread("compactor").pending
        remover = guest.machine.thread("remover")
        gone = remover.pending is None and remover.crash is None
        if gone and pending is not None:
            used = [arg for arg in pending.args if isinstance(arg, Ref) and arg in own]
            assert not used, f"the driver is gone and the compactor is about to use {used[0].name}"

    return Property("nobody is in a driver that is gone", "use after free", "always", ("compactor", "remover"), check)


def totalram_is_right(guest: Guest) -> Property:
    """N4: what the balloon holds is not in totalram_pages, everything else is."""
    present = sum(state != PageState.HOLE for state in guest.page_states.tolist())

    def check() -> None:
        inside = guest.balloon_pages // guest.world.pages_per_page
        total = guest.world.values[guest.vb.totalram_pages.name]
        assert total + inside == present, (
            f"totalram_pages is {total}, with {inside} of {counted(present, 'page')} in the balloon"
        )

    return Property("totalram_pages is right", "accounting", "at rest", ("num_pages", "totalram_pages"), check)


def messages_arrive_as_they_were_sent(guest: Guest) -> Property:
    """N8: nobody writes to vb->pfns while a message points there that the host has not read."""
    names = (_own(guest).name, "compactor")

    def check() -> None:
        log = guest.host.messages
        unread = [i for i, status in enumerate(log.status) if status in (MessageStatus.ADDED, MessageStatus.KICKED)]
        for name in names:
            act = _about_to(guest.machine.thread(name), "set_page_pfns", "copy_pfns")
            if act is None:
                continue
            copied = act.verb.name == "copy_pfns"
            first, written = (0, act.args[0]) if copied else (act.args[0], guest.world.pfns_of(act.args[1]))
            for i in unread:
                sent = log[i].pfns.tolist()[first:]
                lost = [old for old, new in zip(sent, written, strict=False) if old != new]
                where = f"of a message to {log[i].queue} that the host has not read"
                assert not lost, f"{name} is about to write over PFN {lost[0]:#x} {where}"

    return Property("messages arrive as they were sent", "message overwritten", "always", (*names, "messages"), check)


def deflates_what_was_inflated(guest: Guest) -> Property:
    """N5: the host is not told that a page leaves the balloon before it has heard that it came."""

    def check() -> None:
        log, host = guest.host.messages, guest.host
        for i, (queue, status) in enumerate(zip(log.queue, log.status, strict=True)):
            if queue == Queue.DEFLATE and status in (MessageStatus.ADDED, MessageStatus.KICKED):
                strange = [pfn for pfn in log[i].pfns.tolist() if not host.believes(pfn)]
                assert not strange, f"PFN {strange[0]:#x} is deflated, of which the host has not heard"

    reads = ("messages", "beliefs")
    return Property("only what was inflated is deflated", "protocol", "always", reads, check)
