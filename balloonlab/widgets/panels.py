"""Every panel of the Lab as plain text, at the machine's position: for readers without JavaScript, and for tests.

The text is the same on every machine and in every run: no times, no addresses, no sizes of the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from types import CodeType
from typing import NamedTuple

import numpy as np

from balloonlab.drivers.line_notes import notes_on
from balloonlab.foundations.words import counted
from balloonlab.host.host import BALLOON_PAGE_SIZE, QUEUE_NAMES, MessageStatus
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.thread import Thread
from balloonlab.kernel.timeline import Wait
from balloonlab.kernel.world import World
from balloonlab.memory.palette import state_counts
from balloonlab.memory.zone import PAGEBLOCK_ORDER
from balloonlab.widgets.device import statistics, structure

MESSAGES = 6  # latest messages listed
LIST_PAGES = 8  # pages of a list named from its head
PAGE_LOCKS = 6  # locked pages named one by one
PRINTED = 6  # latest lines of the kernel's log
_AROUND = 2  # driver lines shown before and after the current one
_HOST = {
    "target (config num_pages)": "target",
    "actual (config actual)": "actual",
    "host believes ballooned": "believed ballooned",
    "host memory given back": "memory given back",
}
_PER_RUN = {  # of a compactor's many numbers those that /proc/vmstat has, by its names
    "blocks_moved": "compact_blocks_moved",
    "pages_moved": "compact_pages_moved",
    "migrate_failed": "compact_pagemigrate_failed",
}


class Shown(NamedTuple):
    """Where a shared number appears: group "host", "counter", "free" (by order), "scanner", "flag", or "" (nowhere)."""

    name: str
    unit: str
    group: str
    order: int = -1


def shown_values(world: World) -> list[Shown]:
    """One entry a slot of the world's Values: what it is called, and in which panel it belongs."""
    pairs = zip(world.values.names, world.values.units, strict=True)
    return [Shown(_HOST[name], unit, "host") if name in _HOST else _guest_value(name, unit) for name, unit in pairs]


def _guest_value(name: str, unit: str) -> Shown:
    if unit == "free blocks":
        return Shown(name, unit, "free", int(name.rpartition("[")[2].rstrip("]")))
    if unit == "PFN":
        scanner = name.rpartition(" ")[2]
        return Shown(name, unit, "scanner" if scanner in ("migrate_pfn", "free_pfn") else "")
    if name.startswith("compact "):
        zone, _, number = name.removeprefix("compact ").rpartition(" ")
        vmstat = _PER_RUN.get(number, "")
        return Shown(f"{vmstat} ({zone})" if zone != "Normal" else vmstat, unit, "counter" if vmstat else "")
    return Shown(name, unit, "counter" if unit and unit != "flag" else "flag")


def has_guest(world: World) -> bool:
    """Whether there is a balloon, or only a program's threads and numbers."""
    return "num_pages" in world.values.names


def panels(machine: Machine, fates: Sequence[str] = ()) -> str:
    """Every panel, one after the other. fates: lines on what can become of it, if that is shown."""
    device = (structure, statistics) if has_guest(machine.world) else ()
    parts: tuple[Callable[[Machine], str], ...] = (
        *(timeline, page_map, threads, locks, lists, messages, host, *device, counters, free_memory),
    )
    with machine.lock:
        texts = [part(machine) for part in parts]
        texts += [kernel_log(machine)] if machine.log else []
    return "\n\n".join([texts[0], *([ahead(fates)] if fates else []), *texts[1:]])


def short(machine: Machine, fates: Sequence[str] = ()) -> str:
    """The position, the pages by state, and one line a thread and lock: what a saved notebook shows."""
    with machine.lock:
        who = [f"  {thread.name:<20}{wait.text}" for thread, wait in _waits(machine)]
        parts = [timeline(machine), page_map(machine), "threads", *who, locks(machine)]
    return "\n".join([*parts, *([ahead(fates)] if fates else [])])


def ahead(fates: Sequence[str]) -> str:
    """What can become of the position, and of each thread's next step."""
    return "\n".join(["what can become of each step", *(f"  {line}" for line in fates)])


def timeline(machine: Machine) -> str:
    """Where the machine is, and the step that led here."""
    text = f"timeline: step {machine.position:,} of {machine.end:,}"
    if machine.position > machine.timeline.first:
        text += f"\n  {machine.timeline.text(machine.position - 1, machine.names)}"
    return "\n".join([text, *(f"  {bug}" for bug in machine.bugs)])


def kernel_log(machine: Machine) -> str:
    """The latest lines of the kernel's log, each with the number of its step; the time is what threads slept."""
    lines = machine.log
    rows = [f"  step {line.step + 1:<7,} {line}" for line in lines[-PRINTED:]]
    return "\n".join([f"kernel log: {counted(len(lines), 'line')}", *rows])


def page_map(machine: Machine) -> str:
    """How many guest pages are in each state."""
    states = machine.world.frames.states
    found = [f"{look.word} {count:,}" for look, count in state_counts(states)]
    return f"page map: {counted(len(states), 'guest page')}\n  {', '.join(found)}"


def threads(machine: Machine) -> str:
    """Each thread: whether it can run, its calls, and the lines around the one it will do next."""
    rows = [line for thread, wait in _waits(machine) for line in _thread(machine, thread, wait)]
    return "\n".join(["threads", *rows])


def _waits(machine: Machine) -> list[tuple[Thread, Wait]]:
    return [(thread, machine.wait_of(thread)) for thread in machine.threads]


