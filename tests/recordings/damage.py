"""A sound recording in a folder, one file of it replaced, and what loading it then says."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np

from balloonlab import recordings
from balloonlab.foundations.errors import DamagedRecordingError
from balloonlab.memory.zone import PageState

SOUND = recordings.SHIPPED / "S1_256M_16384"
CONTENT = {path.name: path.read_bytes() for path in SOUND.iterdir()}
PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    ".gz": (gzip.decompress, gzip.compress),
    ".xz": (lzma.decompress, lzma.compress),
}


def load_damaged(folder: Path, name: str, content: bytes | None) -> str | None:
    """Load `folder` with file `name` replaced (None: removed); the reason of a refusal, None for a sound recording."""
    path = folder / name
    try:
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        recording = recordings.load(folder)
    except DamagedRecordingError as error:
        return str(error)
    finally:
        path.write_bytes(CONTENT[name])
    check_sound(recording)
    return None


def check_sound(recording: recordings.Recording) -> None:
    messages = recording.messages
    assert messages.start.tolist() == (np.cumsum(messages.count) - messages.count).tolist()
    assert messages.pfns.max(initial=0) < recording.pages
    assert messages.count.max(initial=1) <= 256
    assert np.isfinite(messages.time).all()
    assert all(event.event in ("to_target", "get_config", "set_config") for event in recording.config)
    for name in recording.snapshots:
        states = recording.snapshot_states(name)
        assert len(states) == recording.pages
        assert len(recording.snapshot_block_types(name)) == -(-recording.pages // 512)
        assert sorted(recording.balloon(name)) == np.flatnonzero(states == PageState.BALLOON).tolist()
