"""A driver version: its routines by their kernel names, and the facts about its kernel that others need."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import FunctionType, MappingProxyType
from typing import Any, NamedTuple

from balloonlab.drivers.members import Declared
from balloonlab.drivers.places import Place, place_of
from balloonlab.foundations.errors import BadValueError, as_text, each_of, pick
from balloonlab.foundations.words import counted, shown
from balloonlab.kernel.learner_code import foreign_functions
from balloonlab.kernel.mistakes import check
from balloonlab.kernel.primitives import Routine
from balloonlab.kernel.primitives.marks import PageFlag
from balloonlab.memory.zone import Migratetype

Function = Callable[..., Routine]


class DriverThread(NamedTuple):
    """A thread that the driver brings: its name, one line on what it is for, the routine it runs (given the device).

    depth: as ThreadSpec.rests_in_wait.
    """

    name: str
    role: str
    routine: str
    depth: int = 1


KTHREAD = (DriverThread("vballoon", "the driver's kernel thread", "balloon"),)


@dataclass(frozen=True)
class Driver:
    """One version of virtio_balloon, with the side of mm/ that knows balloon pages.

    functions: generator functions by kernel name; they call each other through this object, so a replaced one is
    used everywhere. migratetype: mobility of the pages it allocates. movable: whether compaction may move them.
    rules: the kernel's allocator and compaction rules, "3.6" or "6.1". vmstat: names of the balloon's counters in
    /proc/vmstat of that version. aliases: other names of its routines, e.g. what other versions call them.
    page_flags: marks of a page on the balloon's list. dequeued_references: of a page that has left the list.
    pages_lock, isolated_counter: what the version calls the list's lock, and its count of isolated pages (with unit).
    threads: its own, the one that resizes the balloon first. workqueue: work items instead of a kernel thread.
    loaded: whether a guest begins with it loaded. members: those of its struct virtio_balloon. also: further shared
    objects, which become attributes of the device; name: "lock", "value", "gate" (a value that may be waited for) or
    "list" (of pages).
    """

    name: str
    title: str
    functions: Mapping[str, Function]
    migratetype: Migratetype
    movable: bool
    rules: str
    vmstat: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    page_flags: int = PageFlag(0)
    dequeued_references: int = 1
    pages_lock: str = "pages_lock"
    isolated_counter: tuple[str, str] = ("num_isolated_pages", "guest pages")
    threads: tuple[DriverThread, ...] = KTHREAD
    workqueue: bool = False
    loaded: bool = True
    members: tuple[Declared, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def foreign(self) -> tuple[FunctionType, ...]:
        """Functions behind its routines that are not this package's, such as those typed in a notebook."""
        return foreign_functions(self.functions.values())

    def __getattr__(self, name: str) -> Function:
        try:
            return self.functions[name]
        except KeyError:
            if self.aliases.get(name) in self.functions:
                return self.functions[self.aliases[name]]
            known = ", ".join(self.functions)
            raise AttributeError(f"driver {self.name} has no routine {name!r}; it has {known}") from None

    def __repr__(self) -> str:
        return f"<driver {self.name}: {self.title}>"

    def place(self, routine: str) -> Place:
        """Where a routine begins in the kernel, by file, tag and line; of an edited one, the one that it replaces.

        Raises UnknownNameError, which lists the routines.
        """
        name = pick(f"routine of driver {self.name}", routine, [*self.functions, *self.aliases])
        return place_of(self.name, name if name in self.functions else self.aliases[name])

    @cached_property
    def places(self) -> Mapping[str, str]:
        """Where in the kernel each routine begins, by its names here; what it is called there first, if it differs."""
        names = {called: name for name, text in self.functions.items() for called in (text.__name__, name)}
        found = {called: self.place(name) for called, name in names.items()}
        return {called: place.where if place.name == called else str(place) for called, place in found.items()}

    def replace(self, **functions: Function) -> Driver:
        """This driver with some routines replaced by others of the same parameters.

        Raises UnknownNameError for a routine the driver does not have, BadValueError for one that is no generator
        function (it has no yield), takes other parameters, or has mistakes that show before it runs: then it lists
        each with its line and the mend.
        """
        functions = {self.aliases.get(name, name): function for name, function in functions.items()}
        for name, function in functions.items():
            pick(f"routine of driver {self.name}", name, list(self.functions))
            if not inspect.isgeneratorfunction(function):
                what = f"{name} is no generator function but {shown(function)}"
                raise BadValueError(f"{what}: a routine yields each primitive it performs.")
            wanted, given = (len(inspect.signature(f).parameters) for f in (self.functions[name], function))
            if wanted != given:
                raise BadValueError(
                    f"{name} takes {counted(given, 'parameter')}; the routine it replaces takes {wanted}."
                )
            check(name, function, {*self.functions, *self.aliases}, self._shared())
        merged = MappingProxyType({**self.functions, **functions})
        return replace(self, name=f"{self.name}*", title=f"{self.title}, edited", functions=merged)

    def _shared(self) -> set[str]:
        """Attributes of what the routines are given that name shared objects (as its class declares: VirtioBalloon)."""
        names = set(self.also)
        for routine in self.functions.values():
            owners = [
                getattr(routine, "__globals__", {}).get(kind) for kind in inspect.get_annotations(routine).values()
            ]
            kinds = [vars(owner).get("__annotations__", {}) for owner in owners if isinstance(owner, type)]
            names |= {name for declared in kinds for name, kind in declared.items() if kind == "Ref"}
        return names

    def variant(
        self,
        name: str,
        title: str,
        *functions: Function,
        without: tuple[str, ...] = (),
        **facts: Any,  # noqa: ANN401
    ) -> Driver:
        """Another version made of this one: with these routines and facts, without those routines."""
        as_text("name", name), as_text("title", title)
        for function in functions:
            if not inspect.isgeneratorfunction(function):
                raise BadValueError(f"a routine is {shown(function)}; it must be a generator function.")
        without = tuple(as_text("a routine", each) for each in each_of("without", without, "routines"))
        kept = {known: function for known, function in self.functions.items() if known not in without}
        merged = MappingProxyType({**kept, **routines(*functions)})
        return replace(self, name=name, title=title, functions=merged, **facts)

    def sharing(self, **also: str) -> Driver:
        """This driver with further shared objects (see `also`), for whoever meets it in a scenario."""
        for name, kind in also.items():
            pick(f"kind of {shown(name)}", kind, ["lock", "value", "gate", "list"])
        return replace(self, also={**self.also, **also})


def routines(*functions: Function) -> dict[str, Function]:
    """A driver's table of routines, by their own names."""
    return {_name(function): function for function in functions}


def _name(function: Any) -> str:  # noqa: ANN401
    return str(function.__name__)
