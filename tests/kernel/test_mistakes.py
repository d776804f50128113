"""Mistakes that can be read: each wrong routine is refused with its line and the mend, no right one is."""

# ruff: noqa: ANN001, ANN201, ANN202, ARG001  (a learner's routine is as short as it can be)
from __future__ import annotations

import importlib
import inspect
import linecache
import pkgutil
from collections.abc import Callable
from types import FunctionType

import pytest

import balloonlab as bl
from balloonlab import drivers
from balloonlab.drivers import DRIVERS
from balloonlab.drivers.v9 import DRIVER as V9
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel import primitives
from balloonlab.kernel.mistakes import MistakenRoutineError, mistakes
from balloonlab.kernel.primitives import (
    Routine,
    list_del,
    list_first,
    mutex_lock,
    mutex_unlock,
    page_count,
    read,
    trylock_page,
    wait_event,
    write,
)
from balloonlab.kernel.world import Ref

seen: list[int] = []
guest = bl.Guest(4)
rounds = 0


def forgets_a_yield(vb, num):
    mutex_lock(vb.balloon_lock)
    yield mutex_unlock(vb.balloon_lock)


def forgets_it_in_a_condition(vb, num):
    page = yield list_first(vb.pages)
    if trylock_page(page):
        yield list_del(page)


def forgets_it_in_an_assignment(vb, num):
    page = list_first(vb.pages)
    yield list_del(page)


def compares_too_early(vb, num):
    while (yield read(vb.num_pages) > 0):
        yield mutex_lock(vb.balloon_lock)


def nests_primitives(vb, num):
    yield write(vb.num_pfns, read(vb.num_pages))


def uses_a_module(vb, num):
    primitives.mutex_lock(vb.balloon_lock)
    yield mutex_unlock(vb.balloon_lock)


def takes_a_primitive_apart(vb, num):
    yield from mutex_lock(vb.balloon_lock)


def never_enters_a_routine(vb, num):
    yield mutex_lock(vb.balloon_lock)
    vb.driver.tell_host(vb, vb.deflate_vq)


def keeps_a_routine(vb, num):
    size = vb.driver.pages_at_balloon_list(vb)
    yield write(vb.num_pfns, size)


def yields_a_routine(vb, num):
    yield vb.driver.tell_host(vb, vb.deflate_vq)


def forgets_it_in_the_wait(vb, num):
    def all_back():
        return page_count(0) == 1

    yield from wait_event(vb.config_change, all_back)


def helper(vb):
    mutex_lock(vb.balloon_lock)
    yield mutex_unlock(vb.balloon_lock)


def has_a_wrong_helper(vb, num):
    yield from helper(vb)


def changes_the_device(vb, num):
    yield mutex_lock(vb.balloon_lock)
    vb.num_pages.number += num


def changes_a_global_list(vb, num):
    yield mutex_lock(vb.balloon_lock)
    seen.append(num)


def counts_in_a_global(vb, num):
    global rounds  # noqa: PLW0603
    rounds += 1
    yield mutex_lock(vb.balloon_lock)


def asks_the_guest(vb, num):
    if guest.balloon_pages > num:
        yield mutex_lock(vb.balloon_lock)


def keeps_a_default(vb, num=[]):  # noqa: B006
    num.append(1)
    yield mutex_lock(vb.balloon_lock)


def compares_a_name(vb, num):
    if vb.num_pfns == 0:
        yield mutex_lock(vb.balloon_lock)


def asks_whether_a_name_is_one(vb, num):
    while vb.num_pages is not None:
        yield mutex_lock(vb.balloon_lock)


def looks_for_a_name_among_numbers(vb, num):
    if num and vb.num_pages in {0, num}:
        yield mutex_lock(vb.balloon_lock)


def compares_two_names(vb, num):
    def same():
        return vb.num_pages == vb.num_pfns

    if same():
        yield mutex_lock(vb.balloon_lock)


def takes_the_number_of_a_name(vb, num):
    left = num - vb.num_pages.number
    yield write(vb.num_pfns, left)


WRONG = {
    forgets_a_yield: (1, "nothing happens; write `yield mutex_lock(vb.balloon_lock)`."),
    forgets_it_in_a_condition: (2, "counts as true, and not what it returns; write `(yield trylock_page(page))`."),
    forgets_it_in_an_assignment: (1, "write `(yield list_first(vb.pages))`."),
    compares_too_early: (1, "write `(yield read(vb.num_pages))`."),
    nests_primitives: (1, "write `(yield read(vb.num_pages))`."),
    uses_a_module: (1, "write `yield primitives.mutex_lock(vb.balloon_lock)`."),
    takes_a_primitive_apart: (1, "Write `yield mutex_lock(vb.balloon_lock)`."),
    never_enters_a_routine: (2, "never runs it; write `yield from vb.driver.tell_host(vb, vb.deflate_vq)`."),
    keeps_a_routine: (1, "write `(yield from vb.driver.pages_at_balloon_list(vb))`."),
    yields_a_routine: (1, "enter it by `yield from vb.driver.tell_host(vb, vb.deflate_vq)`."),
    forgets_it_in_the_wait: (2, "write `(yield page_count(0))`."),
    changes_the_device: (2, "changes `vb.num_pages.number` without a primitive"),
    changes_a_global_list: (2, "changes `seen`, which outlives the routine"),
    counts_in_a_global: (1, "makes `rounds` outside the routine its own"),
    asks_the_guest: (1, "uses `guest`, a whole guest"),
    compares_a_name: (1, "compares the name `vb.num_pfns`, not what is shared by that name; write `(yield read(vb.num"),
    asks_whether_a_name_is_one: (1, "write `(yield read(vb.num_pages))`"),
    looks_for_a_name_among_numbers: (1, "write `(yield read(vb.num_pages))`"),
    compares_two_names: (2, "write `(yield read(vb.num_pages))`"),
    takes_the_number_of_a_name: (1, "looks at the number of the name `vb.num_pages`"),
    keeps_a_default: (1, "changes `num`, which outlives the routine"),
}


