"""What a reader can call: functions, constructors and methods, each with legal arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

import balloonlab as bl
from balloonlab.explore.judge.lock_order import lock_order
from balloonlab.kernel.primitives import Routine, read, write
from balloonlab.memory import fragmentation, textmap
from balloonlab.recordings import predict

Make = Callable[[], Any]


class Target(NamedTuple):
    """A callable: a function, or the method `name` of what `subject` makes."""

    title: str
    subject: Make
    name: str
    parameters: dict[str, inspect.Parameter]

    def __str__(self) -> str:
        return self.title


# -- what has methods --


@functools.cache
def exploration() -> bl.explore.Result:
    return bl.explore(bl.scenario("empty-and-compact"))


@functools.cache
def small() -> bl.explore.Result:
    def count(shared: Any) -> Routine:  # noqa: ANN401
        seen = yield read(shared.hits)
        yield write(shared.hits, seen + 1)

    return bl.explore(bl.Program("lost update", {"a": count, "b": count}, values={"hits": 0}))


@functools.cache
def recording() -> bl.recordings.Recording:
    return bl.recordings.load("S1_256M_16384")


def guest() -> bl.Guest:
    made = bl.Guest(64, seed=3)
    made.workload("holes")
    made.inflate(5)
    return made


def array_guest() -> bl.Guest:
    made = bl.Guest(1024, engine="arrays")
    made.workload("holes")
    made.inflate(5)
    made.deflate(2)
    made.undo()
    return made


def drawn(n: int = 3) -> tuple[np.ndarray, str]:
    return np.zeros(8, np.uint8), str(n)


SUBJECTS: dict[str, Make] = {
    "Guest": guest,
    "ArrayGuest": array_guest,
    "Host": lambda: guest().host,
    "MessageLog": lambda: guest().host.messages,
    "PfnMessage": lambda: guest().host.messages[1],
    "Metrics": lambda: guest().metrics(),
    "Resized": lambda: guest().inflate(1),
    "Compacted": lambda: guest().compact(),
    "View": lambda: guest().compare(3),
    "Driver": lambda: bl.find_driver("v9"),
    "Comparison": lambda: bl.diff("v9", "v10"),
    "Scenario": lambda: bl.scenario("inflate"),
    "Catalogue": lambda: bl.defects.defects,
    "Defect": lambda: bl.defects["V1"],
    "Case": bl.defects["V1"].case,
    "Question": lambda: bl.exercises.question("messages"),
    "Repair": lambda: bl.exercises.repair("spin"),
    "Suspicion": lambda: bl.exercises.suspicion("underflow"),
    "Recording": recording,
    "Messages": lambda: recording().messages,
    "PageMap": lambda: bl.PageMap(np.zeros(8, np.uint8)),
    "Lab": lambda: bl.Lab(bl.Guest(64)),
    "MemberLocks": lambda: bl.explore.member_locks(exploration()),
}
# What only the machine calls, at each step, with numbers of its own.
ENGINE = {
    "Lab": {"answer", "hear", "send"},  # what browser and widget say to each other
    "PageMap": {"answer", "hear", "send", "stands_in"},
    "Host": {
        *("believe_again", "beliefs", "check_target", "exchange", "prime_stats", "read", "set_target", "start_with"),
    },
    "MessageLog": {
        *("add", "advance", "append", "cut", "extend", "go_on_from", "oldest", "overwrite", "put", "under_way"),
    },
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(bl, name) for name in ("Guest", "Lab", "PageMap", "diff", "find_driver", "interact", "scenario")},
    "Guest.from_states": bl.Guest.from_states,
    "explore.member_locks": bl.explore.member_locks,
    **{f"plots.{name}": getattr(bl.plots, name) for name in bl.plots.__all__},
    "recordings.load": bl.recordings.load,
    "recordings.replay": bl.recordings.replay,
    "recordings.moved_between": predict.moved_between,
    **{f"exercises.{name}": getattr(bl.exercises, name) for name in ("question", "repair", "suspicion")},
    **{f"mail.{name}": getattr(bl.mail, name) for name in ("hunk", "line", "remark", "remarks_on")},
    "text_map": textmap.text_map,
    **{name: getattr(bl, name) for name in ("fragmentation_index", "metrics", "unusable_free_index")},
    **{f"fragmentation.{name}": getattr(fragmentation, name) for name in ("extfrag_for_order", "free_huge_pages")},
}
ITEMS = ("__contains__", "__eq__", "__getitem__")

# -- legal arguments, by the name of the parameter --

GIVEN: dict[str, Any] = {
    "actors": (), "after": "freed", "also": ("x", "lock"), "answer": 4, "ax": None, "backing": 4096, "balloon": None,
    "balloon_pfn": 3, "before": "boot", "block_types": None, "candidates": None, "cells": {("V1", "v9"): "present"},
    "columns": None, "counts": [1] * 11, "driver": "v9", "end": 5.0, "engine": "steps",
    "events": lambda: recording().list_events, "facts": ("movable", True), "fate": False,
    "fates": lambda: bl.explore.Fates(exploration()), "member": "num_pages",
    "finding": lambda: exploration().findings[0], "figure": Figure,
    "first": "v9", "fraction": 0.5, "goal": "rest", "guest": lambda: bl.scenario("inflate").bare_guest(), "i": 0,
    "label": lambda: repr, "lifecycle": False, "messages": lambda: guest().host.messages, "moment": 0, "most": 10,
    "most_rows": 4,
    "must_tell_host": False, "n": 3, "name": "v9", "number": 0, "order": 3, "other": None, "page_size": 4096,
    "pageblock_types": None, "pages": 64, "pair": lambda: bl.diff("v9", "v10").pairs[0], "pairs": [[1, 2]],
    "placement": "lifo", "recording": recording, "result": exploration, "routine": None, "scale": 1, "scenario": "",
    "schedule": lambda: bl.Schedule(("vballoon",)), "second": "v10", "seed": 0,
    "source": lambda: np.zeros(64, np.uint8), "start": 0.0, "state": "changed",
    "states": lambda: np.zeros(64, np.uint8), "step": None, "subject": lambda: bl.Guest(64), "target": None,
    "text": "A text", "theme": "light", "title": "A title", "told": 3, "until": 5.0,
    "verdict": True, "without": (), "zones": None,
}  # fmt: skip
# ... and where a parameter of that name means something else.
OF_TARGET: dict[str, dict[str, Any]] = {
    "scenario": {"name": "inflate"},
    "Guest.from_states": {"settings": ("seed", 0)},
    "Guest.workload": {"name": "holes", "options": ("every", 4)},
    "ArrayGuest.workload": {"name": "holes", "options": ("every", 4)},
    "Catalogue.__getitem__": {"name": "V1"},
    "Defect.case": {"name": ""},
    "Driver.replace": {"functions": ("leak_balloon", None)},
    "Repair.check": {"routine": lambda: bl.find_driver("v9").leak_balloon},
    "exercises.question": {"name": "messages"},
    "exercises.repair": {"name": "spin"},
    "exercises.suspicion": {"name": "underflow"},
    "mail.hunk": {"number": 8},
    "mail.line": {"number": 216, "removed": False},
    "mail.remark": {"name": "two atomics"},
    "mail.remarks_on": {"defect": "S1"},
    "plots.map_columns": {"cells": 64},
    "plots.plot_lock_order": {"order": lambda: lock_order(exploration())},
    **{f"plots.{name}": {"subject": bl.scenario("inflate").machine} for name in ("plot_schedule", "schedule_text")},
    **{
        f"plots.{name}": {"result": small}
        for name in ("plot_state_graph", "plot_two_threads", "state_graph_text", "two_threads_text")
    },
    **{f"Recording.{name}": {"name": "before"} for name in dir(bl.recordings.Recording)},
    "interact": {"draw": lambda: drawn, "controls": ("n", 3)},
    "Recording.check": {"driver": "linux-6.1"},
    "Recording.predict_compaction": {"before": "before", "after": "at0_16384"},
    "recordings.load": {"name": "S1_256M_16384"},
    "recordings.replay": {"messages": lambda: recording().messages},
    "text_map": {"columns": 64},
}


def targets() -> list[Target]:
    """All that is called: each function, and each public method of each subject."""
    found = [
        Target(title, functools.partial(_itself, function), "", dict(inspect.signature(function).parameters))
        for title, function in FUNCTIONS.items()
    ]
    for owner, make in SUBJECTS.items():
        kind = type(make())
        for name in dir(kind):
            method = inspect.getattr_static(kind, name)
            ours = inspect.isfunction(method) and method.__module__.startswith("balloonlab")
            if ours and (name in ITEMS or not name.startswith("_")) and name not in ENGINE.get(owner, ()):
                parameters = dict(list(inspect.signature(method).parameters.items())[1:])
                found.append(Target(f"{owner}.{name}", make, name, parameters))
    return [target for target in found if target.parameters]


def _itself(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def legal(target: Target, parameter: str) -> Any:  # noqa: ANN401
    """A legal argument (of **options: a name and a value); KeyError says that there is none here yet."""
    own = OF_TARGET.get(target.title, {})
    declared = target.parameters[parameter]
    if parameter not in own and parameter not in GIVEN and declared.default is declared.empty:
        if declared.kind is declared.VAR_POSITIONAL:
            return None
        raise KeyError(f"{target.title}: {parameter}")
    value = own.get(parameter, GIVEN.get(parameter, declared.default))
    return value() if callable(value) and value is not declared.default else value
