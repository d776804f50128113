"""A guest whose driver runs step by step: memory, host, machine and threads, and whole operations as runs of it.

The twin of array_guest.py. An operation asks something of the machine and lets it run until it rests; between two of
them, or instead, the machine can be stepped by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from balloonlab.drivers import Driver
from balloonlab.drivers.actors import Actor
from balloonlab.drivers.compactor import Compaction, compact_memory
from balloonlab.drivers.device import host_threads
from balloonlab.drivers.driver_core import REQUESTS
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.drivers.whole_life import begin
from balloonlab.foundations.errors import BadValueError, DidNotSettleError, each_of, whole_number
from balloonlab.foundations.interrupt import interruptible
from balloonlab.foundations.journal import Journal
from balloonlab.foundations.words import counted, shown
from balloonlab.guest.outcomes import bug_first
from balloonlab.guest.settings import balloon_pages, zones_of
from balloonlab.guest.shortfall import balloon_shortfall, bugs, compaction_shortfall
from balloonlab.host.host import BALLOON_PAGE_SIZE, Host
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.machine_events import Action, Ran
from balloonlab.kernel.running import Settling
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import World
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compact_control import COMPACT_CLUSTER_MAX, CompactControl
from balloonlab.memory.fragmentation import Metrics, metrics
from balloonlab.memory.picked_pages import Control, PickedPages
from balloonlab.memory.placement import placement_named
from balloonlab.memory.workloads import WorkloadResult, apply_workload, release
from balloonlab.memory.zone import PageFrames, PageState

T = TypeVar("T")
_CHUNK = 20_000  # steps between two looks at the clock
_SOME, _A_PAGE = 20_000, 200  # steps that nothing at all may take, and each page besides: far more than they do


class SteppedGuest:
    """Memory, driver, host and machine. Balloon sizes are 4 KiB balloon pages, PFNs guest pages; all is checked before.

    states: uint8[pages] at rest; types: uint8[pageblocks]; both are copied. balloon: int PFNs of the balloon's list,
    head first, None for all BALLOON pages ascending. target: balloon pages, None for what the balloon holds. memory:
    of PageFrames. Everything else as for Guest. No thread has run until `probe`.
    """

    def __init__(
        self,
        driver: Driver,
        page_size: int,
        states: NDArray[np.uint8],
        types: NDArray[np.uint8],
        balloon: Sequence[int] | NDArray[np.int64] | None,
        backing: int,
        *,
        must_tell_host: bool = False,
        placement: str = "lifo",
        seed: int = 0,
        target: int | None = None,
        zones: Sequence[tuple[str, int, int]] | None = None,
        candidates: Sequence[int | tuple[int, ...]] | None = None,
        actors: Sequence[Actor] = (),
        memory: NDArray[np.uint8] | None = None,
    ) -> None:
        self.driver = driver
        self.frames = PageFrames(len(states), Journal(), states=memory)
        self.frames.states[:] = states
        self.frames.block_types[:] = types
        self.zones = zones_of(self.frames, zones)
        self.buddies = [Buddy(zone, driver.rules) for zone in self.zones]
        if not driver.movable:
            for buddy in self.buddies:
                buddy.movable_states -= {PageState.BALLOON}
        pages = len(states) * (page_size // BALLOON_PAGE_SIZE)
        self.host = Host(pages, self.frames.journal, self.frames.values, backing, must_tell_host=must_tell_host)
        zonelist = list(reversed(self.buddies))
        self.world = World(self.frames, zonelist, self.host, page_size, placement_named(placement, seed))
        self.vb = VirtioBalloon(self.world, driver)
        self._adopt_balloon(balloon, target)
        movable: set[PageState] = {PageState.MOVABLE, PageState.BALLOON} if driver.movable else {PageState.MOVABLE}
        self.mm = Compaction(self.world, self._controls(movable, candidates))
        self._begin = self.world.new_gate("begin") if any(not actor.at_once for actor in actors) else None
        self.machine = Machine(self.world, self.threads(actors), self.actions())

    def probe(self) -> None:
        """If it begins loaded, what probe leaves: a buffer with the host for statistics. Then come to rest."""
        if self.vb.device_status is not None:
            begin(self.world, self.vb)
        if self.driver.loaded:
            self.host.prime_stats()
        if self.host.target != self.balloon_pages:
            self.vb.config_interrupt(self.world)
        self.come_to_rest()

    def come_to_rest(self) -> None:
        """Let every thread go on until all rest, or one is too busy for that."""
        self.machine.run(_CHUNK)

    @property
    def balloon_pages(self) -> int:
        """What the driver counts as ballooned, in 4 KiB pages."""
        return self.world.values.get(self.vb.num_pages.number)

    @property
    def bug(self) -> str:
        """The bugs that its threads died of, in words; "" if none did."""
        return bugs(self.machine)

    @property
    def balloon_list(self) -> tuple[int, ...]:
        """Guest PFNs on the balloon's list, head first."""
        return self.world.list_pages(self.vb.pages.number)

    def metrics(self) -> Metrics:
        """Of all zones together."""
        if len(self.buddies) == 1:
            return metrics(self.buddies[0])
        counts = np.sum([buddy.block_counts() for buddy in self.buddies], axis=0)
        pages = sum(int(count) << order for order, count in enumerate(counts))
        parts = [metrics(buddy) for buddy in self.buddies]
        return Metrics(pages, tuple(int(c) for c in counts), sum(p.free_huge_pages for p in parts))

    # -- whole operations --

    def workload(self, name: str, **options: Any) -> WorkloadResult:  # noqa: ANN401
        """In the zone that is asked first."""
        change = partial(apply_workload, self.buddies[-1], name, **options)
        return self._outside("workload", change, name)

    def release(self, fraction: float, seed: int) -> int:
        """In every zone."""

        def change() -> int:
            return sum(release(buddy, fraction, seed) for buddy in self.buddies)

        return self._outside("release", change)

    def _outside(self, name: str, change: Callable[[], T], about: str = "") -> T:
        """What is no step of a thread; where steps are recorded it is one from outside, which can be taken back."""
        result = self.machine.outside(name, change, about=about)
        self.machine.changed()
        return result

    def set_target(self, target: int) -> tuple[str, int]:
        """Ask for a balloon of so many pages (checked by the caller), and run until the driver rests.

        Returns why the balloon is of another size then ("" if it is not), and the steps taken. DidNotSettleError if
        the driver is still busy after far more steps than all that is left to do can need.
        """
        self.machine.act("set_target", target)
        steps = self._settle(f"towards {counted(target, 'balloon page')}")
        return balloon_shortfall(self.machine), steps

    def compact(self) -> tuple[NDArray[np.int64], str, int]:
        """Compact every zone, and run until all rests: the pairs of pages that moved, what is amiss, steps."""
        moves: list[tuple[int, int]] = []
        with self.machine.lock:
            self.world.moves = moves
            self.machine.act("compact")
        try:
            steps = self._settle("compaction")
        finally:
            self.world.moves = None
        controls = [each for each in self.world.controls if isinstance(each, CompactControl)]
        busy = sum(
            each.migrate_failed for each in controls if each.migrate_failed > each.no_target * COMPACT_CLUSTER_MAX
        )
        return np.array(moves, np.int64).reshape(-1, 2), compaction_shortfall(self.machine, busy), steps

    def _left(self) -> int:
        """How many pages there are at most to take, give back, or look at. Beside the driver all may want every one."""
        with self.machine.lock:
            others = [not thread.rests for thread in self.machine.threads[1:] if thread.done]
            rounds = sum(others) + self.world.values.get(self.mm.wanted.number)
            return abs(self.host.target - self.balloon_pages) + rounds * len(self.frames.states)

    def _settle(self, what: str) -> int:
        """Run until the driver rests, or sleeps for a time after which it gets no further; returns the steps."""
        left = self._left()
        budget = _SOME + _A_PAGE * left
        steps, settling = 0, Settling(self.machine)
        with interruptible(what) as interruption:
            ran = Ran(0, "budget", "")
            while ran.reason == "budget" and not interruption.asked:
                if steps >= budget:
                    was, left = left, self._left()
                    if left >= was:
                        break
                    budget = steps + _SOME + _A_PAGE * left
                ran = settling.go_on(_CHUNK)
                steps += ran.steps
                interruption.say(f"{counted(steps, 'step')}, balloon {counted(self.balloon_pages, 'page')}")
        self.machine.changed()
        if ran.reason == "budget" and steps >= budget:
            hint = ""
            if self.host.target % self.world.pages_per_page:
                hint = f" A target that is no multiple of {self.world.pages_per_page} cannot be met with such pages."
            text = (
                f"the driver is still busy after {steps:,} steps {what}; the balloon holds {self.balloon_pages:,} "
                f"of {counted(self.host.target, 'page')}.{hint} It may be in an endless loop: look at it in a Lab."
            )
            raise DidNotSettleError(bug_first(self.bug, text))
        return steps

    # -- making --

    def _controls(self, movable: set[PageState], candidates: Sequence[int | tuple[int, ...]] | None) -> list[Control]:
        if candidates is None:
            return [CompactControl(b, name=f"compact {b.zone.name}", movable_states=movable) for b in self.buddies]
        wanted = "guest PFNs, or tuples of them"
        rounds = [
            pages if isinstance(pages, tuple) else (pages,) for pages in each_of("candidates", candidates, wanted)
        ]
        rounds = [tuple(self.frames.check_pfn(page, "candidate for compaction") for page in pages) for pages in rounds]
        buddies = {self.world.buddy_of(page) for pages in rounds for page in pages} or {self.buddies[0]}
        if len(buddies) > 1:
            raise BadValueError(
                f"candidates {shown(candidates)} lie in {len(buddies)} zones; they must all lie in one."
            )
        return [PickedPages(buddies.pop(), rounds, movable_states=movable)]

    def threads(self, actors: Sequence[Actor] = ()) -> list[ThreadSpec]:
        """Of the driver, of compaction and of the host, and the actors."""
        vb, mm = self.vb, self.mm
        foreign = vb.driver.foreign
        own = [
            ThreadSpec(name, role, partial(getattr(vb.driver, main), vb), foreign, depth)
            for name, role, main, depth in vb.driver.threads
        ]
        compactor = ThreadSpec("compactor", "memory compaction", lambda: compact_memory(vb, mm), foreign)
        more = [actor.thread(vb, mm, self._begin) for actor in actors]
        return [own[0], compactor, *host_threads(vb), *own[1:], *more]

    def actions(self) -> dict[str, Action]:
        """What can be asked of the machine from outside, by name."""
        world, vb, host = self.world, self.vb, self.host

        def set_target(n: int) -> None:
            host.set_target(n)
            vb.config_interrupt(world)

        def check_flag(n: int) -> None:
            whole_number("number", n, 0, 0, "", "This action takes no number.")

        def asks_core(request: int, _n: int) -> None:
            world.values.set(vb.core_request.number, request)

        def ask(slot: int) -> Action:
            return Action(check_flag, lambda _: world.values.set(slot, 1))

        actions = {
            "set_target": Action(host.check_target, set_target),
            "compact": ask(self.mm.wanted.number),
            "request_stats": ask(vb.stats_wanted.number),
        }
        if "core_request" in self.driver.also:
            for i, (name, needs) in enumerate(REQUESTS.items()):
                actions[name] = Action(check_flag, partial(asks_core, i + 1), needs)
        return actions | ({"begin": ask(self._begin.number)} if self._begin is not None else {})

    def _adopt_balloon(self, balloon: Sequence[int] | NDArray[np.int64] | None, target: int | None) -> None:
        pages = balloon_pages(self.frames.states, balloon)
        world, ppp = self.world, self.world.pages_per_page
        self.frames.links.fill(self.vb.pages.number, pages)
        count = len(pages) * ppp
        world.refcounts.update(dict.fromkeys(pages.tolist(), 1))
        if flags := int(self.driver.page_flags):
            world.page_flags.update(dict.fromkeys(pages.tolist(), flags))
        world.values.set(self.vb.num_pages.number, count)
        for name in ("balloon_inflate", "nr_balloon_pages"):  # as if these pages had been inflated
            if name in self.vb.vmstat:
                world.values[name] = len(pages)
        present = int(np.count_nonzero(self.frames.states != PageState.HOLE))
        world.values.set(self.vb.totalram_pages.number, present - len(pages))
        inside = np.sort(pages)
        self.host.start_with(np.repeat(inside * ppp, ppp) + np.tile(np.arange(ppp), len(inside)))
        self.host.set_target(count if target is None else target)
