"""The table of primitives: each is in it once, in one line, for a reader of a driver's text and in `help`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import pydoc
import re
from collections import Counter

import balloonlab as bl
from balloonlab.kernel import primitives
from balloonlab.kernel.primitives import Primitive, Verb

LINES = primitives.table().splitlines()
CALLS = Counter(match.group(1) for line in LINES if (match := re.match(r"  (\w+)\(", line)))
WIDEST = 100  # characters that a cell's output shows in one line beside JupyterLab's side bar


def test_each_verb_of_the_package_is_there_once() -> None:
    verbs = set()
    for _, name, _ in pkgutil.iter_modules(primitives.__path__):
        module = importlib.import_module(f"{primitives.__name__}.{name}")
        verbs |= {each.verb.name for each in vars(module).values() if isinstance(getattr(each, "verb", None), Verb)}
    assert verbs <= CALLS.keys()
    assert set(CALLS.values()) == {1}


def test_what_one_can_import_and_yield_is_there() -> None:
    others = {"Blocked", "Primitive", "Routine", "Verb", "primitive", "table"}
    assert set(primitives.__all__) - others <= CALLS.keys()


def test_every_primitive_that_a_driver_uses_is_there() -> None:
    for driver in bl.DRIVERS:
        for name in bl.find_driver(driver).functions:
            function = inspect.unwrap(getattr(bl.find_driver(driver), name))
            for used in function.__code__.co_names:
                each = function.__globals__.get(used)
                if isinstance(getattr(each, "verb", None), Verb):
                    assert each.__name__ in CALLS, f"{used} of {driver}"


def test_a_line_says_what_is_called_how_and_what_it_does() -> None:
    assert "  list_del(page)               Take a page off the list it is on." in LINES
    assert "  msleep(milliseconds, said)   Sleep for a time; any other thread may run meanwhile." in LINES
    (waits,) = [line for line in LINES if line.startswith("  wait_event(")]
    assert "(yield from) Sleep on `queue`" in waits
    for line in LINES:
        assert len(line) <= WIDEST, line
        assert not line or line.endswith((".", "?", ":")), line
    assert isinstance(primitives.list_del(3), Primitive)


def test_help_shows_it() -> None:
    told = pydoc.render_doc(primitives, renderer=pydoc.plaintext)
    for line in LINES:
        assert line.strip() in told
