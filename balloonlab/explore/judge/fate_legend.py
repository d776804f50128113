"""How a fate looks, in a word, as a glyph and as a colour: one table for browser, pictures and text.

Colours are Okabe and Ito's; black ink on each of them has a contrast of at least 5 to 1. Colour is never alone: each
fate has a glyph and a word of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from balloonlab.explore.judge.fate import Fate


@dataclass(frozen=True)
class FateLook:
    """One fate to a reader. meaning: a sentence about the state, or the step, that has it. colour: ``#rrggbb``."""

    word: str
    meaning: str
    glyph: str
    colour: str


LOOKS: tuple[FateLook, ...] = tuple(
    {
        Fate.SAFE: FateLook("safe", "Whatever is chosen from here on, nothing goes wrong.", "o", "#009e73"),
        Fate.REACHABLE: FateLook("can go wrong", "Some choices from here on lead to a violation.", "?", "#e69f00"),
        Fate.UNAVOIDABLE: FateLook("will go wrong", "Every choice from here on leads to a violation.", "x", "#d55e00"),
        Fate.VIOLATED: FateLook("wrong here", "Something is wrong here already.", "!", "#cc79a7"),
    }[fate]
    for fate in Fate
)  # indexed by Fate


def about_words(look: FateLook, kind: str, steps: int) -> str:
    """What can become of a position, in a sentence or two; steps: to the nearest violation, below 0 for none."""
    if steps < 0:
        return look.meaning
    if steps == 0:
        return f"{kind[:1].upper()}{kind[1:]}."
    return f"{look.meaning} The nearest: {kind}, {steps:,} step{'s' * (steps > 1)} away."


def violation_words(kind: str, steps: int, preemptions: int) -> str:
    """Where the nearest violation is, seen from a step that somebody can take, "" if there is none (steps below 0).

    steps: that step included. preemptions: the fewest with which any violation can be reached.
    """
    if steps < 0:
        return ""
    away = "at this step" if steps == 1 else f"{steps:,} steps away"
    need = "no preemption" if preemptions == 0 else f"{preemptions:,} preemption{'s' * (preemptions > 1)}"
    return f"{kind} {away}, needs {need}"
