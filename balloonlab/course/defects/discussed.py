"""What was suspected and is none, what the replacements brought, and what threads and pages cannot show."""

from __future__ import annotations

from balloonlab.course.defects.defect import Defect
from balloonlab.course.defects.meets import case
from balloonlab.drivers.review_variants import NO_BALLOON_LOCK, NO_PAGE_LOCK, SAMPLED_ONCE

_DRIVER = "drivers/virtio/virtio_balloon.c"
_NEVER = "nothing to fix"


def _untold(name: str, title: str, kind: str, versions: tuple[str, ...], fixed_by: str, why: str) -> Defect:
    return Defect(name, title, kind, versions, (), fixed_by, "review and mails of August to November 2012", why)


DEFECTS = (
    Defect(
        "S1",
        "num_pages - num_isolated_pages of two moments, below zero?",
        "suspicion",
        (),
        (case("S1", "empty-two-and-compact", "BUG", {}, "num_pages < num_isolated_pages"),),
        "v10: plain numbers under pages_lock. v9's difference is never below zero, as nobody else changes num_pages",
        "review of 26 August 2012",
    ),
    _untold(
        *("S2", "a condition written twice, once with < and once with <=", "clarity", ("v9",), "v10"),
        "they differ for one value, which costs a moment without pages_lock and nothing else",
    ),
    _untold(
        *("S3", "an array of 1 KiB on the kernel's stack", "resource", ("v9",), "v10: the driver's own array"),
        "stacks are not modelled; why v9 does not write to the driver's array is N8",
    ),
    Defect(
        "S4",
        "alloc_balloon_mapping has no counterpart that frees; a kfree does it, and nothing leaks",
        "clarity",
        (),
        (case("S4", "probe-when-something-fails", "left behind", {}),),
        "v10: free_balloon_mapping, a kfree by another name (and with it R5)",
        f"review of 26 August 2012; v9 3/5, v10 1/5 and 3/5: {_DRIVER}",
    ),
    _untold(*("S5", "wording of comments", "clarity", ("v9",), "v10"), "comments do not run"),
    _untold(
        "S6",
        "two messages and two sleeps for each migrated page",
        "performance",
        ("v9", "v10", "v11", "linux-3.8", "linux-6.1", "linux-7.2"),
        "never",
        "it is a number, and right: messages = 2 * migrated pages",
    ),
    _untold(
        *("S7", "RCU's readers without its synchronisation", "suspicion", ("v9",), "v10 drops them, 3.18 the object"),
        "its one concrete case is V14",
    ),
    _untold(
        *("V19", "it does not build without the option", "build", ("v9",), "v12"),
        "there is nothing to build here. What such a kernel runs is v9-no-compaction, where nobody follows the pointer",
    ),
    Defect(
        "N1",
        "leak_target below zero: not in v9, but in v10, where it is a size_t and wraps",
        "accounting",
        ("v10",),
        (
            case("N1", "half-a-page-64k", "BUG", {"v10": 44}, "leak_target"),
            case("N1", "leak-64k", "deadlock", {"v10": 50}),
        ),
        "v11: there is no such number",
        f"v9 3/5, v10 3/5: {_DRIVER}",
    ),
    Defect(
        "N2",
        "a lost wake-up: no, both ways in which a page comes back wake, and the condition is tested again",
        "suspicion",
        (),
        (case("N2", "empty-and-compact", "deadlock", {}, "config_change"),),
        _NEVER,
        f"v9 3/5: {_DRIVER}",
    ),
    Defect(
        "N3",
        "compaction in a driver that is gone: no, unloading waits until num_pages is 0, and isolated pages count",
        "suspicion",
        (),
        (case("N3", "remove-and-compact", "use after free", {}, "nobody is in a driver"),),
        _NEVER,
        "mails on v9 and v10",
    ),
    Defect(
        "N4",
        "totalram_pages gets wrong: no, only the driver's thread and unloading change it, migration does not",
        "suspicion",
        (),
        (case("N4", "fill-and-compact", "accounting", {}),),
        _NEVER,
        f"v9 3/5: {_DRIVER}",
    ),
    Defect(
        "N5",
        "a page is on the list before the host has heard of it, and could leave: no, both locks are held",
        "suspicion",
        (),
        (case("N5", "empty-and-compact", "protocol", {}, variants=(NO_PAGE_LOCK,)),),
        "nothing to fix; 7.2 puts the page on the list after both messages. Without the page's lock balloon_lock still "
        "keeps the order, but compaction isolates pages that have left",
        f"v9 3/5: {_DRIVER}; mm/balloon.c of Linux 7.2",
    ),
    Defect(
        "N6",
        "leak_balloon is asked for more than there is: not by the driver's own thread",
        "suspicion",
        (),
        (case("N6", "deflate-as-asked", "BUG", {}),),
        "nothing to fix; it becomes M8 and M14 once others call it",
        f"v9 3/5: {_DRIVER}",
    ),
    Defect(
        "N7",
        "a page is freed before the host has heard: no, every version waits for the acknowledgement (but see V3)",
        "suspicion",
        (),
        (case("N7", "deflate", "invariant", {}, "I5"), case("N7", "deflate-promised", "invariant", {}, "told first")),
        _NEVER,
        f"{_DRIVER} of every version",
    ),
    Defect(
        "N8",
        "a message is overwritten on its way: not while balloon_lock is held from the first PFN to the answer",
        "message overwritten",
        (NO_BALLOON_LOCK.name,),
        (
            case(
                "N8",
                "message-on-its-way",
                "message overwritten",
                {NO_BALLOON_LOCK.name: 62},
                variants=(NO_BALLOON_LOCK,),
            ),
        ),
        "nothing to fix in the versions; the variant deflates without that lock",
        f"tell_host in {_DRIVER} of every version: a buffer is a pointer to vb->pfns until the host has read it",
    ),
    Defect(
        "R1",
        "a wait on copies of the counters never hears that they have changed",
        "lost condition",
        (SAMPLED_ONCE.name,),
        (
            case(
                "R1",
                "empty-and-compact",
                "deadlock",
                {SAMPLED_ONCE.name: 76},
                "config_change",
                variants=(SAMPLED_ONCE,),
            ),
        ),
        "it was proposed and not merged; v10 leaks inside the condition",
        "mail of 28 August 2012",
    ),
    Defect(
        "R2",
        "the condition of a wait sleeps itself: then the wait does not",
        "wait design",
        ("v10",),
        (case("R2", "empty-and-compact", "wait design", {"v10": 50}, "a condition does not sleep"),),
        "v11: nobody waits",
        f"v10 3/5: {_DRIVER}",
    ),
    _untold(
        *("R3", "config space is read under a spinlock", "atomic sleep", ("v10",), "v11"),
        "config access that sleeps is not modelled",
    ),
    Defect(
        "R4",
        "who empties the balloon never waits for isolated pages, and on one CPU nobody else may get to run",
        "livelock",
        ("v11", "linux-3.8", "linux-6.1", "linux-7.2"),
        (
            case(
                "R4",
                "remove-on-one-cpu",
                "starvation",
                {"v11": 38, "linux-3.8": 37, "linux-6.1": 30, "linux-7.2": 30},
                "remover",
            ),
        ),
        "never. Up to 3.12 an empty message makes it sleep, unless the host is quick; since then nothing does",
        f"{_DRIVER} of Linux 3.8, 6.1 and 7.2",
    ),
    Defect(
        "R5",
        "one label for two steps: without memory for the mapping, probe frees the error that it got for a pointer",
        "error path",
        ("v10",),
        (case("R5", "probe-when-something-fails", "wild pointer", {"v10": 15}, "-12 is freed for vb_mapping"),),
        "v11: a label for each step again",
        f"v10 1/5 (alloc_balloon_mapping answers an error) and 3/5 (out_free_vb): {_DRIVER}",
    ),
)
