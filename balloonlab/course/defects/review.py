"""Defects of the patch that the review named or missed: what compaction and the driver do to each other in v9 to v11.

Read in the mails of 25 August to 12 November 2012 and in Linux 3.6, 3.8, 6.1 and 7.2. Step counts are the explorer's.
"""

from __future__ import annotations

from balloonlab.course.defects.defect import Defect
from balloonlab.course.defects.meets import case
from balloonlab.drivers.review_variants import BOTH_WAIT, LEAK_WAITS, LEAK_WAITS_10, MIGRATION_WAITS

_DRIVER = "drivers/virtio/virtio_balloon.c"

DEFECTS = (
    Defect(
        "V1",
        "fill_balloon returns with balloon_lock held when it got no page",
        "deadlock",
        ("v9", "v10", "v11"),
        (
            case("V1", "fill-out-of-memory", "waits for itself", {"v9": 23, "v10": 29, "v11": 23}),
            case(
                "V1",
                "resume-without-target",
                "lock held by a finished call",
                {"v9": 31, "v10": 43, "v11": 31},
                "suspend",
            ),
        ),
        "a single exit that unlocks; first seen in Linux 3.8",
        f"v9 3/5, v10 3/5, v11 5/7 (acked): {_DRIVER}",
    ),
    Defect(
        "V2",
        "stats_handle_request returns with balloon_lock held when the host has returned no buffer",
        "deadlock",
        ("v9", "v10"),
        (case("V2", "resume-and-statistics", "lock held by a finished call", {"v9": 99, "v10": 132}, "vballoon"),),
        "v11: statistics take no lock",
        f"v9 3/5, v10 3/5: {_DRIVER}",
    ),
    Defect(
        "V3",
        "leak_balloon copies num PFNs to the message, and sends num_pfns of them",
        "protocol",
        ("v9",),
        (case("V3", "leak-64k", "invariant", {"v9": 26}, "I5"),),
        "v10: PFNs are written to the driver's array directly",
        f"v9 3/5: {_DRIVER}",
    ),
    Defect(
        "V4",
        "leak_balloon compares balloon pages with guest pages",
        "accounting",
        ("v9",),
        (case("V4", "isolated-64k", "accounting", {"v9": 42}, "who goes for a page"),),
        "v10: both in balloon pages; since v11 nothing is compared",
        f"v9 3/5: {_DRIVER}",
    ),
    Defect(
        "V5",
        "leak_balloon spins on a locked page at the head of the list",
        "livelock",
        ("v9",),
        (case("V5", "one-cpu", "doom", {"v9": 43}),),
        "v10: gives up the round; v11: goes on to the next page",
        f"v9 3/5: {_DRIVER}",
    ),
    Defect(
        "V6",
        "who waits for a page is woken before its lock is given back",
        "wait design",
        ("v9", "v10"),
        (case("V6", "empty-and-compact", "wait design", {"v9": 71, "v10": 78}, "who is woken"),),
        "v11: nobody waits",
        f"v9 3/5, v10 3/5: {_DRIVER}; v10 tries again instead of spinning",
    ),
    Defect(
        "V7",
        "leak_balloon waits for all pages though it could have some",
        "starvation",
        ("v9", "v10"),
        (case("V7", "empty-two-and-compact", "starvation", {"v9": 39, "v10": 47}, "takes what is there"),),
        "v11: it takes what is there",
        f"v9 3/5, v10 3/5: {_DRIVER}",
    ),
    Defect(
        "V8",
        "a freezable thread sleeps uninterruptibly for isolated pages",
        "suspend hang",
        ("v9", "v10"),
        (case("V8", "suspend-and-compact", "suspend hang", {"v9": 39, "v10": 46}),),
        "v11: nobody waits",
        f"v9 3/5, v10 3/5: {_DRIVER}; kernel/freezer.c of Linux 3.6",
    ),
    Defect(
        "V9",
        "pages_lock is taken with interrupts on, and inside lru_lock, which interrupts take",
        "deadlock",
        ("v9", "v10"),
        (case("V9", "interrupt", "wait cycle", {"v9": 23, "v10": 17}, "its CPU"),),
        "v11: spin_lock_irqsave",
        f"v9 3/5, v10 3/5: {_DRIVER}; mm/swap.c of Linux 3.6",
    ),
    Defect(
        "V10",
        "page lock inside balloon_lock here, balloon_lock inside page lock there",
        "deadlock shape",
        (LEAK_WAITS_10.name, BOTH_WAIT.name),
        (
            case(
                *("V10", "empty-and-compact", "wait cycle", {LEAK_WAITS_10.name: 29, BOTH_WAIT.name: 41}),
                variants=(LEAK_WAITS_10, LEAK_WAITS, MIGRATION_WAITS, BOTH_WAIT),
            ),
        ),
        "never a deadlock: one side only tries; since 7.2 the balloon takes no page locks",
        "mails of 17 September 2012 on v10; the variants wait where the patch tries",
    ),
    Defect(
        "V11",
        "compaction locks a page before it looks whether it is still the balloon's",
        "BUG",
        ("v9", "v10", "v11", "linux-3.8"),
        (case("V11", "reuse-and-compact", "BUG", {"v9": 57, "v10": 74, "v11": 60, "linux-3.8": 62}, "trylock_page"),),
        "4.8: the test comes after the reference and before the lock; 7.2: the balloon takes no page locks",
        f"v9 1/5 and 3/5, mm/balloon_compaction.c and {_DRIVER} of Linux 3.8, mm/compaction.c of 6.1",
    ),
    Defect(
        "V12",
        "a warning where nothing is wrong",
        "warning",
        ("v9",),
        (case("V12", "empty-and-compact", "warning", {"v9": 28}),),
        "v10, and Linux 3.8, which says nothing",
        "v9 1/5: mm/compaction.c",
    ),
    Defect(
        "V13",
        "page->mapping holds what another owner put there",
        "wild read",
        ("v9", "v10", "v11", "linux-3.8"),
        (case("V13", "another-owner", "wild read", {"v9": 37, "v10": 45, "v11": 43, "linux-3.8": 45}),),
        "3.18: PageBalloon instead of a mapping; 3.8 looks at the page's flags first, which does not help here",
        "mails of November 2012 (a fault at 0x194 in linux-next) and August 2014",
    ),
    Defect(
        "V14",
        "page->mapping points to an object that unloading frees, and is read without a lock",
        "use after free",
        ("v9", "v10", "v11", "linux-3.8"),
        (
            case(
                "V14",
                "remove-and-compact",
                "use after free",
                {"v9": 50, "v10": 71, "v11": 55, "linux-3.8": 57},
                "mapping",
            ),
        ),
        "3.18: there is no such object any more",
        f"v9 1/5 and 3/5: {_DRIVER}, include/linux/balloon_compaction.h",
    ),
    Defect(
        "V15",
        "migration sleeps for balloon_lock under the locks of two pages",
        "latency",
        ("v9", "v10"),
        (case("V15", "fill-and-compact", "latency", {"v9": 38, "v10": 40}),),
        "v11: it tries, and gives up with EAGAIN; the two messages stay",
        f"v9 3/5, v10 3/5: {_DRIVER}",
    ),
    Defect(
        "V16",
        "fill_balloon allocates and sleeps 200 ms under balloon_lock",
        "convoy, deadlock",
        ("v9", "v10", "v11", "linux-3.8"),
        (
            case("V16", "fill-and-compact", "convoy", {"v9": 11, "v10": 13, "v11": 11, "linux-3.8": 11}),
            case("V16", "reclaim-and-compact", "deadlock", {"v9": 40, "v10": 42}, "isolated pages"),
        ),
        "v11's trylock ends the deadlock; 4.15 allocates before it takes the lock",
        f"v9 3/5 to Linux 3.8: {_DRIVER}; mm/vmscan.c of Linux 3.6",
    ),
    Defect(
        "V17",
        "statistics are collected under balloon_lock",
        "lock order",
        ("v9", "v10"),
        (case("V17", "statistics-and-hotplug", "wait cycle", {"v9": 42, "v10": 44}, "cpu_hotplug_lock"),),
        "v11: statistics take no lock",
        f"v9 3/5, v10 3/5: {_DRIVER}; all_vm_events, mm/vmstat.c of Linux 3.6",
    ),
    Defect(
        "V18",
        "leak_balloon tries the page at the head of the list, and no other",
        "fairness",
        ("v9", "v10"),
        (case("V18", "empty-two-and-compact", "fairness", {"v9": 21, "v10": 28}),),
        "v11: the core's dequeue goes on to the next page",
        f"v9 3/5, v10 3/5: {_DRIVER}",
    ),
)
