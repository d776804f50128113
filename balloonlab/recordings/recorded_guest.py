"""What a real guest did, as it was recorded: read whole, checked whole, then only asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from balloonlab.foundations.errors import pick, whole_number
from balloonlab.foundations.words import counted, shown
from balloonlab.memory.zone import PageState
from balloonlab.recordings import snapshots
from balloonlab.recordings.block_types import block_types
from balloonlab.recordings.reading import damaged, member, read_json
from balloonlab.recordings.replay import replay
from balloonlab.recordings.traffic import INFLATE, read_config, read_guest_events, read_messages


class RecordedGuest:
    """What happened in one real guest, from the folder `path`.

    name: the folder's. title, meta: what was done, in words and whole. pages: guest pages. balloon_movable: whether
    its driver was built with balloon compaction. snapshots: names, oldest first. snapshot_times: host second of each.
    zones: ZoneSpans, by PFN. messages: Messages. config: ConfigEvents, oldest first. list_events: ListEvents; told:
    Told (None if the guest was not traced). Raises DamagedRecordingError, naming file and reason, for what is wrong.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.meta = read_json(path / "meta.json")
        self.title: str = member(self.meta, "scenario", str, path / "meta.json")
        self.snapshot_times = self._read_times(path / "meta.json")
        self.snapshots = list(self.snapshot_times)
        self.balloon_movable = not str(self.meta.get("balloon_module", "")).endswith("nocomp")
        self._read_snapshots(path)
        self.messages = read_messages(path / "messages.npz", self.pages)
        self.config = read_config(path / "config.csv", self.pages)
        self.list_events, self.told = read_guest_events(path / "guest_events.csv.xz", self.messages, self.pages)
        self._check_counts(path / "meta.json")

    def __repr__(self) -> str:
        told = f"{counted(len(self.messages), 'message')}, snapshots {', '.join(self.snapshots)}"
        return f"{type(self).__name__}({self.name!r}, {counted(self.pages, 'guest page')}, {told})"

    def _read_times(self, path: Path) -> dict[str, float]:
        times: dict[str, float] = {}
        before = 0.0
        for step in member(self.meta, "steps", list, path):
            row = member({"a step": step}, "a step", dict, path)
            time = member(row, "host_t", float, path)
            if time < before:
                raise damaged(path, f"step {shown(row.get('step'))} at {time} s comes after one at {before} s")
            before = time
            if member(row, "step", str, path) == "snapshot":
                name = member(row, "name", str, path)
                if name in times:
                    raise damaged(path, f"two snapshots are named {shown(name)}")
                times[name] = time
        return times

    def _read_snapshots(self, path: Path) -> None:
        self._flags = snapshots.read_flags(path / "kpageflags.npz")
        texts_path, counters_path = path / "pagetypeinfo_zoneinfo.json.gz", path / "snapshots.json"
        texts, counters = snapshots.read_texts(texts_path), read_json(counters_path)
        found = {path / "kpageflags.npz": self._flags, counters_path: counters}
        found |= dict.fromkeys([texts_path], texts["pagetypeinfo"])
        for file, names in found.items():
            if names.keys() != self.snapshot_times.keys():
                raise damaged(
                    file, f"has snapshots {shown(sorted(names))}; meta.json has {shown(sorted(self.snapshot_times))}"
                )
        self.pages = len(self._flags[self.snapshots[0]])
        zoneinfo = member(texts["zoneinfo"], self.snapshots[0], str, texts_path)
        self.zones = snapshots.read_zones(texts_path, zoneinfo, self.pages)
        self._buddyinfo, self._type_counts, self._per_cpu = {}, {}, {}
        for name in self.snapshots:
            row = member(counters, name, dict, counters_path)
            self._buddyinfo[name] = snapshots.read_free_blocks(counters_path, row, self.zones)
            self._per_cpu[name] = snapshots.read_per_cpu(texts_path, member(texts["zoneinfo"], name, str, texts_path))
            self._type_counts[name] = snapshots.read_type_counts(texts_path, texts["pagetypeinfo"][name], self.zones)
            snapshots.check_summary(counters_path, name, row, self._flags[name])

    def _check_counts(self, path: Path) -> None:
        """What meta.json says of the messages must be so."""
        counts = member(self.meta, "messages", dict, path)
        for what, count in (("total", len(self.messages)), ("pfns", len(self.messages.pfns))):
            if member(counts, what, int, path) != count:
                raise damaged(path, f"messages.{what} is {shown(counts[what])}; messages.npz has {count:,}")

    def _snapshot(self, name: str) -> str:
        return pick("snapshot", name, self.snapshots, f"They are those of {self.name}.")

    def snapshot_states(self, name: str) -> npt.NDArray[np.uint8]:
        """uint8 PageState codes, one a guest page, as the page flags of that snapshot say (snapshots.page_states)."""
        return snapshots.page_states(self._flags[self._snapshot(name)], self.zones)

    def snapshot_block_types(self, name: str) -> npt.NDArray[np.uint8]:
        """uint8 Migratetype codes, one a pageblock: numbers the guest's, places inferred (block_types.py)."""
        name = self._snapshot(name)
        counts, free = self._type_counts[name]
        return block_types(self._flags[name], self.zones, counts, free, balloon_movable=self.balloon_movable)

    def snapshot_buddyinfo(self, name: str) -> dict[str, list[int]]:
        """By zone, the guest's own count of free blocks of each order 0..10."""
        return {zone: list(row) for zone, row in self._buddyinfo[self._snapshot(name)].items()}

    def unmarked(self, name: str) -> npt.NDArray[np.bool_]:
        """By guest page, whether its flags say nothing at all: free on a per-cpu list, or the kernel's own."""
        return np.equal(self._flags[self._snapshot(name)], 0)

    def reader_pages(self, name: str) -> npt.NDArray[np.bool_]:
        """By guest page, whether it likely was in the buffer of the process that read them (snapshots.reader_pages)."""
        return snapshots.reader_pages(self._flags[self._snapshot(name)])

    def per_cpu_pages(self, name: str) -> int:
        """Guest pages on per-cpu lists, by the guest's own count (/proc/zoneinfo) at that snapshot."""
        return sum(cpu.pages for cpus in self._per_cpu[self._snapshot(name)].values() for cpu in cpus)

    def per_cpu_lists(self, name: str) -> dict[str, list[snapshots.PerCpu]]:
        """By zone, each CPU's lists of free pages, as the guest counted them at that snapshot."""
        return {zone: list(cpus) for zone, cpus in self._per_cpu[self._snapshot(name)].items()}

    def told_before(self, name: str) -> int:
        """How many messages the host had read when that snapshot was taken."""
        return int(np.searchsorted(self.messages.time, self.snapshot_times[self._snapshot(name)], side="right"))

    def believed(self, told: int) -> npt.NDArray[np.bool_]:
        """By guest page, whether the host counts it as the balloon's after the first `told` messages.

        Raises BadValueError for more messages than there are.
        """
        told = whole_number("told", told, 0, len(self.messages), "messages")
        queues = np.repeat(self.messages.queue[:told], self.messages.count[:told])
        inside = np.zeros(self.pages, np.bool_)
        inside[self.messages.pfns[: len(queues)]] = queues == INFLATE  # of one page, what was said last holds
        return inside

    def played(self, told: int) -> npt.NDArray[np.uint8]:
        """uint8 PageState codes, one a guest page, after the first `told` messages, by those who saw them.

        The balloon is what the host believes. All else is as the last snapshot before saw it, or the first of all; what
        was the balloon's there, and is no more, is FREE.
        """
        inside = self.believed(told)
        before = [name for name in self.snapshots if self.told_before(name) <= told]
        states = self.snapshot_states(before[-1] if before else self.snapshots[0])
        states[states == PageState.BALLOON] = PageState.FREE
        states[inside] = PageState.BALLOON
        return states

    def balloon(self, name: str) -> list[int]:
        """PFNs of the balloon's pages at that snapshot, from the head of its list.

        The order is replayed from messages, isolations and putbacks. The pages are those that the page flags mark, so
        that they agree with snapshot_states: pages that the replay does not list (isolated, or moved while the flags
        were being read: 123 in S2_256M_alt ``inflated``, none or a few elsewhere) stand first, where compaction puts
        them back, ascending.
        """
        marked = self.snapshot_states(name) == PageState.BALLOON
        listed = [
            pfn
            for pfn in replay(self.messages, self.list_events, self.snapshot_times[name]).head_first()
            if marked[pfn]
        ]
        marked[listed] = False
        return [*np.flatnonzero(marked).tolist(), *listed]
