"""explore: from a scenario to a verdict."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

from balloonlab.explore.judge.result import Finding, Result
from balloonlab.explore.judge.violations import inspect_graph
from balloonlab.explore.learn.subject import Explorable, explorable
from balloonlab.explore.learn.table import Table, TallyReadError
from balloonlab.explore.search.graph import Graph
from balloonlab.explore.search.limits import Limits
from balloonlab.explore.search.search import PlainSearch
from balloonlab.explore.search.vectorized import TooWideError, VectorizedSearch
from balloonlab.foundations.errors import of_kind, pick
from balloonlab.foundations.interrupt import Interruption, interruptible
from balloonlab.kernel.machine import Machine

MANY_WAITING = 150  # states that wait to be looked at, from which on numpy is faster
MOST_STATES = 10_000_000
MOST_MEMORY = 4 << 30  # bytes
_SEARCHES = {"auto": MANY_WAITING, "plain": None, "vectorized": 0}


def explore(
    scenario: Explorable | Callable[[], Machine],
    *,
    most_states: int = MOST_STATES,
    most_memory: int = MOST_MEMORY,
    search: str = "auto",
    interruption: Interruption | None = None,
) -> Result:
    """Every interleaving of a scenario's threads: its states, its transitions, and what is wrong in any of them.

    scenario: a Scenario, a Program, or a function that makes a new Machine each time. most_states, most_memory
    (bytes): limits, at which the exploration ends as "not finished"; an interrupt ends it so too. search: "plain",
    "vectorized", or "auto", which begins with the one and goes on with the other. interruption: who may end it and
    hears how far it is, by default whoever interrupts the kernel.
    """
    pick("search", search, list(_SEARCHES))
    if interruption is not None:
        of_kind("interruption", interruption, Interruption, "an Interruption: who may end the exploration")
    limits = Limits.checked(most_states, most_memory)
    scenario = explorable(scenario)
    subject = scenario.subject().checked()
    schedule = subject.machine.schedule.choices if subject.machine.recording else ()
    table = Table(subject)
    searched = None
    try:
        with interruptible("exploring") if interruption is None else nullcontext(interruption) as limits.interruption:
            searched = _whole_search(table, limits, search)
    except KeyboardInterrupt:
        if searched is None:
            raise
    graph, why = searched  # an interrupt has ended the search, and is said in `why`
    if not why:
        for automaton in table.automata:
            automaton.check_again()
    inspection = inspect_graph(graph, finished=not why)
    result = Result(scenario, graph, why, schedule, (), inspection.wrong, inspection.kinds, inspection.unseen)
    return replace(result, findings=tuple(Finding(*found, result) for found in inspection.found))


def _whole_search(table: Table, limits: Limits, search: str) -> tuple[Graph, str]:
    while True:
        try:
            return _search(table, limits, search)
        except TallyReadError:
            table.restart()


def _search(table: Table, limits: Limits, search: str) -> tuple[Graph, str]:
    """Search plainly, and where it serves go on in numpy; if the states do not fit two words, only plainly."""
    plain = PlainSearch(table)
    why = plain.run(limits, _SEARCHES[search])
    if why == "many waiting" and not table.layout.wide:
        try:
            fast = VectorizedSearch(plain)
            why = fast.run(limits)
            return fast.graph(), why
        except TooWideError:
            plain = PlainSearch(table)
    if why == "many waiting":
        why = plain.run(limits)
    return plain.graph(), why
