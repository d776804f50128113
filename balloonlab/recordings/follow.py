"""A recording from snapshot to snapshot: the engine's free blocks of each order beside the guest's own count.

Each stage begins with the page map of its first snapshot, so that differences do not add up. What processes and the
kernel took and gave back in it is taken from the page maps; what the balloon did is the engine's own work: pages for
an inflate come from its allocator (Linux 6.1, order 0, movable or not by the driver; DMA32 before DMA), deflated pages
go back to it in the order of the messages, compact_memory is its own run. The guest counts in /proc/buddyinfo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from balloonlab.foundations.interrupt import interruptible
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.zone import MAX_ORDER, PAGEBLOCK_ORDER, Migratetype, PageFrames, PageState, Zone
from balloonlab.recordings.recorded_guest import RecordedGuest
from balloonlab.recordings.traffic import INFLATE

_PAGES = 1 << np.arange(MAX_ORDER)
_OTHERS = (PageState.MOVABLE, PageState.UNMOVABLE)


@dataclass(frozen=True)
class Stage:
    """From one snapshot to the next; counts of free blocks by order 0..10, sizes in guest pages.

    inflated, deflated: balloon pages told in rounds, of 4 KiB. moved: pages that the engine's compaction moved; None
    if none was asked for. per_cpu: the guest's count of pages on per-cpu lists before and after; such pages are free
    to nobody but their processor, and in no free block.
    """

    before: str
    after: str
    inflated: int
    deflated: int
    moved: int | None
    engine: tuple[int, ...]
    guest: tuple[int, ...]
    per_cpu: tuple[int, int]

    @property
    def huge(self) -> tuple[int, int]:
        """Free 2 MiB blocks: the engine's, the guest's."""
        return _huge(self.engine), _huge(self.guest)

    @property
    def free_pages(self) -> tuple[int, int]:
        """Free pages in blocks: the engine's, the guest's."""
        return int(np.array(self.engine) @ _PAGES), int(np.array(self.guest) @ _PAGES)

    def __str__(self) -> str:
        done = [f"{self.inflated:,} inflated" if self.inflated else "", f"{self.deflated:,} deflated"]
        done = [text for text, count in zip(done, (self.inflated, self.deflated), strict=True) if count]
        done += [f"compacted, {self.moved:,} moved"] if self.moved is not None else []
        ours, theirs = self.free_pages
        return (
            f"{self.before} to {self.after} ({', '.join(done) or 'no balloon work'}): free 2 MiB blocks "
            f"{self.huge[0]:,}, guest {self.huge[1]:,}; free pages {ours:,}, guest {theirs:,} (on per-cpu lists "
            f"{self.per_cpu[0]:,}, then {self.per_cpu[1]:,})\n"
            f"  engine {' '.join(map(str, self.engine))}\n  guest  {' '.join(map(str, self.guest))}"
        )


def follow(recording: RecordedGuest) -> list[Stage]:
    """Every stage of the recording, oldest first."""
    stages: list[Stage] = []
    with interruptible("following the recording") as interruption:
        for before, after in zip(recording.snapshots, recording.snapshots[1:], strict=False):
            if interruption.asked:
                break
            interruption.say(f"{before} to {after}")
            stages.append(_stage(recording, before, after))
    return stages


def _stage(recording: RecordedGuest, before: str, after: str) -> Stage:
    start, end = recording.snapshot_times[before], recording.snapshot_times[after]
    taken, given = _told_between(recording, start, end)
    frames = PageFrames(recording.pages)
    frames.states[:] = _without_others(recording, before, after)
    frames.block_types[:] = recording.snapshot_block_types(before)
    buddies = [Buddy(Zone(frames, zone.start_pfn, zone.end_pfn, zone.name), "6.1") for zone in recording.zones]
    kind = Migratetype.MOVABLE if recording.balloon_movable else Migratetype.UNMOVABLE
    listed = recording.balloon(before)
    for _ in range(taken):
        page = next((pfn for buddy in reversed(buddies) if (pfn := buddy.alloc(0, kind)) is not None), None)
        if page is None:
            break
        frames.set_state(page, PageState.BALLOON)
        listed.insert(0, page)
    moved = _compacted(recording, start, end, buddies)
    inside = np.flatnonzero(frames.states == PageState.BALLOON).tolist()
    # The engine's balloon lies elsewhere than the guest's after an inflate or a compaction of its own.
    leaving = given if set(given) <= set(inside) else inside[::-1][: len(given)]
    for page in leaving:
        next(buddy for buddy in buddies if buddy.zone.start <= page < buddy.zone.end).free(page)
    return Stage(
        before,
        after,
        inflated=taken,
        deflated=len(given),
        moved=moved,
        engine=tuple(map(int, np.sum([buddy.block_counts() for buddy in buddies], axis=0))),
        guest=tuple(map(int, np.sum(list(recording.snapshot_buddyinfo(after).values()), axis=0))),
        per_cpu=(recording.per_cpu_pages(before), recording.per_cpu_pages(after)),
    )


def _without_others(recording: RecordedGuest, before: str, after: str) -> npt.NDArray[np.uint8]:
    """The page map before, with what others than the balloon took or gave back until the snapshot after."""
    states, later = recording.snapshot_states(before), recording.snapshot_states(after)
    if not any(_compactions(recording, recording.snapshot_times[before], recording.snapshot_times[after])):
        changed = np.isin(states, _OTHERS) & (later == PageState.FREE)
        changed |= (states == PageState.FREE) & np.isin(later, _OTHERS)
        changed |= np.isin(states, _OTHERS) & np.isin(later, _OTHERS)
        states[changed] = later[changed]
        states[np.isin(states, _OTHERS) & (later == PageState.BALLOON)] = PageState.FREE
    return states


def _told_between(recording: RecordedGuest, start: float, end: float) -> tuple[int, list[int]]:
    """How many pages rounds inflated, and which pages they deflated, in the order in which they are freed."""
    messages = recording.messages
    first = (messages.time > start) & (messages.time <= end)
    alone = messages.count == 1
    pair = np.zeros(len(alone), np.bool_)
    pair[:-1] = alone[:-1] & alone[1:] & (messages.queue[:-1] == INFLATE) & (messages.queue[1:] != INFLATE)
    pair[1:] |= pair[:-1].copy()
    rounds = np.flatnonzero(first & ~pair)
    inflated = int(messages.count[[number for number in rounds if messages.queue[number] == INFLATE]].sum())
    given: list[int] = []
    for number in rounds.tolist():
        if messages.queue[number] != INFLATE:
            given += messages.of(number).tolist()[::-1]
    return inflated, given


def _compactions(recording: RecordedGuest, start: float, end: float) -> list[bool]:
    return [step["step"] == "compact_memory" and start <= step["host_t"] <= end for step in recording.meta["steps"]]


def _compacted(recording: RecordedGuest, start: float, end: float, buddies: list[Buddy]) -> int | None:
    """Pages that compact_memory moves, as often as it was written between; None if it was not."""
    movable = {PageState.MOVABLE, PageState.BALLOON} if recording.balloon_movable else {PageState.MOVABLE}
    moved = None
    for _ in range(sum(_compactions(recording, start, end))):
        for buddy in buddies:
            control = CompactControl(buddy, name=f"compact {buddy.zone.name}", movable_states=movable)
            moved = (moved or 0) + compact(control).pages_moved
    return moved


def _huge(blocks: tuple[int, ...]) -> int:
    return blocks[PAGEBLOCK_ORDER] + 2 * blocks[PAGEBLOCK_ORDER + 1]
