"""The timeline: one row a step, in typed arrays, with the tables its numbers point into.

Together with the journal (what each step changed) it is the whole history of a run: stepping back, seeking and
scrubbing need nothing else, in Python and in the browser.
"""

from __future__ import annotations

import textwrap
from array import array
from types import CodeType
from typing import Any, NamedTuple

from balloonlab.kernel.learner_code import source_lines
from balloonlab.kernel.primitives.verb import Primitive
from balloonlab.kernel.world import Ref

NONE = -(2**31)  # no number here
OUTSIDE = -1  # the thread column of an action from outside


class SourceFunction(NamedTuple):
    """The text of one driver routine: name, module, number of its first line, its lines."""

    name: str
    module: str
    first_line: int
    lines: tuple[str, ...]


class Wait(NamedTuple):
    """Why a thread does not run.

    status: "runnable", "blocked", "asleep", "idle", "finished" or "crashed". text: the whole sentence. on: what it
    waits for. holder: the name of the thread that holds that, "" if nobody.
    """

    status: str
    text: str
    on: str = ""
    holder: str = ""


RUNNABLE = Wait("runnable", "can run")
FINISHED = Wait("finished", "has finished")
CRASHED = Wait("crashed", "has crashed")


class Timeline:
    """Columns (array.array, one entry a step) and tables.

    thread 'b' (OUTSIDE for an action), verb 'H', obj 'H', page 'i' (guest PFN or -1), amount 'i' and result 'i'
    (NONE if absent), end 'I' (length of the journal after the step). `cuts`: how often recorded steps were replaced.
    """

    def __init__(self) -> None:
        self.thread = array("b")
        self.verb = array("H")
        self.obj = array("H")
        self.page = array("i")
        self.amount = array("i")
        self.result = array("i")
        self.end = array("I")
        self.cuts = 0
        self.verbs: list[str] = []
        self.objects: list[str] = [""]
        self.locations: list[tuple[tuple[int, int], ...]] = [()]
        self.functions: list[SourceFunction] = []
        self.waits: list[Wait] = [RUNNABLE]
        self._verb_numbers: dict[str, int] = {}
        self._object_numbers: dict[str, int] = {"": 0}
        self._location_numbers: dict[tuple[tuple[CodeType, int], ...], int] = {(): 0}
        self._function_numbers: dict[CodeType, int] = {}
        self._wait_numbers: dict[Wait, int] = {RUNNABLE: 0}

    def __len__(self) -> int:
        return len(self.thread)

    def truncate(self, length: int) -> None:
        """Forget every step from `length` on; tables stay. `cuts` counts how often that happened."""
        self.cuts += length < len(self)
        for column in (self.thread, self.verb, self.obj, self.page, self.amount, self.result, self.end):
            del column[length:]

    def append(self, thread: int, primitive: Primitive, result: object, end: int) -> None:
        """Note a step that `thread` made."""
        obj, page, amount = "", -1, NONE
        for parameter, arg in zip(primitive.verb.parameters, primitive.args, strict=False):
            if type(arg) is Ref:
                obj = obj or arg.name
            elif parameter == "page" and arg is not None:
                page = arg
            elif isinstance(arg, int):
                amount = int(arg)
        self.append_row(thread, primitive.verb.name, obj, page, amount, result, end)

    def append_row(self, thread: int, verb: str, obj: str, page: int, amount: int, result: object, end: int) -> None:
        """Note one row as it is."""
        self.thread.append(thread)
        self.verb.append(_intern(verb, self.verbs, self._verb_numbers))
        self.obj.append(_intern(obj, self.objects, self._object_numbers))
        self.page.append(page)
        self.amount.append(_fit(amount))
        self.result.append(_fit(result) if isinstance(result, int) else NONE)
        self.end.append(end)

    def wait_number(self, wait: Wait) -> int:
        return _intern(wait, self.waits, self._wait_numbers)

    def location_number(self, generator: Any) -> int:  # noqa: ANN401  (a generator, or what it yields from)
        """The number of the call stack at which a thread's generator stands, outermost call first."""
        stack = []
        while generator is not None:
            frame = getattr(generator, "gi_frame", None)
            if frame is None:
                break
            stack.append((frame.f_code, frame.f_lasti))
            generator = generator.gi_yieldfrom
        key = tuple(stack)
        number = self._location_numbers.get(key)
        if number is None:
            number = self._location_numbers[key] = len(self.locations)
            self.locations.append(tuple((self._function(code), _line(code, lasti)) for code, lasti in stack))
        return number

    def _function(self, code: CodeType) -> int:
        number = self._function_numbers.get(code)
        if number is None:
            number = self._function_numbers[code] = len(self.functions)
            self.functions.append(_source(code))
        return number

    def text(self, step: int, threads: list[str]) -> str:
        """Step number `step` in words, e.g. ``vballoon: trylock_page(page 0x1f) = 1``."""
        words = []
        if self.page[step] >= 0:
            words.append(f"page {self.page[step]:#x}")
        if self.obj[step]:
            words.append(self.objects[self.obj[step]])
        if self.amount[step] != NONE:
            words.append(f"{self.amount[step]:,}")
        who = "you" if self.thread[step] == OUTSIDE else threads[self.thread[step]]
        text = f"{who}: {self.verbs[self.verb[step]]}({', '.join(words)})"
        return text if self.result[step] == NONE else f"{text} = {self.result[step]:,}"


def _fit(number: int) -> int:
    """A number as a column holds it; NONE if it does not fit 32 bits."""
    return int(number) if abs(number) < -NONE else NONE


def _intern(item: Any, table: list[Any], numbers: dict[Any, int]) -> int:  # noqa: ANN401
    number = numbers.get(item)
    if number is None:
        number = numbers[item] = len(table)
        table.append(item)
    return number


def _line(code: CodeType, lasti: int) -> int:
    for start, end, line in code.co_lines():
        if start <= lasti < end and line is not None:
            return line
    return code.co_firstlineno


def _source(code: CodeType) -> SourceFunction:
    lines, first = source_lines(code)
    if not lines:
        lines, first = [f"{code.co_name}(...)  # its text is not available"], code.co_firstlineno
    folder, _, module = code.co_filename.replace("\\", "/").rpartition("/")
    cell = not module.endswith(".py") or folder.rpartition("/")[2].startswith("ipykernel_")  # named so by its kernel
    text = textwrap.dedent("".join(lines)).rstrip().split("\n")
    return SourceFunction(code.co_name, "notebook" if cell else module, first, tuple(text))
