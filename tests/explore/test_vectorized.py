"""The plain search and the vectorized one leave the same graph behind: same numbers, same steps, same findings."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.explore import Program, Result, explore
from balloonlab.explore.learn import layout
from balloonlab.explore.learn.layout import Layout
from balloonlab.explore.learn.subject import Explorable
from balloonlab.explore.learn.table import Table
from balloonlab.explore.program import Shared
from balloonlab.explore.search import vectorized
from balloonlab.kernel.primitives import Routine, msleep, read, write
from tests.explore.programs import PROGRAMS, counters

SMALL = ["inflate", "deflate", "fill-out-of-memory", "leak-64k", "full-and-compact"]
COMPACT = ["inflate-and-compact", "deflate-and-compact", "deflate-two-and-compact"]
SCENARIOS = [
    *((s, d) for s in SMALL for d in DRIVERS),
    *((s, "linux-3.6") for s in COMPACT),
    *((s, d) for s in ("inflate-and-compact", "deflate-and-compact") for d in ("v9", "v10")),
    ("deflate-two-and-compact", "v9"),
]
explorer, table = (import_module(f"balloonlab.explore.{name}") for name in ("explorer", "learn.table"))


def same(one: Result, other: Result) -> None:
    first, second = one.graph, other.graph
    for name in ("following", "parent", "halted"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
    assert [(f.kind, f.text, f.state) for f in one.findings] == [(f.kind, f.text, f.state) for f in other.findings]
    assert (one.verdict, one.why) == (other.verdict, other.why)
    at = range(0, one.states, max(1, one.states // 50))
    assert [values(one, state) for state in at] == [values(other, state) for state in at]


def values(result: Result, state: int) -> list[object]:
    """What the registers hold in a state (their numbers may differ: they were met in another order)."""
    learned, packed = result.graph.table, result.graph.state(state)
    numbers = learned.register_numbers(packed, tuple(learned.live))
    return [learned.registers.values[r][n] for r, n in zip(learned.live, numbers, strict=True)]


def both(scenario: Explorable) -> tuple[Result, Result]:
    plain, fast = explore(scenario, search="plain"), explore(scenario, search="vectorized")
    same(plain, fast)
    return plain, fast


@pytest.mark.parametrize(("name", "driver"), SCENARIOS)
def test_a_scenario(name: str, driver: str) -> None:
    both(bl.scenario(name, driver))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program(name: str) -> None:
    plain, fast = both(PROGRAMS[name])
    assert isinstance(plain.graph.packed, list)
    assert not isinstance(fast.graph.packed, list)


@pytest.mark.parametrize("waiting", [1, 10, 100])
def test_one_goes_on_where_the_other_stopped(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(explorer._SEARCHES, "auto", waiting)
    scenario = bl.scenario("inflate-and-compact", "v9")
    auto = explore(scenario)
    assert not isinstance(auto.graph.packed, list)
    same(explore(scenario, search="plain"), auto)


@pytest.mark.parametrize("driver", ["v9", "linux-6.1"])
@pytest.mark.parametrize("name", ["full-and-compact", "inflate-and-compact"])
def test_threads_that_share_a_cpu(name: str, driver: str) -> None:
    plain = bl.scenario(name, driver)
    balloon, compactor, host, *_ = plain.machine().names
    for cpu in ((balloon, compactor), (balloon, compactor, host)):
        both(bl.Scenario(plain.plot._replace(cpu=cpu), plain.driver))


def test_a_program_on_one_cpu_has_fewer_schedules() -> None:
    program = counters(3, 3)
    names = tuple(program.threads)
    shared = Program(program.name, program.threads, cpu=names)
    for result in both(shared):
        assert result.states > 1
        assert not result.findings


def test_fields_that_must_grow_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = bl.scenario("inflate-and-compact", "v9")
    wide = explore(scenario, search="plain")
    relayouts: list[int] = []

    def tight(counts: list[int], threads: int) -> Layout:
        relayouts.append(1)
        return Layout([max(1, (count - 1).bit_length()) for count in counts], threads)

    monkeypatch.setattr(table, "fitting", tight)
    for search in ("plain", "vectorized", "auto"):
        relayouts.clear()
        same(wide, explore(scenario, search=search))
        assert len(relayouts) > 30


def test_the_first_chunk_may_be_as_small_as_one_state(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = explore(PROGRAMS["Peterson"], search="plain")
    for chunk in (1, 2, 7):
        monkeypatch.setattr(vectorized, "_CHUNK", chunk)
        same(plain, explore(PROGRAMS["Peterson"], search="vectorized"))


def many_numbers(count: int, most: int) -> Program:
    """A thread that writes 0 .. most into each of many numbers, and one that reads one of them at times."""

    def writes(shared: Shared) -> Routine:
        for i in range(count):
            for n in range(most + 1):
                yield write(getattr(shared, f"v{i}"), n)

    def looks(shared: Shared) -> Routine:
        while not (yield read(shared.v0)):
            yield msleep(1)
        yield read(getattr(shared, f"v{count - 1}"))

    values = {f"v{i}": 0 for i in range(count)}
    at_end = {"all written": lambda shared: all(n == most for n in shared.values())}
    return Program("many numbers", {"writes": writes, "looks": looks}, values=values, at_end=at_end)


def test_states_that_do_not_fit_two_words_are_left_to_the_plain_search() -> None:
    program = many_numbers(34, 8)
    plain, fast, auto = (explore(program, search=search) for search in ("plain", "vectorized", "auto"))
    assert plain.graph.table.layout.wide
    same(plain, fast)
    same(plain, auto)
    assert isinstance(fast.graph.packed, list)
    assert plain.states > 34 * 9 * 4
    assert not plain.findings


def test_a_narrow_start_may_become_wide_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(explorer._SEARCHES, "auto", 3)
    program = many_numbers(34, 8)
    assert not layout.fitting([2] * 2 + [9] * 20 + [1] * 20, 2).wide
    assert not Table(program.subject()).layout.wide
    same(explore(program, search="plain"), explore(program, search="auto"))
