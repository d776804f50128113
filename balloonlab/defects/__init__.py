"""Floor 5: the defects of the patch and of the kernels after it, as data: ``defects["V1"]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from balloonlab.defects import merged, pressure, review
from balloonlab.defects.defect import Case, Defect
from balloonlab.errors import pick

__all__ = ["Case", "Catalogue", "Defect", "defects"]


class Catalogue(Mapping[str, Defect]):
    """Defects by id, in the catalogue's order. Shown, it is a table."""

    def __init__(self, entries: tuple[Defect, ...]) -> None:
        self._entries = {entry.id: entry for entry in entries}
        assert len(self._entries) == len(entries), "two defects have one id"

    def __getitem__(self, name: str) -> Defect:
        """The defect with that id; raises UnknownNameError that lists the ids."""
        return self._entries[pick("defect", name, list(self._entries))]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        rows = [("id", "kind", "in", "what")]
        rows += [(d.id, d.kind, ", ".join(d.versions) or "nowhere", d.title) for d in self.values()]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        return "\n".join("  ".join((*map(str.ljust, row[:3], widths), row[3])) for row in rows)


defects = Catalogue((*review.DEFECTS, *merged.DEFECTS, *pressure.DEFECTS))
