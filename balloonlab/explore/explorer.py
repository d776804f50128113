"""explore: from a scenario to a verdict."""

from __future__ import annotations

from balloonlab.explore.inspect import inspect
from balloonlab.explore.limits import Limits
from balloonlab.explore.result import Finding, Result
from balloonlab.explore.search import PlainSearch
from balloonlab.explore.subject import Explorable
from balloonlab.explore.table import Table, TallyReadError
from balloonlab.explore.unbounded import UnboundedError
from balloonlab.explore.vectorized import TooWideError, VectorizedSearch
from balloonlab.interrupt import interruptible

MANY_WAITING = 1000  # states that wait to be looked at, from which on numpy is faster
MOST_STATES = 10_000_000
MOST_MEMORY = 4 << 30  # bytes


def explore(
    scenario: Explorable, *, most_states: int = MOST_STATES, most_memory: int = MOST_MEMORY, search: str = "auto"
) -> Result:
    """Every interleaving of a scenario's threads: its states, its transitions, and what is wrong in any of them.

    scenario: a Scenario, a Program, or anything with a `subject` method. most_states, most_memory (bytes): limits, at
    which the exploration ends as "not finished"; an interrupt ends it so too. search: "plain", "vectorized", or "auto",
    which begins with the one and goes on with the other.
    """
    subject = scenario.subject().checked()
    schedule = subject.machine.schedule.choices if subject.machine.recording else ()
    table = Table(subject)
    with interruptible("exploring") as interruption:
        limits = Limits.checked(most_states, most_memory)
        limits.interruption = interruption
        while True:
            try:
                graph, why = _search(table, limits, search)
                break
            except TallyReadError:
                table.restart()
    result = Result(scenario, graph, why, schedule)
    findings = tuple(Finding(*found, result) for found in inspect(graph))
    return Result(scenario, graph, why, schedule, findings)


def _search(table: Table, limits: Limits, search: str):
    plain = PlainSearch(table)
    most = {"auto": MANY_WAITING, "plain": None, "vectorized": 0}[search]
    try:
        why = plain.run(limits, most)
    except UnboundedError as suspect:
        return plain.graph(), str(suspect)
    if why != "many waiting":
        return plain.graph(), why
    fast = VectorizedSearch(plain)
    try:
        why = fast.run(limits)
    except UnboundedError as suspect:
        why = str(suspect)
    return fast.graph(), why
