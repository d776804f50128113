"""A call with one argument that nobody asked for, and what is wrong with how it was answered."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from types import FrameType
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

import balloonlab as bl
from balloonlab.foundations.errors import BalloonlabError
from balloonlab.foundations.words import shown
from tests.any_call.callables import Target, legal
from tests.any_call.odd_values import ODD

SECONDS = 20  # of a call: a loop over 10**12 things takes longer
LONGEST = 400  # characters of a message
JARGON = re.compile(r"np\.|numpy|dtype|u?int\d+|float\d+|<class|<function| object at 0x|Traceback|NoneType")
TAKEN: dict[str, Callable[[Any], bool]] = {  # what may be taken for a plain type, by the annotation
    "int": lambda value: hasattr(value, "__index__") and not isinstance(value, bool | np.bool_),
    "float": lambda value: hasattr(value, "__float__") and not isinstance(value, bool | np.bool_ | str),
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool | np.bool_),
}


class TooLongError(BaseException):
    """A call did not come back."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    def late(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def throw(target: Target, parameter: str, odd: str) -> str:
    """Call `target` with ODD[odd] for that parameter: what is wrong with the answer, "" if nothing is."""
    subject, value = target.subject(), ODD[odd]()
    positional, named = _arguments(target, parameter, value)
    before = _fingerprint(subject)
    try:
        with limited(SECONDS):
            result = (
                getattr(subject, target.name)(*positional, **named) if target.name else subject(*positional, **named)
            )
            str(result), repr(result)
    except BalloonlabError as error:
        changed = "something changed: " if _fingerprint(subject) != before else ""
        return _no_sentence(str(error), value) or (f"{changed}{error}" if changed else "")
    except TooLongError:
        return f"no answer in {SECONDS} s"
    except Exception as error:  # noqa: BLE001 - what is looked for
        return f"raw {type(error).__name__}: {error}"[:200]
    finally:
        plt.close("all")
    plain = str(target.parameters[parameter].annotation).removesuffix(" | None")
    silent = plain in TAKEN and value is not None and not TAKEN[plain](value)
    return f"taken for {plain}, without a word" if silent else ""


def _arguments(target: Target, parameter: str, odd: Any) -> tuple[list[Any], dict[str, Any]]:  # noqa: ANN401
    positional: list[Any] = []
    named: dict[str, Any] = {}
    several = any(declared.kind is declared.VAR_POSITIONAL for declared in target.parameters.values())
    for name, declared in target.parameters.items():
        value = odd if name == parameter else legal(target, name)
        if declared.kind is declared.VAR_POSITIONAL:
            positional += [odd] if name == parameter else []
        elif declared.kind is declared.VAR_KEYWORD:
            named |= {legal(target, name)[0]: odd} if name == parameter else {}
        elif several and declared.kind is declared.POSITIONAL_OR_KEYWORD:
            positional.append(value)
        else:
            named[name] = value
    return positional, named


def _fingerprint(subject: Any) -> object:  # noqa: ANN401
    """What must be as it was after a refusal."""
    parts: list[object] = [plt.get_fignums()]
    if isinstance(subject, bl.Guest):
        host, log = subject.host, subject.host.messages
        parts += [subject.engine, subject.page_states.tobytes(), subject.balloon_list, host.target, host.actual]
        parts += [len(log), log.pfns.tobytes(), host.beliefs()]
        if subject.engine == "steps":
            parts += [subject.machine.position, len(subject.machine.timeline)]
        else:
            parts += [subject.moments, subject.page_states_at(0).tobytes()]
    elif isinstance(subject, bl.PageMap):
        parts += [subject.title, subject.states.tobytes()]
    elif isinstance(subject, bl.Lab):
        parts += [subject.title, subject.text]
    elif not callable(subject):
        parts.append(repr(subject))
    return parts


def _no_sentence(text: str, value: Any) -> str:  # noqa: ANN401
    """What keeps the message of an error from being a short sentence that names the value."""
    if len(text) > LONGEST:
        return f"{len(text):,} characters: {text[:LONGEST]}"
    if found := JARGON.search(text):
        return f"jargon {found[0]!r}: {text}"
    if not text.endswith((".", "?", ")")):
        return f"no end of a sentence: {text}"
    if shown(value) == "True" or (isinstance(value, Collection) and not _length(value)):
        return ""  # nothing to name
    names = {shown(value), "this guest takes steps"}
    if isinstance(value, Mapping):
        names |= {shown(key) for key in islice(value, 100)}
    several = value.ndim > 0 if isinstance(value, np.ndarray) else isinstance(value, Collection)
    if several and type(value).__module__ in ("builtins", "numpy", "numpy.ma", "collections"):
        names |= {"a row of", "a table of"} | {shown(each) for each in islice(value, 100)}
    return "" if any(name in text for name in names) else f"does not name {min(names, key=len)}: {text}"


def _length(value: Collection[Any]) -> int:
    try:
        return len(value)
    except Exception:  # noqa: BLE001 - odd values do not like to be asked
        return 1
