"""The timeline: one row a step, in typed arrays, with the tables its numbers point into.

Together with the journal (what each step changed) it is the whole history of a run: stepping back, seeking and
scrubbing need nothing else, in Python and in the browser.
"""

from __future__ import annotations

import textwrap
from array import array
from types import CodeType
from typing import Any, NamedTuple

from balloonlab.kernel.learner_code import source_lines, without_noqa
from balloonlab.kernel.primitives.verb import Primitive
from balloonlab.kernel.printk import Clock, KernelLog
from balloonlab.kernel.world import Ref

NONE = -(2**31)  # no number here
OUTSIDE = -1  # the thread column of an action from outside
_COLUMNS = ("thread", "used", "verb", "obj", "page", "amount", "result", "end")
_TABLES = ("verbs", "objects", "locations", "functions", "waits")
_OF_A_RUN = ("run", *_TABLES, *(f"_{name[:-1]}_numbers" for name in _TABLES))


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


class Turn(NamedTuple):
    """Whose turn it is when threads run by themselves: who stepped last, and how many steps in a row."""

    last: int = 0
    used: int = 0


class Timeline:
    """Columns (array.array, one entry a step) and tables.

    thread 'b' (OUTSIDE for an action), used 'B' (of the thread's turn), verb 'H', obj 'H', page 'i' (guest PFN or -1),
    amount 'i' and result 'i' (NONE if absent), end 'I' (length of the journal after the step). Steps are numbered from
    the opening on; the rows are those from `first` to `stop`. turn, clock: those before them. `log`: what the steps
    print. `cuts`: how often recorded steps were replaced. like: another stretch of the same run, whose tables these
    rows point into too; all stretches of one run have the same `run`.
    """

    def __init__(
        self,
        first: int = 0,
        turn: Turn = Turn(),  # noqa: B008
        clock: Clock = Clock(),  # noqa: B008
        like: Timeline | None = None,
    ) -> None:
        self.first, self.turn = first, turn
        self.log = KernelLog(clock)
        self.thread = array("b")
        self.used = array("B")
        self.verb = array("H")
        self.obj = array("H")
        self.page = array("i")
        self.amount = array("i")
        self.result = array("i")
        self.end = array("I")
        self.cuts = 0
        if like is not None:
            vars(self).update({name: vars(like)[name] for name in _OF_A_RUN})
            return
        self.run = object()
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

    @property
    def stop(self) -> int:
        """The number of steps up to the end of the last row."""
        return self.first + len(self)

    def truncate(self, position: int) -> None:
        """Forget every step from `position` on; tables stay. `cuts` counts how often that happened."""
        length = position - self.first
        self.cuts += length < len(self)
        for name in _COLUMNS:
            del getattr(self, name)[length:]
        self.log.cut(position)

    def since(self, position: int) -> Timeline:
        """The rows from `position` on, as another stretch of the run."""
        row = position - self.first
        later = Timeline(position, self.turn_at(position), like=self)
        later.log = self.log.since(position)
        for name in _COLUMNS:
            setattr(later, name, getattr(self, name)[row:])
        begin = self.journal_at(position)
        later.end = array("I", (end - begin for end in later.end))
        return later

    def turn_at(self, position: int) -> Turn:
        """Whose turn it is after that many steps. What comes from outside ends every turn."""
        row = position - self.first - 1
        if row < 0:
            return self.turn
        return Turn() if self.thread[row] == OUTSIDE else Turn(self.thread[row], self.used[row])

    def journal_at(self, position: int) -> int:
        """Length of the journal after that many steps."""
        row = position - self.first - 1
        return self.end[row] if row >= 0 else 0

    def append(self, turn: Turn, primitive: Primitive, result: object, end: int) -> None:
        """Note a step that the thread whose turn it is made."""
        obj, page, amount = "", -1, NONE
        for parameter, arg in zip(primitive.verb.parameters, primitive.args, strict=False):
            if type(arg) is Ref:
                obj = obj or arg.name
            elif parameter == "page" and arg is not None:
                page = arg
            elif isinstance(arg, int):
                amount = int(arg)
        self._row(*turn, primitive.verb.name, obj, page, amount, result, end)

    def append_outside(self, name: str, about: str, number: int, end: int) -> None:
        """Note something from outside, with what it is about and its number (NONE if it has none)."""
        self._row(OUTSIDE, 0, name, about, -1, number, None, end)

    def _row(
        self, thread: int, used: int, verb: str, obj: str, page: int, amount: int, result: object, end: int
    ) -> None:
        self.thread.append(thread)
        self.used.append(used)
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

    def code(self, function: int) -> CodeType:
        """The code whose text is the row of that number in `functions`."""
        return list(self._function_numbers)[function]

    def _function(self, code: CodeType) -> int:
        number = self._function_numbers.get(code)
        if number is None:
            number = self._function_numbers[code] = len(self.functions)
            self.functions.append(_source(code))
        return number

    def text(self, step: int, threads: list[str]) -> str:
        """Step number `step` in words, e.g. ``vballoon: trylock_page(page 0x1f) = 1``; IndexError without a row."""
        row = step - self.first
        if row < 0:
            raise IndexError(step)
        words = []
        if self.page[row] >= 0:
            words.append(f"page {self.page[row]:#x}")
        if self.obj[row]:
            words.append(self.objects[self.obj[row]])
        if self.amount[row] != NONE:
            words.append(f"{self.amount[row]:,}")
        who = "you" if self.thread[row] == OUTSIDE else threads[self.thread[row]]
        text = f"{who}: {self.verbs[self.verb[row]]}({', '.join(words)})"
        return text if self.result[row] == NONE else f"{text} = {self.result[row]:,}"


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
    return SourceFunction(code.co_name, "notebook" if cell else module, first, tuple(map(without_noqa, text)))
