"""Experiments as learners write them; workers import them from here."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from balloonlab.foundations.errors import BadValueError
from balloonlab.guest.guest import Guest


def half(seed: int, scale: float = 1.0) -> dict[str, object]:
    return {"half": seed / 2 * scale, "even": seed % 2 == 0, "word": f"n{seed}"}


def messages(pages: int, driver: str = "v9") -> dict[str, int]:
    return {"messages": Guest(pages, driver, engine="steps").inflate(pages).messages}


def picky(seed: int) -> float:
    if seed == 1:
        raise BadValueError("seed is 1; it must be another.")
    return 6 / (seed - 2)


def once(seed: int, folder: str) -> int:
    """Counts its runs in a file each; the first run of seed 2 is interrupted."""
    runs = Path(folder) / f"runs-{seed}"
    before = len(runs.read_bytes()) if runs.exists() else 0
    runs.write_bytes(b"." * (before + 1))
    if seed == 2 and before == 0:
        raise KeyboardInterrupt
    return seed * 10


def dies(seed: int) -> int:
    if seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return seed


def leaves(seed: int) -> int:
    raise SystemExit(seed)
