"""Defects of merged kernels, Linux 3.8 to 4.7: movable balloon pages, and the repairs of their repairs.

Read in Linux 3.6, 3.8, 3.13, 3.16, 3.19, 4.8-rc8, 6.1 and 7.2, and in the mails and commits that each entry names.
Kernels between the seven versions are retold in drivers/merged_variants.
"""

from __future__ import annotations

from balloonlab.course.defects.defect import Case, Defect
from balloonlab.drivers.merged_variants import VARIANTS

_3_13, _3_19, _4_8 = VARIANTS["linux-3.13"], VARIANTS["linux-3.19"], VARIANTS["linux-4.8"]
_LIST, _OLD_DECIDES = VARIANTS["linux-3.19 (page list)"], VARIANTS["linux-3.19 (page list, old page decides)"]
_3_18_RC_WITHOUT, _3_19_WITHOUT = VARIANTS["linux-3.18-rc-no-compaction"], VARIANTS["linux-3.19-no-compaction"]

DEFECTS = (
    Defect(
        "M1",
        "pages are freed, by vb->pfns, after balloon_lock is given back",
        "use after free",
        ("v11", "linux-3.8", "linux-3.13", "linux-3.19"),
        (
            Case(
                "deflate-and-compact-another",
                "double free",
                {"v11": 90, "linux-3.8": 90, "linux-3.13": 91, "linux-3.19": 98},
                besides={"linux-3.8": "M5", "linux-3.19": "M12"},
                variants=(_3_13, _3_19, _OLD_DECIDES, _4_8),
            ),
        ),
        'release inside balloon_lock: f68b992bbb47 "fix race by fill and leak" (4.5)',
        "Linux 3.8 and 3.19, leak_balloon; the mail of Minchan Kim, December 2015",
    ),
    Defect(
        "M2",
        "the balloon's list is walked without pages_lock",
        "list corruption",
        ("v11", "linux-3.8", "linux-3.13", "linux-3.19", _LIST.name, _OLD_DECIDES.name),
        (
            Case(
                "deflate-and-compact",
                "wild pointer",
                {
                    "v11": 29,
                    "linux-3.8": 29,
                    "linux-3.13": 29,
                    "linux-3.19": 31,
                    "linux-3.19 (page list)": 31,
                    "linux-3.19 (page list, old page decides)": 31,
                },
                text="in balloon_page_dequeue",
                besides={
                    **dict.fromkeys(("v11", "linux-3.13", "linux-3.19"), "M1"),
                    "linux-3.8": "M1, M5",
                    _LIST.name: "M12",
                },
                variants=(_3_13, _3_19, _LIST, _OLD_DECIDES, _4_8),
            ),
            Case(
                "deflate-the-last-and-compact",
                "isolated count",
                {"v11": 72, "linux-3.8": 73, "linux-3.13": 74},
                besides={
                    "v11": "M1, M2, M3",
                    "linux-3.8": "M1, M2, M3, M5",
                    "linux-3.13": "M1, M2",
                    "linux-3.19": "M1, M2, M12",
                    _LIST.name: "M2, M12",
                    _OLD_DECIDES.name: "M2",
                },
                variants=(_3_13, _3_19, _LIST, _OLD_DECIDES, _4_8),
            ),
        ),
        'pages_lock around the loop, "fix race between migration and ballooning" (4.5); what has been isolated '
        "meanwhile is passed over since 3.18",
        "Linux 3.8 and 3.19, balloon_page_dequeue; the mail of Minchan Kim, December 2015",
    ),
    Defect(
        "M3",
        "the host is sent a deflate message that names no page",
        "protocol",
        ("v11", "linux-3.8"),
        (
            Case(
                "deflate-the-last-and-compact",
                "empty message",
                {"v11": 29, "linux-3.8": 29},
                besides={
                    "v11": "M1, M2",
                    "linux-3.8": "M1, M2, M5",
                    "linux-3.13": "M1, M2",
                    "linux-3.19": "M1, M2, M12",
                },
                variants=(_3_13, _3_19),
            ),
        ),
        "the message is sent if num_pfns is not 0; seen in 3.13",
        "Linux 3.8 and 3.13, leak_balloon",
    ),
    Defect(
        "M4",
        "each balloon page migrates only once",
        "silent loss",
        ("linux-3.8", "linux-3.13"),
        (Case("compact-one", "unknown to compaction", {"linux-3.8": 61, "linux-3.13": 61}, variants=(_3_13, _3_19)),),
        "a page type of its own, PageBalloon (3.18)",
        "Linux 3.8, mm/migrate.c; the mail of Konstantin Khlebnikov, 2014 (2/7)",
    ),
    Defect(
        "M5",
        "a balloon page that did not move is put on the LRU",
        "list corruption",
        ("linux-3.8",),
        (Case("compact-without-room", "balloon page on the LRU", {"linux-3.8": 28}, variants=(_3_13, _3_19)),),
        "isolated_balloon_page asks for two references: 117aad1e9e4d (3.12)",
        "Linux 3.8, putback_movable_pages; the mail of Rafael Aquini, September 2013",
    ),
    Defect(
        "M6",
        "balloon pages are isolated only where lru_lock happens to be held",
        "missed work",
        ("linux-3.8",),
        (),
        "no test of the lock (3.18)",
        "Linux 3.8, isolate_migratepages_range; the mail of Konstantin Khlebnikov, 2014 (3/7)",
        "work that one thread leaves undone breaks nothing: DRIVER.replace(isolate_migratepages=...) in linux_3_8.py",
    ),
    Defect(
        "M7",
        "the redesign of 3.18 needs compaction to be built in: without it no page can leave the balloon",
        "livelock",
        (_3_18_RC_WITHOUT.name,),
        (Case("deflate", "doom", {_3_18_RC_WITHOUT.name: 0}, variants=(_3_18_RC_WITHOUT, _3_19_WITHOUT)),),
        "a guard around the PagePrivate test; seen in 3.19",
        "Linux 3.19, balloon_page_dequeue",
    ),
    Defect(
        "M8",
        "the OOM notifier takes a page from an empty balloon",
        "BUG",
        ("linux-3.19", _LIST.name, _OLD_DECIDES.name),
        (
            Case(
                "oom-with-a-small-balloon",
                "BUG",
                {"linux-3.19": 26, "linux-3.19 (page list)": 27, "linux-3.19 (page list, old page decides)": 27},
                variants=(_3_19, _LIST, _OLD_DECIDES, _4_8),
            ),
            Case(
                "oom-and-deflate",
                "BUG",
                {"linux-3.19": 42, "linux-3.19 (page list, old page decides)": 44},
                besides={"linux-3.19": "M1", "linux-4.8": "M23", "linux-6.1": "M23", "linux-7.2": "M23"},
                variants=(_3_19, _OLD_DECIDES, _4_8),
            ),
        ),
        "leak_balloon asks for no more than num_pages; seen in 4.8",
        "Linux 3.19, virtballoon_oom_notify and balloon_page_dequeue; 4.8-rc8",
    ),
    Defect(
        "M12",
        "whether the new page is the balloon's is asked after its unlock",
        "list corruption",
        ("linux-3.19", _LIST.name),
        (
            Case(
                "deflate-the-last-and-compact",
                "list corruption",
                {"linux-3.19": 80, "linux-3.19 (page list)": 80},
                text="is put on the LRU while it is on a list",
                besides={
                    "v11": "M1, M2, M3",
                    "linux-3.8": "M1, M2, M3, M5",
                    "linux-3.19": "M1, M2",
                    _LIST.name: "M2",
                    _OLD_DECIDES.name: "M2",
                },
                variants=(_3_19, _LIST, _OLD_DECIDES, _4_8),
            ),
        ),
        "the old page is asked, before it is unlocked (January 2019); from 4.8 on the mark outlives the balloon",
        "Linux 3.19, mm/migrate.c; the mail of David Hildenbrand, January 2019",
    ),
)
