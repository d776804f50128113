"""The mail that this course grew from: its remarks, and the patch that it is about, line by line.

Michael S. Tsirkin to Rafael Aquini, 26 August 2012, "Re: [PATCH v9 3/5] virtio_balloon: introduce migration primitives
to balloon pages". The module is read like a table: ``bl.mail["two atomics"]`` is a remark, with its place in the patch,
what came of it and the section of notebook 06 that puts it to the test; ``bl.mail.REMARKS`` are their names.
``bl.mail.line(216)`` is a line of the patch, with the retold line that runs in its place; ``bl.mail.hunk(8)`` are all
lines of a hunk.

In a Lab the line of v9 that a remark speaks of carries a mark, which opens the remark; so it does in every driver that
has that very function of v9. In a Lab's text, and in ``bl.panels.threads``, "# remark: two atomics" is behind the line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import ModuleType

from balloonlab.course.mail.patch import PatchLine, hunk, line, lines, map_of_the_patch
from balloonlab.course.mail.remarks import (
    KINDS,
    LESSON,
    REMARKS,
    Remark,
    map_of_the_mail,
    remark,
    remarks_on,
    verdicts,
)

__all__ = [
    "IN_REPLY_TO",
    "KINDS",
    "LESSON",
    "MESSAGE_ID",
    "REMARKS",
    "PatchLine",
    "Remark",
    "hunk",
    "line",
    "lines",
    "map_of_the_mail",
    "map_of_the_patch",
    "remark",
    "remarks_on",
    "verdicts",
]

MESSAGE_ID = "20120826074244.GC19551@redhat.com"
IN_REPLY_TO = "a1ceca79d95bc7de2a6b62a2e565b95286dbdf75.1345869378.git.aquini@redhat.com"


class _Mail(ModuleType, Mapping[str, Remark]):
    """This package, read as the table of its remarks; a module for the rest: equal to itself only."""

    __eq__ = ModuleType.__eq__
    __hash__ = ModuleType.__hash__

    def __getitem__(self, name: str) -> Remark:
        return remark(name)

    def __contains__(self, name: object) -> bool:
        return name in REMARKS

    def __iter__(self) -> Iterator[str]:
        return iter(REMARKS)

    def __len__(self) -> int:
        return len(REMARKS)

    def __repr__(self) -> str:
        return map_of_the_mail()


sys.modules[__name__].__class__ = _Mail
