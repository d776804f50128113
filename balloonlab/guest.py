"""A guest: memory, a balloon driver in it, the host under it, and the machine that runs them.

Whole operations (`inflate`, `compact`, ...) let the machine run until it rests. The same machine can be stepped by
hand: it is `guest.machine`, and the Lab shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from balloonlab.array_guest import ArrayGuest, StepsNeededError, has_habits
from balloonlab.array_history import ArrayHistory
from balloonlab.drivers import Driver, find_driver
from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction, compact_memory
from balloonlab.drivers.device import host_threads
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.errors import BadValueError, DidNotSettleError, whole_number
from balloonlab.guest_settings import balloon_pages, check_page_size, row, set_memory, use_arrays, zones_of
from balloonlab.host import BALLOON_PAGE_SIZE, Host
from balloonlab.interrupt import held_back, interruptible
from balloonlab.journal import Journal
from balloonlab.kernel.machine import Action, Machine, Ran
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import World
from balloonlab.memory.arrays.list_order import load_lists
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compact_control import CompactControl
from balloonlab.memory.fragmentation import Metrics, metrics
from balloonlab.memory.picked_pages import Control, PickedPages
from balloonlab.memory.placement import check_placement, placement_named
from balloonlab.memory.workloads import WorkloadResult, apply_workload, release
from balloonlab.memory.zone import MOST_PAGES, PAGEBLOCK_PAGES, Migratetype, PageFrames, PageState

_CHUNK = 20_000  # steps between two looks at the clock
_AT_ONCE = "worked out at once"
_OF_STEPS = ("frames", "buddies", "world", "vb", "mm", "machine")


@dataclass(frozen=True)
class Resized:
    """What a change of target did: the balloon before and after, the target (4 KiB pages), PFN messages sent.

    steps: of all threads, until they rested. text: how it ended, in words.
    """

    before: int
    after: int
    target: int
    messages: int
    text: str
    steps: int = 0

    def __str__(self) -> str:
        told = f"{self.messages:,} message{'' if self.messages == 1 else 's'}"
        if self.after == self.before:
            why = "" if self.after == self.target else f": {self.text}"
            return f"still {self.after:,} of {self.target:,} balloon pages, {told}{why}"
        verb = "inflated" if self.after > self.before else "deflated"
        return f"{verb} from {self.before:,} to {self.after:,} of {self.target:,} balloon pages, {told}"


@dataclass(frozen=True)
class Compacted:
    """What a run of compaction did. pairs: int (k, 2), old and new PFN of each moved guest page, in order.

    steps: of all threads, until they rested (0 where it was done at once). text: how it ended, in words.
    """

    pairs: NDArray[np.signedinteger[Any]]
    messages: int
    free_huge_pages: tuple[int, int]
    text: str
    steps: int = 0

    def __str__(self) -> str:
        before, after = self.free_huge_pages
        return f"moved {len(self.pairs):,} pages with {self.messages:,} messages; free 2 MiB blocks {before} -> {after}"


@dataclass(frozen=True)
class View:
    """One 4 KiB PFN as guest and host see it."""

    balloon_pfn: int
    guest_page: int
    guest_state: PageState
    host_believes: bool

    @property
    def agree(self) -> bool:
        """A page on its way in or out may be told or not; otherwise in the balloon means believed, and only then."""
        if self.guest_state == PageState.IN_TRANSIT:
            return True
        return self.host_believes == (self.guest_state in (PageState.BALLOON, PageState.ISOLATED))

    def __str__(self) -> str:
        host = "believes it is in the balloon" if self.host_believes else "believes the guest uses it"
        mark = "they agree" if self.agree else "THEY DISAGREE"
        state = self.guest_state.name.lower().replace("_", " ")
        return f"PFN {self.balloon_pfn:#x}: guest page {self.guest_page:#x} is {state}, the host {host}: {mark}"


class Guest:
    """A virtual machine's memory with a balloon in it.

    pages: guest pages (1 to 16,777,216). driver: a name of `balloonlab.drivers.DRIVERS`, or a Driver. page_size:
    bytes of a guest page (4096, 16384 or 65536). seed: for workloads. backing: bytes of a page of the host memory
    behind the guest (4096, 65536 or 2097152). must_tell_host: negotiate VIRTIO_BALLOON_F_MUST_TELL_HOST.
    candidates: guest PFNs that compaction tries instead of scanning, for guests too small for two scanners: one after
    the other, those of a tuple together. actors: further threads, which start with the action "begin".
    engine: "steps" runs the driver step by step; "arrays" works whole operations out at once, with the same result,
    and can do guests of 64 GiB; "auto" takes arrays above 262,144 guest pages where it can (one zone, a driver of the
    course as it is, no RESERVE or ISOLATE pageblocks, nobody else about). A guest made of arrays goes over to steps,
    from where it stands, as soon as its `machine` is asked for; the reverse never happens.
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
        engine: str = "auto",
        placement: str = "lifo",
    ) -> None:
        self.driver = find_driver(driver)
        check_page_size(page_size)
        pages = whole_number("pages", pages, 1, MOST_PAGES, "guest pages", "64 GiB of 4 KiB pages is the largest.")
        self.seed = whole_number("seed", seed, 0, 2**63 - 1)
        self.placement = check_placement(placement)
        self.page_size = page_size
        self.backing = backing
        self.must_tell_host = must_tell_host
        map_states = np.zeros(pages, np.uint8)
        types = np.full(-(-pages // PAGEBLOCK_PAGES), Migratetype.MOVABLE, np.uint8)
        set_memory(map_states, types, states, pageblock_types)
        self._arrays: ArrayGuest | None = None
        against = None
        if zones is not None or candidates is not None or actors:
            against = "zones, candidates and actors"
        elif np.any(types > Migratetype.RECLAIMABLE):
            against = "RESERVE and ISOLATE pageblocks"
        elif not has_habits(self.driver):
            against = f"the driver {self.driver.name}"
        if use_arrays(engine, pages, against):
            inside = balloon_pages(map_states, balloon)
            self._arrays = ArrayGuest(
                self.driver,
                page_size,
                map_states,
                types,
                inside,
                backing,
                must_tell_host=must_tell_host,
                placement=self.placement,
                seed=self.seed,
            )
            self.host = self._arrays.host
            if target is not None:
                self.set_target(target)
                self._arrays.history.operations.clear()  # it was made so
            return
        self._make_steps(map_states, types, balloon, target, zones, candidates, actors)
        self._probe()

    def _make_steps(
        self,
        states: NDArray[np.uint8],
        types: NDArray[np.uint8],
        balloon: Sequence[int] | NDArray[np.int64] | None,
        target: int | None = None,
        zones: Sequence[tuple[str, int, int]] | None = None,
        candidates: Sequence[int | tuple[int, ...]] | None = None,
        actors: Sequence[Actor] = (),
    ) -> None:
        """Everything that takes steps, made from a page map at rest."""
        pages = len(states)
        self.frames = PageFrames(pages, Journal())
        self.frames.states[:] = states
        self.frames.block_types[:] = types
        self.zones = zones_of(self.frames, zones)
        self.buddies = [Buddy(zone, self.driver.rules) for zone in self.zones]
        if not self.driver.movable:
            for buddy in self.buddies:
                buddy.movable_states -= {PageState.BALLOON}
        balloon_pages = pages * (self.page_size // BALLOON_PAGE_SIZE)
        self.host = Host(
            balloon_pages, self.frames.journal, self.frames.values, self.backing, must_tell_host=self.must_tell_host
        )
        placement = placement_named(self.placement, self.seed)
        self.world = World(self.frames, list(reversed(self.buddies)), self.host, self.page_size, placement)
        self.vb = VirtioBalloon(self.world, self.driver)
        self._adopt_balloon(balloon, target)
        movable: set[PageState] = {PageState.MOVABLE, PageState.BALLOON} if self.driver.movable else {PageState.MOVABLE}
        self.mm = Compaction(self.world, self._controls(movable, candidates))
        self._begin = self.world.new_gate("begin") if actors else None
        self.machine = Machine(self.world, self._threads(actors), self._actions())

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """What takes steps is made when it is first asked for."""
        if name not in _OF_STEPS or self.__dict__.get("_arrays") is None:
            raise AttributeError(f"a guest has no {name!r}")
        self._go_over_to_steps()
        return getattr(self, name)

    @property
    def engine(self) -> str:
        """How whole operations are done: "arrays" at once, "steps" one by one."""
        return "steps" if self._arrays is None else "arrays"

    def _go_over_to_steps(self) -> None:
        """Put a machine where the arrays stand; whole or not at all."""
        arrays = self._arrays
        assert arrays is not None
        with held_back():
            self._arrays = None
            try:
                self._stand_where(arrays)
            except BaseException:
                self._arrays, self.host = arrays, arrays.host
                for name in _OF_STEPS:
                    self.__dict__.pop(name, None)
                raise

    def _stand_where(self, arrays: ArrayGuest) -> None:
        """Take over map, list order, balloon, beliefs, numbers, messages; a driver short of its target sleeps."""
        zone, log = arrays.zone, arrays.host.messages
        self._make_steps(zone.states, zone.block_types, arrays.balloon_list.astype(np.int64))
        load_lists(self.buddies[0], zone.order)
        arrays.mark_moved_once(self.world)
        self._probe()
        self.host.believe_again(arrays.host.beliefs())
        for name, number in zip(arrays.values.names, arrays.values.numbers, strict=True):
            self.world.values[name] = number
        sent = int(log.count[0])  # the first message is the empty buffer for statistics, which both have
        self.host.messages.extend(log.queue[1:], log.count[1:], log.pfns[sent:])

    @classmethod
    def from_states(cls, states: ArrayLike, driver: str | Driver = "v9", **settings: Any) -> Guest:  # noqa: ANN401
        """A guest whose page map is `states` (uint8 PageState codes, one a guest page; settings as for Guest).

        Free lists are built from the map; `pageblock_types` (uint8 Migratetype codes, one for 512 pages) default to
        MOVABLE. `balloon`: guest PFNs of the balloon's list, head first, exactly the pages whose state is BALLOON;
        by default ascending. Raises BadValueError for anything that is not a possible page map at rest.
        """
        array = row("states", states)
        if array.ndim != 1 or not 1 <= array.size <= MOST_PAGES:
            raise BadValueError(f"states has shape {array.shape}; it must be one row of 1 to {MOST_PAGES:,} pages.")
        return cls(int(array.size), driver, states=array, **settings)

    def __repr__(self) -> str:
        size = len(self.page_states) * self.page_size >> 20
        return (
            f"<guest of {size:,} MiB, driver {self.driver.name}, balloon {self.balloon_pages:,} of target "
            f"{self.host.target:,} (4 KiB pages)>"
        )

    # -- reading --

    @property
    def page_states(self) -> NDArray[np.uint8]:
        """Read-only uint8 array of PageState codes, one a guest page."""
        view = self._states.view()
        view.flags.writeable = False
        return view

    @property
    def _states(self) -> NDArray[np.uint8]:
        return self.frames.states if self._arrays is None else self._arrays.zone.states

    @property
    def _pages_per_page(self) -> int:
        return self.page_size // BALLOON_PAGE_SIZE

    @property
    def balloon_pages(self) -> int:
        """What the driver counts as ballooned (num_pages), in 4 KiB pages."""
        if self._arrays is not None:
            return self._arrays.balloon_pages
        return self.world.values.get(self.vb.num_pages.number)

    @property
    def balloon_list(self) -> tuple[int, ...]:
        """Guest PFNs on the balloon's list, head first."""
        if self._arrays is not None:
            return tuple(self._arrays.balloon_list.tolist())
        return self.world.list_pages(self.vb.pages.number)

    def metrics(self) -> Metrics:
        """Free blocks by order and fragmentation indexes of the whole guest (guest pages)."""
        if self._arrays is not None:
            return self._arrays.metrics()
        counts = np.sum([buddy.block_counts() for buddy in self.buddies], axis=0)
        pages = sum(int(count) << order for order, count in enumerate(counts))
        if len(self.buddies) == 1:
            return metrics(self.buddies[0])
        parts = [metrics(buddy) for buddy in self.buddies]
        return Metrics(pages, tuple(int(c) for c in counts), sum(p.free_huge_pages for p in parts))

    def compare(self, balloon_pfn: int) -> View:
        """Guest's and host's view of one 4 KiB PFN."""
        top = self.host.balloon_pages - 1
        pfn = whole_number("PFN", balloon_pfn, 0, top, "4 KiB page frame numbers", "PFNs of the device are 4 KiB.")
        page = pfn // self._pages_per_page
        return View(pfn, page, PageState(int(self._states[page])), self.host.believes(pfn))

    def disagreements(self, most: int = 100) -> list[View]:
        """4 KiB PFNs on which guest and host disagree at this moment, lowest first, up to `most`."""
        states = np.repeat(self._states, self._pages_per_page)
        inside = (states == PageState.BALLOON) | (states == PageState.ISOLATED)
        wrong = (inside != self.host.believed.astype(bool)) & (states != PageState.IN_TRANSIT)
        return [self.compare(int(pfn)) for pfn in np.flatnonzero(wrong)[:most]]

    # -- whole operations --

    def workload(self, name: str, **options: Any) -> WorkloadResult:  # noqa: ANN401
        """Let a workload take and free memory (names in memory/workloads.py); the same seed gives the same map."""
        settings = {"seed": self.seed, **options}
        if self._arrays is not None:
            with interruptible(f"workload {name}"):
                return self._arrays.workload(name, **settings)
        with held_back(), self.machine.lock:
            result = apply_workload(self.buddies[-1], name, **settings)
            if self.machine.recording:
                self.machine.record()  # a workload is no step: the timeline begins anew
        self.machine.changed()
        return result

    def release(self, fraction: float = 1.0) -> int:
        """The workload gives its pages back, ascending: all, or a `fraction` chosen by the seed; returns how many.

        Raises BadValueError for a fraction outside 0 to 1.
        """
        if self._arrays is not None:
            with interruptible("giving back"):
                return self._arrays.release(fraction, self.seed)
        with held_back(), self.machine.lock:
            freed = sum(release(buddy, fraction, self.seed) for buddy in self.buddies)
            if self.machine.recording:
                self.machine.record()  # no step either
        self.machine.changed()
        return freed

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
        """Ask for a balloon of n 4 KiB pages, and run until the driver rests (it may get fewer).

        Raises BadValueError for a target outside the guest's memory, DidNotSettleError if the driver is still busy
        after far more steps than the change needs; the guest can be used on after either.
        """
        n = self.host.check_target(n)
        before, sent = self.balloon_pages, len(self.host.messages)
        if self._arrays is not None:
            with interruptible(f"towards {n:,} balloon pages") as interruption:
                self._arrays.set_target(n, interruption.say)
            return Resized(before, self.balloon_pages, n, len(self.host.messages) - sent, _AT_ONCE)
        with self.machine.lock:
            self.machine.act("set_target", n)
        text, steps = self._settle(f"towards {n:,} balloon pages", abs(n - before))
        stuck = [f"{name} {wait.text}" for name, wait in self.machine.blocked().items() if wait.status == "blocked"]
        sent = len(self.host.messages) - sent
        return Resized(before, self.balloon_pages, self.host.target, sent, "; ".join(stuck) or text, steps)

    def compact(self) -> Compacted:
        """Compact every zone (order -1, as a write to /proc/sys/vm/compact_memory), and run until all rests."""
        before, sent = self.metrics().free_huge_pages, len(self.host.messages)
        if self._arrays is not None:
            try:
                with interruptible("compaction") as interruption:
                    run = self._arrays.compact(interruption.say)
                told = len(self.host.messages) - sent
                return Compacted(run.pairs, told, (before, self.metrics().free_huge_pages), _AT_ONCE)
            except StepsNeededError:
                self._go_over_to_steps()
        moves: list[tuple[int, int]] = []
        with self.machine.lock:
            self.world.moves = moves
            self.machine.act("compact")
        try:
            text, steps = self._settle("compaction", len(self.page_states))
        finally:
            self.world.moves = None
        pairs = np.array(moves, np.int64).reshape(-1, 2)
        free = (before, self.metrics().free_huge_pages)
        return Compacted(pairs, len(self.host.messages) - sent, free, text, steps)

    # -- back and forth between whole operations (arrays) --

    @property
    def moments(self) -> int:
        """How many pages the last whole operation took, gave back or moved; 1 for a workload. See `page_states_at`.

        Raises BadValueError as that does.
        """
        return self._history().last().units

    def page_states_at(self, moment: int) -> NDArray[np.uint8]:
        """The page map amid the last whole operation: uint8[pages], before its page (or pair) number `moment`.

        0 is the map before the operation, `moments` the map after it; a workload and `release` have only these two. The
        guest itself stays where it is. Raises BadValueError for another moment, without an operation, and for a guest
        of steps.
        """
        return self._history().states_at(moment)

    def undo(self) -> str:
        """Take back the last whole operation, exactly: map, lists, balloon, messages, numbers; says which it was.

        Raises BadValueError if there is none (older ones are forgotten when they take too much memory), and for a
        guest of steps, whose machine can go to any step.
        """
        with interruptible("taking an operation back"):
            return self._history().undo().text

    def redo(self) -> str:
        """Do the whole operation again that `undo` took back last; errors as there."""
        with interruptible("doing an operation again"):
            return self._history().redo()

    def _history(self) -> ArrayHistory:
        if self._arrays is None:
            raise BadValueError(
                "this guest takes steps: guest.machine.record(), called before what is to be taken back, begins a "
                "timeline, and guest.machine.seek(step) goes anywhere in it. Whole operations are taken back in guests "
                "of arrays (engine='arrays'), as long as nobody asks for their machine."
            )
        return self._arrays.history

    def _settle(self, what: str, pages: int) -> tuple[str, int]:
        """Run until the driver rests, or sleeps for a time after which it gets no further: how it ended, steps."""
        budget = 20_000 + 200 * pages
        steps, reached = 0, (-1, -1)
        with interruptible(what) as interruption:
            ran = Ran(0, "budget", "")
            while steps < budget and not interruption.asked:
                if ran.reason != "budget":
                    before, reached = reached, (self.balloon_pages, len(self.host.messages))
                    if not self.machine.naps() or before == reached:
                        break
                ran = self.machine.run(_CHUNK, time_passes=ran.reason != "budget" or steps == 0)
                steps += ran.steps
                interruption.say(f"{steps:,} steps, balloon {self.balloon_pages:,} pages")
        self.machine.changed()
        if ran.reason == "budget" and steps >= budget:
            hint = ""
            if self.host.target % self.world.pages_per_page:
                hint = f" A target that is no multiple of {self.world.pages_per_page} cannot be met with such pages."
            raise DidNotSettleError(
                f"the driver is still busy after {steps:,} steps {what}; the balloon holds {self.balloon_pages:,} "
                f"of {self.host.target:,} pages.{hint} It may be in an endless loop: look at it in a Lab."
            )
        return ran.text, steps

    # -- making --

    def _controls(self, movable: set[PageState], candidates: Sequence[int | tuple[int, ...]] | None) -> list[Control]:
        if candidates is None:
            return [CompactControl(b, name=f"compact {b.zone.name}", movable_states=movable) for b in self.buddies]
        rounds = [pages if isinstance(pages, tuple) else (pages,) for pages in candidates]
        rounds = [tuple(self.frames.check_pfn(page, "candidate for compaction") for page in pages) for pages in rounds]
        buddies = {self.world.buddy_of(page) for pages in rounds for page in pages} or {self.buddies[0]}
        if len(buddies) > 1:
            raise BadValueError(f"candidates {candidates} lie in {len(buddies)} zones; they must all lie in one.")
        return [PickedPages(buddies.pop(), rounds, movable_states=movable)]

    def _threads(self, actors: Sequence[Actor] = ()) -> list[ThreadSpec]:
        vb, mm = self.vb, self.mm
        foreign = vb.driver.foreign
        mains = [(name, role, partial(getattr(vb.driver, main), vb)) for name, role, main in vb.driver.threads]
        own = [ThreadSpec(*main, foreign, rests_in_wait=True) for main in mains]
        compactor = ThreadSpec("compactor", "memory compaction", lambda: compact_memory(vb, mm), foreign)
        more = [actor.thread(vb, mm, self._begin) for actor in actors if self._begin]
        return [own[0], compactor, *host_threads(vb), *own[1:], *more]

    def _actions(self) -> dict[str, Action]:
        world, vb, host = self.world, self.vb, self.host

        def set_target(n: int) -> None:
            host.set_target(n)
            vb.config_interrupt(world)

        def check_flag(n: int) -> None:
            whole_number("number", n, 0, 0, "", "This action takes no number.")

        def ask(slot: int) -> Action:
            return Action(check_flag, lambda _: world.values.set(slot, 1))

        actions = {
            "set_target": Action(host.check_target, set_target),
            "compact": ask(self.mm.wanted.number),
            "request_stats": ask(vb.stats_wanted.number),
        }
        return actions | ({"begin": ask(self._begin.number)} if self._begin else {})

    def _adopt_balloon(self, balloon: Sequence[int] | NDArray[np.int64] | None, target: int | None) -> None:
        pages = balloon_pages(self.frames.states, balloon)
        world, ppp = self.world, self.world.pages_per_page
        self.frames.links.fill(self.vb.pages.number, pages)
        count = len(pages) * ppp
        world.refcounts.update((int(page), 1) for page in pages)
        if flags := int(self.driver.page_flags):
            world.page_flags.update((int(page), flags) for page in pages)
        world.values.set(self.vb.num_pages.number, count)
        for name in ("balloon_inflate", "nr_balloon_pages"):  # as if these pages had been inflated
            if name in self.vb.vmstat:
                world.values[name] = len(pages)
        present = int(np.count_nonzero(self.frames.states != PageState.HOLE))
        world.values.set(self.vb.totalram_pages.number, present - len(pages))
        inside = np.sort(pages)
        self.host.start_with(np.repeat(inside * ppp, ppp) + np.tile(np.arange(ppp), len(inside)))
        self.host.set_target(count if target is None else target)

    def _probe(self) -> None:
        """Give the host its first statistics buffer, as probe does, and let every thread come to rest."""
        self.host.prime_stats()
        if self.host.target != self.balloon_pages:
            self.vb.config_interrupt(self.world)
        self.machine.run(_CHUNK)
