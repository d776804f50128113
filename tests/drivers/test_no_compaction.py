"""Built without CONFIG_BALLOON_COMPACTION: the same text less what the header takes away, and pages that stay."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.course.scenarios import SCENARIOS, scenario
from balloonlab.drivers import find_driver, no_compaction, v9, v10
from balloonlab.drivers.invariants import check_at_rest
from balloonlab.drivers.merged_variants import linux_3_19_no_compaction
from balloonlab.drivers.no_compaction import VARIANTS
from balloonlab.foundations.errors import DidNotSettleError
from balloonlab.memory.zone import Migratetype, PageState
from balloonlab.widgets.device import members

NAMES = [*VARIANTS, "linux-3.19-no-compaction"]


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_its_books_and_nothing_moves(name: str) -> None:
    states = np.where(np.random.default_rng(5).random(1536) < 0.6, PageState.MOVABLE, PageState.FREE).astype(np.uint8)
    guest = bl.Guest.from_states(states, name)
    for target in (300, 20, 90, 0):
        guest.set_target(target)
        inside = set(guest.balloon_list)
        guest.compact()
        assert set(guest.balloon_list) == inside
        check_at_rest(guest.machine, guest.vb)
        assert guest.balloon_pages == target
        assert guest.disagreements() == []
    assert guest.driver.migratetype == Migratetype.UNMOVABLE


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("where", [s for s in SCENARIOS if not s.startswith(("oom", "shrink", "inflate-"))])
def test_no_routine_misses_one_that_is_gone(where: str, name: str) -> None:
    machine = scenario(where, name).machine()
    machine.walk(300, seed=4)
    assert [bug for bug in machine.bugs if bug.kind in ("exception", "mistake")] == []


def lines(function: object) -> list[str]:
    """A function's text without its sentence about itself."""
    text = inspect.getsource(function)  # type: ignore[arg-type]
    return text.replace(inspect.getdoc(function) or "", "").splitlines()[2:]


@pytest.mark.parametrize("name", ["fill_balloon", "do_leak_balloon"])
def test_v10s_text_is_the_same_less_the_macros_that_are_empty(name: str) -> None:
    kept = [line for line in lines(getattr(v10, name)) if "_balloon_mapping(page)" not in line]
    assert [line for line in lines(getattr(no_compaction, name)) if line in kept] == kept
    assert len(kept) == len(lines(getattr(v10, name))) - 1


def test_v9_differs_by_the_wait_alone() -> None:
    without = find_driver("v9-no-compaction")
    changed = {name for name, function in without.functions.items() if function is not v9.DRIVER.functions[name]}
    assert changed == {"wait_on_isolated_pages", "balloon_page_movable"}
    states = {pair.name: pair.state for pair in bl.diff("v9", "v9-no-compaction").pairs}
    assert {name for name, state in states.items() if state == "changed"} == changed
    gone = {name for name, state in states.items() if state == "only in the first"}
    assert gone == v9.DRIVER.functions.keys() - without.functions.keys()
    assert {"virtballoon_isolatepage", "virtballoon_migratepage", "virtballoon_putbackpage"} < gone


@pytest.mark.parametrize(("name", "there"), [("v9", True), ("v10", False), ("v11", False), ("linux-3.8", False)])
@pytest.mark.parametrize("lifecycle", [False, True])
def test_the_pointer_to_the_mapping_says_whether_there_is_one(name: str, there: bool, lifecycle: bool) -> None:  # noqa: FBT001
    machine = bl.Guest(64, f"{name}-no-compaction", lifecycle=lifecycle).machine
    (row,) = (row for row in members(machine) if row.name.endswith("mapping"))
    assert row.now == ("to the driver" if there else "not there")


def test_what_does_not_need_compaction_goes_wrong_all_the_same() -> None:
    for name, broken in (("v9", True), ("v10", True), ("v11", True), ("linux-3.8", False)):
        result = bl.explore(scenario("fill-out-of-memory", f"{name}-no-compaction"))
        assert bool(result.findings) == broken
        assert bool(bl.explore(scenario("empty-and-compact", f"{name}-no-compaction"))), "nobody is waited for"


def test_m7_every_page_looks_isolated() -> None:
    guest = bl.Guest(64, linux_3_19_no_compaction.CANDIDATE)
    guest.inflate(20)
    with pytest.raises(DidNotSettleError, match="holds 20 of"):
        guest.deflate(5)
    assert len(guest.balloon_list) == 20
