"""Why a guest that rests has not done what it was asked, in words; and the bugs that it met, which come first."""

from __future__ import annotations

import numpy as np

from balloonlab.foundations.words import counted
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.machine_events import Ran
from balloonlab.kernel.world import World
from balloonlab.memory.zone import PageState

COMPACTOR = "compactor"  # the thread that compacts, in every guest
OUT_OF_MEMORY = "out of memory, tries again"


def bugs(machine: Machine) -> str:
    """Every bug up to this position, each with the line of driver text; "" if there was none."""
    return "; ".join(map(str, machine.bugs))


def balloon_shortfall(machine: Machine) -> str:
    """Why the balloon is not as large as the host wants it; "" if it is, to a whole guest page."""
    world = machine.world
    if "num_pages" not in world.values:  # threads without a balloon
        return ""
    per = world.pages_per_page
    with machine.lock:
        if -(-world.host.target // per) == world.values["num_pages"] // per:
            return ""
        return _waiting(machine) or _away(world) or "nothing more can happen"


def compaction_shortfall(machine: Machine, put_back: int = 0) -> str:
    """Why compaction did not come to its end, or why it put back so many guest pages; "" if it went as it should.

    put_back: those of more batches than the last one, which may have found no free page to go to.
    """
    if COMPACTOR not in machine.names:
        return ""
    with machine.lock:
        if not machine.thread(COMPACTOR).rests or machine.world.values["compaction wanted"]:
            return _waiting(machine)
        stuck = _waiting(machine, naps=False) if put_back else ""
    return f"{counted(put_back, 'guest page')} put back: {stuck}" if stuck else ""


def ended_in_words(machine: Machine, ran: Ran, steps: int) -> str:
    """How a run of so many steps ended: bugs first, else what was not done of all that was asked for, and why."""
    after = f"after {counted(steps, 'step')}"
    if bug := bugs(machine):
        return f"{bug}; stopped {after}"
    if ran.reason != "idle":
        return f"Stopped {after}: {ran.text}"
    short = shortfall(machine)
    return f"At rest {after}: {short}" if short else f"Done {after}: {ran.text}"


def shortfall(machine: Machine) -> str:
    """What was not done of all that was asked for, and why; "" if all was."""
    size = "" if _sent_away(machine) else balloon_shortfall(machine)
    compaction = compaction_shortfall(machine)
    parts = []
    if size:
        held, target = machine.world.values["num_pages"], machine.world.host.target
        parts.append(f"the balloon holds {held:,} of {target:,} pages: {size}")
    if compaction:
        parts.append(f"compaction is not done: {compaction}")
    return "; ".join(parts)


def _away(world: World) -> str:
    """Where the driver is, if it cannot do anything; "" if it can."""
    numbers = dict(zip(world.values.names, world.values.numbers, strict=True))
    if numbers.get("freezing"):
        return "the system is suspended"
    return "no driver is loaded" if numbers.get("vb_memory", 1) == 0 else ""


def _sent_away(machine: Machine) -> bool:
    """Whether the driver is gone, or asleep, because that was asked for last: then its balloon is to be empty."""
    asked, values = machine.marks[-1].name if machine.marks else "", machine.world.values
    return asked in ("unload", "suspend") and "core_request" in values and values["core_request"] == 0


def _waiting(machine: Machine, *, naps: bool = True) -> str:
    """What those threads wait for that have begun work and not ended it; naps: also those that only let time pass.

    With the lock held: to see where a thread stands, its routine may have to be run again.
    """
    napping = machine.naps()
    found = []
    for thread in machine.threads:
        if thread.rests or not (thread.done or thread.crashed):
            continue
        if thread.name not in napping:
            wait = machine.wait_of(thread)
            found += [f"{thread.name} {wait.text}"] if wait.status in ("blocked", "asleep", "crashed") else []
        elif naps:
            free = np.any(machine.world.frames.states == PageState.FREE)
            found.append(f"{thread.name} sleeps for a time" if free else OUT_OF_MEMORY)
    return "; ".join(dict.fromkeys(found))
