"""Questions with a number for an answer: the model is run to know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from balloonlab.course.exercises.said import Said
from balloonlab.course.scenarios import scenario
from balloonlab.foundations.errors import pick, whole_number
from balloonlab.foundations.typed import typed_number
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PageFrames, PageState, Zone


@dataclass(frozen=True, repr=False)
class Question(Said):
    """One question. text: what is asked. truth: runs the model. why: the reason, given once somebody has answered.

    most, unit: an answer is a whole number from 0 to `most`, of these. hint: what a wrong answer is told, from (given,
    truth).
    """

    name: str
    text: str
    most: int
    unit: str
    truth: Callable[[], int]
    why: str
    hint: Callable[[int, int], str]

    def check(self, answer: float | str | None) -> str:
        """What to say to an answer (None: not answered yet). Raises BadValueError for what cannot be one.

        4, 4.0 and " 4 " are the same answer.
        """
        if answer is None:
            return "Not answered yet: put your prediction in place of None and run the cell again."
        number = typed_number(answer) if isinstance(answer, str) else answer
        whole = int(number) if isinstance(number, float) and number.is_integer() else number
        given = whole_number("your answer", answer if whole is None else whole, 0, self.most, self.unit)
        truth = self.truth()
        if given == truth:
            return f"Yes, {truth:,}. {self.why}"
        return f"Not {given:,}. {self.hint(given, truth)}"


def _messages_for_1000_pages() -> int:
    return Guest(8192).inflate(1000).messages


def _free_blocks_after_giving_back() -> int:
    frames = PageFrames(16)
    buddy = Buddy(Zone(frames))
    taken = [buddy.alloc(0) for _ in range(16)]
    for pfn in taken:
        if pfn != 5:  # noqa: PLR2004  (the page that stays in use)
            buddy.free(pfn or 0)
    return sum(buddy.block_counts())


def _guest_pages_for_100_balloon_pages() -> int:
    guest = Guest(64, page_size=65536)
    guest.machine.act("set_target", 100)
    while guest.balloon_pages < 100:  # noqa: PLR2004  (the question's number)
        guest.machine.run(1)
    return len(guest.balloon_list)


def _locks_held_while_waiting() -> int:
    machine = scenario("inflate-and-compact").machine()
    while not _holds(machine, "vballoon", "balloon_lock"):
        machine.step("vballoon")
    while "compactor" in machine.runnable():
        machine.step("compactor")
    world, compactor = machine.world, machine.names.index("compactor")
    return sum(holder == compactor for holder in (*world.lock_holders, *world.page_locks.values()))


def _unusable_of_three_pieces() -> int:
    states = np.ones(2048, np.uint8)  # in use
    states[:768] = PageState.FREE  # pageblock 0, and half of pageblock 1
    states[1024:1536:2] = PageState.FREE  # every second page of pageblock 2
    return Guest.from_states(states).metrics().unusable_free_index()


def _scattered_balloon() -> Guest:
    """A guest whose workload has gone, with 1,024 balloon pages in the holes it left: 128 in each of 8 pageblocks."""
    guest = Guest(8192)
    guest.workload("holes")
    guest.inflate(1024)
    guest.release()
    return guest


def _messages_of_compaction() -> int:
    return _scattered_balloon().compact().messages


def _huge_pages_after_compaction() -> int:
    return _scattered_balloon().compact().free_huge_pages[1]


def _holds(machine: Machine, thread: str, lock: str) -> bool:
    world = machine.world
    return world.lock_holders[world.lock_names.index(lock)] == machine.names.index(thread)


_QUESTIONS = [
    Question(
        "messages",
        "The host asks for 1,000 more balloon pages. How many inflate messages will the driver send?",
        *(8192, "messages: none carries less than one of the guest's 8,192 pages"),
        _messages_for_1000_pages,
        "The driver's array holds 256 PFNs, so 1,000 pages go in messages of 256, 256, 256 and 232.",
        lambda given, truth: (
            "Every message is an array of PFNs. Look at the messages panel: how long is a full one? "
            + ("You need fewer." if given > truth else "You need more.")
        ),
    ),
    Question(
        "blocks",
        "16 pages were all in use. All but page 5 are given back. How many free blocks are there?",
        *(16, "blocks: none is smaller than one of the 16 pages"),
        _free_blocks_after_giving_back,
        "Page 5 keeps its buddy, page 4, alone (order 0). The pair 6-7 cannot merge with 4-5 (order 1), "
        "0-3 cannot merge with 4-7 (order 2), and 8-15 stays a block of order 3.",
        lambda given, truth: (
            "A block merges only with its buddy, and only if that is wholly free. Draw pages 0 to 15 and join them. "
            + ("You have counted blocks that do merge." if given > truth else "Page 5 keeps more apart than that.")
        ),
    ),
    Question(
        "units",
        "A guest with 64 KiB pages is asked for a balloon of 100 (4 KiB) balloon pages. How many guest pages leave it?",
        *(1024, "pages: the guest has 64 of 64 KiB, which are 1,024 of 4 KiB"),
        _guest_pages_for_100_balloon_pages,
        "One guest page is 16 balloon pages, and half a page cannot be given: 7 pages make 112, the first number "
        "that is not below 100.",
        lambda given, _truth: (
            "How many 4 KiB pages are in 64 KiB? The driver gives whole guest pages and stops when it has enough."
            + (" You have counted balloon pages." if given == 100 else "")  # noqa: PLR2004
        ),
    ),
    Question(
        "held",
        "Compaction moves a balloon page and waits for balloon_lock. How many locks, of any kind, has it got?",
        *(20, "locks"),
        _locks_held_while_waiting,
        "The locks of the old page and of the new one. Both spinlocks are free again: nobody may sleep with one.",
        lambda given, truth: (
            "Step the compactor in a Lab until it waits, and count the locks that its row says it has. "
            + ("A spinlock is given back before anybody sleeps." if given > truth else "A move has two ends.")
        ),
    ),
    Question(
        "unusable",
        "Free: a block of order 9, one of order 8, 256 single pages. What is the unusable free index for order 9, in "
        "thousandths?",
        *(1000, "thousandths: half of it is 500"),
        _unusable_of_three_pieces,
        "512 + 256 + 256 = 1,024 pages are free, and 512 of them are a huge page. The other half is of no use.",
        lambda given, truth: (
            "How many pages are free, and how many of them lie in blocks of order 9 or more? "
            + ("You have called too much unusable." if given > truth else "You have called too little unusable.")
        ),
    ),
    Question(
        "compaction messages",
        "Compaction moves 672 balloon pages. How many messages does the host get?",
        *(8192, "messages: no more than the guest has pages"),
        _messages_of_compaction,
        "Two for each page: the new one is told on the inflate queue, the old one on the deflate queue. Nobody "
        "collects them into full arrays.",
        lambda given, truth: (
            "Look at the messages of a single move in the Lab: how many, and how long? "
            + ("You have counted too many." if given > truth else "A page that moves is two pages to the host.")
        ),
    ),
    Question(
        "huge pages again",
        "16 pageblocks; 8 hold 128 balloon pages each, the rest is free. How many are wholly free after compaction?",
        *(16, "pageblocks"),
        _huge_pages_after_compaction,
        "The most would be 14: the balloon needs 2 pageblocks at least. Compaction stops where its scanners meet, and "
        "leaves it in 3.",
        lambda given, truth: (
            "How few pageblocks can hold 1,024 pages? And does compaction know that it could do better? "
            + ("Compaction is not that thorough." if given > truth else "It does better than that.")
        ),
    ),
]
QUESTIONS = [question.name for question in _QUESTIONS]


def question(name: str) -> Question:
    """The question of that name; raises UnknownNameError that lists the names."""
    return _QUESTIONS[QUESTIONS.index(pick("question", name, QUESTIONS))]
