"""Words on the Lab's stage that are not everyday, each with one sentence: sent to the browser once, with every frame.

States of a page have theirs in the palette. A term is marked wherever it stands as a word of its own, alone or with an
"s" behind it.
"""

from __future__ import annotations

from balloonlab.memory.palette import PALETTE

_STATES = ("isolated", "isolated (workload)", "in transit", "set aside")

TERMS: dict[str, str] = {
    **{look.word: look.meaning for look in PALETTE if look.word in _STATES},
    # memory
    "PFN": "Page frame number: the number of a page of memory, counted from 0.",
    "pageblock": "512 pages (2 MiB) in a row that the kernel keeps for pages of one kind.",
    "free 2 MiB block": "512 free pages in a row, aligned, from which a huge page can be had.",
    "reference": "Who uses the page; it is free when the last one lets go.",
    "page->mapping": "A field of the page that says whose it is; the balloon's mark stands there.",
    "page->private": "A field of the page that its owner may use; here it points to the balloon.",
    "movable_ops": "The functions by which the page's owner lets compaction move it.",
    "PG_locked": "The page's flag that it is locked.",
    "PG_lru": "The page's flag that it is on the lists of pages that a workload uses.",
    "PG_isolated": "The page's flag that compaction took it off its list, to move it.",
    "PG_private": "The page's flag that says, of a balloon page, that it is on the balloon's list.",
    "PageBalloon": "The page's type: it is the balloon's.",
    "PageOffline": "The page's type: what is in it is not to be touched.",
    "scanner": "Compaction's search: m from the start of memory for pages to move, f from its end for free pages.",
    "migratepages": "The list of pages that compaction took off other lists, to move them.",
    # the driver
    "believed": "What the host was told by messages: it cannot look at the guest's lists.",
    "round": "What the driver does for one message: up to 256 pages.",
    "batch": "Pages that compaction isolates and moves together, about 32.",
    "statistics": "Figures about the guest's memory that the host may ask for.",
    "acked": "The host has answered; the driver sleeps on a wait queue of that name till then.",
    "in flight": "The host was told of the message and has not read it yet.",
    "config_change": "The wait queue on which the driver sleeps until the host wants another size.",
    "should_stop": "1 once the driver's thread is asked to end.",
    "need_stats_update": "1 while the host waits for new figures about the guest's memory.",
    "num_pages": "How many pages of 4 KiB the driver counts in the balloon.",
    "num_pfns": "How many page numbers the message being filled has.",
    "num_isolated_pages": "How many of the balloon's pages compaction holds, by the driver's count.",
    "totalram_pages": "How many pages the guest counts as its memory; ballooned ones are taken off it.",
    # a driver that comes and goes: while each is not 0
    "vb_memory": "struct virtio_balloon is allocated: the driver is loaded.",
    "vb_devinfo": "struct balloon_dev_info is allocated: the list of pages and its lock.",
    "vb_mapping": "The object that page->mapping of the balloon's pages points to is allocated.",
    "vqs": "The device's queues are found.",
    "vb_thread": "The driver's thread is there: 1 made, 2 running.",
    "device_status": "How far the device knows its driver to be: 1 nobody, 2 a driver, 4 it is ready, 128 it failed.",
    "core_request": "What the driver core has been asked for and has not done yet.",
    # time and choice
    "pin": "Keep a page in view, or a thread's code, whatever happens elsewhere.",
    "preemption": "A switch to another thread while the one that runs could go on.",
}
