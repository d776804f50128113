"""Programs whose interleavings are counted by hand."""

from __future__ import annotations

import re
import time

import pytest

from balloonlab.explore import Program, Verdict, explore
from balloonlab.explore.program import Shared
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.primitives import Routine, bug_on, msleep, mutex_lock, mutex_unlock, read, wait_event, write
from balloonlab.kernel.world import KernelBugError
from tests.explore.programs import adder, forgetful, lost_update, lost_wake_up, peterson, three_locks, two_locks


def test_a_lost_update() -> None:
    # Each thread: before its read; before its write, having seen s; done. x is what was written last. Of the nine
    # pairs of places (read, read) (read, write 0) (write 0, read) (write 0, write 0) come with x = 0 only;
    # (done, read) and (done, write) with x = 1, the latter with 0 or 1 seen; (done, done) with x = 1 or 2.
    result = explore(lost_update())
    assert result.states == 4 + 2 * (1 + 2) + 2 == 12
    assert result.transitions == 2 + 2 * 2 + 2 + 2 * (1 + 2)  # from where both can step two, from where one can, one
    assert result.schedules == 6  # two reads and two writes, each thread's in order
    assert result.depth == 4
    assert result.verdict is Verdict.VIOLATED
    (finding,) = result.findings
    assert finding.steps == 4
    assert finding.text == "both count: not with x = 1"
    assert finding.machine().world.values["x"] == 1


def test_two_adders_with_a_lock_lose_nothing() -> None:
    def careful(shared: Shared) -> Routine:
        yield mutex_lock(shared.a)
        yield from adder()(shared)
        yield mutex_unlock(shared.a)

    at_end = {"both count": lambda shared: shared["x"] == 2}
    result = explore(Program("locked", {"one": careful, "two": careful}, {"x": 0}, ["a"], at_end=at_end))
    # Who is first in the lock? Nobody yet: 1. One is inside, three places: 2 * 3. One is done, the other has four
    # places before its end: 2 * 4. Both are done: x = 2 and nothing else to tell: 1.
    assert result.states == 1 + 2 * 3 + 2 * 4 + 1 == 16
    assert result.transitions == 2 + 2 * 3 + 2 * 4
    assert result.schedules == 2
    assert result.verdict is Verdict.HOLDS
    assert bool(result)


def test_two_locks_in_two_orders() -> None:
    result = explore(two_locks())
    # Places of a thread: 0 none held, 1 first, 2 both, 3 first again, 4 done. Where one of them is at 0 or 4 all five
    # of the other are possible: 5 * 5 - 3 * 3 pairs. Where both hold something neither has both locks: (1, 1), the
    # deadlock; (1, 3) and (3, 1), where one has had both; not (3, 3), for the other has had its lock all along.
    assert result.states == 16 + 3
    (ring,) = [finding for finding in result.findings if finding.kind == "wait cycle"]
    assert ring.steps == 2
    text = re.sub(r" \(line \d+\)", "", ring.text)
    assert text == "ab in routine waits for b, held by ba; ba in routine waits for a, held by ab"
    assert result.finding("deadlock").state == ring.state
    # One after the other: the second may begin after the first's last but one step, or its last. Or both are stuck.
    assert result.schedules == 2 * 2 + 2


def test_three_philosophers() -> None:
    result = explore(three_locks())
    ring = result.finding("wait cycle")
    assert ring.steps == 3
    assert sorted(ring.choices) == ["one", "three", "two"]
    assert not [finding for finding in result.findings if finding.kind not in ("wait cycle", "deadlock", "doom")]


def test_a_lock_held_by_a_finished_call() -> None:
    result = explore(forgetful())
    # keeps: before, done. wants: before, inside, done.
    assert result.states == 6 - 1  # all but: done and inside
    assert result.finding("lock held by a finished call").steps == 1
    assert result.finding("deadlock").steps == 1
    assert "keeps has done its work and still holds a" in str(result)


def test_a_lost_wake_up() -> None:
    result = explore(lost_wake_up())
    deadlock = result.finding("deadlock")
    assert deadlock.steps == 4
    assert deadlock.choices.index("sleeper") == 0
    assert "waits for a wake-up on queue" in deadlock.text


@pytest.mark.parametrize("rounds", [1, 2])
def test_peterson_keeps_one_out(rounds: int) -> None:
    result = explore(peterson(rounds=rounds))
    assert result.verdict is Verdict.HOLDS


def test_peterson_with_its_assignments_swapped_lets_both_in() -> None:
    finding = explore(peterson(swapped=True)).finding("property")
    values = finding.machine().world.values
    assert (values["inside_0"], values["inside_1"]) == (1, 1)
    # Each says whose turn it is (2) and that it wants to enter (2), sees that it may (1 and 2), and enters (2).
    assert finding.steps == 9


