"""Which name was meant, where one is given that nobody knows: another spelling, a neighbouring version, a slip."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

_ALIKE = 0.75  # how alike a name must be to be taken for a slip, of 1
_LONGEST = 100  # characters; what is longer is no slip
_VERSION = re.compile(r"(.*?)(\d{1,9}(?:\.\d{1,9})*)", re.ASCII)


class _Version(NamedTuple):
    """A name that ends in a number: "linux-6.1" is (6, 1) of the series "linux"."""

    series: str
    number: tuple[int, ...]
    name: str


def nearest_name(name: str, known: Iterable[str]) -> str:
    """A sentence with the known name that was probably meant, or with the two that `name` lies between; else ""."""
    spelled = {_folded(each): each for each in known}
    folded = _folded(name) if len(name) <= _LONGEST else ""
    if not folded:
        return ""
    if folded in spelled:
        return _meant(spelled[folded])
    return _among_versions(folded, spelled) or _meant(
        *(spelled[near] for near in get_close_matches(folded, spelled, 1, _ALIKE))
    )


def _folded(name: str) -> str:
    """The name without what people leave out or write otherwise: capitals, hyphens, spaces."""
    return re.sub(r"[^\w.]|_", "", name.lower().replace(",", "."))


def _meant(*names: str) -> str:
    return f"Did you mean {' or '.join(map(repr, names))}?" if names else ""


def _version(folded: str, name: str) -> _Version | None:
    found = _VERSION.fullmatch(folded)
    return found and _Version(found[1], tuple(map(int, found[2].split("."))), name)


def _among_versions(folded: str, spelled: dict[str, str]) -> str:
    """Versions are near by their numbers, not by their letters: 6.2 is no 7.2."""
    mine = _version(folded, folded)
    if mine is None:
        return ""
    versions = sorted(filter(None, map(_version, spelled, spelled.values())), key=lambda each: each.number)
    series = [each for each in versions if each.series == mine.series]
    anybodys = versions if not mine.series or len(mine.number) > 1 else []  # 6.1 and v6.1 are written, too
    for near in (series, anybodys):
        if part := [each.name for each in near if _begins(each.number, mine.number)]:
            return _meant(*part[:2])
    series = series or [each for each in versions if not mine.series and len(each.number) == len(mine.number)]
    below = [each.name for each in series if each.number < mine.number][-1:]
    above = [each.name for each in series if each.number > mine.number][:1]
    if below and above:
        return f"It lies between {below[0]!r} and {above[0]!r}."
    return "".join(f"The nearest is {name!r}." for name in below + above)


def _begins(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether one number begins with the other, as 6.1.192 with 6.1."""
    return all(a == b for a, b in zip(one, other, strict=False))
