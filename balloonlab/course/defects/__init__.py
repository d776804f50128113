"""The defects of the patch and of the kernels after it, as data.

The package itself is the catalogue: ``bl.defects["V1"]`` is ``bl.defects.defects["V1"]``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from textwrap import wrap
from types import ModuleType

from balloonlab.course.defects import discussed, merged, pressure, review
from balloonlab.course.defects.defect import Case, Defect
from balloonlab.foundations.errors import pick

__all__ = ["Case", "Catalogue", "Defect", "defects"]

_WIDTHS = (3, 17, 52, 30)  # columns of the table
_FAMILIES = "VSNRM"  # of the patch; said in the review; no mistakes; of replacements; of merged kernels


class Catalogue(Mapping[str, Defect]):
    """Defects by id, each family by number. Shown, it is a table."""

    def __init__(self, entries: tuple[Defect, ...]) -> None:
        in_order = sorted(entries, key=lambda entry: (_FAMILIES.index(entry.id[0]), int(entry.id[1:])))
        self._entries = {entry.id: entry for entry in in_order}
        assert len(self._entries) == len(entries), "two defects have one id"

    def __getitem__(self, name: str) -> Defect:
        """The defect with that id; raises UnknownNameError that lists the ids."""
        return self._entries[pick("defect", name, list(self._entries))]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        rows = [("id", "kind", "what", "in")]
        rows += [(d.id, d.kind, d.title, ", ".join(d.versions) or "nowhere") for d in self.values()]
        return "\n".join(line for row in rows for line in _folded(row))


def _folded(row: tuple[str, ...]) -> Iterator[str]:
    """A row of the table, in as many lines as its longest cell takes."""
    cells = [wrap(text, width, break_on_hyphens=False) for text, width in zip(row, _WIDTHS, strict=True)]
    for parts in zip_longest(*cells, fillvalue=""):
        yield "  ".join(map(str.ljust, parts, _WIDTHS)).rstrip()


defects = Catalogue((*review.DEFECTS, *discussed.DEFECTS, *merged.DEFECTS, *pressure.DEFECTS))


class _Defects(ModuleType, Mapping[str, Defect]):
    """This package, read and shown as its catalogue; a module for the rest: equal to itself only."""

    __eq__ = ModuleType.__eq__
    __hash__ = ModuleType.__hash__

    def __getitem__(self, name: str) -> Defect:
        return defects[name]

    def __iter__(self) -> Iterator[str]:
        return iter(defects)

    def __len__(self) -> int:
        return len(defects)

    def __repr__(self) -> str:
        return repr(defects)


sys.modules[__name__].__class__ = _Defects
