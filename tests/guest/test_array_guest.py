"""A guest of arrays against the same guest step by step: map, list, messages, beliefs, numbers, free lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from balloonlab.drivers import DRIVERS
from balloonlab.foundations.errors import BadValueError, DidNotSettleError, UnknownNameError
from balloonlab.guest.guest import Guest
from balloonlab.guest.habits import habits
from balloonlab.memory.placement import PLACEMENTS
from balloonlab.memory.zone import MAX_ORDER, Migratetype
from tests.memory.maps import BALLOON, generators, page_map


class Both:
    def __init__(self, driver: str, rng: np.random.Generator, placement: str = "lifo") -> None:
        self.driver, self.rng = driver, rng
        states = page_map(rng, 8)
        if rng.random() < 0.3:
            states[rng.integers(0, len(states), 200)] = BALLOON
        made = {
            "driver": driver,
            "page_size": int(rng.choice([4096, 16384, 65536])),
            "backing": int(rng.choice([4096, 65536, 2 << 20])),
            "placement": placement,
            "seed": int(rng.integers(1 << 63)),
        }
        if rng.random() < 0.3:
            made["pageblock_types"] = rng.choice(3, -(-len(states) // 512), p=[0.2, 0.7, 0.1])
        self.per = made["page_size"] // 4096
        self.arrays = Guest.from_states(states, engine="arrays", **made)
        self.steps = Guest.from_states(states, engine="steps", **made)

    def same(self) -> None:
        one, other = self.arrays, self.steps
        assert np.array_equal(one.page_states, other.page_states)
        assert one.balloon_list == other.balloon_list
        assert one.metrics() == other.metrics()
        for name in ("queue", "count", "start", "pfns", "status"):
            assert np.array_equal(getattr(one.host.messages, name), getattr(other.host.messages, name)), name
        assert one.host.beliefs() == other.host.beliefs()
        assert one.disagreements() == other.disagreements()
        assert self.driver == "linux-3.8" or one.disagreements() == []  # there a page put back is the LRU's (M5)
        if one.engine == "steps":
            return
        values = one._engines.arrays.values
        assert {name: other.world.values[name] for name in values.names} == dict(
            zip(values.names, values.numbers, strict=True)
        )
        for kind in Migratetype:
            for order in range(MAX_ORDER):
                listed = one._engines.arrays.zone.free_blocks(order, kind)
                assert listed == other.buddies[0].free_blocks(order, kind), (kind, order)

    def inflate(self) -> None:
        free = self.arrays.metrics().free_pages
        pages = int(self.rng.integers(0, free + 1)) // int(self.rng.choice([1, 3]))
        if self.rng.random() < 0.2:
            pages = min(free + 5, len(self.arrays.page_states) - self.arrays.balloon_pages // self.per)
        one, other = self.arrays.inflate(pages * self.per), self.steps.inflate(pages * self.per)
        assert one == other
        assert str(one) == str(other)
        assert bool(one.why) == (one.after != one.target)
        self.same()
        if one.after < one.target:  # be content with it
            assert self.arrays.set_target(one.after) == self.steps.set_target(one.after)

    def deflate(self) -> None:
        pages = int(self.rng.integers(0, self.arrays.balloon_pages // self.per + 1))
        assert self.arrays.deflate(pages * self.per) == self.steps.deflate(pages * self.per)

    def compact(self) -> None:
        one, other = self.arrays.compact(), self.steps.compact()
        assert np.array_equal(one.pairs, other.pairs)
        assert (one.messages, one.free_huge_pages) == (other.messages, other.free_huge_pages)
        assert (one.why, one.bug, str(one)) == (other.why, other.bug, str(other))

    def work(self) -> None:
        name = str(self.rng.choice(["random", "fresh", "kernel", "holes", "runs", "fill"]))
        result = self.arrays.workload(name, seed=7)
        assert result == self.steps.workload(name, seed=7)

    def release(self) -> None:
        share = float(self.rng.choice([1, 0.3]))
        assert self.arrays.release(share) == self.steps.release(share)


@pytest.mark.parametrize("driver", DRIVERS)
@given(generators)
@settings(max_examples=8, deadline=None)
def test_every_operation_of_every_driver(driver: str, rng: np.random.Generator) -> None:
    _live(Both(driver, rng), rng)


@pytest.mark.parametrize("driver", ["linux-3.6", "v9", "linux-3.8", "linux-6.1"])
@pytest.mark.parametrize("placement", PLACEMENTS[1:])
@given(generators)
@settings(max_examples=6, deadline=None)
def test_every_operation_with_every_placement(placement: str, driver: str, rng: np.random.Generator) -> None:
    _live(Both(driver, rng, placement), rng)


@pytest.mark.parametrize("driver", ["linux-3.6", "linux-6.1"])
def test_a_driver_short_of_its_target_does_nothing_when_its_machine_is_made(driver: str) -> None:
    states = np.array([1] * 300 + [0] * 212, np.uint8)
    guest = Guest.from_states(states, driver, engine="arrays")
    guest.inflate(400)
    guest.release()
    told = guest.host.messages.pfns.tolist()
    assert guest.machine is not None
    assert (guest.balloon_pages, guest.host.target) == (212, 400)
    assert guest.host.messages.pfns.tolist() == told
    guest.set_target(401)
    assert guest.balloon_pages == 401


def test_a_page_of_3_8_moves_once_even_in_one_run() -> None:
    rng = np.random.default_rng(87338)  # the scanners of 3.6's rules overlap: one meets pages that were just moved
    _live(Both("linux-3.8", rng, "lowest"), rng)


def _live(both: Both, rng: np.random.Generator) -> None:
    """Some operations in any order, then perhaps on a machine made of the arrays."""
    both.same()
    for _ in range(5):
        action = ["inflate", "inflate", "deflate", "compact", "compact", "work", "release"][int(rng.integers(7))]
        if action in ("work", "release") and rng.random() < 0.4:
            action = "inflate"
        if action == "work" and both.arrays.engine == "steps":
            continue
        try:
            getattr(both, action)()
        except DidNotSettleError:  # its leftovers are the LRU's (M5), so it looks for pages that it has not got
            assert (both.driver, both.arrays.engine) == ("linux-3.8", "steps")
            return
        both.same()
    if rng.random() < 0.5:
        assert both.arrays.machine.runnable() == both.steps.machine.runnable()
        both.same()
        both.inflate()
        both.compact()
        both.same()


def test_auto_takes_arrays_where_they_can_do_it_all() -> None:
    assert Guest(512, driver="v9").engine == "arrays"
    assert Guest(512, driver="v9", target=0).engine == "arrays"
    assert Guest(512, driver="v9", target=8).engine == "steps"
    assert Guest(1024, driver="v9", zones=[("A", 0, 512), ("B", 512, 1024)]).engine == "steps"
    large = Guest((1 << 18) + 1, driver="v9", target=8)
    assert (large.engine, large.balloon_pages) == ("arrays", 8)
    assert "1,024 MiB" in repr(large)


def test_a_machine_is_made_when_it_is_asked_for() -> None:
    guest = Guest(4096, driver="linux-6.1", engine="arrays")
    guest.workload("random")
    guest.inflate(700)
    log = len(guest.host.messages)
    guest.machine.record()
    assert guest.engine == "steps"
    assert len(guest.host.messages) == log
    guest.machine.act("set_target", 701)
    guest.machine.run()
    assert guest.balloon_pages == 701
    guest.machine.seek(0)
    assert guest.balloon_pages == 700
    with pytest.raises(AttributeError, match="wings"):
        guest.wings  # noqa: B018


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"engine": "fast"}, "auto, steps, arrays"),
        ({"engine": "arrays", "placement": "middle"}, "'middle'; known: lifo, lowest, highest, random"),
        ({"engine": "steps", "placement": None}, "None; known: lifo, lowest, highest, random"),
        ({"engine": "arrays", "zones": [("A", 0, 512)]}, "zones"),
        ({"engine": "arrays", "pageblock_types": [3]}, "RESERVE"),
        ({"engine": "arrays", "driver": DRIVERS["v9"].replace(tell_host=DRIVERS["v10"].tell_host)}, r"v9\*"),
    ],
)
def test_what_arrays_cannot_do_is_said(settings: dict[str, object], words: str) -> None:
    with pytest.raises((BadValueError, UnknownNameError), match=words):
        Guest(512, **settings)  # type: ignore[arg-type]


WAITS = "vballoon waits for balloon_lock, which it holds itself"
AGAIN = "out of memory, tries again"
SHORT = {"linux-3.6": AGAIN, "v9": WAITS, "v10": WAITS, "v11": WAITS}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("engine", ["arrays", "steps"])
def test_a_result_says_what_was_not_reached_and_why(driver: str, engine: str) -> None:
    guest = Guest.from_states([0] * 512 + [1] * 1536, driver, engine=engine)
    why = SHORT.get(driver, AGAIN)
    result = guest.inflate(2048)
    assert str(result) == f"inflated from 0 to 512 of 2,048 balloon pages, 2 messages: {why}"
    assert str(guest.inflate(10)) == f"still 512 of 522 balloon pages, 0 messages: {why}"
    guest.release()
    result = guest.set_target(600)
    assert (result.why, result.after) == ((WAITS, 512) if why is WAITS else ("", 600))
    moved = guest.compact()
    if driver in ("v9", "v10"):
        assert moved.why == f"{WAITS}; compactor waits for balloon_lock, held by vballoon"
    elif driver == "v11":
        assert moved.why.endswith(f"guest pages put back: {WAITS}")
    else:
        assert moved.why == ""


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("target", [17, 300, 16 * 60 + 1])
def test_a_target_that_is_no_whole_guest_page(driver: str, target: int) -> None:
    texts = []
    for engine in ("arrays", "steps"):
        guest = Guest(512, driver, page_size=65536, engine=engine)
        try:
            texts.append(str(guest.set_target(target)))
        except DidNotSettleError as error:
            texts.append("endless" if "may be in an endless loop" in str(error) else str(error))
    assert texts[0] == texts[1]
    if driver == "v10":
        assert texts[0].endswith("vballoon waits for a wake-up on config_change")
    elif habits(driver).rounds_up:
        assert texts[0].startswith(f"inflated from 0 to {-(-target // 16) * 16:,} of {target:,}")
    else:
        assert texts[0] == "endless"


def test_compaction_while_the_driver_is_on_its_way_is_refused() -> None:
    guest = Guest.from_states([0] * 100 + [1] * 924, driver="linux-6.1", engine="arrays")
    assert guest.inflate(300).after == 100
    guest._engines.arrays.zone.free(np.arange(500, 510))
    with pytest.raises(BadValueError, match="Set a target first"):
        guest.compact()


def test_sixty_four_gibibytes() -> None:
    guest = Guest(1 << 24, driver="linux-6.1")
    guest.workload("fresh")
    free = guest.metrics().free_pages
    assert guest.inflate(free // 2).messages == -(-(free // 2) // 256)
    moved = guest.compact()
    assert moved.pairs.shape[1] == 2
    assert guest.deflate(free // 2).after == 0
    assert guest.metrics().free_pages == free
    assert not guest.host.believed.any()
