"""A driver version: its routines by their kernel names, and the facts about its kernel that others need."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from balloonlab.errors import BadValueError, pick
from balloonlab.kernel.primitives import Routine
from balloonlab.memory.zone import Migratetype

Function = Callable[..., Routine]


@dataclass(frozen=True)
class Driver:
    """One version of virtio_balloon.

    functions: generator functions by kernel name; they call each other through this object, so a replaced one is
    used everywhere. migratetype: mobility of the pages it allocates. movable: whether compaction may move them.
    rules: the kernel's allocator and compaction rules, "3.6" or "6.1". vmstat: names of the balloon's counters in
    /proc/vmstat of that version.
    """

    name: str
    title: str
    functions: Mapping[str, Function]
    migratetype: Migratetype
    movable: bool
    rules: str
    vmstat: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Function:
        try:
            return self.functions[name]
        except KeyError:
            known = ", ".join(self.functions)
            raise AttributeError(f"driver {self.name} has no routine {name!r}; it has {known}") from None

    def __repr__(self) -> str:
        return f"<driver {self.name}: {self.title}>"

    def replace(self, **functions: Function) -> Driver:
        """This driver with some routines replaced by others of the same parameters.

        Raises UnknownNameError for a routine the driver does not have, BadValueError for one that is no generator
        function (it has no yield) or takes other parameters.
        """
        for name, function in functions.items():
            pick(f"routine of driver {self.name}", name, list(self.functions))
            if not inspect.isgeneratorfunction(function):
                raise BadValueError(f"{name} is no generator function: a routine yields each primitive it performs.")
            wanted, given = (len(inspect.signature(f).parameters) for f in (self.functions[name], function))
            if wanted != given:
                raise BadValueError(f"{name} takes {given} parameters; the routine it replaces takes {wanted}.")
        merged = MappingProxyType({**self.functions, **functions})
        return replace(self, name=f"{self.name}*", title=f"{self.title}, edited", functions=merged)


def routines(*functions: Function) -> dict[str, Function]:
    """A driver's table of routines, by their own names."""
    return {_name(function): function for function in functions}


def _name(function: Any) -> str:  # noqa: ANN401
    return str(function.__name__)
