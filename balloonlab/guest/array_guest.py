"""A guest at rest as whole arrays: what a driver's inflation, deflation and compaction come to, without a step.

Between two whole operations of an undisturbed guest only a few facts about its driver show: in which order a round's
pages enter the balloon's list and the message, in which order they are freed, what compaction may move, and the
allocator's rules. They stand in the Driver, or are found out by running it (habits.py); everything else is
memory/arrays. tests/guest/test_array_guest.py compares the result with the machine's, driver by driver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.drivers import DRIVERS, Driver
from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.journal import Journal, Values
from balloonlab.foundations.words import counted
from balloonlab.guest.array_history import ArrayHistory
from balloonlab.guest.habits import habits
from balloonlab.guest.shortfall import OUT_OF_MEMORY
from balloonlab.host.host import ARRAY_PFNS_MAX, BALLOON_PAGE_SIZE, Host, Queue
from balloonlab.kernel.world import World
from balloonlab.memory.arrays import ArrayRun, ArrayZone
from balloonlab.memory.fragmentation import Metrics
from balloonlab.memory.workloads import WorkloadResult, apply_to_zone, release_from_zone
from balloonlab.memory.zone import Migratetype, PageState

Pages = NDArray[np.int32]
Say = Callable[[str], None]
_FREE, _BALLOON = int(PageState.FREE), int(PageState.BALLOON)


class StepsNeededError(Exception):
    """What happens here has no whole-array form: the machine is to go through it."""


class OnItsWayError(BadValueError):
    """The driver would inflate while compaction runs: only steps can tell what that comes to."""


def beyond_arrays(driver: Driver, block_types: NDArray[np.uint8]) -> str | None:
    """What arrays cannot do of these (uint8[pageblocks] Migratetype codes), in words; None if they can do it all."""
    if np.any(block_types > Migratetype.RECLAIMABLE):
        return "RESERVE and ISOLATE pageblocks"
    known = DRIVERS.get(driver.name) is driver  # a version of the course, not edited
    return None if known else f"the driver {driver.name}"


class ArrayGuest:
    """Memory, balloon and host of a guest at rest. Balloon sizes are 4 KiB balloon pages, PFNs guest pages.

    states, block_types: as in ArrayZone, kept and changed in place. balloon: int PFNs of the balloon's list, head
    first. placement, seed: of ArrayZone.allocate, for the balloon's pages. `values` holds the numbers of the driver
    under the names they have in a machine (num_pages, totalram_pages, the version's counters).
    """

    def __init__(
        self,
        driver: Driver,
        page_size: int,
        states: NDArray[np.uint8],
        block_types: NDArray[np.uint8] | None,
        balloon: NDArray[np.int64],
        backing: int,
        *,
        must_tell_host: bool = False,
        placement: str = "lifo",
        seed: int = 0,
    ) -> None:
        self.driver = driver
        self._placed = (placement, seed)
        self.habits = habits(driver.name)
        self.zone = ArrayZone(states, driver.rules, block_types)
        self.pages_per_page = page_size // BALLOON_PAGE_SIZE
        journal = Journal()
        self.values = Values(journal)
        self.host = Host(
            len(states) * self.pages_per_page, journal, self.values, backing, must_tell_host=must_tell_host
        )
        self.stack: Pages = balloon[::-1].astype(np.int32)  # the balloon's list, its head at the end
        self.fixed = np.zeros(len(states), np.uint8) if self.habits.moves_once else None
        self._declare()
        self.history = ArrayHistory(self)
        self.host.prime_stats()
        self.host.read(0)  # it holds the buffer until it wants figures

    bug = ""  # no thread of it dies: what a driver can die of takes steps

    @property
    def balloon_pages(self) -> int:
        """What the driver counts as ballooned, in 4 KiB pages."""
        return len(self.stack) * self.pages_per_page

    @property
    def balloon_list(self) -> Pages:
        """int32 guest PFNs on the balloon's list, head first."""
        return self.stack[::-1]

    def metrics(self) -> Metrics:
        return self.zone.metrics()

    def copy(self, settings: dict[str, Any]) -> ArrayGuest:
        """Another one that stands where this does, with no message sent; settings: the keywords that made this one."""
        zone, balloon = self.zone, self.balloon_list.astype(np.int64)
        page_size = self.pages_per_page * BALLOON_PAGE_SIZE
        other = ArrayGuest(self.driver, page_size, zone.states.copy(), zone.block_types.copy(), balloon, **settings)
        other.zone.order = zone.order.copy(other.zone.states, other.zone.block_types)
        other.fixed = None if self.fixed is None else self.fixed.copy()
        other.host.set_target(self.host.target)
        return other

    def workload(self, name: str, seed: int, **options: float) -> WorkloadResult:
        """As apply_workload on the same memory in a machine that is not recorded."""
        with self.history.operation(f"workload {name}", lambda: self.workload(name, seed, **options)):
            return apply_to_zone(self.zone, name, seed, balloon_moves=self.driver.movable, **options)

    def release(self, fraction: float, seed: int) -> int:
        """As `release` of workloads.py, likewise."""
        with self.history.operation("the workload gives pages back", lambda: self.release(fraction, seed)):
            return release_from_zone(self.zone, fraction, seed)

    def set_target(self, target: int, say: Say = lambda _: None) -> str:
        """Bring the balloon to `target` (checked by the caller), or as far as memory reaches; returns why not further.

        Raises StepsNeededError for a target that is no whole number of guest pages with a driver that is not content
        near it, and for one beyond the free memory with a driver that hangs then; nothing has changed then.
        """
        pages, rest = divmod(target, self.pages_per_page)
        pages += rest > 0
        more = pages - len(self.stack)
        hangs = more > self.zone.free_pages and self.habits.hangs_without_memory
        if hangs or (rest and not self.habits.rounds_up):
            raise StepsNeededError
        with self.history.operation(
            f"towards {counted(target, 'balloon page')}", lambda: self.set_target(target)
        ) as now:
            self.host.set_target(target)
            changed, before = np.zeros(0, np.int32), _FREE
            if more > 0:
                changed = self._inflate(more, say)
            elif more < 0:
                changed, before = self._deflate(-more, say), _BALLOON
            now.changed(changed[:, None], before)
            self.values.set(self.host.actual_slot, self.balloon_pages)
            self.values["num_pages"] = self.balloon_pages
        return OUT_OF_MEMORY if len(self.stack) < pages else ""

    def approach(self, target: int, say: Say = lambda _: None) -> None:
        """Come near a target that needs steps, as far as arrays can tell: what is left are steps of not many rounds."""
        rounds = int((target - self.balloon_pages) / ARRAY_PFNS_MAX)  # whole ones, either way
        near = min(rounds * (ARRAY_PFNS_MAX // self.pages_per_page), self.zone.free_pages)
        if near:
            self.set_target((len(self.stack) + near) * self.pages_per_page, say)

    @property
    def short(self) -> bool:
        """Whether the balloon is smaller than the target, by a guest page at least."""
        return -(-self.host.target // self.pages_per_page) > len(self.stack)

    def compact(self, say: Say = lambda _: None) -> ArrayRun:
        """Compact the zone, as a write to /proc/sys/vm/compact_memory; the host is told of every moved balloon page.

        Raises OnItsWayError if the driver is on its way to a target that it could come nearer to, StepsNeededError if
        a page of 3.8's is put back, which then is the LRU's (M5); nothing has changed then.
        """
        if self.short and self.zone.free_pages:
            raise OnItsWayError(
                f"the target is {counted(self.host.target, 'balloon page')} and the balloon holds "
                f"{self.balloon_pages:,}, with memory free again: the driver would inflate while compaction runs. "
                "Set a target first."
            )
        with self.history.operation("compaction", self.compact) as now:
            run, kinds = self._compact(say)
            now.changed(run.pairs, np.stack((kinds, np.zeros_like(kinds)), axis=1))
        return run

    def _compact(self, say: Say) -> tuple[ArrayRun, NDArray[np.uint8]]:
        """The run, and the PageState of each page that moved."""
        say("looking for the pages that move")
        run = self.zone.compact(balloon_moves=self.driver.movable, fixed=self.fixed)
        old, new = run.pairs[:, 0], run.pairs[:, 1]
        states = self.zone.states
        # A page that moved twice is FREE by now: what moved is told by where it is at last, so ask backwards.
        kinds = self._kinds(run.pairs)
        balloon = np.flatnonzero(kinds == _BALLOON)
        say(f"{counted(len(old), 'page')} moved")
        old, new = old[balloon], new[balloon]
        put_back = run.put_back[states[run.put_back] == _BALLOON]
        if self.habits.loses_put_back and len(put_back):
            raise StepsNeededError  # all is put back as it was
        self._count(
            compact_balloon_isolated=len(old) + len(put_back),
            compact_balloon_migrated=len(old),
            compact_balloon_released=len(old),
            compact_balloon_returned=len(put_back),
            balloon_migrate=len(old),
        )
        if not len(old) and not len(put_back):
            return run, kinds
        self._tell_of_migrations(old, new)
        say("the balloon's list")
        self._relist(old, new, put_back)
        if self.fixed is not None:
            self.fixed[new] = 1
            self.fixed[old] = 0
        return run, kinds

    def mark_moved_once(self, world: World) -> None:
        """Take the marks of pages that were migrated and never are again off them, in a world at the same page map."""
        if self.fixed is not None:
            for page in np.flatnonzero(self.fixed).tolist():
                world.set_page_flags(page, 0)

    # -- one operation's parts --

    def _inflate(self, pages: int, say: Say) -> Pages:
        """Returns the pages in the order in which they were taken."""
        say(f"looking for {counted(pages, 'guest page')}")
        placement, seed = self._placed
        taken = self.zone.allocate(
            pages,
            placement,
            migratetype=int(self.driver.migratetype),
            state=_BALLOON,
            seed=seed,
            balloon_moves=self.driver.movable,
        )
        say(f"telling the host of {counted(len(taken), 'guest page')}")
        entered = self._by_round(taken) if self.habits.fills_backwards else taken
        self.stack = np.concatenate((self.stack, entered))
        self._tell(Queue.INFLATE, entered)
        self._count(balloon_inflate=len(taken), nr_balloon_pages=len(taken), totalram_pages=-len(taken))
        return taken

    def _deflate(self, pages: int, say: Say) -> Pages:
        """Returns the pages in the order in which they were given back."""
        say(f"taking {counted(pages, 'guest page')} off the list")
        left = self.stack[len(self.stack) - pages :][::-1].copy()
        self.stack = self.stack[: len(self.stack) - pages].copy()
        self._tell(Queue.DEFLATE, left)
        say("giving them back")
        freed = self._by_round(left) if self.habits.frees_backwards else left
        self.zone.free(freed)
        if self.fixed is not None:
            self.fixed[left] = 0
        self._count(balloon_deflate=len(left), nr_balloon_pages=-len(left), totalram_pages=len(left))
        return freed

    def _by_round(self, pages: Pages) -> Pages:
        """Each round of 256 balloon pages backwards; the last round may be shorter."""
        size = ARRAY_PFNS_MAX // self.pages_per_page
        whole = len(pages) // size * size
        return np.concatenate((pages[:whole].reshape(-1, size)[:, ::-1].reshape(-1), pages[whole:][::-1]))

    def _tell(self, queue: Queue, pages: Pages) -> None:
        """Messages of 256 balloon pages each about these guest pages, in this order."""
        pfns = self._balloon_pfns(pages)
        messages = -(-len(pfns) // ARRAY_PFNS_MAX)
        count = np.full(messages, ARRAY_PFNS_MAX, np.uint16)
        if messages:
            count[-1] = len(pfns) - (messages - 1) * ARRAY_PFNS_MAX
        self.host.exchange(np.full(messages, queue, np.uint8), count, pfns)

    def _tell_of_migrations(self, old: Pages, new: Pages) -> None:
        """Two messages a pair: the new page enters the balloon, the old one leaves it."""
        both: Pages = np.empty((len(old), 2), np.int32)
        both[:, 0], both[:, 1] = new, old
        queue = np.empty((len(old), 2), np.uint8)
        queue[:] = (Queue.INFLATE, Queue.DEFLATE)
        count = np.full(2 * len(old), self.pages_per_page, np.uint16)
        self.host.exchange(queue.reshape(-1), count, self._balloon_pfns(both.reshape(-1)))

    def _balloon_pfns(self, pages: Pages) -> NDArray[np.uint32]:
        """4 KiB PFNs of guest pages, ascending within each."""
        per = self.pages_per_page
        if per == 1:
            return pages.astype(np.uint32)
        pfns = np.repeat(pages.astype(np.uint32) * np.uint32(per), per).reshape(-1, per)
        pfns += np.arange(per, dtype=np.uint32)
        return pfns.reshape(-1)

    def _kinds(self, pairs: Pages) -> NDArray[np.uint8]:
        """The PageState of each page that moved; after the run."""
        states = self.zone.states
        kind: NDArray[np.uint8] = states[pairs[:, 1].astype(np.intp)]
        again = np.flatnonzero(kind == 0)  # the new page is free again: it moved once more, later in the run
        if len(again):
            where = {int(page): int(state) for page, state in zip(pairs[:, 0], kind, strict=True) if state}
            for pair in again[::-1].tolist():
                page = int(pairs[pair, 1])
                kind[pair] = where[page]
                where[int(pairs[pair, 0])] = where[page]
        return kind

    def _relist(self, old: Pages, new: Pages, put_back: Pages) -> None:
        """Who was isolated left the list; who moved or was put back entered it again at its head."""
        inside = np.zeros(len(self.zone.states), bool)
        inside[self.stack] = True
        inside[old] = False
        inside[put_back] = False
        stayed = self.stack[inside[self.stack]]
        inside[new] = True  # those that moved on, or were put back, are not where they came to first
        inside[old] = False
        inside[put_back] = False
        self.stack = np.concatenate((stayed, new[inside[new]], put_back))

    # -- numbers --

    def _declare(self) -> None:
        inside, values = len(self.stack), self.values
        values.declare("num_pages", self.balloon_pages, "4 KiB pages")
        present = int(np.count_nonzero(self.zone.states != int(PageState.HOLE)))
        values.declare("totalram_pages", present - inside, "guest pages")
        for name in self.driver.vmstat:
            values.declare(name, inside if name in ("balloon_inflate", "nr_balloon_pages") else 0, "guest pages")
        per = self.pages_per_page
        pages = np.sort(self.stack).astype(np.int64)
        self.host.start_with((pages[:, None] * per + np.arange(per)).reshape(-1))
        self.host.set_target(self.balloon_pages)

    def _count(self, **changes: int) -> None:
        """Add to those of the numbers that this version has."""
        for name, change in changes.items():
            if name in self.values:
                self.values[name] += change
