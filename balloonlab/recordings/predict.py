"""A real guest's compaction beside the engine's, which is given the page map before it.

The engine runs the rules of Linux 6.1 (memory/compaction.py) as a write to /proc/sys/vm/compact_memory does: each zone
in turn, wholly, DMA before DMA32 (mm/compaction.c, compact_node). It is given the page flags, the pageblock types and
the counts of the per-cpu lists of the snapshot before, and nothing later. What the messages between the two snapshots
and the page flags after say is only compared.

Per-cpu lists decide when a few pages become targets. Each page that a migration leaves goes there first, and when the
lists are full, the oldest pages on them become free, amid the run (memory/per_cpu.py). Targets are taken in fills of
some 32 to 480 pages, from one place downward: one page more or less in a fill shifts all that follow. After the run
all that it freed counts as free: a CPU empties its lists when it frees a block of order 1 to 3 soon after many pages
(free_unref_page_commit), and whether it did so by the time of the snapshot after, one cannot foretell.

What lies on the lists when the run begins is inferred. Pages in MOVABLE pageblocks whose flags say nothing were there
in the snapshot; the process that read the flags ended, which put its pages there. The process that asked for compaction
came next and took pages from the same end: so many as the other had besides its buffer, if it is the same program. The
pages of the buffer (reader_pages of snapshots.py) stayed.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from balloonlab.foundations.errors import BadValueError, of_kind, real_number
from balloonlab.foundations.interrupt import interruptible
from balloonlab.foundations.words import counted
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.compaction import CompactControl, compact
from balloonlab.memory.per_cpu import PerCpuLists
from balloonlab.memory.zone import PAGEBLOCK_PAGES, Migratetype, PageFrames, PageState, Zone
from balloonlab.recordings.recorded_guest import RecordedGuest
from balloonlab.recordings.sequences import Overlap
from balloonlab.recordings.snapshots import PerCpu
from balloonlab.recordings.traffic import DEFLATE, INFLATE

Pairs = npt.NDArray[np.int64]
States = npt.NDArray[np.uint8]

_HUGE = 9  # order of a 2 MiB block


@dataclass(frozen=True)
class EngineRun:
    """What the engine did with one page map. Counts are guest pages, huge is free 2 MiB blocks.

    pairs: int64 (k, 2), old and new PFN of each moved page, in order; balloon_pairs: those of balloon pages.
    sources, targets: of balloon pages, compared with the messages. same_pairs: moved the same way by both.
    same_states: pages whose state after the run is the real one. differences: how many pages have which state here
    (first) and which in the guest (second). huge_less_held: huge, if the pages that the guest then kept on per-cpu
    lists, or had put to other use, had not been free here. huge_at_least: huge, if what the run left on its per-cpu
    lists had stayed there; per_cpu: how many pages were on them.
    """

    pairs: Pairs = field(repr=False, compare=False)
    balloon_pairs: Pairs = field(repr=False, compare=False)
    states: States = field(repr=False, compare=False)
    free_blocks: tuple[int, ...]
    sources: Overlap
    targets: Overlap
    same_pairs: int
    same_states: int
    differences: dict[tuple[PageState, PageState], int]
    huge: int
    huge_less_held: int
    huge_at_least: int
    per_cpu: int
    free_scanned: int

    @property
    def states_share(self) -> float:
        return self.same_states / len(self.states)


@dataclass(frozen=True)
class Prediction:
    """The engine's run beside the real one, between two snapshots of a recording.

    pairs: of the messages, int64 (k, 2). Three runs of the engine: `run`, with per-cpu lists, `idle` pages on them as
    in the snapshot and `reader` of the process that read it; `without_lists`, from the page map as it was read, where
    what is freed is free at once; `informed`, as that, but with the pages in `changed` free: in use in the snapshot,
    yet taken as targets by the real run. The first two know nothing of what came later. huge: free 2 MiB blocks of the
    guest, before and after. held: pages free in `run` whose flags in the guest say nothing: on per-cpu lists, or the
    kernel's. per_cpu: the guest's own count of pages on those lists, before and after.
    """

    name: str
    before: str
    after: str
    pairs: Pairs = field(repr=False, compare=False)
    run: EngineRun
    without_lists: EngineRun
    informed: EngineRun
    idle: int
    reader: int
    changed: tuple[int, ...]
    huge: tuple[int, int]
    free_blocks: tuple[int, ...]
    held: int
    per_cpu: tuple[int, int]

    def __str__(self) -> str:
        run = self.run
        others = len(run.pairs) - len(run.balloon_pairs)
        moved = f"{len(run.balloon_pairs):,} by the engine, {len(self.pairs):,} by the guest"
        lines = [
            f"{self.name}, {self.before} to {self.after}: balloon pages moved: {moved}",
            f"  sources: {run.sources}",
            f"  targets: {run.targets}",
            f"  whole pairs: {run.same_pairs:,} (one page more or less on a list shifts all that follow)",
            f"  page states: {run.same_states:,} of {len(run.states):,} ({run.states_share:.2%})",
            f"  free 2 MiB blocks: {self.huge[0]:,} before, {self.huge[1]:,} after; the engine {run.huge:,}",
            f"  the same with what the run freed still on per-cpu lists: {run.huge_at_least:,}",
            f"  the same without pages that the guest then had in use or on per-cpu lists: {run.huge_less_held:,}",
            f"  workload pages moved by the engine (no message shows those): {others:,}",
            f"  free blocks by order, engine: {' '.join(map(str, run.free_blocks))}",
            f"  free blocks by order, guest:  {' '.join(map(str, self.free_blocks))}",
        ]
        lines += [
            f"    {counted(count, 'page')}: {_words(*states)}" for states, count in sorted(run.differences.items())
        ]
        lines.append(
            f"  per-cpu lists, by the guest's count: {counted(self.per_cpu[0], 'page')} before, {self.per_cpu[1]:,} "
            f"after, {run.per_cpu:,} by the engine; {counted(self.held, 'page')} free here and neither free nor marked "
            "there"
        )
        lines.append(f"  known on them at first: {self.idle:,}, and {self.reader:,} of the process that read the flags")
        lines.append("  without per-cpu lists:")
        lines += _shares(self.without_lists)
        if self.changed:
            lines.append(
                f"  and with the {counted(len(self.changed), 'page')} free that were in use, but that the run filled:"
            )
            lines += _shares(self.informed)
        return "\n".join(lines)


def _shares(run: EngineRun) -> list[str]:
    return [
        f"    sources: {run.sources}",
        f"    targets: {run.targets}",
        f"    whole pairs: {run.same_pairs:,}; page states: {run.states_share:.2%}",
    ]


def _words(ours: PageState, theirs: PageState) -> str:
    """What kind of difference it is."""
    kinds = {
        (PageState.FREE, PageState.UNMOVABLE): "on a per-cpu list, or allocated by the kernel since",
        (PageState.FREE, PageState.MOVABLE): "allocated by a process since, or a workload page went there",
        (PageState.MOVABLE, PageState.FREE): "a process gave it back, or a workload page went elsewhere",
        (PageState.MOVABLE, PageState.BALLOON): "given back before the run, which then moved a balloon page there",
        (PageState.UNMOVABLE, PageState.FREE): "on a per-cpu list in the snapshot, or given back by the kernel since",
        (PageState.UNMOVABLE, PageState.BALLOON): "on a per-cpu list in the snapshot, free when the run began",
        (PageState.FREE, PageState.BALLOON): "the guest moved a balloon page there, the engine did not",
        (PageState.BALLOON, PageState.FREE): "the engine moved a balloon page there, the guest did not",
        (PageState.BALLOON, PageState.MOVABLE): "in use by the time the run reached it",
        (PageState.BALLOON, PageState.UNMOVABLE): "in use by the time the run reached it",
    }
    text = kinds.get((ours, theirs), "changed use between the snapshots")
    return f"{ours.name} here, {theirs.name} in the guest ({text})"


def predict_compaction(recording: RecordedGuest, before: str, after: str) -> Prediction:
    """Run the engine from snapshot `before` and compare with snapshot `after` and the messages between.

    UnknownNameError for a snapshot that the recording has not, BadValueError if `after` is not later than `before`,
    or if no compact_memory was between them.
    """
    states, real_states = recording.snapshot_states(before), recording.snapshot_states(after)
    _check_between(recording, before, after)
    pairs = moved_between(recording, recording.snapshot_times[before], recording.snapshot_times[after])
    real = _Real(pairs, real_states, recording.unmarked(after))
    idle, reader = _idle_pages(recording, before, states), np.flatnonzero(recording.reader_pages(before))
    changed = np.unique([new for new in pairs[:, 1].tolist() if states[new] != PageState.FREE]).astype(np.int64)
    runs: list[EngineRun] = []
    with interruptible("predicting compaction") as interruption:
        informed = states.copy()
        informed[changed] = PageState.FREE
        for known, listed in ((states, [*idle.tolist(), *reader.tolist()]), (states, None), (informed, None)):
            interruption.say(f"run {len(runs) + 1} of 3")
            runs.append(_run(recording, before, known, states, real, listed))
            if interruption.asked:
                break
    guest_blocks = [np.sum(list(recording.snapshot_buddyinfo(name).values()), axis=0) for name in (before, after)]
    return Prediction(
        name=recording.name,
        before=before,
        after=after,
        pairs=pairs,
        run=runs[0],
        without_lists=runs[1],
        informed=runs[2],
        idle=len(idle),
        reader=len(reader),
        changed=tuple(changed.tolist()),
        huge=(_huge(guest_blocks[0]), _huge(guest_blocks[1])),
        free_blocks=tuple(map(int, guest_blocks[1])),
        held=int(((runs[0].states == PageState.FREE) & real.unmarked).sum()),
        per_cpu=(recording.per_cpu_pages(before), recording.per_cpu_pages(after)),
    )


def moved_between(recording: RecordedGuest, start: float, end: float) -> Pairs:
    """(old, new) PFNs of the migrations told between two host seconds: adjacent messages of one page each."""
    of_kind("recording", recording, RecordedGuest, "a recording: bl.recordings.load(...)")
    why = "host seconds, such as recording.snapshot_times['freed']"
    start, end = real_number("start", start, 0, math.inf, why), real_number("end", end, 0, math.inf, why)
    messages = recording.messages
    count, queue, time = messages.count, messages.queue, messages.time
    first = (count[:-1] == 1) & (count[1:] == 1) & (queue[:-1] == INFLATE) & (queue[1:] == DEFLATE)
    first &= (time[:-1] > start) & (time[1:] <= end)
    numbers = np.flatnonzero(first)
    at = messages.start
    return np.stack((messages.pfns[at[numbers + 1]], messages.pfns[at[numbers]]), axis=1).reshape(-1, 2)


@dataclass(frozen=True)
class _Real:
    """What the guest did: pairs, states after, and which pages then carried no flag at all."""

    pairs: Pairs
    states: States
    unmarked: npt.NDArray[np.bool_]


def _check_between(recording: RecordedGuest, before: str, after: str) -> None:
    start, end = recording.snapshot_times[before], recording.snapshot_times[after]
    compacted = [step["host_t"] for step in recording.meta["steps"] if step["step"] == "compact_memory"]
    if not any(start <= time <= end for time in compacted):
        raise BadValueError(
            f"no compact_memory ran in {recording.name} from {before!r} ({start:.3f} s) to {after!r} ({end:.3f} s); "
            f"it ran at {', '.join(f'{time:.3f} s' for time in compacted) or 'no time'}. "
            "Name the snapshots just before and just after one."
        )


def _idle_pages(recording: RecordedGuest, before: str, states: States) -> Pairs:
    """PFNs of pages that lay on per-cpu lists in MOVABLE pageblocks, where the kernel has hardly a page of its own."""
    movable = recording.snapshot_block_types(before).repeat(PAGEBLOCK_PAGES)[: recording.pages] == Migratetype.MOVABLE
    return np.flatnonzero(recording.unmarked(before) & movable & (states == PageState.UNMOVABLE))


def _run(
    recording: RecordedGuest,
    before: str,
    states: States,
    marked: States,
    real: _Real,
    listed: list[int] | None,
) -> EngineRun:
    """A run from `states`; `marked` says what each page was in the snapshot.

    listed: PFNs of pages on per-cpu lists, oldest first; None for a run without such lists.
    """
    frames = PageFrames(recording.pages)
    frames.states[:] = states
    frames.block_types[:] = recording.snapshot_block_types(before)
    movable = {PageState.MOVABLE, PageState.BALLOON} if recording.balloon_movable else {PageState.MOVABLE}
    cpus = recording.per_cpu_lists(before)
    results, buddies, lists = [], [], []
    for zone in recording.zones:
        buddy = Buddy(Zone(frames, zone.start_pfn, zone.end_pfn, zone.name), "6.1")
        buddies.append(buddy)
        if listed is not None:
            here = [pfn for pfn in listed if zone.start_pfn <= pfn < zone.end_pfn]
            lists.append(_per_cpu_lists(buddy, cpus.get(zone.name, []), here, marked))
        free = lists[-1].free if lists else None
        control = CompactControl(buddy, name=f"compact {zone.name}", movable_states=movable, free=free)
        results.append(compact(control))
    pairs = np.concatenate([result.pairs for result in results])
    balloon = pairs[marked[pairs[:, 0]] == PageState.BALLOON]
    huge_at_least, per_cpu = _huge(_block_counts(buddies)), sum(each.count for each in lists)
    for buddy, each in zip(buddies, lists, strict=False):
        for pfn in each.take():
            if pfn not in each.known:
                buddy.free(pfn)
    after = frames.states.copy()
    blocks = _block_counts(buddies)
    held = (after == PageState.FREE) & np.isin(real.states, (PageState.UNMOVABLE, PageState.MOVABLE))
    wrong = Counter(zip(after[after != real.states].tolist(), real.states[after != real.states].tolist(), strict=True))
    frames.states[held] = PageState.UNMOVABLE
    for buddy in buddies:
        buddy.rebuild()
    return EngineRun(
        pairs=pairs,
        balloon_pairs=balloon,
        states=after,
        free_blocks=tuple(map(int, blocks)),
        sources=Overlap.of(balloon[:, 0].tolist(), real.pairs[:, 0].tolist()),
        targets=Overlap.of(balloon[:, 1].tolist(), real.pairs[:, 1].tolist()),
        same_pairs=len(set(map(tuple, balloon.tolist())) & set(map(tuple, real.pairs.tolist()))),
        same_states=int((after == real.states).sum()),
        differences={(PageState(ours), PageState(theirs)): count for (ours, theirs), count in wrong.items()},
        huge=_huge(blocks),
        huge_less_held=_huge(_block_counts(buddies)),
        huge_at_least=huge_at_least,
        per_cpu=per_cpu,
        free_scanned=sum(result.free_scanned for result in results),
    )


def _per_cpu_lists(buddy: Buddy, cpus: list[PerCpu], pages: list[int], marked: States) -> PerCpuLists:
    """The lists of the CPU that has most pages on them, with `pages`; those in use in the snapshot came after it."""
    cpu = max(cpus, default=PerCpu(pages=0, high=0, batch=1))
    since = int((marked[pages] == PageState.MOVABLE).sum())
    return PerCpuLists(buddy, count=cpu.pages + since, high=cpu.high, batch=cpu.batch, known=pages)


def _block_counts(buddies: list[Buddy]) -> npt.NDArray[np.int64]:
    """Free blocks of each order in all zones."""
    counts: npt.NDArray[np.int64] = np.sum([buddy.block_counts() for buddy in buddies], axis=0)
    return counts


def _huge(blocks: npt.NDArray[np.int64]) -> int:
    """Free 2 MiB blocks, those in blocks of order 10 too."""
    return int(blocks[_HUGE] + 2 * blocks[_HUGE + 1])
