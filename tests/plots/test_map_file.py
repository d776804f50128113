"""A page map as a file: whole, the same bytes for the same states, and titles of several lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from balloonlab.plots import map_file
from balloonlab.plots.map_file import write_map

STATES = np.zeros(64, np.uint8)


@pytest.mark.parametrize("name", ["map.png", "map.svg", "MAP.PNG"])
def test_the_same_states_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        write_map(tmp_path / name, STATES, "a map")
        found.append((tmp_path / name).read_bytes())
    assert found[0] == found[1]
    assert (b"<svg" in found[0]) == name.endswith(".svg")


def test_a_title_has_room_for_its_lines(tmp_path: Path) -> None:
    heights = []
    for title in ("one line", "two\nlines", "a line that is longer than the picture is wide " * 8):
        write_map(tmp_path / "map.png", STATES, title)
        heights.append(image.imread(tmp_path / "map.png").shape[0])
    assert heights == sorted(set(heights))


def test_a_drawing_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "map.png").write_bytes(b"what was there")

    def fail(*_: object, **_options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(map_file.Figure, "savefig", fail)
    with pytest.raises(RuntimeError):
        write_map(tmp_path / "map.png", STATES, "a map")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"what was there"]
