"""Every primitive with arguments of every sort: whoever steps and whoever explores come to the same thing."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import balloonlab as bl
from balloonlab.explore.learn.registers import Registers
from balloonlab.kernel import primitives
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Primitive, Routine, Verb, read, write
from balloonlab.kernel.thread import ThreadSpec
from balloonlab.kernel.world import Ref
from balloonlab.memory.zone import PageState

F, M, B = PageState.FREE, PageState.MOVABLE, PageState.BALLOON
NO_BUGS = {"deadlock", "waits for itself", "lock held by a finished call"}


def verbs() -> dict[str, Callable[..., Primitive]]:
    """Every primitive of the package, by name."""
    modules = [
        importlib.import_module(f"{primitives.__name__}.{m.name}") for m in pkgutil.iter_modules(primitives.__path__)
    ]
    made = [
        each for module in modules for each in vars(module).values() if isinstance(getattr(each, "verb", None), Verb)
    ]
    return {each.verb.name: each for each in made}


VERBS = verbs()
NAMES = ("num_pages", "totalram_pages", "balloon_lock", "pages", "config_change", "deflate_vq", "compact", "freezing")
ODD = (
    *(0, 1, 2, 3, 7, 8, -1, 6, 256, 2**31, 2**70, True, False, None, 1.0, 0.5, float("nan"), "x", "", b"", b"12"),
    *((), (1, 2), [1, 2], [1.5], (None,), {}, {1}, np.int64(1), np.uint8(3), np.float64(1), np.bool_(1)),
    *(np.arange(2), object, read, write),
)


class Named:
    """Stands for the Ref of that name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def of(self, guest: bl.Guest) -> Ref:
        return guest.mm.zones[0][0] if self.name == "compact" else getattr(guest.vb, self.name)


def machine_that(steps: list[tuple[str, list[Any]]]) -> Machine:
    """One thread that performs these primitives on a small guest of v9."""
    guest = bl.Guest.from_states(np.array([F, F, M, B, B, F, F, F], np.uint8), "v9", candidates=(3,))

    def routine() -> Routine:
        for verb, args in steps:
            yield VERBS[verb](*[arg.of(guest) if isinstance(arg, Named) else arg for arg in args])
        yield read(guest.vb.num_pages)

    machine = Machine(guest.world, [ThreadSpec("one", "", routine)])
    machine.record()
    return machine


def compare(steps: list[tuple[str, list[Any]]]) -> None:
    machine = machine_that(steps)
    machine.walk(100, 0)
    crash = machine.thread("one").crash
    result = bl.explore(lambda: machine_that(steps))
    assert result.depth == machine.position
    assert result.states == machine.position + 1
    if crash is None:
        assert {finding.kind for finding in result.findings} <= NO_BUGS
    else:
        assert result.findings[0].kind == crash.kind
        assert str(crash) in result.findings[0].text
    table = result.graph.table
    numbers = table.register_numbers(result.graph.state(result.states - 1), tuple(table.live))
    explored = [table.registers.values[register][number] for register, number in zip(table.live, numbers, strict=True)]
    stepped = Registers(machine).all
    for register, value in zip(table.live, explored, strict=True):
        assert repr(stepped[register].get()) == repr(value), table.registers.title(register)


arguments = st.lists(st.one_of(st.sampled_from(ODD), st.sampled_from(NAMES).map(Named)), max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(sorted(VERBS)), arguments), min_size=1, max_size=3))
def test_any_arguments_do_the_same_to_both(steps: list[tuple[str, list[Any]]]) -> None:
    compare(steps)


def fitting(verb: str) -> st.SearchStrategy[list[Any]]:
    """Arguments that are mostly of the right sort, so that the primitive often gets as far as its effect."""
    by_kind = {"Ref": st.sampled_from(NAMES).map(Named), "int": st.sampled_from([0, 1, 2, 3, 4, 7, True, np.int64(3)])}
    kinds = [by_kind.get(parameter.annotation, st.sampled_from(ODD)) for parameter in VERBS[verb].verb.wants]
    return st.tuples(*[st.one_of(kind, kind, kind, st.sampled_from(ODD)) for kind in kinds]).map(list)


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_arguments_that_nearly_fit_do_the_same_to_both(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(VERBS)), min_size=1, max_size=4))
    compare([(name, data.draw(fitting(name), label=name)) for name in names])
