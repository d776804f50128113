"""Questions with a number for an answer: the model is run to know it."""

from __future__ import annotations

from balloonlab.course.exercises.on_fragments import QUESTIONS_ON_FRAGMENTS
from balloonlab.course.exercises.on_moves import QUESTIONS_ON_MOVES
from balloonlab.course.exercises.on_schedules import QUESTIONS_ON_SCHEDULES
from balloonlab.course.exercises.question import Question
from balloonlab.course.scenarios import scenario
from balloonlab.foundations.errors import pick
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.memory.buddy import Buddy
from balloonlab.memory.zone import PageFrames, Zone


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
            {1: "One request, right. ", 3: "Three full ones, right. And the pages that are left? "}.get(given, "")
            + "Every message is an array of PFNs. Inflate in a Lab and open its messages: how long is a full one? "
            + ("Fewer carry all of them." if given > truth else "So few cannot carry them.")
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
            {2: "Page 5 parts what is below it from what is above, right. ", 15: "15 pages are free, right. "}.get(
                given, ""
            )
            + "A block merges only with its buddy, and only if that is wholly free. Draw pages 0 to 15 and join them. "
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
            {6: "16 balloon pages in a guest page, right, and 6 make 96. ", 100: "So many balloon pages, right. "}.get(
                given, ""
            )
            + "How many 4 KiB pages are in 64 KiB? The driver gives whole guest pages and stops when it has enough."
        ),
    ),
    Question(
        "held",
        "Compaction moves a balloon page and waits for balloon_lock. How many locks, of any kind, has it got?",
        *(20, "locks"),
        _locks_held_while_waiting,
        "The locks of the old page and of the new one. Both spinlocks are free again: nobody may sleep with one.",
        lambda given, truth: (
            {1: "The old page's lock, right. ", 3: "Both page locks, right. "}.get(given, "")
            + "Step the compactor in a Lab until it waits, and count the locks that its row says it has. "
            + ("A spinlock is given back before anybody sleeps." if given > truth else "A move has two ends.")
        ),
    ),
    *QUESTIONS_ON_FRAGMENTS,
    *QUESTIONS_ON_MOVES,
    *QUESTIONS_ON_SCHEDULES,
]
QUESTIONS = [question.name for question in _QUESTIONS]


def question(name: str) -> Question:
    """The question of that name; raises UnknownNameError that lists the names."""
    return _QUESTIONS[QUESTIONS.index(pick("question", name, QUESTIONS))]
