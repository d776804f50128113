"""What a guest is made from and asked for: slips are told, numbers of any kind are taken."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.foundations.errors import BadValueError, BalloonlabError
from balloonlab.memory.fragmentation import metrics, unusable_free_index


def test_numpy_s_integers_are_taken_everywhere() -> None:
    guest = bl.Guest(np.int64(64), page_size=np.int32(16384), backing=np.int64(65536), seed=np.uint8(1))
    assert (guest.page_size, type(guest.page_size), guest.host.backing_pages) == (16384, int, 16)
    assert guest.inflate(np.int64(8)).after == 8
    assert guest.disagreements(np.int64(3)) == []


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (lambda: bl.Guest(64, ["v9"]), r"unknown driver \['v9'\]; known: linux-3\.6"),
        (lambda: bl.Guest(64, {"v9": 1}), r"unknown driver \{'v9': \.\.\.\}; known"),
        (lambda: bl.Guest(64, np.array(["v9"])), r"unknown driver an array of 1; known"),
        (lambda: bl.find_driver([]), r"unknown driver \[\]; known"),
        (lambda: bl.Guest(64, page_size=8192), r"page_size is 8,192; legal: 4,096, 16,384, 65,536 bytes"),
        (lambda: bl.Guest(64, backing=4096.0), r"backing page is 4096\.0; legal: 4,096"),
        (lambda: bl.Guest(64, must_tell_host="no"), r"must_tell_host is 'no'; it must be True or False\."),
        (lambda: bl.Guest(64, must_tell_host=1), r"must_tell_host is 1; it must be True or False\."),
        (lambda: bl.Guest(64, zones=5), r"zones is 5; it must be a list of \(name, first PFN, end\)\."),
        (lambda: bl.Guest(64, balloon=5), r"balloon is 5; it must be one row of 0 to 64 whole numbers"),
        (lambda: bl.Guest(64, candidates=3), r"candidates is 3; it must be a list of guest PFNs"),
        (lambda: bl.Guest(64, actors="me"), r"actors is 'me'; it must be a list of actors\."),
        (lambda: bl.Guest(64, states=[[0, 0], [0]]), r"states is \[.*\]; it must be one row of 64 whole numbers"),
        (lambda: bl.Guest(64, states=[5] * 64), r"states has 5 at place 0; .* at rest has only 0 FREE, 1 MOVABLE"),
        (lambda: bl.Guest(64).release(10**400), r"fraction is a number of more than 30 digits; .* from 0\.0 to 1\.0"),
        (lambda: bl.Guest(64).workload("random", fraction="x"), r"fraction of workload 'random' is 'x'; .* 0\.0 to 1"),
        (lambda: bl.Guest(64).disagreements("x"), r"most is 'x'; it must be a whole number"),
        (lambda: bl.Guest(64).host.believes(-1), r"PFN is -1; it must be a whole number from 0 to 63"),
        (lambda: bl.Guest(64).host.messages["x"], r"message is 'x'; it must be a whole number from -1 to 0"),
        (lambda: metrics(bl.Guest(64)), r"source is a Guest; it must be one row"),
        (lambda: unusable_free_index([-1] * 11, 9), r"counts has -1 at place 0; .*free blocks of each order 0\.\.10"),
        (lambda: unusable_free_index([0.5] * 11, 9), r"counts is \[0\.5, .*\]; it must be one row of 11 whole numbers"),
        (lambda: unusable_free_index(dict.fromkeys(range(11), 1), 9), r"counts is \{.*\}; it must be one row of 11"),
        (lambda: unusable_free_index("12345678901", 9), r"counts is '12345678901'; it must be one row of 11"),
        (lambda: bl.plots.plot_free_blocks(None), r"counts is None; it must be one row of 11"),
        (lambda: bl.recordings.load("S1_256M_16384").messages.of(-5), r"message is -5; .* from 0 to 127\."),
    ],
)
def test_a_slip_is_told_in_a_sentence(slip: Callable[[], object], words: str) -> None:
    with pytest.raises(BalloonlabError, match=words):
        slip()


def test_a_name_where_a_time_is() -> None:
    recording = bl.recordings.load("S1_256M_16384")
    with pytest.raises(
        BadValueError, match=r"until is 'freed'; it must be a number from 0 to inf \(host seconds, such"
    ):
        bl.recordings.replay(recording.messages, recording.list_events, "freed")  # type: ignore[arg-type]
