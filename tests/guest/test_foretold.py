"""What is foretold of an operation is what its steps come to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.memory.arrays.list_order import lists_of, load_lists
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PageFrames, Zone

KNOWN = sorted(set(DRIVERS) - {"linux-3.8"})  # there a page moves once only: steps alone can tell


def a_guest(seed: int, driver: str, blocks: int, page_size: int = 4096, engine: str = "steps") -> bl.Guest:
    rng = np.random.default_rng(seed)
    states = rng.choice([0, 1, 2, 3], 512 * blocks, p=[0.4, 0.3, 0.1, 0.2]).astype(np.uint8)
    types = rng.choice([0, 1, 1, 1, 2], blocks).astype(np.uint8)
    return bl.Guest.from_states(states, driver, pageblock_types=types, page_size=page_size, engine=engine)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(KNOWN), st.integers(1, 4), st.sampled_from([4096, 65536]), st.data())
def test_the_end_of_each_operation_of_a_life(
    seed: int, driver: str, blocks: int, page: int, data: st.DataObject
) -> None:
    guest = a_guest(seed, driver, blocks, page, data.draw(st.sampled_from(["steps", "auto"])))
    per = page // 4096
    for _ in range(4):
        compacts = data.draw(st.booleans())
        target = data.draw(st.integers(0, 512 * blocks)) * per
        told = guest.foretell(None if compacts else target)
        sent, huge = len(guest.host.messages), guest.metrics().free_huge_pages
        result = guest.compact() if compacts else guest.set_target(target)
        if told is None:
            continue
        assert told.states.tobytes() == guest.page_states.tobytes()
        assert told.balloon_pages == guest.balloon_pages
        assert told.free_blocks == guest.metrics().counts
        assert told.huge == (huge, guest.metrics().free_huge_pages)
        assert told.messages == len(guest.host.messages) - sent
        assert told.why == result.why
        assert told.moved == (len(result.pairs) if compacts else 0)


@pytest.mark.parametrize("driver", KNOWN)
def test_what_a_plain_guest_comes_to_is_foretold(driver: str) -> None:
    guest = a_guest(3, driver, 4)
    assert guest.foretell(guest.balloon_pages + 100) is not None
    assert guest.foretell() is not None
    before = guest.page_states.tobytes(), len(guest.host.messages)
    assert (guest.page_states.tobytes(), len(guest.host.messages)) == before


def test_where_only_the_steps_can_tell_nothing_is_foretold() -> None:
    assert a_guest(1, "linux-3.8", 2).foretell() is None
    amid = a_guest(1, "v9", 2)
    amid.machine.act("compact")
    amid.machine.run(100)
    assert amid.foretell(10) is None
    two = bl.Guest(1024, "v9", zones=[("DMA", 0, 512), ("Normal", 512, 1024)])
    assert two.foretell() is None
    edited = bl.Guest(512, bl.find_driver("v9").replace(fill_balloon=bl.find_driver("v9").functions["fill_balloon"]))
    assert edited.foretell() is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_lists_become_arrays_and_lists_again(seed: int, blocks: int) -> None:
    guest = a_guest(seed, "v9", blocks)
    guest.inflate(guest.page_states.size // 8)
    guest.deflate(guest.balloon_pages // 3)
    buddy = guest.buddies[0]
    frames = PageFrames(guest.page_states.size)
    frames.states[:] = guest.page_states
    frames.block_types[:] = guest.frames.block_types
    again = Buddy(Zone(frames), buddy.rules)
    load_lists(again, lists_of(buddy, frames.states, frames.block_types))
    for kind in range(3):
        for order in range(11):
            assert again.free_blocks(order, kind) == buddy.free_blocks(order, kind)
