"""What the host can hear: the behaviour that one driver has and another lacks, with a schedule that shows it.

A behaviour is a sequence of messages as the host reads them, and how it ends: everybody rests, nobody can go on, a bug.
Steps that the host cannot see do not count, so two drivers that differ only inside have the same behaviours.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property

from balloonlab.explore.judge.result import Result
from balloonlab.explore.search.graph import Graph
from balloonlab.foundations.errors import BadValueError, as_text, each_of, of_kind
from balloonlab.foundations.words import shown
from balloonlab.host.host import QUEUE_NAMES, MessageStatus
from balloonlab.kernel.schedule import Schedule

MOST_PAIRS = 100_000  # sets of states that are compared before giving up
States = frozenset[int]
Place = tuple[int, int]  # a state, and how many events the host has heard


@dataclass(frozen=True, repr=False)
class Behaviour:
    """What the host hears, in order, the end included; and a shortest schedule by which it does."""

    events: tuple[str, ...]
    schedule: Schedule

    def __str__(self) -> str:
        return " -> ".join(self.events)

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class Difference:
    """A shortest behaviour that only the first has, and one that only the second has; None where there is none."""

    only_first: Behaviour | None
    only_second: Behaviour | None
    names: tuple[str, str]

    def __bool__(self) -> bool:
        return self.only_first is not None or self.only_second is not None

    def __str__(self) -> str:
        if not self:
            return f"the host cannot tell {self.names[0]} and {self.names[1]} apart"
        found = zip(self.names, (self.only_first, self.only_second), strict=True)
        return "\n".join(f"only {name}: {behaviour or 'nothing'}" for name, behaviour in found)

    def __repr__(self) -> str:
        return str(self)


def difference(first: Result, second: Result, names: tuple[str, str] = ("the first", "the second")) -> Difference:
    """Compare what the host can hear in two finished explorations of the same scenario with two drivers.

    Raises BadValueError if one of them is not finished, or the comparison grows beyond MOST_PAIRS.
    """
    for result in (first, second):
        of_kind("an exploration", result, Result, "what bl.explore(...) returned")
        if result.why:
            raise BadValueError(f"an exploration was not finished ({result.why}); nobody knows what it lacks.")
    called = tuple(as_text("a name", name) for name in each_of("names", names, "two names"))
    if len(called) != 2:  # noqa: PLR2004  (two are compared)
        raise BadValueError(f"names are {shown(names)}; two explorations are compared, so there must be two.")
    one, other = _Heard(first), _Heard(second)
    return Difference(one.lacking_in(other), other.lacking_in(one), called)


class _Heard:
    """A graph as the host hears it."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.graph: Graph = result.graph
        table = self.graph.table
        self._reads = {
            (thread, number): local.pending.args[0].number
            for thread, automaton in enumerate(table.automata)
            for number, local in enumerate(automaton.states)
            if local.pending is not None and local.pending.verb.name == "host_read"
        }
        self._messages = table.registers.named(("messages",))

    @cached_property
    def steps(self) -> list[list[tuple[str, int]]]:
        """For each state its steps: what the host hears ("" for nothing) and where it leads; an end leads to itself."""
        graph = self.graph
        locals_ = [graph.column(thread).tolist() for thread in range(graph.table.threads)]
        steps = []
        for state, row in enumerate(graph.following.tolist()):
            ahead = []
            for thread, there in enumerate(row):
                if there >= 0:
                    queue = self._reads.get((thread, locals_[thread][state]))
                    ahead.append(("" if queue is None else self._message(state, queue), there))
            steps.append(ahead or [(self._end(state), state)])
        return steps

    def _message(self, state: int, queue: int) -> str:
        registers = self.graph.table.registers
        number = self.graph.table.register_numbers(self.graph.state(state), self._messages)[0]
        for of_queue, status, pfns, _ in registers.values[self._messages[0]][number]:
            if of_queue == queue and status == MessageStatus.KICKED:
                return f"{QUEUE_NAMES[queue]} {' '.join(map(str, pfns)) or 'no PFN'}"
        return f"{QUEUE_NAMES[queue]} nothing"

    def _end(self, state: int) -> str:
        graph, table = self.graph, self.graph.table
        for thread in range(table.threads):
            crash = table.local(thread, int(graph.column(thread)[state])).crash
            if crash is not None:
                return f"bug: {crash.kind}"
        resting = all(graph.resting(thread)[state] for thread in range(table.threads))
        return "all rest" if resting else "stuck"

    def closed(self, states: set[int]) -> States:
        """These states and all that steps lead to of which the host hears nothing."""
        reached, waiting = set(states), list(states)
        while waiting:
            for heard, there in self.steps[waiting.pop()]:
                if not heard and there not in reached:
                    reached.add(there)
                    waiting.append(there)
        return frozenset(reached)

    def hears(self, states: States) -> dict[str, set[int]]:
        """What the host can hear next, and the states after each."""
        heard: dict[str, set[int]] = {}
        for state in states:
            for event, there in self.steps[state]:
                if event:
                    heard.setdefault(event, set()).add(there)
        return heard

    def lacking_in(self, other: _Heard) -> Behaviour | None:
        """A shortest behaviour of this graph that the other one does not have."""
        start = (self.closed({0}), other.closed({0}))
        waiting: deque[tuple[tuple[States, States], tuple[str, ...]]] = deque([(start, ())])
        seen = {start}
        while waiting:
            (mine, its), events = waiting.popleft()
            theirs = other.hears(its)
            for event, there in sorted(self.hears(mine).items()):
                heard: tuple[str, ...] = (*events, event)
                if event not in theirs:
                    return Behaviour(heard, self._schedule(heard))
                if event.startswith(("all rest", "stuck", "bug")):
                    continue
                pair = (self.closed(there), other.closed(theirs[event]))
                if pair not in seen:
                    if len(seen) >= MOST_PAIRS:
                        raise BadValueError(f"the two have more than {MOST_PAIRS:,} different pasts; take less to do.")
                    seen.add(pair)
                    waiting.append((pair, heard))
        return None

    def _schedule(self, events: tuple[str, ...]) -> Schedule:
        """A shortest schedule by which the host hears just these events."""
        first = (0, 0)
        before: dict[Place, tuple[Place, int]] = {first: (first, -1)}
        waiting = deque([first])
        while waiting:
            place = waiting.popleft()
            state, heard = place
            for event, there in self.steps[state]:
                if event and event != events[heard]:
                    continue
                now = (there, heard + bool(event))
                if now not in before:
                    before[now] = (place, self._who(state, there, event))
                    waiting.append(now)
                if now[1] == len(events):
                    return self._way(before, now)
        raise AssertionError("a behaviour that was found has a schedule")

    def _who(self, state: int, there: int, event: str) -> int:
        """The thread whose step leads from one state to another while the host hears this."""
        row = self.graph.following[state].tolist()
        ahead = [thread for thread, after in enumerate(row) if after >= 0]
        heard = dict(zip(ahead, self.steps[state], strict=True)) if ahead else {}
        return next((thread for thread, step in heard.items() if step == (event, there)), -1)

    def _way(self, before: dict[Place, tuple[Place, int]], place: Place) -> Schedule:
        names, choices = self.graph.table.names, []
        while before[place][0] != place:
            place, thread = before[place]
            if thread >= 0:
                choices.append(names[thread])
        return Schedule((*self.result.actions, *choices[::-1]))
