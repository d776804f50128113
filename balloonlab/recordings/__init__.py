"""Recordings of real guests: Linux 6.1 under QEMU, as its host and its own page flags saw it.

    recording = recordings.load("S2_256M_alt")      # or a path to a folder in the same format
    recording.snapshot_states("freed")              # uint8 PageState codes, one a guest page

A recording is data: nothing in it is executed, sizes are limited, every file is checked when it is loaded, and any
damage raises DamagedRecordingError. Format and provenance: ``data/README.md``.
"""

from __future__ import annotations

from pathlib import Path

from balloonlab.foundations.errors import UnknownNameError, pick
from balloonlab.foundations.whole_files import shown_path
from balloonlab.recordings.recording import Recording
from balloonlab.recordings.replay import BalloonList, replay
from balloonlab.recordings.traffic import ConfigEvent, ListEvents, Messages

__all__ = ["BalloonList", "ConfigEvent", "ListEvents", "Messages", "Recording", "load", "names", "replay"]

_TELLING = ("meta.json", "messages.npz", "kpageflags.npz")  # a recording that has lost all is none
SHIPPED = Path(__file__).resolve().parent / "data"


def names() -> list[str]:
    """Names of the recordings that come with the package."""
    return sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())


def load(name: str | Path) -> Recording:
    """The shipped recording of that name, or the one in the folder that a path names; read and checked whole.

    Raises UnknownNameError (listing the names) for neither and for a folder that holds no recording,
    DamagedRecordingError for one that is damaged.
    """
    known = names()
    if isinstance(name, str | Path) and name not in known and _is_folder(name):
        if not any((Path(name) / file).exists() for file in _TELLING):
            raise UnknownNameError(
                f"there is no recording in the folder {shown_path(name)}: none of {', '.join(_TELLING)} is. "
                f"Those that come with the package: {', '.join(known)}."
            )
        return Recording(Path(name).resolve())  # "." has a name, too
    return Recording(SHIPPED / pick("recording", name, known, "A folder of your own is loaded by its path."))


def _is_folder(name: str | Path) -> bool:
    try:
        return name != "" and Path(name).is_dir()
    except (OSError, ValueError):  # too long for a path, or not to be looked at
        return False
