"""Whole operations taken back: a guest is then as one that never did them, in all that shows and in what comes next."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

import balloonlab.guest.array_history
from balloonlab.foundations.errors import BadValueError
from balloonlab.guest.guest import Guest
from balloonlab.memory.zone import MAX_ORDER, Migratetype
from tests.memory.maps import BALLOON, FREE, MOVABLE, UNMOVABLE, generators, page_map

DRIVERS = ["linux-3.6", "v9", "linux-3.8", "linux-6.1"]
Operation = tuple[str, int]


def do(guest: Guest, operation: Operation) -> None:
    name, amount = operation
    per = guest.page_size // 4096
    if name == "inflate":
        guest.inflate(amount % (guest.metrics().free_pages + 1) * per)
    elif name == "deflate":
        guest.deflate(amount % (guest.balloon_pages // per + 1) * per)
    elif name == "release":
        guest.release([1.0, 0.3][amount % 2])
    elif name == "work":
        guest.workload(["random", "kernel", "runs"][amount % 3], seed=amount)
    else:
        guest.compact()


def everything(guest: Guest, *, lists: bool) -> dict[str, object]:
    arrays = guest._engines.arrays
    assert arrays is not None
    seen: dict[str, object] = {
        "map": guest.page_states.tobytes(),
        "types": arrays.zone.block_types.tobytes(),
        "balloon": guest.balloon_list,
        "beliefs": guest.host.beliefs(),
        "numbers": list(arrays.values.numbers),
        "fixed": None if arrays.fixed is None else arrays.fixed.tobytes(),
    }
    for name in ("queue", "count", "start", "pfns", "status"):
        seen[name] = getattr(guest.host.messages, name).tolist()
    if lists:
        for kind in Migratetype:
            for order in range(MAX_ORDER):
                seen[f"list {kind} {order}"] = arrays.zone.free_blocks(order, kind)
    return seen


def maker(driver: str, rng: np.random.Generator) -> Callable[[], Guest]:
    states = page_map(rng, 8)
    if rng.random() < 0.3:
        states[rng.integers(0, len(states), 200)] = BALLOON
    more = {"page_size": int(rng.choice([4096, 65536])), "backing": int(rng.choice([4096, 65536]))}
    more["placement"] = str(rng.choice(["lifo", "lifo", "lowest", "highest", "random"]))
    if rng.random() < 0.5:
        more["pageblock_types"] = rng.choice(3, -(-len(states) // 512), p=[0.2, 0.7, 0.1])
    return lambda: Guest.from_states(states.copy(), driver, engine="arrays", **more)


def some_operations(rng: np.random.Generator, count: int) -> list[Operation]:
    names = rng.choice(["inflate", "deflate", "compact", "work", "release"], count, p=[0.45, 0.2, 0.2, 0.1, 0.05])
    return [(str(name), int(rng.integers(1 << 16))) for name in names]


@pytest.mark.parametrize("driver", DRIVERS)
@given(generators)
@settings(max_examples=30, deadline=None)
def test_what_was_taken_back_never_was(driver: str, rng: np.random.Generator) -> None:
    _forward_and_back(driver, rng)


@pytest.mark.parametrize("seed", [645781, 1017])  # a list read after undo; an opened block that was larger once
def test_lists_that_were_read_between(seed: int) -> None:
    _forward_and_back("linux-3.6", np.random.default_rng(seed))


def _forward_and_back(driver: str, rng: np.random.Generator) -> None:
    make = maker(driver, rng)
    guest, done = make(), []
    for _ in range(4):  # forward, back, and forward another way
        for operation in some_operations(rng, int(rng.integers(1, 4))):
            do(guest, operation)
            if guest.engine == "steps":  # 3.8 put a page back
                return
            done.append(operation)
            if rng.random() < 0.5:
                everything(guest, lists=True)  # settles the lists
        for _ in range(int(rng.integers(0, len(guest._engines.arrays.history.operations) + 1))):  # type: ignore[union-attr]
            guest.undo()
            done.pop()
        never = make()
        for operation in done:
            do(never, operation)
        lists = rng.random() < 0.7
        assert everything(guest, lists=lists) == everything(never, lists=lists)


@pytest.mark.parametrize("driver", DRIVERS)
@given(generators)
@settings(max_examples=8, deadline=None)
def test_what_is_done_again_is_the_same(driver: str, rng: np.random.Generator) -> None:
    guest = maker(driver, rng)()
    for operation in some_operations(rng, 4):
        do(guest, operation)
        if guest.engine == "steps":
            return
    before = everything(guest, lists=False)
    texts = [guest.undo() for _ in range(4)]
    assert [guest.redo() for _ in range(4)] == texts[::-1]
    assert everything(guest, lists=False) == before
    with pytest.raises(BadValueError, match="no whole operation to do again"):
        guest.redo()


@given(generators)
@settings(max_examples=20, deadline=None)
def test_the_map_amid_an_operation(rng: np.random.Generator) -> None:
    driver = str(rng.choice(["linux-3.6", "linux-6.1"]))
    guest = maker(driver, rng)()
    for operation in some_operations(rng, 3):
        do(guest, operation)
    before = guest.page_states.copy()
    pairs = guest.compact().pairs
    assert guest.moments == len(pairs)
    now = before.copy()
    stops = set(rng.integers(0, len(pairs) + 1, 5).tolist()) | {0, len(pairs)}
    for moment in range(len(pairs) + 1):
        if moment in stops:
            assert np.array_equal(guest.page_states_at(moment), now)
        if moment < len(pairs):
            old, new = pairs[moment]
            now[new], now[old] = now[old], FREE
    assert np.array_equal(now, guest.page_states)


def test_pages_enter_and_leave_the_map_one_by_one_in_the_order_of_the_allocator() -> None:
    guest = Guest(4096, "linux-6.1", engine="arrays")
    guest.workload("random")
    guest.inflate(600)
    counts = [int(np.count_nonzero(guest.page_states_at(m) == BALLOON)) for m in range(0, guest.moments + 1, 100)]
    assert counts == [0, 100, 200, 300, 400, 500, 600]
    first = np.flatnonzero(guest.page_states_at(1) == BALLOON)
    assert first.tolist() == [int(guest.host.messages[1].pfns[-1])]  # 6.1 tells a round backwards
    sent = len(guest.host.messages)
    guest.deflate(600)
    left = np.flatnonzero(guest.page_states_at(0) != guest.page_states_at(1))
    assert left.tolist() == [int(guest.host.messages[sent].pfns[-1])]  # and gives it back backwards
    assert np.count_nonzero(guest.page_states_at(0) == BALLOON) == 600
    assert np.count_nonzero(guest.page_states_at(599) == BALLOON) == 1


def test_a_page_that_moved_twice_comes_back_to_where_it_was_first() -> None:
    states = np.full(8192, UNMOVABLE, np.uint8)
    states[:20] = MOVABLE
    states[512 * 4 :: 171] = FREE
    guest = Guest.from_states(states, "linux-3.6", engine="arrays")
    pairs = guest.compact().pairs
    assert set(pairs[:, 0].tolist()) & set(pairs[:, 1].tolist())
    assert np.array_equal(guest.page_states_at(0), states)
    guest.undo()
    assert np.array_equal(guest.page_states, states)


def test_an_operation_that_fails_amid_its_work_has_changed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(4096, "linux-6.1", engine="arrays")
    guest.workload("random")
    guest.inflate(100)
    before = everything(guest, lists=False)

    def fails(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("balloonlab.guest.array_guest.ArrayGuest._tell", fails)
        with pytest.raises(MemoryError):
            guest.inflate(50)
    assert everything(guest, lists=False) == before
    assert guest.undo() == "towards 100 balloon pages"
    assert not np.any(guest.page_states == BALLOON)


def test_errors_say_what_there_is() -> None:
    guest = Guest(4096, "v9", engine="arrays")
    with pytest.raises(BadValueError, match="no whole operation to take back"):
        guest.undo()
    guest.inflate(10)
    with pytest.raises(BadValueError, match=r"moment is 11; .* 0 to 10 .*\(towards 10 balloon pages\)"):
        guest.page_states_at(11)
    with pytest.raises(BadValueError, match="target is 4,097"):
        guest.set_target(4097)
    assert guest.undo() == "towards 10 balloon pages"  # what was refused is no operation
    guest.inflate(20)
    with pytest.raises(BadValueError, match="no whole operation to do again"):  # it would be another future's
        guest.redo()
    with pytest.raises(BadValueError, match=r"guest\.machine\.seek"):
        Guest(4096, "v9", engine="steps").undo()


def test_older_operations_are_forgotten_when_they_take_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balloonlab.guest.array_history, "_MOST_BYTES", 40_000)
    guest = Guest(8192, "linux-6.1", engine="arrays")
    for _ in range(6):
        guest.inflate(500)
    done = 0
    while guest._engines.arrays is not None and guest._engines.arrays.history.operations:
        guest.undo()
        done += 1
    assert 1 <= done < 6
    assert guest.balloon_pages == 3000 - 500 * done


def calls_of(work: Callable[[], object]) -> int:
    """How many functions, of Python and of C, are called."""
    calls = 0

    def count(_frame: object, event: str, _what: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def test_an_operation_late_in_a_long_life_takes_no_more_work_than_an_early_one() -> None:
    guest = Guest(2048, "linux-6.1", engine="arrays")
    needed = []
    for _ in range(600):
        guest.set_target(100)
        needed.append(calls_of(lambda: guest.set_target(50)))
    assert needed[-1] <= max(needed[:10])


@given(generators)
@settings(max_examples=20, deadline=None)
def test_what_older_operations_take_is_what_would_be_free_without_them(rng: np.random.Generator) -> None:
    guest = maker("linux-6.1", rng)()
    history = guest._engines.arrays.history  # type: ignore[union-attr]
    for operation in some_operations(rng, 8):
        do(guest, operation)
        if rng.random() < 0.3:
            everything(guest, lists=True)  # settles the lists: the last operation keeps more
        if rng.random() < 0.3:
            guest.undo()
    if not history.operations:
        return
    each = {id(array): array.nbytes + 128 for one in history.operations for array in one.arrays()}
    order = history.guest.zone.order
    for used in (history.guest.stack, order.numbers, order.kinds):
        each.pop(id(used), None)
    assert history._held() == sum(each.values())
