"""What a guest says that did not do all it was asked: bugs first, then why not; and none is refused that gets on."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.drivers import DRIVERS
from balloonlab.foundations.errors import DidNotSettleError
from balloonlab.guest.guest import Guest
from balloonlab.guest.shortfall import ended_in_words
from tests.memory.maps import BALLOON

BUG = "BUG in vballoon: BUG_ON(!trylock_page(page)) (line "


def dead() -> Guest:
    """v11 with compaction half done, and a page locked by it that the driver then takes."""
    guest = Guest(4096, "v11")
    guest.workload("random", seed=1)
    guest.inflate(800)
    guest.machine.act("compact")
    guest.machine.run(20)
    return guest


def test_from_a_bug_on_everything_says_it_first_with_the_line() -> None:
    guest = dead()
    results = [guest.inflate(500), guest.inflate(1), guest.compact(), guest.set_target(0)]
    for result in results:
        assert str(result).startswith(BUG)
        assert ", in balloon_page_enqueue: `yield bug_on(" in result.bug
    assert str(results[0]).endswith("of 1,300 balloon pages, 1 message: vballoon has crashed")
    assert repr(guest).startswith(f"<{BUG}")
    guest.machine.record()
    assert repr(guest).startswith(f"<{BUG}"), "it is no less dead when a Lab begins its timeline"
    ran = guest.machine.run()
    assert ended_in_words(guest.machine, ran, 7).startswith(BUG)


def test_before_its_bug_a_guest_says_nothing_of_it() -> None:
    guest = dead()
    guest.machine.record()
    assert guest.inflate(500).bug
    guest.machine.seek(0)
    assert repr(guest).startswith("<guest of 16 MiB")


def test_compaction_that_was_left_half_done_is_done_with_what_comes_next() -> None:
    guest = Guest(20_000, "linux-6.1")
    guest.workload("random")
    guest.inflate(5000)
    guest.machine.act("compact")
    guest.machine.run(1000)
    for more in (1, 2, 3):
        result = guest.inflate(1)
        assert (result.after, result.why) == (5000 + more, "")


def test_a_deflation_that_was_left_half_done_is_done_with_what_comes_next() -> None:
    guest = Guest(16_384, "v9")
    guest.inflate(15_000)
    guest.machine.act("set_target", 0)
    guest.machine.run(1000)
    assert len(guest.compact().pairs) >= 0
    assert guest.balloon_pages == 0


def test_an_endless_loop_is_called_one() -> None:
    guest = Guest(512, "linux-3.6", page_size=65536, engine="steps")
    for _ in range(2):
        with pytest.raises(DidNotSettleError, match=r"no multiple of 16 .* may be in an endless loop"):
            guest.set_target(17)
    assert guest.set_target(32).after == 32


@pytest.mark.parametrize("driver", DRIVERS)
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=6, deadline=None)
def test_lives_with_operations_left_half_done(driver: str, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    guest = Guest(1024, driver, seed=seed)
    guest.workload(rng.choice(["random", "fresh", "holes"]))
    for _ in range(6):
        what = rng.choice(["target", "compact", "half target", "half compact", "release"])
        target = rng.randint(0, guest.host.balloon_pages)
        if what == "release":
            guest.release(rng.random())
        elif what == "half target":
            guest.machine.act("set_target", target)
            guest.machine.run(rng.randint(1, 5000))
        elif what == "half compact":
            guest.machine.act("compact")
            guest.machine.run(rng.randint(1, 5000))
        else:
            try:
                result = guest.set_target(target) if what == "target" else guest.compact()
            except DidNotSettleError:  # it looks for pages that the LRU has now
                assert driver == "linux-3.8", "M5"
                assert np.count_nonzero(guest.page_states == BALLOON) < guest.balloon_pages
                return
            assert str(result).startswith("BUG in ") == bool(guest.machine.bugs) == bool(result.bug)
            if what == "target":
                assert bool(result.why) == (guest.balloon_pages != target)
                assert "nothing more" not in result.why


def test_compactions_that_came_to_the_same_are_equal() -> None:
    def compacted(engine: str, seed: int = 0) -> object:
        guest = Guest(2048, "v9", engine=engine, seed=seed)
        guest.workload("random", fraction=0.4)
        guest.inflate(300)
        return guest.compact()

    assert compacted("steps") == compacted("arrays")
    assert compacted("steps") != compacted("steps", seed=1)
    assert compacted("steps") != "moved"
