"""Defects of merged kernels, Linux 3.19 to 7.2: memory that runs out, units, and work items.

Read as those of merged.py. M23 was found by exploring the retold drivers; nobody is known to have reported it.
"""

from __future__ import annotations

from balloonlab.course.defects.defect import Case, Defect
from balloonlab.drivers.merged_variants import VARIANTS
from balloonlab.drivers.merged_variants.broken_device import LOOKS_AT_THE_ADD

_3_13, _3_19, _4_8 = VARIANTS["linux-3.13"], VARIANTS["linux-3.19"], VARIANTS["linux-4.8"]
_4_15_RC, _4_15, _4_19 = VARIANTS["linux-4.15-rc"], VARIANTS["linux-4.15"], VARIANTS["linux-4.19"]
_5_3_RC, _5_5 = VARIANTS["linux-5.3-rc"], VARIANTS["linux-5.5"]
_NO_RECLAIM = dict.fromkeys(("linux-3.6", "v9", "v10", "v11", "linux-3.8"), "its allocations do not reclaim here")
_STOPS = dict.fromkeys(("linux-3.6", "v9", "v10", "v11", "linux-3.8"), "a BUG_ON, before it could wait")

DEFECTS = (
    Defect(
        "M9",
        "the OOM notifier counts 4 KiB pages where guest pages are asked for",
        "accounting",
        ("linux-3.19", "linux-4.8", "linux-4.15"),
        (
            Case(
                "oom-with-large-pages",
                "wrong unit",
                {"linux-3.19": 321, "linux-4.8": 289, "linux-4.15": 289},
                variants=(_3_19, _4_8, _4_15),
            ),
        ),
        "divided by how many 4 KiB pages a guest page has, when the notifier came back (5.8)",
        "Linux 3.19 and 4.8, virtballoon_oom_notify; the mails of David Hildenbrand, 2020",
    ),
    Defect(
        "M10",
        "an allocation with balloon_lock held waits for who waits for balloon_lock",
        "deadlock",
        ("linux-3.19", "linux-4.8"),
        (
            Case(
                "oom-in-a-filesystem",
                "wait cycle",
                {"linux-3.19": 16, "linux-4.8": 11},
                besides={
                    **dict.fromkeys(("v9", "v10", "v11"), "V1"),
                    "linux-3.19": "M8",
                    **dict.fromkeys(("linux-4.8", "linux-4.15", "linux-6.1", "linux-7.2"), "M23"),
                },
                variants=(_3_19, _4_8, _4_15, _5_5),
            ),
        ),
        "all pages of a round are allocated before balloon_lock is taken: c7cdff0e8647 (4.15)",
        "Linux 4.8, fill_balloon; the mails of Tetsuo Handa and Michael S. Tsirkin, November 2017",
    ),
    Defect(
        "M11",
        "PFNs are written one place too far",
        "memory corruption",
        ("linux-4.15-rc",),
        (
            Case("inflate-beside-used-memory", "used page taken", {"linux-4.15-rc": 41}, variants=(_4_15_RC, _4_15)),
            Case("inflate-a-full-message", "array overrun", {"linux-4.15-rc": 259}, variants=(_4_15_RC, _4_15)),
        ),
        "num_pfns is raised after the PFNs are written (4.15)",
        "the mails of Michael Ellerman and Michael S. Tsirkin on crashing ppc64 guests, December 2017, and the patch",
    ),
    Defect(
        "M13",
        "reclaim for an inflation deflates the balloon",
        "livelock",
        ("linux-4.19", "linux-5.5"),
        (
            Case(
                "inflate-much-under-pressure",
                "doom",
                {"linux-4.19": 0, "linux-5.5": 0},
                unasked=_NO_RECLAIM,
                variants=(_4_15, _4_19, _5_5),
            ),
            Case(
                "inflate-under-pressure",
                "invariant",
                {"linux-4.19": 66, "linux-5.5": 66},
                text="the balloon holds 1 of 2",
                unasked=_NO_RECLAIM,
                variants=(_4_15, _4_19, _5_5),
            ),
        ),
        "an OOM notifier again, and a shrinker for hinted blocks only (5.8)",
        "71994620bb25; the mails of David Hildenbrand, 2020. That the last round ends short of the target was found by "
        "exploring",
    ),
    Defect(
        "M14",
        "the shrinker takes what it has freed off what is left in every turn anew",
        "accounting",
        ("linux-4.19",),
        (Case("shrink-more-than-a-message", "freed too much", {"linux-4.19": 332}, variants=(_4_19, _5_5)),),
        "what is left is what was asked for less what is freed (November 2019)",
        "71994620bb25, virtio_balloon_shrinker_scan; the patch of Michael S. Tsirkin, November 2019",
    ),
    Defect(
        "M15",
        "a zone's managed pages are not moved with a page that changes the zone",
        "accounting",
        (),
        (),
        "63341ab03706 (5.5), unless DEFLATE_ON_OOM",
        "Linux 6.1, virtballoon_migratepage; the mail of David Hildenbrand, December 2019",
        "managed pages are one number here, totalram_pages, not one a zone",
    ),
    Defect(
        "M16",
        "a page leaves the caller's list twice when it is enqueued",
        "list corruption",
        ("linux-5.3-rc",),
        (Case("inflate", "list corruption", {"linux-5.3-rc": 9}, variants=(_4_19, _5_3_RC, _5_5)),),
        "list_del only where a list of pages is enqueued (5.3)",
        "418a3ab1e778, and the mail of Wei Wang, July 2019",
    ),
    Defect(
        "M17",
        "a target between two guest pages is never met",
        "livelock",
        ("linux-3.6", "v9", "v11", "linux-3.8", "linux-3.19", "linux-4.8", "linux-5.5"),
        (
            Case(
                "inflate-half-a-page",
                "doom",
                {"linux-3.6": 0, "v9": 0, "v11": 0, "linux-3.8": 0, "linux-3.19": 0, "linux-4.8": 0, "linux-5.5": 0},
                besides={"v10": "leak_target wraps below zero, and leak_balloon never returns"},
                variants=(_3_19, _4_8, _5_5),
            ),
        ),
        "the target is rounded up to whole guest pages (6.6; in 6.1.192)",
        "Linux 3.6, towards_target; the mail of Gavin Shan, August 2023",
    ),
    Defect(
        "M18",
        "hinted pages are lost when the driver is unloaded",
        "leak",
        (),
        (),
        "they are returned in remove_common (5.6 or 5.7)",
        "the cover letter of 2020",
        "free page hinting is not modelled",
    ),
    Defect(
        "M19",
        "shutdown while work is under way",
        "hang",
        (),
        (),
        "the work is quieted before the device is reset (7.x)",
        "Linux 7.2",
        "shutdown and the reset of the device are not modelled",
    ),
    Defect(
        "M20",
        "nobody looks whether a message could be sent",
        "hang",
        ("linux-3.19", "linux-4.8", "linux-6.1", "linux-7.2"),
        (
            Case(
                "inflate-a-device-that-breaks",
                "deadlock",
                {"linux-6.1": 29, "linux-7.2": 27, "linux-3.19": 34, "linux-4.8": 30},
                besides={**_STOPS, "linux-3.13": _STOPS["linux-3.8"]},
                variants=(_3_13, _3_19, _4_8, VARIANTS[LOOKS_AT_THE_ADD]),
            ),
        ),
        "not yet: later kernels warn. The repair here sends no message and does not wait",
        "Linux 3.16 to 7.2, tell_host",
    ),
    Defect(
        "M21",
        "compact_memory of 3.8 is no full scan",
        "missed work",
        ("linux-3.8",),
        (),
        "hints are ignored since 3.16",
        "Linux 3.8, mm/compaction.c",
        "where a scan begins, and hints to skip, are not modelled",
    ),
    Defect(
        "M22",
        "nr_balloon_pages drifts",
        "accounting",
        ("linux-7.2",),
        (),
        "not yet",
        "Linux 7.2, mm/balloon.c; derived by reading, no report is known",
        "virtio's driver never returns ENOENT, and the guest has one node",
    ),
    Defect(
        "M23",
        "two threads write how much the balloon holds, and the older number stays",
        "accounting",
        ("linux-4.8", "linux-4.15", "linux-6.1", "linux-7.2"),
        (
            Case(
                "oom-and-deflate",
                "invariant",
                {"linux-6.1": 68, "linux-7.2": 60, "linux-4.8": 68, "linux-4.15": 68},
                text="actual is 1, num_pages is 0",
                besides={"linux-3.19": "M1, M8"},
                variants=(_3_19, _4_8, _4_15, VARIANTS["linux-7.2 (size under the lock)"]),
            ),
        ),
        "not yet. The repair here lets update_balloon_size read and write inside balloon_lock",
        "Linux 6.1 and 7.2, update_balloon_size, as called by the worker and by the OOM notifier; found by exploring",
    ),
)