def _thread(machine: Machine, thread: Thread, wait: Wait) -> list[str]:
    lines = [f"  {thread.name}: {wait.text}"]
    if thread.pending is None:
        return lines
    line = machine.timeline
    stack = line.locations[line.location_number(thread.generator)]
    calls = [(line.functions[function], at) for function, at in stack]
    lines.append(f"    in {' > '.join(function.name for function, _ in calls)}")
    function, at = calls[-1]
    current = at - function.first_line
    shown = range(max(0, current - _AROUND), min(len(function.lines), current + _AROUND + 1))
    behind = _behind(line.code(stack[-1][0]))
    marked = (f"    {'>' if i == current else ' '} {i + 1:3} {function.lines[i]}{behind.get(i, '')}" for i in shown)
    return [*lines, *(line.rstrip() for line in marked)]


def _behind(code: CodeType) -> dict[int, str]:
    """What stands behind a line, by its number from 0: the remark on it by its name, or how many."""
    names: dict[int, list[str]] = {}
    for at in notes_on(code):
        names.setdefault(at.line - 1, []).append(at.note.name)
    return {
        i: f"  # {f'remark: {found[0]}' if len(found) == 1 else f'{len(found)} remarks'}" for i, found in names.items()
    }


def locks(machine: Machine) -> str:
    """Each lock with its holder and who waits for it; then the locked pages."""
    world, names = machine.world, machine.names
    waits = _waits(machine)

    def row(shown: str, holder: int, on: str) -> str:
        waiting = ", ".join(thread.name for thread, wait in waits if wait.on == on and wait.status == "blocked")
        held = f"held by {names[holder]}" if holder >= 0 else "free"
        return f"  {shown:<20}{held}{f'; waiting: {waiting}' if waiting else ''}"

    rows = [row(name, holder, name) for name, holder in zip(world.lock_names, world.lock_holders, strict=True)]
    locked = sorted(world.page_locks.items())  # stepping back takes them in another order
    rows += [row(f"page {page:#x}", holder, f"the lock of page {page:#x}") for page, holder in locked[:PAGE_LOCKS]]
    if len(locked) > PAGE_LOCKS:
        rows.append(f"  and {counted(len(locked) - PAGE_LOCKS, 'more locked page')}")
    return "\n".join(["locks", *rows])


def lists(machine: Machine) -> str:
    """Each list of pages: its length and its pages from the head."""
    rows = []
    for name, head in machine.world.lists.items():
        length = sum(1 for _ in machine.world.frames.links.walk(head))
        pages = [f"{page:#x}" for page in islice(machine.world.frames.links.walk(head), LIST_PAGES)]
        more = " ..." if length > LIST_PAGES else ""
        rows.append(f"  {name:<20}{counted(length, 'page')}{': ' if pages else ''}{' '.join(pages)}{more}")
    return "\n".join(["lists of pages", *rows])


def messages(machine: Machine) -> str:
    """The latest messages to the host, the newest first: queue, number there, PFNs (4 KiB), how far each has come."""
    log = machine.world.host.messages
    nth = [0] * len(QUEUE_NAMES)
    for queue, sent in zip(*np.unique(log.queue, return_counts=True), strict=True):
        nth[queue] = int(sent)
    rows = []
    for i in range(len(log) - 1, max(-1, len(log) - 1 - MESSAGES), -1):
        pfns = log[i].pfns
        what = f"{counted(len(pfns), 'PFN')} from {int(pfns[0]):#x}" if len(pfns) else "no PFNs"
        status = MessageStatus(int(log.status[i])).name.lower()
        status += ", overwritten on its way" if log.is_overwritten(i) else ""
        rows.append(f"  {QUEUE_NAMES[log.queue[i]]:<11}{nth[log.queue[i]]:<5,}{what:<28}{status}")
        nth[log.queue[i]] -= 1
    return "\n".join([f"messages to the host: {len(log):,}", *rows])


def host(machine: Machine) -> str:
    """What the host asks for and what it believes, in 4 KiB pages."""
    values = machine.world.values
    rows = [
        f"  {shown.name:<20}{values.get(slot):,} ({size_words(values.get(slot) * BALLOON_PAGE_SIZE)})"
        for slot, shown in enumerate(shown_values(machine.world))
        if shown.group == "host"
    ]
    return "\n".join(["host (4 KiB pages)", *rows])


def counters(machine: Machine) -> str:
    """The driver's counters and those of /proc/vmstat, each with its unit; then the flags that are set."""
    values = machine.world.values
    shown = list(enumerate(shown_values(machine.world)))
    rows = [f"  {s.name:<28}{values.get(slot):,} {s.unit}" for slot, s in shown if s.group == "counter"]
    flags = [s.name for slot, s in shown if s.group == "flag" and values.get(slot)]
    return "\n".join(["counters", *rows, f"  flags set: {', '.join(flags) or 'none'}"])


def free_memory(machine: Machine) -> str:
    """Free blocks by order (all zones), and the free 2 MiB blocks they make."""
    counts: dict[int, int] = {}
    for slot, shown in enumerate(shown_values(machine.world)):
        if shown.group == "free":
            counts[shown.order] = counts.get(shown.order, 0) + machine.world.values.get(slot)
    huge = sum(count << (order - PAGEBLOCK_ORDER) for order, count in counts.items() if order >= PAGEBLOCK_ORDER)
    row = "  ".join(f"{order}:{count:,}" for order, count in sorted(counts.items()))
    return f"free blocks by order\n  {row}\n  free 2 MiB blocks: {huge:,}"


def size_words(size: int) -> str:
    """`size` bytes in the largest unit that fits."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:,.1f}".removesuffix(".0") + f" {name}"
    return f"{size} B"