def test_a_bug_stops_everybody() -> None:
    def breaks(shared: Shared) -> Routine:
        yield mutex_unlock(shared.a)
        yield msleep(1)

    def goes_on(_: Shared) -> Routine:
        for _step in range(5):
            yield msleep(1)

    result = explore(Program("broken", {"breaks": breaks, "goes-on": goes_on}, locks=["a"]))
    assert result.states == 6 * 2  # at each of six places, before the bug and after it
    assert result.transitions == 5 + 6
    assert result.finding("bad unlock").steps == 1
    assert len(result.findings) == 1


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda shared: write(shared.x, 2**31), "exception"),
        (lambda shared: write(shared.x, [1]), "exception"),
        (lambda _: mutex_lock(None), "exception"),
        (lambda _: mutex_lock(), "exception"),
        (lambda _: "no primitive", "not a primitive"),
        (lambda _: 1 // 0, "exception"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_mistake_in_the_text_is_a_finding(wrong: object, kind: str, *, first: bool) -> None:
    def careless(shared: Shared) -> Routine:
        if not first:
            yield read(shared.x)
        yield wrong(shared)

    program = Program("careless", {"careless": careless}, {"x": 0})
    result = explore(program)
    assert [finding.kind for finding in result.findings] == [kind]
    machine = program.machine()
    machine.run()
    assert result.findings[0].steps == machine.position
    assert machine.thread("careless").crash.kind == kind
    assert str(machine.thread("careless").crash) in result.findings[0].text


def test_a_routine_that_does_not_repeat_itself_is_refused() -> None:
    def fickle(shared: Shared) -> Routine:
        yield read(shared.x)
        yield write(shared.x, time.perf_counter_ns() % 2**30)

    def other(shared: Shared) -> Routine:
        yield write(shared.x, 1)

    with pytest.raises(KernelBugError, match="did something else when it was run again"):
        explore(Program("fickle", {"fickle": fickle, "other": other}, {"x": 0}))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"threads": {}}, "no threads"),
        ({"threads": {"1st": adder()}}, "name"),
        ({"threads": {"one": print}}, "generator"),
        ({"threads": {"one": adder()}, "values": {"x": 0}, "locks": ["x"]}, "used once"),
        ({"threads": {"one": adder()}, "values": {"a b": 0}}, "identifiers"),
        ({"threads": {"one": adder()}, "values": {"x": 2**31}}, "x"),
        ({"threads": {"one": adder()}, "pages": 0}, "pages"),
    ],
)
def test_what_is_no_program_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(BadValueError, match=said):
        Program("wrong", **settings)


def test_a_function_that_makes_a_machine_can_be_explored() -> None:
    program = lost_update()
    result = explore(program.machine)
    assert (result.states, result.verdict) == (12, "holds"), "nobody said what must hold"
    for what in (program.machine(), 3, lambda: 3):
        with pytest.raises(BadValueError, match=r"Machine"):
            explore(what)


def test_a_lost_wake_up_in_a_wait_event_is_a_deadlock() -> None:
    def consumer(shared: Shared) -> Routine:
        def ready() -> Routine:
            return (yield read(shared.flag))

        yield from wait_event(shared.queue, ready)

    def producer(shared: Shared) -> Routine:
        yield write(shared.flag, 1)  # and nobody is woken

    threads = {"consumer": consumer, "producer": producer}
    result = explore(Program("forgotten", threads, {"flag": 0}, queues=("queue",)))
    assert result.finding("deadlock").text == "consumer in wait_event waits for a wake-up on queue"


def idle(shared: Shared) -> Routine:  # noqa: ARG001
    yield msleep(1)


@pytest.mark.parametrize("name", ["locks", "lists", "tallies", "threads", "scanners", "pfns"])
def test_names_of_the_state_s_own_parts_are_nobody_s_to_give(name: str) -> None:
    for given in ({"values": {name: 0}}, {"locks": (name,)}, {"queues": (name,)}):
        with pytest.raises(BadValueError, match=f"'{name}' names a part"):
            Program("taken", {"one": idle}, **given)
    with pytest.raises(BadValueError, match=f"'{name}' names a part"):
        Program("taken", {name: idle}, {"x": 0})


def test_a_thread_and_a_number_of_one_name_are_refused() -> None:
    with pytest.raises(BadValueError, match="'x': threads, numbers"):
        Program("twice", {"x": idle, "y": idle}, {"x": 0})


def test_true_is_one() -> None:
    def says_true(shared: Shared) -> Routine:
        yield write(shared.x, True)  # noqa: FBT003

    def says_one(shared: Shared) -> Routine:
        yield write(shared.x, 1)

    def looks(shared: Shared) -> Routine:
        yield bug_on((yield read(shared.x)) is True, "x is True")

    for order in ((says_true, says_one, looks), (looks, says_one, says_true)):
        result = explore(Program("numbers", {r.__name__: r for r in order}, {"x": 0}))
        assert result, "what is stored is a whole number, whoever wrote it"


def test_a_machine_that_was_made_before_is_refused() -> None:
    machine = lost_update().machine()
    with pytest.raises(BadValueError, match="same machine twice"):
        explore(lambda: machine)
    assert machine.recording
