"""Numbers as people type them, and as outputs print them: 4096, 4,096, 0.25."""

from __future__ import annotations

import re

_LONGEST = 100  # characters; what is longer is no number that anybody typed
_WHOLE = re.compile(r"[+-]?(\d+|[1-9]\d{0,2}(,\d{3})+)", re.ASCII)
_FRACTION = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def typed_whole(text: str) -> int | None:
    """The whole number that decimal digits spell, with or without a comma before each three; None for other text."""
    text = text.strip()
    return int(text.replace(",", "")) if len(text) <= _LONGEST and _WHOLE.fullmatch(text) else None


def typed_number(text: str) -> float | None:
    """The whole number (an int) or the fraction (a float) that is spelled; None for other text."""
    whole = typed_whole(text)
    text = text.strip()
    if whole is not None or len(text) > _LONGEST or not _FRACTION.fullmatch(text):
        return whole
    return float(text)