@pytest.mark.parametrize("routine", WRONG, ids=lambda routine: routine.__name__)
def test_a_wrong_routine_is_refused_with_the_line_and_the_mend(routine: FunctionType) -> None:
    down, words = WRONG[routine]
    with pytest.raises(MistakenRoutineError) as caught:
        V9.replace(leak_balloon=routine)
    (mistake,) = caught.value.mistakes
    lines, first = inspect.getsourcelines(routine)
    assert (mistake.line, mistake.text) == (first + down, lines[down].strip())
    assert words in str(caught.value)
    assert f"line {first + down}, in {routine.__name__}: `{mistake.text}`" in str(caught.value)
    assert isinstance(caught.value, BadValueError)


def test_a_helper_is_read_too() -> None:
    with pytest.raises(MistakenRoutineError, match=r"leak_balloon has 1 mistake.*\n.*in helper: `mutex_lock"):
        V9.replace(leak_balloon=has_a_wrong_helper)


def test_all_mistakes_are_listed() -> None:
    def several(vb, num):
        mutex_lock(vb.balloon_lock)
        yield mutex_lock(vb.balloon_lock)
        mutex_unlock(vb.balloon_lock)

    with pytest.raises(MistakenRoutineError, match="leak_balloon has 2 mistakes") as caught:
        V9.replace(leak_balloon=several)
    assert len(caught.value.mistakes) == 2


def test_a_program_is_read_too() -> None:
    def adder(shared):
        seen = read(shared.x)
        yield write(shared.x, seen + 1)

    with pytest.raises(MistakenRoutineError, match=r"thread 'one' has 1 mistake(?s:.*)\(yield read\(shared\.x\)\)"):
        bl.Program("lost update", {"one": adder}, values={"x": 0})


def test_names_in_a_program_are_known_too() -> None:
    def waits(shared):
        while 0 == shared.x:  # noqa: SIM300
            yield read(shared.x)

    with pytest.raises(MistakenRoutineError, match=r"thread 'one' has 1 mistake(?s:.*)\(yield read\(shared\.x\)\)"):
        bl.Program("waiting", {"one": waits}, values={"x": 0})


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=str)
def test_every_name_that_the_device_holds_is_declared(driver: drivers.Driver) -> None:
    device = bl.Guest(16, driver).vb
    for name, value in vars(device).items():
        if isinstance(value, Ref):
            text = f"def leak_balloon(vb, num):\n    if vb.{name} is None:\n        yield read(vb.num_pages)\n"
            linecache.cache["<names>"] = (len(text), None, text.splitlines(keepends=True), "<names>")
            names: dict[str, Callable[..., Routine]] = {"read": read}
            exec(compile(text, "<names>", "exec"), names)  # noqa: S102
            with pytest.raises(MistakenRoutineError, match=f"compares the name `vb.{name}`"):
                driver.replace(leak_balloon=names["leak_balloon"])


class Tally:
    def __init__(self):  # noqa: ANN204
        self.number = 0

    def count(self):
        self.number += 1


def right(vb, num):
    step = mutex_lock(vb.balloon_lock)
    yield step
    leak_target = num
    pages: list[int] = []
    vq = vb.deflate_vq
    if vq == vb.deflate_vq and vq is not vb.inflate_vq and vq in (vb.inflate_vq, vb.deflate_vq):
        entered = vb.driver.tell_host(vb, vq)
    yield from entered

    def enough() -> Routine:
        nonlocal leak_target
        leak_target -= 1
        return (yield read(vb.num_pages)) == leak_target

    def unlock():
        return mutex_unlock(vb.balloon_lock)

    pages.append(leak_target)
    pages[0] += 1
    yield from wait_event(vb.config_change, enough)
    yield unlock() if pages else read(vb.num_pages)
    tally = Tally()
    tally.count()
    yield primitives.add(vb.num_pages, tally.number)
    for each in (read(vb.num_pages), read(vb.num_pfns)):  # noqa: UP028
        yield each


def test_what_is_right_is_let_through() -> None:
    assert V9.replace(leak_balloon=right).leak_balloon is right


def test_text_that_is_not_kept_is_let_through() -> None:
    names: dict[str, Callable[..., Routine]] = {"mutex_lock": mutex_lock}
    exec("def leak_balloon(vb, num):\n    mutex_lock(1)\n    yield 3", names)  # noqa: S102
    assert V9.replace(leak_balloon=names["leak_balloon"]).name == "v9*"


def test_no_shipped_routine_gives_a_false_alarm() -> None:
    read_by_now = set()
    for driver in DRIVERS.values():
        for routine in driver.functions.values():
            assert mistakes(routine, {*driver.functions, *driver.aliases}) == [], routine
            read_by_now.add(routine)
    for module in pkgutil.iter_modules(drivers.__path__):
        for routine in vars(importlib.import_module(f"balloonlab.drivers.{module.name}")).values():
            if inspect.isgeneratorfunction(routine):
                assert mistakes(routine) == [], routine
                read_by_now.add(routine)
    assert len(read_by_now) > 100
