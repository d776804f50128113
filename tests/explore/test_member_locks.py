"""The locks with which each member is touched, against a walk that takes every step there is and looks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

import balloonlab as bl
from balloonlab.explore import Result, member_locks
from balloonlab.explore.program import Shared
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Primitive, Routine, add, mutex_lock, mutex_unlock, write
from balloonlab.kernel.world import Ref

Use = tuple[str, str, str, bool, tuple[str, ...]]


def members(machine: Machine, primitive: Primitive) -> list[tuple[str, bool]]:
    """What a statement is about to touch, by the names of objects, and whether it writes."""
    name, world = primitive.verb.name, machine.world
    refs = [arg.name for arg in primitive.args if isinstance(arg, Ref)]
    reads = name.endswith("read") or name in ("list_first", "list_next")
    found = [(ref, not reads) for ref in refs[:1] if not name.startswith("host_")]
    if "pfn" in name:
        found.append(("pfns", not name.startswith("read")))
    if name == "virtqueue_add":
        found += [("num_pfns", False), ("pfns", False)]
    if "stats" in name and not name.startswith("host_"):
        found.append(("stats", name == "collect_stats"))
    if name == "host_acknowledge_stats":
        found += [(ref, True) for ref in refs if ref in ("need_stats_update", "update_balloon_stats_work")]
    if name == "list_del":
        found += [(at, True) for at, head in world.lists.items() if primitive.args[0] in world.list_pages(head)]
    return found


def statistics(driver: str) -> bl.Scenario:
    """The host asks for figures, and for nothing else."""
    scenario = bl.scenario("inflate", driver)
    return replace(scenario, plot=scenario.plot._replace(actions=(("request_stats", 0),), invariants=()))


def looked_up(result: Result) -> Counter[Use]:
    seen: Counter[Use] = Counter()
    for state in range(result.states):
        machine = result.machine_at(state)
        world = machine.world
        names = {
            member.obj: member.name for member in world.members if member.guard not in ("is a lock", "its own lock")
        }
        for number, thread in enumerate(machine.threads):
            if result.graph.following[state, number] < 0:
                continue
            held = [lock for lock, who in zip(world.lock_names, world.lock_holders, strict=True) if who == number]
            for obj, writes in members(machine, thread.pending):
                if obj in names:
                    seen[names[obj], thread.name, thread.calls[-1], writes, tuple(sorted(held))] += 1
    return seen


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("compact-without-room", "v9"),
        ("compact-one", "v9"),
        ("inflate", "linux-3.6"),
        ("fill-out-of-memory", "v10"),
        ("compact-one", "linux-7.2"),
        ("statistics", "v9"),
        ("statistics", "linux-6.1"),
    ],
)
def test_what_is_touched_under_which_locks_is_what_a_walk_finds(name: str, driver: str) -> None:
    result = bl.explore(statistics(driver) if name == "statistics" else bl.scenario(name, driver))
    found = Counter({tuple(vars(use).values())[:5]: use.steps for use in member_locks(result).uses})
    assert found == looked_up(result)
    assert found


def test_two_writers_one_of_whom_forgets_the_lock() -> None:
    """By hand: `a` writes while `b` has added or has not, 2 steps; `b` adds wherever `a` stands, in one of 4 places."""

    def careful(shared: Shared) -> Routine:
        yield mutex_lock(shared.lock)
        yield write(shared.hits, 7)
        yield mutex_unlock(shared.lock)

    def careless(shared: Shared) -> Routine:
        yield add(shared.hits, 1)

    threads, values = {"a": careful, "b": careless}, {"hits": 0, "idle": 0}
    locks = member_locks(bl.explore(bl.Program("forgotten", threads, values=values, locks=("lock",))))
    assert [tuple(vars(use).values())[1:] for use in locks.of("hits")] == [
        ("a", "careful", True, ("lock",), 2),
        ("b", "careless", True, (), 4),
    ]
    assert str(locks.of("hits")[1]) == "b writes it in careless: no lock held"
    assert locks.unprotected == ("hits",)
    assert (locks.always("hits"), locks.always("idle")) == ((), ())
    assert str(locks).splitlines() == [
        "hits (nobody says): a, b; no lock in common",
        "idle (nobody says): not touched",
    ]


def test_nobody_protects_what_the_patch_reads_outside_its_lock() -> None:
    """v9 counts isolated pages under pages_lock and reads them, asleep, without; v10 does not."""
    patch = member_locks(bl.explore(bl.scenario("deflate-and-compact", "v9")))
    assert patch.unprotected == ("num_isolated_pages",)
    places = {use.routine for use in patch.against_comments if use.member == "num_isolated_pages"}
    assert places == {"enough_came_back", "pages_at_balloon_list"}
    assert patch.always("pages") == ("pages_lock",)
    assert patch.always("num_pfns") == ("balloon_lock",)
    later = member_locks(bl.explore(bl.scenario("deflate-and-compact", "v10")))
    assert later.unprotected == ()
    assert {use.member for use in later.against_comments} == {"need_stats_update"}


def test_the_thread_without_locks_is_alone_but_for_the_interrupt() -> None:
    locks = member_locks(bl.explore(statistics("linux-3.6")))
    assert locks.unprotected == ("need_stats_update",)
    assert {(use.member, use.thread) for use in locks.against_comments} == {("need_stats_update", "host-statsq")}


def test_an_unknown_member_and_half_an_exploration_are_said() -> None:
    locks = member_locks(bl.explore(bl.scenario("inflate", "v9"), most_states=30))
    assert str(locks).endswith("not every state was looked at: there may be more")
    with pytest.raises(UnknownNameError, match="num_pages"):
        locks.of("num_page")
    with pytest.raises(BadValueError, match=r"what bl\.explore"):
        member_locks("inflate")  # type: ignore[arg-type]
