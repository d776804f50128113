"""Questions on compaction: what it moves, what it tells the host, and what it wins."""

from __future__ import annotations

import numpy as np

from balloonlab.course.exercises.question import Question
from balloonlab.course.scenarios import scenario
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.memory.zone import PAGEBLOCK_PAGES, PageState


def _locks_held_at_most() -> int:
    free, balloon = PageState.FREE, PageState.BALLOON
    guest = Guest.from_states([free, free, free, balloon], candidates=(3,))
    guest.machine.act("compact")
    most, world = 0, guest.world
    while guest.machine.runnable():
        guest.machine.run(1)
        most = max(most, sum(holder >= 0 for holder in world.lock_holders) + len(world.page_locks))
    return most


def _believed_at_most() -> int:
    states = np.zeros(4 * PAGEBLOCK_PAGES, np.uint8)
    states[[3, 5, 100]] = PageState.BALLOON
    states[3 * PAGEBLOCK_PAGES + 8 :] = PageState.MOVABLE
    guest = Guest.from_states(states)
    guest.machine.act("compact")
    most = 0
    while guest.machine.runnable():
        guest.machine.run(1)
        most = max(most, int(guest.host.believed.sum()))
    return most


def _scattered_balloon() -> Guest:
    """A guest whose workload has gone, with 1,024 balloon pages in the holes it left: 128 in each of 8 pageblocks."""
    guest = Guest(8192, engine="arrays")
    guest.workload("holes")
    guest.inflate(1024)
    guest.release()
    return guest


def _messages_of_compaction() -> int:
    return _scattered_balloon().compact().messages


def _messages_for_one_pageblock() -> int:
    states = np.full(8 * PAGEBLOCK_PAGES, PageState.MOVABLE, np.uint8)
    states[::4] = PageState.FREE
    states[1:PAGEBLOCK_PAGES:4] = PageState.BALLOON
    return Guest.from_states(states, "linux-6.1").compact().messages


def _huge_pages_after_compaction() -> int:
    return _scattered_balloon().compact().free_huge_pages[1]


def _tries_of_linux_6_1() -> int:
    machine = scenario("inflate-and-compact", driver="linux-6.1").machine()
    while not _is_held(machine, "balloon_lock"):
        machine.step(machine.names[0])
    start = machine.position
    while "compactor" in machine.runnable():
        machine.step("compactor")
    texts = (machine.timeline.text(step, machine.names) for step in range(start, machine.position))
    return sum("mutex_trylock(balloon_lock) = 0" in text for text in texts)


def _is_held(machine: Machine, lock: str) -> bool:
    return machine.world.lock_holders[machine.world.lock_names.index(lock)] >= 0


QUESTIONS_ON_MOVES = [
    Question(
        "most locks",
        "The compactor of v9 moves one balloon page. How many locks, of any kind, does it have at once, at the most?",
        *(20, "locks"),
        _locks_held_at_most,
        "The locks of the old page and of the new one, balloon_lock, and for a moment pages_lock. The first three it "
        "keeps while the host is told, twice, and it sleeps.",
        lambda given, truth: (
            "Step on in the Lab, to where the new page enters the balloon's list, and count what the row of compactor "
            "says it has. "
            + (
                "You have counted one that is given back before."
                if given > truth
                else "So many at some step, and more at another."
            )
        ),
    ),
    Question(
        "both counted",
        "Three pages are in the balloon, and compaction moves all three. What is the most that the host believes to be "
        "in it at any moment?",
        *(100, "balloon pages"),
        _believed_at_most,
        "One too many, for a short time, since the new page is told before the old one, and pages move one by one.",
        lambda given, truth: (
            "Each moved page is counted twice for a while, but do all of them move at the same time?"
            if given > truth
            else "It begins and ends with three. Which message of a move comes first? The Lab below shows it."
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
        "price of a huge page",
        "A pageblock of 512 pages: a quarter is the balloon's, a quarter is free, half is in use. Compaction empties "
        "it. How many messages does the host get?",
        *(1024, "messages: two for each page, if all 512 were the balloon's"),
        _messages_for_one_pageblock,
        "Its 128 balloon pages cost two messages each; what is free or in use costs none. For any share b of the "
        "balloon's that is 2 * 512 * b = 1024 * b.",
        lambda given, _truth: {
            128: "You have the right pages. But a page that moves is two pages to the host: one comes, one goes.",
            768: "Two for each page that moves is right. But does the host hear of pages that are in use?",
            384: "That many pages move. But the host hears only of the balloon's, and twice of each.",
        }.get(given, "Which of the 512 pages does the host hear of when they move, and how often of each?"),
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
    Question(
        "tries",
        "Somebody has balloon_lock and keeps it. How often does the compactor of Linux 6.1 try to move a page before "
        "it puts it back?",
        *(1000, "tries"),
        _tries_of_linux_6_1,
        "Ten rounds over the list, one after the other, and the page goes back where it was.",
        lambda given, truth: (
            "It does try, and it does give up. Count the lines with mutex_trylock(balloon_lock) in the Lab of Linux "
            "6.1 below: " + ("there are fewer." if given > truth else "there are more.")
        ),
    ),
]
