"""A folder with a sound recording, for tests that damage it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.recordings.damage import SOUND


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(SOUND, tmp_path_factory.mktemp("damage") / "S"))
