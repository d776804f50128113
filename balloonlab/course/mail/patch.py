"""The patch that the mail is about, line by line: each of its 265 added and 21 removed lines, and where its like runs.

``bl.mail.line(216)`` is the added line of that number in the patched file, ``bl.mail.line(142, removed=True)`` the
removed one of that number in the file before; ``bl.mail.hunk(8)`` is a hunk, from its head on, in the patch's order.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from balloonlab.course.mail.patch_rows import ADDED, REMOVED, Row
from balloonlab.course.mail.remarks import REMARKS, Remark, remark, remarks_below
from balloonlab.drivers import find_driver
from balloonlab.drivers.line_notes import line_beginning
from balloonlab.foundations.errors import BadValueError, truth, whole_number
from balloonlab.foundations.said import in_lines

# First line and length before the patch, first line and length after it, of each hunk as the mail has them.
HUNKS: tuple[tuple[int, int, int, int], ...] = (
    *((27, 6, 27, 8), (34, 6, 36, 7), (46, 11, 49, 24), (60, 7, 76, 7), (122, 13, 138, 17), (139, 9, 159, 15)),
    *((149, 6, 175, 7), (162, 19, 189, 97), (182, 8, 287, 15), (239, 6, 351, 7), (249, 6, 362, 7), (267, 12, 381, 12)),
    *((339, 9, 453, 124), (351, 15, 580, 26), (371, 6, 611, 8), (379, 9, 621, 11), (396, 6, 640, 7), (408, 7, 653, 6)),
)
LENGTH = 709  # lines of the patched file


class PatchLine(NamedTuple):
    """A line of the patch.

    number: in the patched file; of a removed line, in the file before. removed: whether it is. hunk: from 1. words:
    what it says, in short. driver, routine: where its like runs. begins: how the retold line begins. Without a routine
    nothing runs, and `why` says why.
    """

    number: int
    removed: bool
    hunk: int
    words: str
    driver: str
    routine: str
    begins: str
    why: str

    @property
    def retold(self) -> str:
        """The retold line, whole, without its indentation; "" if there is none."""
        if not self.begins:
            return ""
        return line_beginning(find_driver(self.driver).functions[self.routine], self.begins)[1]

    @property
    def where(self) -> str:
        """Where its like runs, or why nowhere."""
        if not self.routine:
            return self.why
        return f"{self.routine} of {self.driver}{f': {self.retold}' if self.begins else ''}"

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What the mail says right below it."""
        return () if self.removed else remarks_below(self.number)

    def __str__(self) -> str:
        said = "".join(f' The mail says below it: "{each.says}"' for each in self.remarks)
        sign = "-" if self.removed else "+"
        return in_lines(f"{sign}{self.number} (hunk {self.hunk}): {self.words or 'empty'}. {self.where}.{said}", 2)


def line(number: int, removed: bool = False) -> PatchLine:  # noqa: FBT001, FBT002  (a word in the mail's own sense)
    """The added line of that number in the patched file, or the removed one of that number in the file before.

    Raises BadValueError for a line that the patch leaves as it is, which names the nearest.
    """
    known = _REMOVED if truth("removed", removed) else _ADDED
    number = whole_number("number", number, 1, LENGTH - (len(_ADDED) - len(_REMOVED) if removed else 0))
    if number not in known:
        nearest = ", ".join(str(near) for near in sorted(known, key=lambda near: (abs(near - number), near))[:3])
        kind = "removed" if removed else "added"
        raise BadValueError(f"line {number} is not {kind} by the patch; the nearest that are: {nearest}.")
    return known[number]


def lines() -> tuple[PatchLine, ...]:
    """All lines of the patch, in its order."""
    return tuple(each for head in HUNKS for each in _of(head))


def hunk(number: int) -> str:
    """A hunk of the patch as a table: its head as in the mail, and each of its lines, with where its like runs."""
    head = HUNKS[whole_number("number", number, 1, len(HUNKS)) - 1]
    start, length, new, new_length = head
    together = [list(same) for _, same in groupby(_of(head), _alike)]
    wide = max(len(each[0].words) for each in together)
    rows, at = [f"hunk {number}: @@ -{start},{length} +{new},{new_length} @@"], ""
    for first, last in ((each[0], each[-1]) for each in together):
        runs = f"{first.routine} of {first.driver}" if first.routine else at
        if runs != at:
            rows.append(f"  in {runs}:")
            at = runs
        numbers = f"{first.number}" if first == last else f"{first.number}-{last.number}"
        begin = f"{'-' if first.removed else '+'}{numbers:8} {first.words:{wide}}  "
        said = "".join(f"  <- remark: {each.name}" for each in last.remarks)
        rows.append(in_lines(f"{begin}{first.retold or first.why}{said}", len(begin)))
    return "\n".join(row.rstrip() for row in rows)


def map_of_the_patch() -> str:
    """Where the patch's lines run, counted: by routine, and by reason where nothing runs."""
    counts: dict[str, int] = {}
    for each in lines():
        key = f"{each.routine} of {each.driver}" if each.routine else re.split("[:,]", each.why)[0]
        counts[key] = counts.get(key, 0) + 1
    rows = [f"{count:4}  {key}" for key, count in counts.items()]
    return "\n".join([*rows, f"{len(_ADDED)} added and {len(_REMOVED)} removed lines, in {len(HUNKS)} hunks"])


def _lines_of(rows: tuple[Row, ...], *, removed: bool) -> dict[int, PatchLine]:
    starts = [head[0 if removed else 2] for head in HUNKS]
    return {
        number: PatchLine(
            *(number, removed, bisect(starts, number), row.words, row.driver or ("linux-3.6" if removed else "v9")),
            *(row.routine, row.begins, row.why),
        )
        for row in rows
        for number in range(row.first, row.last + 1)
    }


def _alike(each: PatchLine) -> tuple[object, ...]:
    """What lines have in common that are told together; no remark stands amid them."""
    remarks_before = 0 if each.removed else sum(1 for number in _REMARKED if number < each.number)
    return (each.removed, each.words, each.where, remarks_before)


def _of(head: tuple[int, int, int, int]) -> Iterator[PatchLine]:
    """The lines of a hunk in its order: at each place first what goes, then what comes."""
    before, length, after, _ = head
    end = before + length
    while before < end or after in _ADDED:
        if before in _REMOVED and before < end:
            yield _REMOVED[before]
            before += 1
        elif after in _ADDED:
            yield _ADDED[after]
            after += 1
        else:
            before, after = before + 1, after + 1


_REMARKED = [remark(name).below for name in REMARKS]
_ADDED = _lines_of(ADDED, removed=False)
_REMOVED = _lines_of(REMOVED, removed=True)
