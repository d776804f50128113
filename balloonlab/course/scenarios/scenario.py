"""What a scenario is: a small guest, who runs in it, what is asked for first, and what must hold whoever runs when.

A scenario is a value: the same name and driver always give the same machine, so a schedule's token can be replayed
on it by anybody, and every interleaving of it can be explored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from balloonlab.course.scenarios.properties import invariants
from balloonlab.drivers import Driver
from balloonlab.explore.learn.subject import GOALS, Property, Subject
from balloonlab.foundations.errors import as_text, of_kind, pick
from balloonlab.foundations.words import counted
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.schedule import Schedule

Watch = Callable[[Guest], tuple[Property, ...]]


class Plot(NamedTuple):
    """A scenario before a driver is chosen.

    build: makes the guest. actions: what is asked for first, from outside. goal: what must stay possible from every
    state (see explore.subject.GOALS). watch: what must hold beside the invariants, given the guest. invariants: the
    ids of those that must hold: I1 to I6; "told first" (where MUST_TELL_HOST was negotiated, the host hears before the
    guest uses a page); "target" (at rest the balloon is as large as the host wants it). cpu:
    names of threads that share one CPU without preemption: they run until they wait; () if everybody may be preempted;
    "driver" is the thread that resizes the balloon, whatever the version calls it.
    """

    name: str
    title: str
    question: str
    build: Callable[[Driver], Guest]
    actions: tuple[tuple[str, int], ...]
    goal: str = "rest"
    watch: Watch | None = None
    invariants: tuple[str, ...] = ("I1", "I2", "I5", "I6", "target")
    cpu: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A starting situation with a driver. question: what to find out by stepping it, or by exploring it."""

    plot: Plot
    driver: Driver

    @property
    def name(self) -> str:
        return self.plot.name

    @property
    def title(self) -> str:
        return self.plot.title

    @property
    def question(self) -> str:
        return self.plot.question

    @property
    def actions(self) -> tuple[tuple[str, int], ...]:
        return self.plot.actions

    @property
    def cpu(self) -> tuple[str, ...]:
        """Names of the threads that share one CPU without preemption."""
        own = self.driver.threads[0].name
        return tuple(own if name == "driver" else name for name in self.plot.cpu)

    def on_one_cpu(self, *threads: str) -> Scenario:
        """The same situation where these threads share one CPU without preemption: each runs until it waits."""
        names = tuple(as_text("a thread", thread) for thread in threads)
        return replace(self, plot=self.plot._replace(cpu=names))

    def aiming_at(self, goal: str) -> Scenario:
        """The same situation with another goal that must stay possible from every state (see explore.subject.GOALS)."""
        pick("goal", goal, [known for known in GOALS if known], "It says what must stay possible.")
        return replace(self, plot=self.plot._replace(goal=goal))

    def bare_guest(self) -> Guest:
        """A new guest before the first actions; its machine records."""
        guest = self.plot.build(self.driver)
        guest.machine.record()
        return guest

    def guest(self) -> Guest:
        """A new guest in the starting situation; its machine records and has had the first actions."""
        guest = self.bare_guest()
        for name, value in self.actions:
            guest.machine.act(name, value)
        return guest

    def machine(self) -> Machine:
        """The machine of a new guest, standing after the first actions."""
        return self.guest().machine

    def subject(self) -> Subject:
        """What an exploration starts from: the machine, what must hold, what must stay possible."""
        return self.watched(self.guest())

    def watched(self, guest: Guest) -> Subject:
        """A guest of this scenario as an exploration wants it, standing wherever it stands."""
        of_kind("guest", guest, Guest, "a guest of this scenario: scenario.guest()")
        watched = self.plot.watch(guest) if self.plot.watch else ()
        properties = (*invariants(guest, self.plot.invariants), *watched)
        return Subject(guest.machine, properties, self.plot.goal, self.cpu)

    def after(self, schedule: Schedule) -> Later:
        """This scenario once a schedule has been taken (`machine.schedule`, the first actions included)."""
        return Later(self, Schedule.of(schedule))

    def __repr__(self) -> str:
        return f"<scenario {self.name}, driver {self.driver.name}: {self.title}>"


@dataclass(frozen=True)
class Later:
    """A scenario in which a schedule has been taken: to be explored from there, or stepped on."""

    scenario: Scenario
    schedule: Schedule

    @property
    def title(self) -> str:
        return f"{self.scenario.title}, {counted(len(self.schedule), 'step')} later"

    @property
    def question(self) -> str:
        return self.scenario.question

    @property
    def cpu(self) -> tuple[str, ...]:
        return self.scenario.cpu

    def machine(self) -> Machine:
        """The machine of a new guest after the schedule; raises BadScheduleError if it cannot be taken."""
        return self._guest().machine

    def subject(self) -> Subject:
        """What an exploration starts from."""
        return self.scenario.watched(self._guest())

    def after(self, schedule: Schedule) -> Later:
        """The same scenario after another schedule, which begins where the scenario does."""
        return Later(self.scenario, Schedule.of(schedule))

    def _guest(self) -> Guest:
        guest = self.scenario.bare_guest()
        guest.machine.replay(self.schedule)
        return guest
