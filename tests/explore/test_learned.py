"""What was learned, automata and effects, against the routines and primitives themselves."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.drivers import DRIVERS
from balloonlab.explore import Result, explore
from balloonlab.explore.learn.registers import Registers
from balloonlab.kernel.primitives import Primitive
from balloonlab.kernel.timeline import Wait
from balloonlab.kernel.world import KernelBugError
from tests.explore.programs import PROGRAMS

WALKS = [
    *(("deflate-and-compact", driver) for driver in DRIVERS),
    *(("full-and-compact", driver) for driver in ("v9", "linux-3.8")),
    *(("leak-64k", driver) for driver in ("linux-3.6", "v9", "v10")),
    *(("with statistics", driver) for driver in ("linux-3.6", "linux-6.1", "linux-7.2")),
    *(("probe-when-something-fails", driver) for driver in ("v9", "v10")),
    ("probe-and-remove", "v11"),
]


def scenario(name: str, driver: str) -> bl.Scenario:
    if name != "with statistics":
        return bl.scenario(name, driver)
    plain = bl.scenario("inflate", driver)
    return bl.Scenario(plain.plot._replace(actions=(*plain.plot.actions, ("request_stats", 0))), plain.driver)


@cache
def explored(name: str, driver: str) -> Result:
    return explore(PROGRAMS[name] if not driver else scenario(name, driver), most_states=60_000)


def same_moment(result: Result, state: int, real: Registers) -> None:
    """The state of the graph is the moment at which the real machine stands."""
    table, machine = result.graph.table, real.machine
    packed = result.graph.state(state)
    numbers = table.layout.unpack(packed)
    for thread, number in zip(machine.threads, numbers, strict=False):
        local = table.local(thread.index, number)
        assert local.pending == thread.pending
        assert (local.crash is None) == (not thread.crashed)
        if local.crash is not None:
            assert (local.crash.kind, str(local.crash)) == (thread.crash.kind, str(thread.crash))
        elif local.pending is not None:
            assert local.calls == thread.calls
            assert local.line == line_of(thread.generator)
        if not machine.bugs:
            can = result.graph.following[state, thread.index] >= 0
            assert can == (thread.name in machine.runnable())
            row = table.rows[table.row_number(thread.index, packed)]
            wait = machine.wait_of(thread)
            assert (row.wait.text if row.wait else "can run") == (wait.text if not can else "can run")
    for register, number in zip(table.live, table.register_numbers(packed, tuple(table.live)), strict=True):
        assert real.all[register].get() == table.registers.values[register][number], real.title(register)


def line_of(routine: object) -> int:
    while getattr(routine, "gi_yieldfrom", None) is not None and hasattr(routine.gi_yieldfrom, "gi_frame"):
        routine = routine.gi_yieldfrom
    return routine.gi_frame.f_lineno


def walk(result: Result, real: Registers, seed: int) -> int:
    """Step the real machine at random, and the graph with it."""
    choose, machine, state, steps = random.Random(seed), real.machine, 0, 0  # noqa: S311
    same_moment(result, state, real)
    stay = choose.random()
    thread = ""
    while steps < 400 and (able := machine.runnable()) and not machine.bugs and state < result.graph.expanded:
        if thread not in able or choose.random() > stay:
            thread = choose.choice(able)
        machine.step(thread)
        state = int(result.graph.following[state, machine.names.index(thread)])
        steps += 1
        same_moment(result, state, real)
    return steps


@pytest.mark.parametrize(("name", "driver"), [*WALKS, *((name, "") for name in PROGRAMS if name != "one cpu")])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=4)
def test_a_random_walk_passes_the_states_of_the_graph(name: str, driver: str, seed: int) -> None:
    result = explored(name, driver)
    assert walk(result, Registers(result.subject.machine()), seed)


# -- nothing outside its registers matters to a primitive, and it changes nothing outside --

Outcome = tuple[Wait | None, object, list[object], str]


def performed(registers: Registers, primitive: Primitive, thread: int, deps: tuple[int, ...]) -> Outcome:
    """What the primitive does to its registers as the world is now; no table, nothing remembered."""
    subject = registers.machine.threads[thread]
    subject.pending = primitive
    wait = registers.machine.wait_of(subject)
    result, bug = None, ""
    if wait.status == "runnable":
        wait = None
        try:
            result = primitive.verb.effect(registers.world, thread, *primitive.args)
        except KernelBugError as found:
            bug = f"{found.kind}: {found}"
    return wait, result, [registers.all[r].get() for r in deps], bug


def sound(registers: Registers, chance: random.Random) -> set[str]:
    """Perform every learned effect amid other values of everything else; returns the verbs tried."""
    tried: set[str] = set()
    uncounted = registers.tallies - registers.read_tallies
    everything = range(len(registers))
    for (primitive, thread, before), effect in list(registers._effects.items()):
        deps = registers.deps(primitive, thread)
        others = [r for r in everything if r not in deps]
        for pick in (lambda values: values[0], lambda values: values[-1], chance.choice):
            put = {r: pick(registers.values[r]) for r in others}
            put |= {r: registers.values[r][number] for r, number in zip(deps, before, strict=True)}
            for register, value in put.items():
                registers.all[register].set(value)
            wait, result, after, bug = performed(registers, primitive, thread, deps)
            assert (wait is None) == (effect.blocked is None), primitive
            assert wait is None or wait.text == effect.blocked.text, primitive
            assert (type(result), result) == (type(effect.result), effect.result), primitive
            assert bug == (f"{effect.bug.kind}: {effect.bug}" if effect.bug else ""), primitive
            assert after == [registers.values[r][n] for r, n in zip(deps, effect.after, strict=True)], primitive
            for r in others:
                if r not in uncounted:
                    assert registers.all[r].get() == put[r], f"{primitive} changes {registers.title(r)}"
        tried.add(primitive.verb.name)
    return tried


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_primitive_touches_what_it_says_and_nothing_else(driver: str) -> None:
    chance = random.Random(driver)  # noqa: S311
    tried: set[str] = set()
    for name in ("deflate-and-compact", "full-and-compact", "leak-64k", "with statistics"):
        result = explore(scenario(name, driver), most_states=8000)
        tried |= sound(result.graph.table.registers, chance)
    assert len(tried) > 30


def test_the_primitives_of_programs_do_too() -> None:
    chance = random.Random(0)  # noqa: S311
    for program in PROGRAMS.values():
        assert sound(explore(program).graph.table.registers, chance)


def test_the_start_is_the_machines_start() -> None:
    for name, driver in WALKS[:3]:
        result = explored(name, driver)
        assert result.graph.state(0) == result.graph.table.initial()
        assert np.all(result.graph.following[0] != 0)
