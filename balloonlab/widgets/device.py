"""The device tab as text: struct virtio_balloon member by member, and the statistics that the host had and has.

What the browser shows beside it (static/members.js, static/statistics.js) is the same, word for word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from balloonlab.foundations.journal import Kind
from balloonlab.foundations.words import counted
from balloonlab.host.host import QUEUE_NAMES, STAT_BYTES, MessageStatus, Queue, unpack_stats
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.members import ALONE, HERE, LOCK, OWN, UNSAID, Touch, kept_with, list_of, touched
from balloonlab.kernel.primitives.workqueue import CANCELING, PENDING, RUNNING
from balloonlab.kernel.timeline import OUTSIDE
from balloonlab.kernel.world import Member

NO_FIGURES = "the host has no figures yet"
_ON_QUEUE = ("added", "in flight", "read", "acked")  # of a message, by its status
_WORK = ((PENDING, "queued"), (RUNNING, "running"), (CANCELING, "being cancelled"))
_WITH = (  # where the buffer for statistics is, by the status of the latest message on its queue
    "filled by the driver, not sent yet",
    "on its way to the host",
    "with the host",
    "returned, and the driver has not looked",
    "with the driver",
)


class Row(NamedTuple):
    """A member as it is shown. guard: what guards it and, if the last step touched it, whether that was kept."""

    name: str
    ctype: str
    now: str
    guard: str
    touched: bool


def members(machine: Machine) -> list[Row]:
    """The structure's members at the machine's position, in C's order."""
    last = {touch.obj: touch for touch in last_touches(machine)}
    rows = []
    for member in machine.world.members:
        touch = last.get(member.obj) if member.obj else None
        words = _now(machine, member), _guard(machine, member, touch)
        rows.append(Row(member.name, member.ctype, *words, touch is not None))
    return rows


def last_touches(machine: Machine) -> list[Touch]:
    """The objects that the step which led here touched."""
    line = machine.timeline
    row = machine.position - line.first - 1
    if row < 0 or line.thread[row] == OUTSIDE:
        return []
    verb = line.verbs[line.verb[row]]
    if verb == HERE:
        return [Touch(_left(machine, machine.position), writes=True)]
    return touched(verb, line.objects[line.obj[row]])


def _left(machine: Machine, position: int) -> str:
    """The list that a page left in the step to a position: the one on which the page before it is, or whose head."""
    line, journal, world = machine.timeline, machine.journal, machine.world
    heads = {head: name for name, head in world.lists.items()}
    for i in range(line.journal_at(position - 1), line.journal_at(position)):
        if journal.kinds[i] == Kind.LINK:
            node = max(journal.old[i], journal.new[i])
            return heads[node] if node in heads else list_of(world, node)
    return ""


def _guard(machine: Machine, member: Member, touch: Touch | None) -> str:
    if touch is None or member.guard in (LOCK, OWN):
        return member.guard
    line, world = machine.timeline, machine.world
    thread = line.thread[machine.position - line.first - 1]
    does = "written" if touch.writes else "read"
    if member.guard == UNSAID:
        return f"{does}: no lock named"
    if member.guard.startswith(ALONE):
        return f"{does} by {machine.names[thread]}"
    held = [lock for lock, holder in zip(world.lock_names, world.lock_holders, strict=True) if holder == thread]
    kept = kept_with(member.guard, held, machine.names[thread])
    return f"{does}: {member.guard} held" if kept else f"{does}: no {member.guard}"


def _now(machine: Machine, member: Member) -> str:
    return _NOW.get(member.kind, _number)(machine, member)


def _number(machine: Machine, member: Member) -> str:
    return f"{machine.world.values.get(member.number):,}"


def _holder(machine: Machine, member: Member) -> str:
    holder = machine.world.lock_holders[member.number]
    return "free" if holder < 0 else f"held by {machine.names[holder]}"


def _sleepers(machine: Machine, member: Member) -> str:
    at = machine.world.sleeping
    asleep = [name for name, queue in zip(machine.names, at, strict=True) if queue == member.number + 1]
    return f"{', '.join(asleep)} sleeps" if asleep else "nobody sleeps"


def _length(machine: Machine, member: Member) -> str:
    return counted(sum(1 for _ in machine.world.frames.links.walk(member.number)), "page")


