"""Questions on turns: how many ways threads can take them, and where some of the ways lead."""

from __future__ import annotations

from collections.abc import Callable

from balloonlab.course.defects import defects
from balloonlab.course.exercises.question import Question
from balloonlab.explore import Program, explore
from balloonlab.kernel.primitives import Routine, mutex_lock, mutex_unlock, read, write

Thread = Callable[..., Routine]


def _writes(times: int) -> Thread:
    def thread(shared: object) -> Routine:
        for value in range(times):
            yield write(shared.x, value)  # type: ignore[attr-defined]

    return thread


def _adder(shared: object) -> Routine:
    seen = yield read(shared.x)  # type: ignore[attr-defined]
    yield write(shared.x, seen + 1)  # type: ignore[attr-defined]


def _takes(one: str, two: str) -> Thread:
    def thread(shared: object) -> Routine:
        yield mutex_lock(getattr(shared, one))
        yield mutex_lock(getattr(shared, two))
        yield mutex_unlock(getattr(shared, two))
        yield mutex_unlock(getattr(shared, one))

    return thread


def _points_of_two_orders() -> int:
    threads = {"fill": _takes("device", "page"), "migrate": _takes("page", "device")}
    return explore(Program("two orders", threads, locks=["device", "page"])).states


def _steps_into_a_ring_of_three() -> int:
    threads = {"A": _takes("a", "b"), "B": _takes("b", "c"), "C": _takes("c", "a")}
    return explore(Program("three", threads, locks=["a", "b", "c"])).finding("deadlock").steps


def _turns_of_two_and_three() -> int:
    return explore(Program("turns", {"A": _writes(2), "B": _writes(3)}, values={"x": 0})).schedules or 0


def _schedules_that_lose() -> int:
    program = Program("adders", {"one": _adder, "two": _adder}, values={"x": 0})
    return sum(_end_of(program, order) == 1 for order in ("1122", "1212", "1221", "2112", "2121", "2211"))


def _end_of(program: Program, order: str) -> int:
    machine = program.machine()
    for who in order:
        machine.step("one" if who == "1" else "two")
    return int(machine.world.values["x"])


def _turns_of_three_adders() -> int:
    threads = dict.fromkeys(("one", "two", "three"), _adder)
    return explore(Program("adders", threads, values={"x": 0})).schedules or 0


def _references_of_an_isolated_page() -> int:
    machine = defects["M4"].case().where("linux-3.8").machine()
    while not machine.world.list_pages(machine.world.lists["migratepages"]):
        machine.step("compactor")
    return int(max(machine.world.refcounts.values()))


QUESTIONS_ON_SCHEDULES = [
    Question(
        "two orders",
        "fill takes balloon_lock, then the page's lock; migrate takes them the other way round; each gives both back. "
        "How many of the 25 points can be reached?",
        *(25, "points: the square has no more"),
        _points_of_two_orders,
        "5 points are crossed out, since one lock cannot be held twice. One more, after three steps of each, has both "
        "ways to it crossed out.",
        lambda given, truth: (
            "So many are not crossed out. Can each of them be reached? Draw the arrows, across and down."
            if given == truth + 1
            else "For each lock, which of the 25 points would have both threads hold it? "
            + ("More are crossed out than that." if given > truth else "Fewer: the middle point counts once.")
        ),
    ),
    Question(
        "ring of three",
        "A takes the locks a and b, B takes b and c, C takes c and a. After how few steps can nobody go on?",
        *(12, "steps: all three have no more than twelve"),
        _steps_into_a_ring_of_three,
        "One step each. Then everybody has the lock that its neighbour wants.",
        lambda given, truth: (
            "Fewer are enough. How many steps must each thread make until it can be made to wait?"
            if given > truth
            else "Somebody can still go on then. Who has no lock yet, or can get the second one?"
        ),
    ),
    Question(
        "turns",
        "A has 2 steps to make, B has 3. In how many orders can they take turns?",
        *(120, "orders: five steps in any order at all are 120"),
        _turns_of_two_and_three,
        "Of the 5 places in the row, choose the 2 that are A's: 5! / (2! · 3!).",
        lambda given, truth: (
            "Each keeps its own order, so AABBB is one, not many. Are some of yours the same?"
            if given > truth
            else "All of them are possible, and there are more. Begin with those that start with A, then those with B."
        ),
    ),
    Question(
        "lost",
        "Two threads read x, then write what they read plus one. In how many of the 6 schedules does x end as 1?",
        *(6, "schedules: there are no more"),
        _schedules_that_lose,
        "All but the two in which one thread is done before the other begins.",
        lambda given, truth: (
            "A good end is among them. In which does the second reader see what the first one wrote?"
            if given > truth
            else "Those are among them. It is enough that both read before anybody writes: who writes first is free."
        ),
    ),
    Question(
        "three adders",
        "Three threads of two steps each. In how many orders can they take turns?",
        *(720, "orders: six steps in any order at all are 720"),
        _turns_of_three_adders,
        "6! / (2! · 2! · 2!): fifteen times the 6 of two threads.",
        lambda given, truth: (
            "Each thread keeps the order of its own two steps. How many of the 720 are then the same?"
            if given > truth
            else "Two threads have 6. In how many ways can the two steps of a third go into a row of four?"
        ),
    ),
    Question(
        "references",
        "The balloon keeps one reference to each page of its own. How many has a page when compaction has isolated it?",
        *(10, "references"),
        _references_of_an_isolated_page,
        "Compaction holds one of its own, so that the page cannot vanish while it moves.",
        lambda given, truth: (
            "Who else than the balloon and compaction should hold one?"
            if given > truth
            else "The balloon's is one. Does whoever carries a page somewhere rely on others not to free it?"
        ),
    ),
]
