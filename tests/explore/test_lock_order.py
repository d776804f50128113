"""Lock orders read off the learned table, against those that runs show."""

from __future__ import annotations

import pytest

import balloonlab as bl
from balloonlab.explore.judge.lock_order import PAGE_LOCK, LockEdge, LockOrder, lock_order
from balloonlab.explore.program import Shared
from balloonlab.kernel.primitives import Routine, mutex_lock, mutex_trylock, mutex_unlock

B, C = "vballoon", "compactor"
TRIES = frozenset(("trylock_page", "mutex_trylock"))


def order_of(name: str, driver: str = "v9") -> LockOrder:
    return lock_order(bl.explore(bl.scenario(name, driver)))


def pairs(order: LockOrder, routine: str) -> set[tuple[str, str, bool]]:
    return {(edge.held, edge.wanted, edge.trying) for edge in order.edges if edge.routine == routine}


def test_v9_takes_its_locks_as_its_review_says() -> None:
    order = order_of("inflate-and-compact")
    assert order.finished
    assert pairs(order, "fill_balloon") == {
        ("balloon_lock", PAGE_LOCK, True),
        ("balloon_lock", "pages_lock", False),
        (PAGE_LOCK, "pages_lock", False),
    }
    assert pairs(order, "virtballoon_migratepage") == {
        (PAGE_LOCK, "balloon_lock", False),
        (PAGE_LOCK, "pages_lock", False),
        ("balloon_lock", "pages_lock", False),
    }
    assert pairs(order, "balloon_page_isolate") == {("lru_lock", PAGE_LOCK, True)}
    assert pairs(order, "virtballoon_isolatepage") == {
        ("lru_lock", "pages_lock", False),
        (PAGE_LOCK, "pages_lock", False),
    }
    assert pairs(order, "balloon_page_migrate") == {(PAGE_LOCK, PAGE_LOCK, True)}
    assert order.rings() == []
    assert order.ring_lines()[1] == "a ring but for trying: balloon_lock, page lock"


def test_v9_leaks_the_other_way_round() -> None:
    assert pairs(order_of("deflate-and-compact"), "leak_balloon") == {("pages_lock", PAGE_LOCK, True)}


def test_a_lock_that_is_never_given_back_is_waited_for_under_itself() -> None:
    order = order_of("fill-out-of-memory")
    assert order.edges == (LockEdge("balloon_lock", "balloon_lock", B, "fill_balloon", trying=False),)
    assert order.rings() == [("balloon_lock",)]
    assert str(order).splitlines() == [
        "balloon_lock -> balloon_lock: vballoon in fill_balloon waits for it",
        "ring: balloon_lock",
    ]


@pytest.mark.parametrize("name", ["inflate-and-compact", "deflate-and-compact", "full-and-compact"])
@pytest.mark.parametrize("driver", ["v9", "linux-6.1"])
def test_what_runs_by_hand_show_is_in_it(name: str, driver: str) -> None:
    """The slow way: walk at random, and note who holds what at each step that asks for a lock."""
    order = order_of(name, driver)
    known = {(edge.thread, edge.held, edge.wanted) for edge in order.edges}
    seen = set()
    for seed in range(6):
        machine = bl.scenario(name, driver).machine()
        while machine.walk(1, seed + machine.position):
            for thread in machine.threads:
                verb = thread.pending.verb.name if thread.pending is not None else ""
                if "lock" not in verb or "unlock" in verb:
                    continue
                arg = thread.pending.args[0]
                wanted = arg.name if hasattr(arg, "name") else PAGE_LOCK
                world = machine.world
                held = {
                    n for n, holder in zip(world.lock_names, world.lock_holders, strict=True) if holder == thread.index
                }
                held |= {PAGE_LOCK for holder in world.page_locks.values() if holder == thread.index}
                seen |= {(thread.name, each, wanted) for each in held}
            if machine.bugs or machine.position > 400:
                break
    assert seen
    assert seen <= known


def test_two_orders_make_a_ring_and_trying_keeps_it_open() -> None:
    def one(shared: Shared) -> Routine:
        yield mutex_lock(shared.a)
        yield mutex_lock(shared.b)

    def two(shared: Shared) -> Routine:
        yield mutex_lock(shared.b)
        yield mutex_lock(shared.a)

    def careful(shared: Shared) -> Routine:
        yield mutex_lock(shared.b)
        if (yield mutex_trylock(shared.a)):
            yield mutex_unlock(shared.a)
        yield mutex_unlock(shared.b)

    wrong = lock_order(bl.explore(bl.Program("wrong", {"one": one, "two": two}, locks=("a", "b"))))
    assert wrong.rings() == [("a", "b")]
    right = lock_order(bl.explore(bl.Program("right", {"one": one, "careful": careful}, locks=("a", "b"))))
    assert right.rings() == []
    assert right.ring_lines() == ["no ring of locks that are waited for", "a ring but for trying: a, b"]


def test_an_exploration_that_was_not_finished_says_so() -> None:
    result = bl.explore(bl.scenario("inflate-and-compact"), most_states=30)
    assert str(lock_order(result)).endswith("not every state was looked at: there may be more")
    assert "no lock is asked for while another is held" in str(order_of("fill-out-of-memory", "linux-3.6"))
