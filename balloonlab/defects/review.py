"""Defects of the patch as it was reviewed (v9 to v11): what the review said, what it did not, and what is no mistake.

Read in the quoted mails of 25 August to 12 November 2012 and in Linux 3.6, 3.8, 6.1 and 7.2.
"""

from __future__ import annotations

from balloonlab.defects.defect import Case, Defect

DEFECTS = (
    Defect(
        "V1",
        "fill_balloon returns with balloon_lock held",
        "deadlock",
        ("v9", "v10", "v11"),
        (Case("fill-out-of-memory", "waits for itself", {}),),
        "a single exit that unlocks; first seen in Linux 3.8",
        "v9 3/5, v10 3/5, v11 5/7 (acked): drivers/virtio/virtio_balloon.c",
    ),
)
