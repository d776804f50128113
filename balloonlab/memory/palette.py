"""How each page state looks, in words, as a glyph and as a colour: one table for browser, pictures and text.

Colours are Okabe and Ito's or near them, distinct for colour-blind readers, with greys for what is in the background; a
hue means the same state in both themes. The states that fill maps stand out from FREE by a contrast of at least 3 to 1,
the kernel's by little more than that in the dark theme, where balloon and workload lead. Colour is never alone: each
state has a glyph of its own (capitals and # are the balloon's and the kernel's, small letters the workload's).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import pick
from balloonlab.memory.zone import PageState


@dataclass(frozen=True)
class StateLook:
    """One page state to a reader.

    word and meaning: for legends and tooltips. glyph: one ASCII character. light, dark: ``#rrggbb`` for either theme.
    rank: where one cell stands for many pages, it shows the page of highest rank; ranks differ.
    """

    word: str
    meaning: str
    glyph: str
    light: str
    dark: str
    rank: int


PALETTE: tuple[StateLook, ...] = tuple(
    {
        PageState.FREE: StateLook("free", "In the buddy allocator.", ".", "#f3f4f6", "#22262b", 1),
        PageState.MOVABLE: StateLook("workload", "In use by the workload; can be moved.", "w", "#0072b2", "#56b4e9", 2),
        PageState.UNMOVABLE: StateLook(
            "kernel", "In use by the kernel; cannot be moved.", "#", "#3d4148", "#6b7380", 3
        ),
        PageState.BALLOON: StateLook("balloon", "On the balloon's list of pages.", "B", "#d55e00", "#f07f3c", 4),
        PageState.HOLE: StateLook("no memory", "No memory behind this page frame.", "-", "#c3c8cf", "#0a0c0e", 0),
        PageState.ISOLATED: StateLook("isolated", "A balloon page held by compaction.", "I", "#e0b400", "#f0e442", 8),
        PageState.IN_TRANSIT: StateLook(
            "in transit", "Allocated, on no list: about to enter or leave the balloon.", ">", "#cc79a7", "#cc79a7", 7
        ),
        PageState.ISOLATED_MOVABLE: StateLook(
            "isolated (workload)", "A workload page held by compaction.", "i", "#22b8cf", "#a5e8f0", 6
        ),
        PageState.CAPTURED: StateLook(
            "set aside", "A free page that compaction set aside to move a page to.", "+", "#009e73", "#009e73", 5
        ),
    }[state]
    for state in PageState
)  # indexed by PageState code


def colours(theme: str = "light") -> NDArray[np.uint8]:
    """uint8 array (codes, 3): red, green and blue of each PageState code in the theme, "light" or "dark"."""
    pick("theme", theme, ["light", "dark"])
    wanted = [look.dark if theme == "dark" else look.light for look in PALETTE]
    return np.array([list(bytes.fromhex(colour[1:])) for colour in wanted], np.uint8)


def state_counts(states: NDArray[np.uint8]) -> list[tuple[StateLook, int]]:
    """(look, number of pages) of each state that occurs, by code."""
    counts = np.bincount(states, minlength=len(PALETTE)).tolist()
    return [(look, count) for look, count in zip(PALETTE, counts, strict=True) if count]
