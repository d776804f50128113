"""A guest: memory, a balloon driver in it, the host under it, and the machine that runs them.

Whole operations (`inflate`, `compact`, ...) let the machine run until it rests. The same machine can be stepped by
hand: it is `guest.machine`, and the Lab shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balloonlab.drivers import Driver, find_driver
from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction
from balloonlab.drivers.driver_core import DRIVER_CORE, with_driver_core
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.foundations.errors import truth, whole_number
from balloonlab.foundations.interrupt import interruptible
from balloonlab.guest.array_guest import ArrayGuest, beyond_arrays
from balloonlab.guest.engines import Engines
from balloonlab.guest.foretold import Foretold, foretell
from balloonlab.guest.going_over import Make
from balloonlab.guest.outcomes import Compacted, Resized, View, bug_first
from balloonlab.guest.settings import (
    STEPWISE_PAGES,
    balloon_pages,
    check_actors,
    check_page_size,
    check_states,
    set_memory,
    use_arrays,
)
from balloonlab.guest.stepped_guest import SteppedGuest
from balloonlab.host.host import BALLOON_PAGE_SIZE, Host
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.world import World
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.fragmentation import Metrics
from balloonlab.memory.placement import check_placement
from balloonlab.memory.workloads import WorkloadResult
from balloonlab.memory.zone import MOST_PAGES, PAGEBLOCK_PAGES, Migratetype, PageFrames, PageState


class Guest:
    """A virtual machine's memory with a balloon in it.

    pages: guest pages (1 to 16,777,216). driver: a name that `find_driver` knows, or a Driver. page_size:
    bytes of a guest page (4096, 16384 or 65536). seed: for workloads. backing: bytes of a page of the host memory
    behind the guest (4096, 65536 or 2097152). must_tell_host: negotiate VIRTIO_BALLOON_F_MUST_TELL_HOST.
    candidates: guest PFNs that compaction tries instead of scanning, for guests too small for two scanners: one after
    the other, those of a tuple together. actors: further threads, which start with the action "begin". lifecycle: the
    driver can be unloaded and loaded again, the system suspended and resumed (actions "unload", "load", "suspend",
    "resume"; in a Lab, buttons under More); for drivers whose probe is retold: linux-3.6, v9, v10, v11, linux-3.8.
    engine: "arrays" works whole operations out at once, with the same result, and can do guests of 64 GiB; "steps"
    runs the driver step by step; "auto" takes arrays where it can (one zone, a driver of the course as it is, no
    RESERVE or ISOLATE pageblocks, nobody else about, no target ahead of a guest of up to 262,144 pages). A guest made
    of arrays goes over to steps, from where it stands, as soon as its `machine` is asked for, or its driver does what
    arrays cannot (it hangs, it never comes to rest, it loses a page; with "auto", up to 262,144 pages: it inflates
    while compaction runs); the reverse never happens. Its machine is the one that steps from the start would have led
    to, or, after operations of many steps, one put where the arrays stand (going_over.py).
    placement: which free block of the smallest order a page of the balloon is taken from: "lifo", the head of the list
    as the kernel does; "lowest" or "highest" PFN, or "random" by the seed, each within the zone that is asked first and
    whatever pageblock type the driver wants. All other requests are as ever.
    Balloon sizes and targets are in 4 KiB balloon pages everywhere; page states, PFNs of `page_states` and pairs are
    in guest pages.
    """

    def __init__(
        self,
        pages: int = 65536,
        driver: str | Driver = "v9",
        *,
        page_size: int = 4096,
        seed: int = 0,
        backing: int = BALLOON_PAGE_SIZE,
        must_tell_host: bool = False,
        states: ArrayLike | None = None,
        pageblock_types: ArrayLike | None = None,
        balloon: Sequence[int] | None = None,
        target: int | None = None,
        zones: Sequence[tuple[str, int, int]] | None = None,
        candidates: Sequence[int | tuple[int, ...]] | None = None,
        actors: Sequence[Actor] = (),
        lifecycle: bool = False,
        engine: str = "auto",
        placement: str = "lifo",
    ) -> None:
        self.driver = find_driver(driver)
        actors = check_actors(actors)
        beyond = {"zones": zones is not None, "candidates": candidates is not None, "actors": bool(actors)}
        beyond["lifecycle"] = truth("lifecycle", lifecycle)
        if lifecycle:
            self.driver, actors = with_driver_core(self.driver), [*actors, DRIVER_CORE]
        self.page_size = check_page_size(page_size)
        pages = whole_number("pages", pages, 1, MOST_PAGES, "guest pages", "64 GiB of 4 KiB pages is the largest.")
        self.seed = whole_number("seed", seed, 0, 2**63 - 1)
        self.placement = check_placement(placement)
        settings: dict[str, Any] = {"backing": backing, "must_tell_host": must_tell_host}
        settings |= {"placement": self.placement, "seed": self.seed}
        map_states = np.zeros(pages, np.uint8)
        types = np.full(-(-pages // PAGEBLOCK_PAGES), Migratetype.MOVABLE, np.uint8)
        set_memory(map_states, types, states, pageblock_types)
        make: Make = partial(SteppedGuest, self.driver, self.page_size, **settings)
        self._settings = settings
        against = " and ".join(name for name, asked in beyond.items() if asked) or beyond_arrays(self.driver, types)
        by_arrays = use_arrays(engine, against)
        small = engine == "auto" and pages <= STEPWISE_PAGES
        if by_arrays:
            inside = balloon_pages(map_states, balloon)
            reached = target is None or (type(target) is int and target == len(inside) * self._pages_per_page)
            if reached or not small:
                arrays = ArrayGuest(self.driver, self.page_size, map_states, types, inside, **settings)
                self._engines = Engines(arrays, make, may_step=small)
                if target is not None and not reached:
                    self.set_target(target)
                    arrays.history.forget()  # it was made so
                return
        more: dict[str, Any] = {"target": target, "zones": zones, "candidates": candidates, "actors": actors}
        steps = make(map_states, types, balloon, **more)
        steps.probe()
        self._engines = Engines(steps, make, may_step=small)

    @classmethod
    def from_states(cls, states: ArrayLike, driver: str | Driver = "v9", **settings: Any) -> Guest:  # noqa: ANN401
        """A guest whose page map is `states` (uint8 PageState codes, one a guest page; settings as for Guest).

        Free lists are built from the map; `pageblock_types` (uint8 Migratetype codes, one for 512 pages) default to
        MOVABLE. `balloon`: guest PFNs of the balloon's list, head first, exactly the pages whose state is BALLOON;
        by default ascending. Raises BadValueError for anything that is not a possible page map at rest.
        """
        array = check_states(states)
        return cls(int(array.size), driver, states=array, **settings)

    def __repr__(self) -> str:
        size = len(self.page_states) * self.page_size >> 20
        balloon = f"balloon {self.balloon_pages:,} of target {self.host.target:,} (4 KiB pages)"
        return f"<{bug_first(self._one.bug, f'guest of {size:,} MiB, driver {self.driver.name}, {balloon}')}>"

    # -- what takes steps; a guest of arrays goes over to them here --

    @property
    def machine(self) -> Machine:
        """Runs the threads, step by step."""
        return self._engines.stepped.machine

    @property
    def world(self) -> World:
        """All that the threads share."""
        return self._engines.stepped.world

    @property
    def vb(self) -> VirtioBalloon:
        """The device as the driver sees it."""
        return self._engines.stepped.vb

    @property
    def mm(self) -> Compaction:
        """The compactor's side."""
        return self._engines.stepped.mm

    @property
    def frames(self) -> PageFrames:
        """Every page frame."""
        return self._engines.stepped.frames

    @property
    def buddies(self) -> list[Buddy]:
        """The page allocator of each zone."""
        return self._engines.stepped.buddies

    # -- reading --

    @property
    def engine(self) -> str:
        """How whole operations are done: "arrays" at once, "steps" one by one."""
        return "steps" if self._engines.arrays is None else "arrays"

    @property
    def host(self) -> Host:
        """The other side of the device."""
        return self._one.host

    @property
    def _one(self) -> ArrayGuest | SteppedGuest:
        return self._engines.now

    @property
    def page_states(self) -> NDArray[np.uint8]:
        """Read-only uint8 array of PageState codes, one a guest page."""
        view = self._states.view()
        view.flags.writeable = False
        return view

    @property
    def _states(self) -> NDArray[np.uint8]:
        now = self._engines.now
        return now.zone.states if isinstance(now, ArrayGuest) else now.frames.states

    @property
    def _pages_per_page(self) -> int:
        return self.page_size // BALLOON_PAGE_SIZE

    @property
    def balloon_pages(self) -> int:
        """What the driver counts as ballooned (num_pages), in 4 KiB pages."""
        return self._one.balloon_pages

    @property
    def balloon_list(self) -> tuple[int, ...]:
        """Guest PFNs on the balloon's list, head first."""
        listed = self._one.balloon_list
        return listed if isinstance(listed, tuple) else tuple(listed.tolist())

    def metrics(self) -> Metrics:
        """Free blocks by order and fragmentation indexes of the whole guest (guest pages)."""
        return self._one.metrics()

    def compare(self, balloon_pfn: int) -> View:
        """Guest's and host's view of one 4 KiB PFN."""
        top = self.host.balloon_pages - 1
        pfn = whole_number("PFN", balloon_pfn, 0, top, "4 KiB page frame numbers", "PFNs of the device are 4 KiB.")
        page = pfn // self._pages_per_page
        return View(pfn, page, PageState(int(self._states[page])), self.host.believes(pfn), self.host.must_tell_host)

    def disagreements(self, most: int = 100) -> list[View]:
        """4 KiB PFNs on which guest and host disagree at this moment, lowest first, up to `most`."""
        most = whole_number("most", most, 0, 16 * MOST_PAGES, "4 KiB pages")
        states = np.repeat(self._states, self._pages_per_page)
        inside = (states == PageState.BALLOON) | (states == PageState.ISOLATED)
        wrong = (inside != self.host.believed.astype(bool)) & (states != PageState.IN_TRANSIT)
        return [self.compare(int(pfn)) for pfn in np.flatnonzero(wrong)[:most]]

    # -- whole operations --

    def workload(self, name: str, **options: Any) -> WorkloadResult:  # noqa: ANN401
        """Let a workload take and free memory (names in memory/workloads.py); the same seed gives the same map."""
        return self._engines.workload(name, **{"seed": self.seed, **options})

    def release(self, fraction: float = 1.0) -> int:
        """The workload gives its pages back, ascending: all, or a `fraction` chosen by the seed; returns how many.

        Raises BadValueError for a fraction outside 0 to 1.
        """
        return self._engines.release(fraction, self.seed)

    def inflate(self, n: int) -> Resized:
        """Raise the target to n balloon pages (4 KiB) above what the balloon holds, and run until the driver rests."""
        why = "The balloon cannot hold more than the guest has."
        most = self.host.balloon_pages - self.balloon_pages
        return self.set_target(self.balloon_pages + whole_number("inflate", n, 0, most, "4 KiB balloon pages", why))

    def deflate(self, n: int) -> Resized:
        """Lower the target to n balloon pages (4 KiB) below what the balloon holds, and run until the driver rests."""
        why = "The balloon holds no more than that."
        held = self.balloon_pages
        return self.set_target(held - whole_number("deflate", n, 0, held, "4 KiB balloon pages", why))

    def set_target(self, n: int) -> Resized:
        """Ask for a balloon of n 4 KiB pages, and run until the driver rests; the result says why if it got fewer.

        Raises BadValueError for a target outside the guest's memory, DidNotSettleError if the driver is still busy
        after far more steps than all that is left to do can need; the guest can be used on after either.
        """
        n = self.host.check_target(n)
        before, sent = self.balloon_pages, len(self.host.messages)
        why, steps = self._engines.set_target(n)
        sent = len(self.host.messages) - sent
        return Resized(before, self.balloon_pages, self.host.target, sent, why, self._one.bug, steps)

    def compact(self) -> Compacted:
        """Compact every zone (order -1, as a write to /proc/sys/vm/compact_memory), and run until all rests."""
        before, sent = self.metrics().free_huge_pages, len(self.host.messages)
        pairs, why, steps = self._engines.compact()
        free = (before, self.metrics().free_huge_pages)
        return Compacted(pairs, len(self.host.messages) - sent, free, why, self._one.bug, steps)

    def foretell(self, target: int | None = None) -> Foretold | None:
        """What `set_target`, or without a target `compact`, comes to; None where arrays cannot tell (foretold.py)."""
        return foretell(self._one, None if target is None else self.host.check_target(target), self._settings)

    # -- back and forth between whole operations (arrays) --

    @property
    def moments(self) -> int:
        """How many pages the last whole operation took, gave back or moved; 1 for a workload. See `page_states_at`.

        Raises BadValueError as that does.
        """
        return self._engines.history().last().units

    def page_states_at(self, moment: int) -> NDArray[np.uint8]:
        """The page map amid the last whole operation: uint8[pages], before its page (or pair) number `moment`.

        0 is the map before the operation, `moments` the map after it; a workload and `release` have only these two. The
        guest itself stays where it is. Raises BadValueError for another moment, without an operation, and for a guest
        of steps.
        """
        return self._engines.history().states_at(moment)

    def undo(self) -> str:
        """Take back the last whole operation, exactly: map, lists, balloon, messages, numbers; says which it was.

        Raises BadValueError if there is none (older ones are forgotten when they take too much memory), and for a
        guest of steps, whose machine can go to any step.
        """
        with interruptible("taking an operation back"):
            return self._engines.undo()

    def redo(self) -> str:
        """Do the whole operation again that `undo` took back last; errors as there."""
        with interruptible("doing an operation again"):
            return self._engines.redo()
