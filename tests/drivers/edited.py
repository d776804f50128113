"""Drivers with a line taken out of their text, as a learner would."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Iterator

from balloonlab.drivers import Driver, find_driver


def labels(driver: str) -> Iterator[tuple[str, str]]:
    """The labels of a version's probe that undo something, with the line of each."""
    for line in inspect.getsource(find_driver(driver).virtballoon_probe).splitlines():
        if (found := re.search(r"yield from .*# (\w+):$", line)) is not None:
            yield found.group(1), line.strip()


def without_line(driver: str, name: str, line: str) -> Driver:
    """The driver whose routine `name` lacks the one line that is exactly `line`."""
    whole = find_driver(driver)
    routine = getattr(whole, name)
    lines = inspect.getsource(routine).splitlines(keepends=True)
    assert [each.strip() for each in lines].count(line) == 1
    text = "".join(each for each in lines if each.strip() != line)
    file = f"<{driver} without {line}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = dict(routine.__globals__)
    exec(compile(text, file, "exec"), names)  # noqa: S102  (our own text)
    return whole.replace(**{name: names[name]})