def _work(machine: Machine, member: Member) -> str:
    state = machine.world.values.get(member.number)
    return ", ".join(word for bit, word in _WORK if state & bit) or "idle"


def _latest(machine: Machine, member: Member) -> str:
    """The message that is under way on a queue, the latest if there are several."""
    log = machine.world.host.messages
    status = log.status[log.queue == member.number]
    if not len(status) or status[-1] == MessageStatus.COLLECTED:
        return "empty"
    return f"No. {len(status):,} {_ON_QUEUE[status[-1]]}"


def _pfns(machine: Machine, _member: Member) -> str:
    world = machine.world
    count = world.values["num_pfns"]
    if count == 0:
        return "none counted"
    more = f", {count - 1:,} more" if count > 1 else ""
    return f"{world.slots[0]:#x}{more}"


def _pointer(machine: Machine, member: Member) -> str:
    return member.now if machine.world.values.get(member.number) else "not there"


def _told(_machine: Machine, member: Member) -> str:
    return member.now


_NOW: dict[str, Callable[[Machine, Member], str]] = {
    "lock": _holder,
    "wait queue": _sleepers,
    "list": _length,
    "queue": _latest,
    "work": _work,
    "pfns": _pfns,
    "pointer": _pointer,
    "stats": _told,
    "": _told,
}


def structure(machine: Machine) -> str:
    """Each member: C type, name, value now, what guards it by the text's comments, what the last step did to it."""
    rows = [
        f"{'>' if row.touched else ' '} {_declared(row):<44} {row.now:<23} {row.guard}".rstrip()
        for row in members(machine)
    ]
    return "\n".join(["struct virtio_balloon: what guards each member by its comments, and the last step (>)", *rows])


def _declared(row: Row) -> str:
    """The member as C declares it."""
    kind, _, size = row.ctype.partition(" [")
    name = f"{row.name}[{size}" if size else row.name
    return f"{kind}{name}" if kind.endswith("*") else f"{kind} {name}"


class Figure(NamedTuple):
    """A figure of the statistics, as the host had it before (None: it had none) and has it now."""

    tag: str
    before: int | None
    now: int


def figures(machine: Machine) -> list[Figure]:
    """The figures that the host has read, in the order in which they were sent."""
    log = machine.world.host.messages
    sent = sorted(i for i, payload in log.payloads.items() if payload and i < len(log))
    heard = [unpack_stats(log.payloads[i]) for i in sent if log.status[i] >= MessageStatus.READ][-2:]
    if not heard:
        return []
    before = heard[0] if len(heard) > 1 else {}
    return [Figure(tag, before.get(tag), value) for tag, value in heard[-1].items()]


def figure_words(tag: str, value: int | None) -> str:
    """A figure with its unit: memory in KiB, events by their number."""
    if value is None:
        return "\u2013"
    return f"{value // 1024:,} KiB" if tag in STAT_BYTES else f"{value:,}"


def buffer(machine: Machine) -> str:
    """With whom the buffer for statistics is: it travels back and forth."""
    log = machine.world.host.messages
    status = log.status[log.queue == Queue.STATS]
    return _WITH[status[-1]] if len(status) else "none"


def request(machine: Machine) -> str:
    """Whether figures are asked for: of the host, and of the driver."""
    values = machine.world.values
    asked = ["the host is asked for them"] if values["statistics wanted"] else []
    for member in machine.world.members:
        if member.obj == "need_stats_update" and values.get(member.number):
            asked.append("need_stats_update is set")
        if member.obj == "update_balloon_stats_work" and values.get(member.number):
            asked.append(f"the work is {_now(machine, member)}")
    return ", ".join(asked) or "none"


def statistics(machine: Machine) -> str:
    """The request, the buffer, and each figure by its tag, as the host had it before and has it now."""
    rows = [
        f"  {figure.tag:<16}{figure_words(figure.tag, figure.before):>16}{figure_words(figure.tag, figure.now):>16}"
        for figure in figures(machine)
    ]
    head = f"statistics: request: {request(machine)}; buffer ({QUEUE_NAMES[Queue.STATS]}): {buffer(machine)}"
    told = [f"  {'tag':<16}{'before':>16}{'now':>16}", *rows] if rows else [f"  {NO_FIGURES}"]
    return "\n".join([head, *told])
