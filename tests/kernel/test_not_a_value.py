"""A name, or a step not taken, is nobody's value: whoever takes it for one is told, whoever steps or explores."""

# ruff: noqa: ANN001, ANN202  (a learner's routine is as short as it can be)
from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.drivers.v9 import DRIVER as V9
from balloonlab.kernel.not_a_value import NotAValueError
from balloonlab.kernel.primitives import alloc_page, list_add, mutex_lock, mutex_unlock, read, set_page_pfns, write
from balloonlab.kernel.world import Ref

USES: dict[str, Callable[[Any], object]] = {
    "if": lambda x: 1 if x else 2,
    "not": lambda x: not x,
    "and": lambda x: x and 3,
    "or": lambda x: x or 3,
    "bool": bool,
    "any": lambda x: any([x]),
    "==": lambda x: x == 0,
    "!=": lambda x: x != 0,
    "from the other side": lambda x: 0 == x,  # noqa: SIM300
    "== None": lambda x: x == None,  # noqa: E711
    "== True": lambda x: x == True,  # noqa: E712
    "numpy's": lambda x: np.int64(0) == x,
    "an array's": lambda x: np.arange(3) == x,
    "among": lambda x: x in [0, 1],
    "index of it": [0].index,
    "<": lambda x: x < 1,
    ">=": lambda x: x >= 1,
    "1 > x": lambda x: 1 > x,  # noqa: SIM300
    "min": lambda x: min(x, 3),
    "sorted": lambda x: sorted([1, x]),
    "+": lambda x: x + 1,
    "1 -": lambda x: 1 - x,
    "* 2": lambda x: x * 2,
    "2 *": lambda x: 2 * x,
    "%": lambda x: x % 2,
    "//": lambda x: x // 2,
    "**": lambda x: 2**x,
    "|": lambda x: x | 1,
    "<<": lambda x: x << 1,
    "-x": lambda x: -x,
    "~x": lambda x: ~x,
    "abs": abs,
    "sum": lambda x: sum([x]),
    "divmod": lambda x: divmod(x, 2),
    "round": round,
    "int": int,
    "float": float,
    "range": range,
    "index of": lambda x: [5, 6][x],
    "index": lambda x: x[0],
    "slice": lambda x: x[1:],
    "len": len,
    "contains": lambda x: 1 in x,
    "count": lambda x: x.count(1),
    "call": lambda x: x(),
    "format": lambda x: x + f"{x}",
}
ONLY_NAMES: dict[str, Callable[[Any], object]] = {"list": list, "for": lambda x: [each for each in x]}  # noqa: C416


def program(use: Callable[[Any], object], what: Callable[[Any], object]) -> bl.Program:
    """A routine that takes something for a value, where nobody can tell by reading it."""

    def takes(shared):
        seen = use(what(shared))
        yield write(shared.x, 1 if seen is None else 2)

    return bl.Program("taken", {"one": takes}, {"x": 0}, ["m"], ["q"])


@pytest.mark.parametrize("use", [*USES.values(), *ONLY_NAMES.values()], ids=[*USES, *ONLY_NAMES])
def test_a_name_is_no_number(use: Callable[[Any], object]) -> None:
    taken = program(use, lambda shared: shared.x)
    crash = taken.machine().thread("one").crash
    assert crash.kind == "exception"
    where = taken.threads["one"].__code__ if not hasattr(use, "__code__") else use.__code__
    assert str(crash).startswith(f"line {where.co_firstlineno + (where.co_name == 'takes')}, in {where.co_name}: `")
    assert str(crash).endswith("x is only the name of a shared number; write `(yield read(x))`.")
    (finding,) = bl.explore(taken).findings
    assert finding.text == f"one: {crash}"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_step_is_not_what_it_returns(use: Callable[[Any], object]) -> None:
    taken = program(use, lambda shared: read(shared.x))
    crash = taken.machine().thread("one").crash
    assert str(crash).endswith(
        "read(value) is a step that has not been taken, not what it returns; write `(yield read(value))`."
    )
    assert bl.explore(taken).findings[0].text == f"one: {crash}"


def test_a_lock_is_no_context() -> None:
    def locked(shared):
        with shared.m:
            yield read(shared.x)

    (finding,) = bl.explore(bl.Program("with", {"one": locked}, {"x": 0}, ["m"])).findings
    line = locked.__code__.co_firstlineno + 1
    assert finding.text == (
        f"one: line {line}, in locked: `with shared.m:`: m is only the name of a lock; "
        "write `yield mutex_lock(m)` and, when done, `yield mutex_unlock(m)`."
    )


def test_a_repair_that_asks_a_name_does_not_hold() -> None:
    def fill_balloon(vb, num):
        yield mutex_lock(vb.balloon_lock)
        yield write(vb.num_pfns, 0)
        while (yield read(vb.num_pfns)) < num:
            page = yield alloc_page(vb.migratetype)
            if page is None:
                break
            yield set_page_pfns((yield read(vb.num_pfns)), page)
            yield write(vb.num_pfns, (yield read(vb.num_pfns)) + 1)
            yield list_add(page, vb.pages)
        if not vb.num_pfns:  # never true: so the lock is not kept, and the host is told of nothing
            return
        yield mutex_unlock(vb.balloon_lock)

    result = bl.explore(bl.scenario("fill-out-of-memory", V9.replace(fill_balloon=fill_balloon)))
    assert "`if not vb.num_pfns:" in result.finding("exception").text
    assert "num_pfns is only the name of a shared number; write `(yield read(num_pfns))`." in str(result)


def test_a_name_is_still_a_key_and_its_copy_its_equal() -> None:
    guest = bl.Guest(16, "v9")
    for each in (guest.vb.num_pages, guest.vb.pages, guest.vb.balloon_lock):
        assert {each: 3}[Ref(each.kind, each.number, each.name)] == 3
        for other in (copy.copy(each), copy.deepcopy(each), pickle.loads(pickle.dumps(each))):  # noqa: S301
            assert other == each
            assert not other != each  # noqa: SIM202
    assert guest.vb.num_pages != guest.vb.num_pfns
    assert guest.vb.deflate_vq != guest.vb.inflate_vq
    assert read(guest.vb.num_pages) == read(guest.vb.num_pages) != read(guest.vb.num_pfns)
    assert copy.deepcopy(read(guest.vb.num_pages)).args == (guest.vb.num_pages,)
    assert f"{guest.vb.balloon_lock}" == "Ref(kind='lock', number=0, name='balloon_lock')"


def test_outside_a_routine_it_is_an_error_like_any_other() -> None:
    with pytest.raises(NotAValueError, match="num_pages is only the name of a shared number") as caught:
        bool(bl.Guest(16).vb.num_pages)
    assert isinstance(caught.value, bl.errors.BalloonlabError)
    assert isinstance(caught.value, TypeError)
