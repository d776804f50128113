"""How well two colours can be told apart."""

from __future__ import annotations


def luminance(rgb: list[int]) -> float:
    """Relative luminance as the Web Content Accessibility Guidelines define it."""
    parts = [value / 255 for value in rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: list[int], b: list[int]) -> float:
    """1 for the same colour, 21 for black and white."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)
