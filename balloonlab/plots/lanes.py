"""A schedule as a timeline: one lane a thread, one mark a step, locks and messages marked, the violation at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from balloonlab.explore.judge.result import Finding
from balloonlab.foundations.errors import of_kind
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.timeline import OUTSIDE
from balloonlab.plots.axes import FAINT, INK, PLUM, axes_of, legend_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TAKES = frozenset(
    ("mutex_lock", "mutex_lock_slowpath", "spin_lock", "spin_lock_irq", "spin_lock_irqsave", "lock_page")
)
_TRIES = frozenset(("mutex_trylock", "trylock_page"))
_DROPS = frozenset(("mutex_unlock", "spin_unlock", "spin_unlock_irq", "spin_unlock_irqrestore", "unlock_page"))
_SENDS = frozenset(("virtqueue_add", "virtqueue_add_stats", "virtqueue_add_empty"))
_COLUMNS = 100  # steps in a line of text


class _Look(NamedTuple):
    """A kind of step: its word, its character in text, its marker and colour in the picture."""

    word: str
    glyph: str
    marker: str
    colour: str


_LOOKS = {
    "step": _Look("step", "-", "|", FAINT),
    "takes": _Look("takes a lock", "[", "^", "#d55e00"),
    "drops": _Look("gives a lock back", "]", "v", "#0072b2"),
    "sends": _Look("sends a message", ">", "o", "#009e73"),
    "asks": _Look("asked from outside", "*", "D", PLUM),
}


class _Steps(NamedTuple):
    """A timeline, ready to be drawn: by step its lane and kind; the lanes' names; what is wrong; its first step."""

    lanes: list[int]
    kinds: list[str]
    names: list[str]
    wrong: str
    first: int


def plot_schedule(subject: Machine | Finding, ax: Axes | None = None, title: str = "Who steps when") -> Axes:
    """The timeline of a machine up to its position, or a finding's schedule; returns the axes.

    The same as text: schedule_text.
    """
    steps = _steps(subject)
    ax = axes_of(ax, min(8.4, max(6.0, 1.6 + 0.16 * len(steps.lanes))), 1.7 + 0.36 * len(steps.names), title)
    for kind, look in _LOOKS.items():
        at = [i for i, found in enumerate(steps.kinds) if found == kind]
        if at:
            lanes = [steps.lanes[i] for i in at]
            ax.plot(
                [steps.first + i for i in at],
                lanes,
                look.marker,
                color=look.colour,
                markersize=7,
                label=f"{look.glyph}  {look.word} {len(at)}",
            )
    if steps.wrong:
        end = steps.first + len(steps.lanes) - 0.5
        ax.axvline(end, color="#d55e00", linewidth=2, linestyle=":", label=f"!  {steps.wrong}")
        ax.plot(end, steps.lanes[-1], "X", color="#d55e00", markeredgecolor=INK, markersize=11)
    ax.set_yticks(range(len(steps.names)), steps.names)
    ax.set_ylim(len(steps.names) - 0.5, -0.5)
    ax.set_xlim(steps.first - 1, steps.first + len(steps.lanes) + 0.5)
    ax.grid(axis="y", color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.locator_params(axis="x", integer=True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xlabel("step")
    if steps.lanes:
        legend_below(ax, ncols=2, fontsize=8)
    return ax


def schedule_text(subject: Machine | Finding) -> str:
    """The same as text: a line a thread, a character a step; long timelines go on below."""
    steps = _steps(subject)
    wide = max(map(len, ["step", *steps.names]))
    lines = []
    for first in range(0, max(1, len(steps.lanes)), _COLUMNS):
        last = min(first + _COLUMNS, len(steps.lanes))
        lines.append(f"{'step':<{wide}}  {steps.first + first:,}")
        for lane, name in enumerate(steps.names):
            row = (_LOOKS[steps.kinds[i]].glyph if steps.lanes[i] == lane else " " for i in range(first, last))
            end = "!" if steps.wrong and last == len(steps.lanes) and steps.lanes[-1] == lane else ""
            lines.append(f"{name:<{wide}}  {''.join(row)}{end}".rstrip())
    legend = ", ".join(f"{look.glyph} {look.word}" for kind, look in _LOOKS.items() if kind in steps.kinds)
    return "\n".join([*lines, *([legend] if legend else []), *([f"! {steps.wrong}"] if steps.wrong else [])])


def _steps(subject: Machine | Finding) -> _Steps:
    of_kind("subject", subject, (Machine, Finding), "a machine, or a finding of an exploration")
    machine = subject.machine() if isinstance(subject, Finding) else subject
    line = machine.timeline
    rows = range(machine.position - line.first)
    present = sorted(set(line.thread[: len(rows)]))
    lane_of = {thread: lane for lane, thread in enumerate(present)}
    names = ["from outside" if thread == OUTSIDE else machine.names[thread] for thread in present]
    kinds = [_kind(line.verbs[line.verb[i]], line.thread[i], line.result[i]) for i in rows]
    wrong = ""
    if isinstance(subject, Finding):
        wrong = f"{subject.kind}: {subject.text}"
    elif machine.bugs:
        wrong = f"{machine.bugs[-1].kind}: {machine.bugs[-1].text}"
    return _Steps([lane_of[line.thread[i]] for i in rows], kinds, names or ["nobody"], wrong, line.first)


def _kind(verb: str, thread: int, result: int) -> str:
    if thread == OUTSIDE:
        return "asks"
    if verb in _TAKES or (verb in _TRIES and result == 1):
        return "takes"
    if verb in _DROPS:
        return "drops"
    return "sends" if verb in _SENDS else "step"
