"""Recordings of kernels that have other types of pageblocks than Linux 6.1."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest

from balloonlab import recordings
from balloonlab.memory.zone import Migratetype
from balloonlab.recordings.snapshots import ZoneSpan, read_type_counts
from tests.recordings.damage import CONTENT, check_sound

TEXTS = "pagetypeinfo_zoneinfo.json.gz"


def test_a_table_is_read_by_the_words_above_it() -> None:
    table = """\
Node    0, zone      DMA, type    Unmovable      4      0      0      0      0      0      0      0      0      0      0
Node    0, zone      DMA, type          CMA      0      2      0      0      0      0      0      0      0      0      0

Number of blocks type     Unmovable          CMA
Node 0, zone      DMA            1            3
"""
    counts, free = read_type_counts(Path("made/up"), table, [ZoneSpan("DMA", 0, 2048)])
    assert counts == {"DMA": {"Unmovable": [1], "CMA": [3]}}
    assert free == {"DMA": {"Unmovable": [4, *[0] * 10], "CMA": [0, 2, *[0] * 9]}}


def with_type(word: str, blocks: int) -> bytes:
    """The texts of the sound recording, told by a kernel with one type more, that of so many pageblocks of DMA32."""
    texts = json.loads(gzip.decompress(CONTENT[TEXTS]))

    def change(line: str) -> str:
        if line.startswith("Number of blocks type"):
            return f"{line.rstrip()} {word:>12}"
        if match := re.match(r"(Node +0, zone +(\w+) +)([\d ]+)$", line):
            numbers = [int(number) for number in match[3].split()]
            taken = blocks if match[2] == "DMA32" else 0
            return match[1] + " ".join(map(str, [numbers[0], numbers[1] - taken, *numbers[2:], taken]))
        if ", type      Isolate" in line:
            return f"{line}\n{line.replace('Isolate', word)}"
        return line

    for name, text in texts["pagetypeinfo"].items():
        texts["pagetypeinfo"][name] = "\n".join(change(line) for line in text.splitlines())
    return gzip.compress(json.dumps(texts).encode())


@pytest.mark.parametrize(("word", "unmovable"), [("CMA", 0), ("Novelty", 5)])
def test_a_type_of_another_kernel_is_no_damage(folder: Path, word: str, unmovable: int) -> None:
    path = folder / TEXTS
    before = recordings.load(folder)
    try:
        path.write_bytes(with_type(word, 5))
        loaded = recordings.load(folder)
    finally:
        path.write_bytes(CONTENT[TEXTS])
    check_sound(loaded)
    assert loaded.check() == before.check()
    for name in loaded.snapshots:
        kinds = [np.bincount(each.snapshot_block_types(name), minlength=5) for each in (before, loaded)]
        assert kinds[1][Migratetype.UNMOVABLE] - kinds[0][Migratetype.UNMOVABLE] == unmovable
        assert kinds[0].sum() == kinds[1].sum()
