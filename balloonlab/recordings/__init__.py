"""Recordings of real guests: Linux 6.1 under QEMU, as its host and its own page flags saw it.

    recording = recordings.load("S2_256M_alt")      # or a path to a folder in the same format
    recording.snapshot_states("freed")              # uint8 PageState codes, one a guest page

A recording is data: nothing in it is executed, sizes are limited, every file is checked when it is loaded, and any
damage raises DamagedRecordingError. Format and provenance: ``data/README.md``.
"""

from __future__ import annotations

from pathlib import Path

from balloonlab.foundations.errors import pick
from balloonlab.recordings.recording import Recording
from balloonlab.recordings.replay import BalloonList, replay
from balloonlab.recordings.traffic import ConfigEvent, ListEvents, Messages

__all__ = ["BalloonList", "ConfigEvent", "ListEvents", "Messages", "Recording", "load", "names", "replay"]

SHIPPED = Path(__file__).resolve().parent / "data"


def names() -> list[str]:
    """Names of the recordings that come with the package."""
    return sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())


def load(name: str | Path) -> Recording:
    """The shipped recording of that name, or the one in the folder that a path names; read and checked whole.

    Raises UnknownNameError (listing the names) for neither, DamagedRecordingError for a folder that is damaged.
    """
    known = names()
    if name not in known and isinstance(name, str | Path) and Path(name).is_dir():
        return Recording(Path(name))
    return Recording(SHIPPED / pick("recording", name, known, "A folder of your own is loaded by its path."))
