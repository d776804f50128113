"""When two moments of a thread are the same, and when they only look so.

Each program has two ways to a place where nothing differs but one thing, then looks at that thing. Merged, the second
way's outcome would be lost.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from itertools import count, cycle, islice

import numpy as np
import pytest

from balloonlab.explore import Program, Result, explore
from balloonlab.explore.learn.automaton import Automaton
from balloonlab.explore.program import Shared
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.primitives import Routine, msleep, read, write

Make = Callable[[bool], object]  # a thing that differs by what was seen
Look = Callable[[object], int]


class Box:
    def __init__(self, held: object) -> None:
        self.held = held


class Slotted:
    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held


class Numbers(list):
    pass


class Countdown:
    def __init__(self, left: int) -> None:
        self.left = left

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if not self.left:
            raise StopIteration
        self.left -= 1
        return self.left


def closure(held: object) -> Callable[[], object]:
    return lambda: held


def twice(shares: bool) -> tuple[list[int], list[int]]:  # noqa: FBT001
    """Two lists, or one under two names."""
    one: list[int] = []
    return one, one if shares else []


def shares(lists: tuple[list[int], list[int]]) -> int:
    lists[0].append(1)
    return len(lists[1])


def two_boxes(shared: bool) -> list[Callable[[], int]]:  # noqa: FBT001
    """Two closures over one variable each, or over the same."""

    def counter() -> tuple[Callable[[], int], Callable[[], int]]:
        held = 0

        def up() -> int:
            nonlocal held
            held += 1
            return held

        def now() -> int:
            return held

        return up, now

    up, now = counter()
    return [up, now if shared else counter()[1]]


def up_and_look(functions: list[Callable[[], int]]) -> int:
    functions[0]()
    return functions[1]()


THINGS: dict[str, tuple[Make, Look]] = {
    "a number": (int, int),
    "True against 1": (lambda seen: True if seen else 1, lambda thing: int(thing is True)),
    "1.0 against 1": (lambda seen: 1.0 if seen else 1, lambda thing: int(type(thing) is float)),
    "True against 1 in a tuple": (lambda seen: (True if seen else 1,), lambda thing: int(thing[0] is True)),
    "a primitive's argument": (lambda seen: msleep(True if seen else 1), lambda thing: int(thing.args[0] is True)),
    "a tuple against a list": (lambda seen: () if seen else [], lambda thing: int(thing == ())),
    "a list": (lambda seen: [0, int(seen)], lambda thing: thing[1]),
    "a list in a list": (lambda seen: [[int(seen)]], lambda thing: thing[0][0]),
    "a dict": (lambda seen: {"k": int(seen)}, lambda thing: thing["k"]),
    "the order of a dict": (lambda seen: {1: 1, 0: 0} if seen else {0: 0, 1: 1}, lambda thing: next(iter(thing))),
    "a set": (lambda seen: {int(seen)}, min),
    "a frozenset": (lambda seen: frozenset({True if seen else 1}), lambda thing: int(next(iter(thing)) is True)),
    "a closure": (lambda seen: closure(int(seen)), lambda thing: thing()),
    "a closure's list": (lambda seen: closure([int(seen)]), lambda thing: thing()[0]),
    "an object": (lambda seen: Box(int(seen)), lambda thing: thing.held),
    "an object with slots": (lambda seen: Slotted(int(seen)), lambda thing: thing.held),
    "a bound method": (lambda seen: Countdown(2 if seen else 1).__next__, lambda thing: thing()),
    "a bound method of a list": (lambda seen: [int(seen)].pop, lambda thing: thing()),
    "a class of its own": (lambda seen: Numbers([int(seen)]), lambda thing: thing[0]),
    "a Counter": (lambda seen: Counter(k=int(seen)), lambda thing: thing["k"]),
    "an OrderedDict": (lambda seen: OrderedDict(k=int(seen)), lambda thing: thing["k"]),
    "a defaultdict": (lambda seen: defaultdict(int, k=int(seen)), lambda thing: thing["k"]),
    "a deque": (lambda seen: deque([int(seen)]), lambda thing: thing[0]),
    "a bytearray": (lambda seen: bytearray([seen]), lambda thing: thing[0]),
    "an array": (lambda seen: np.array([int(seen)]), lambda thing: int(thing[0])),
    "an iterator": (lambda seen: iter([int(seen), 0]), next),
    "an enumerate": (lambda seen: enumerate("ab", int(seen)), lambda thing: next(thing)[0]),
    "a zip": (lambda seen: zip([int(seen)], [0], strict=True), lambda thing: next(thing)[0]),
    "a reversed": (lambda seen: reversed([int(seen)]), next),
    "a map": (lambda seen: map(int, [seen]), next),
    "an iterator of its own": (lambda seen: Countdown(2 if seen else 1), next),
    "a generator": (lambda seen: (n for n in [int(seen)]), next),
    "one list under two names": (twice, shares),
    "one variable in two closures": (two_boxes, up_and_look),
}


def two_ways(make: Make, look: Look) -> Result:
    """A thread that makes a thing of what it reads, forgets what it read, and later looks at the thing."""

    def makes(shared: Shared) -> Routine:
        thing = make(bool((yield read(shared.x))))
        yield msleep(1)
        yield write(shared.y, look(thing) + 1)

    def sets(shared: Shared) -> Routine:
        yield write(shared.x, 1)

    ends = {"it was not seen": lambda shared: shared["y"] == 1}
    return explore(Program("two ways", {"makes": makes, "sets": sets}, {"x": 0, "y": 0}, at_end=ends))


@pytest.mark.parametrize("name", THINGS)
def test_things_that_differ_are_told_apart(name: str) -> None:
    # sets before or after; makes: before its read, two places on each way, the end with what it wrote. x is 0 or 1
    # where the way is the first one, 1 on the second.
    result = two_ways(*THINGS[name])
    assert result.states == 2 + 2 * 3 + 3
    assert result.finding("property").steps == 4


@pytest.mark.parametrize("name", THINGS)
def test_things_that_do_not_differ_are_the_same(name: str) -> None:
    make, look = THINGS[name]
    result = two_ways(lambda _: make(False), look)  # noqa: FBT003
    assert result.states == 2 + 2 * 3
    assert result.verdict == "holds"


LOOPS: dict[str, Callable[[], object]] = {
    "a list": lambda: [1, 1, 1],
    "a tuple": lambda: (1, 1, 1),
    "a range": lambda: map(bool, range(1, 4)),
    "a dict": {1: 1, True + 1: 1, 3: 1}.values,
    "an enumerate": lambda: (0 * i for i, _ in enumerate("abc")),
    "a zip": lambda: map(len, zip("abc", "abc", strict=True)),
    "a generator": lambda: (1 for _ in range(3)),
    "a deque": lambda: deque([1, 1, 1]),
    "a reversed": lambda: reversed([1, 1, 1]),
    "an iterator of its own": lambda: (0 * i for i in Countdown(3)),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_remembers_how_far_it_is(name: str) -> None:
    def loops(_: Shared) -> Routine:
        for _same in LOOPS[name]():
            del _same
            yield msleep(1)

    def inside(shared: Shared) -> Routine:
        yield from loops(shared)
        yield msleep(2)

    assert explore(Program("loop", {"loops": loops})).states == 4
    assert explore(Program("loop", {"inside": inside})).states == 5
    assert explore(Program("loop", {"one": inside, "two": loops})).states == 20


def test_a_range_whose_variable_is_forgotten() -> None:
    def loops(_: Shared) -> Routine:
        for i in range(4):
            del i
            yield msleep(1)

    assert explore(Program("loop", {"loops": loops})).states == 5


def test_what_is_yielded_from_may_be_no_generator() -> None:
    def gives(_: Shared) -> Routine:
        yield from [msleep(1), msleep(1), msleep(1)]
        yield from map(msleep, [1, 1])

    assert explore(Program("gives", {"gives": gives})).states == 6


def test_what_only_the_next_primitive_knows() -> None:
    def hands_on(shared: Shared) -> Routine:
        yield write(shared.y, (yield read(shared.x)) + 1)

    def pops(shared: Shared) -> Routine:
        held = [(yield read(shared.x))]
        yield write(shared.y, held.pop() + 1)

    def sets(shared: Shared) -> Routine:
        yield write(shared.x, 1)

    for routine in (hands_on, pops):
        result = explore(Program("hands on", {"hands-on": routine, "sets": sets}, {"x": 0, "y": 0}))
        assert result.states == 2 + 2 * 2 + 2


def test_the_same_statement_at_three_places() -> None:
    def naps(_: Shared) -> Routine:
        yield msleep(1)
        yield msleep(1)
        yield msleep(1)

    assert explore(Program("naps", {"naps": naps})).states == 4


def test_which_local_is_bound() -> None:
    def binds(shared: Shared) -> Routine:
        if (yield read(shared.x)):
            one = 7
        else:
            two = 7
        yield msleep(1)
        try:
            yield write(shared.y, 1 + 0 * one)
        except UnboundLocalError:
            yield write(shared.y, 2 + 0 * two)

    def sets(shared: Shared) -> Routine:
        yield write(shared.x, 1)

    result = explore(Program("binds", {"binds": binds, "sets": sets}, {"x": 0, "y": 0}))
    assert result.states == 2 + 2 * 3 + 3


def test_an_exception_that_is_being_handled() -> None:
    def handles(shared: Shared) -> Routine:
        try:
            raise ValueError("one" if (yield read(shared.x)) else "two")  # noqa: TRY301
        except ValueError as error:
            yield msleep(1)
            yield write(shared.y, len(str(error)))
            raise

    def sets(shared: Shared) -> Routine:
        yield write(shared.x, 1)

    result = explore(Program("handles", {"handles": handles, "sets": sets}, {"x": 0, "y": 0}))
    assert {finding.kind for finding in result.findings} == {"exception"}
    assert result.finding("exception").steps == 3


def test_a_variable_bound_early_or_late_is_the_same_variable() -> None:
    # The routine itself goes on from its first yield, and one that is run again is first looked at after its second.
    def binds(shared: Shared) -> Routine:
        early = yield read(shared.x)
        while True:
            late, middle = 0, 0
            yield msleep(1)
            yield write(shared.x, 0 * (early + late + middle))
            del late, middle
            yield msleep(2)
            middle, late = 0, 0
            yield msleep(1)
            del late, middle
            early = yield read(shared.x)

    places = Automaton(
        thread := (machine := Program("binds", {"b": binds}, {"x": 0}).machine()).threads[0], machine.world
    )
    assert thread.name == "b"
    local = 1
    seen = []
    for _ in range(30):
        result = 0 if places.states[local].pending.verb.name == "read" else None
        local = places.advance(local, result)
        seen.append(local)
    fresh = Automaton(machine.threads[0], machine.world)
    assert len(places) == len(fresh) + max(seen) - 1


@pytest.mark.parametrize("make", [lambda: count(), lambda: cycle([1, 2]), lambda: islice([1, 2], 2)])  # noqa: PLW0108
def test_an_iterator_that_shows_nothing_is_refused_or_told_apart(make: Callable[[], object]) -> None:
    def keeps(_: Shared) -> Routine:
        held = make()
        for _step in (1, 1):
            next(held)
            yield msleep(1)

    program = Program("keeps", {"keeps": keeps})
    if sys.version_info >= (3, 14):  # iterators of itertools cannot be copied any more
        with pytest.raises(BadValueError, match="keeps a"):
            explore(program)
    else:
        assert explore(program).states == 3
