"""Each line that the patch adds or removes: what it says in a few words, and where its like runs here, or why nowhere.

A row is for one line or several together. Numbers count in the patched file for added lines, in the file before the
patch (that of Linux 3.6) for removed ones. `begins` is how the retold line begins, in that routine of v9, or of
linux-3.6 for a removed one. Where nothing runs, there is a sentence instead.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """Lines first to last. routine, begins: the retold line; both "" where `why` says why there is none.

    driver: whose routine it is, if not v9's or linux-3.6's.
    """

    first: int
    last: int
    words: str
    routine: str = ""
    begins: str = ""
    why: str = ""
    driver: str = ""


def _no(first: int, last: int, words: str, why: str) -> Row:
    return Row(first, last, words, why=why)


_COMMENT = "a comment: nothing runs"
_EMPTY = "an empty line"
_BRACE = "a brace: indentation says it here"
_LOCAL = "declares a local variable: none needs that here"
_OPTION = "decides what is compiled: v9 has the option, v9-no-compaction not"
_PARAMETER = "finds the device by page->mapping: here it is a parameter"
_DEVICE = "no page without a device can come here: the device is a parameter"
_MEMBER = "a member of the structure, as it is here: what uses it runs"
_MEMBER_OF_3_6 = "a member of the structure, as it is in linux-3.6: what uses it runs"

_ISOLATE, _MIGRATE, _PUTBACK = "virtballoon_isolatepage", "virtballoon_migratepage", "virtballoon_putbackpage"
_WAIT, _PROBE = "wait_on_isolated_pages", "virtballoon_probe"

_EMPTY_LINES = (
    "54 57 63 66 69 143 163 199 235 248 260 291 294 476 478 484 508 510 512 522 528 531 534 553 555 563 569 585 599 628"
)
_BRACES = "195 198 210 230 231 281 474 483 506 533 551 561 597"

ADDED = (
    _no(30, 30, "include balloon_compaction.h", "a header of patch 1/5: here balloon_compaction.py is imported"),
    _no(31, 31, "include atomic.h", "a header: here the primitives are imported"),
    _no(39, 39, "define ARRAY_PFNS_MAX, 256", "a constant: ARRAY_PFNS_MAX here, which fill_balloon and others use"),
    _no(52, 52, "comment: page->mapping", _COMMENT),
    _no(53, 53, "member mapping", "a member of the structure: here pages bear a mark, and the object is vb_mapping"),
    _no(55, 55, "comment: synchronizes access", _COMMENT),
    _no(56, 56, "member balloon_lock, a mutex", _MEMBER),
    _no(61, 61, "comment: pages isolated", _COMMENT),
    _no(62, 62, "member num_isolated_pages, atomic", _MEMBER),
    _no(65, 65, "member num_pages, now atomic", _MEMBER),
    _no(67, 67, "comment: list and counters", _COMMENT),
    _no(68, 68, "member pages_lock, a spinlock", _MEMBER),
    _no(79, 79, "member pfns, of ARRAY_PFNS_MAX", _MEMBER),
    # fill_balloon
    _no(141, 141, "comment: the mask", _COMMENT),
    Row(
        142, 142, "mask of the allocation, from the mapping", "fill_balloon", "page = yield alloc_page(vb.migratetype)"
    ),
    Row(147, 147, "lock balloon_lock", "fill_balloon", "yield mutex_lock(vb.balloon_lock)"),
    Row(150, 151, "alloc_page with that mask", "fill_balloon", "page = yield alloc_page(vb.migratetype)"),
    Row(164, 164, "BUG_ON if the page is locked", "fill_balloon", "yield bug_on(not locked"),
    Row(165, 165, "lock pages_lock", "fill_balloon", "yield spin_lock(vb.pages_lock)"),
    Row(167, 167, "assign the mapping", "fill_balloon", "yield assign_balloon_mapping(page)"),
    Row(168, 168, "add to num_pages", "fill_balloon", "yield atomic_add(vb.pages_per_page, vb.num_pages)"),
    Row(169, 169, "unlock pages_lock", "fill_balloon", "yield spin_unlock(vb.pages_lock)"),
    Row(170, 170, "unlock the page", "fill_balloon", "yield unlock_page(page)"),
    Row(178, 178, "unlock balloon_lock", "fill_balloon", "yield mutex_unlock(vb.balloon_lock)"),
    # the length of the list
    _no(192, 192, "ifdef CONFIG_BALLOON_COMPACTION", _OPTION),
    _no(193, 193, "comment: a helper", _COMMENT),
    Row(194, 194, "head of __pages_at_balloon_list", "pages_at_balloon_list", "def pages_at_balloon_list("),
    Row(196, 196, "read num_pages, minus", "pages_at_balloon_list", "num_pages = yield atomic_read(vb.num_pages)"),
    Row(197, 197, "read num_isolated_pages", "pages_at_balloon_list", "return num_pages - (yield atomic_read("),
    # the wait
    _no(200, 207, "comment: who calls it, with which lock", _COMMENT),
    Row(208, 209, "head of __wait_on_isolated_pages", _WAIT, "def wait_on_isolated_pages("),
    _no(211, 215, "comment: no need to wait", _COMMENT),
    Row(216, 216, "if nothing is isolated, or", _WAIT, "if (yield atomic_read(vb.num_isolated_pages)) == 0:"),
    Row(217, 217, "less is asked for than is listed", _WAIT, "if leak_target < size_t("),
    Row(218, 218, "return", _WAIT, "return"),
    _no(219, 219, "else", "the retold routine has returned by then"),
    _no(220, 224, "comment: wait for migration", _COMMENT),
    Row(225, 225, "unlock pages_lock", _WAIT, "yield spin_unlock(vb.pages_lock)"),
    Row(226, 226, "wait_event on config_change", _WAIT, "yield from wait_event(vb.config_change, enough_came_back)"),
    Row(227, 227, "until nothing is isolated, or", _WAIT, "if (yield atomic_read(vb.num_isolated_pages)) == 0:"),
    Row(228, 228, "no more is asked for than is listed", _WAIT, "return leak_target <= size_t("),
    Row(229, 229, "lock pages_lock again", _WAIT, "yield spin_lock(vb.pages_lock)"),
    _no(232, 232, "else of the option", _OPTION),
    Row(233, 233, "define the wait as nothing", _WAIT, "return", driver="v9-no-compaction"),
    _no(234, 234, "endif", _OPTION),
    # leak_balloon
    _no(238, 238, "declare i", "a loop's counter: copy_pfns copies all at once"),
    _no(239, 239, "comment: the array", _COMMENT),
    Row(240, 240, "the array on the stack", "leak_balloon", "pfns: tuple[int, ...] = ()"),
    Row(241, 241, "num_pfns of its own, 0", "leak_balloon", "pfns: tuple[int, ...] = ()"),
    Row(244, 244, "leak_target and num, 256 at most", "leak_balloon", "num = leak_target = min(num, ARRAY_PFNS_MAX)"),
    Row(246, 246, "while there are too few", "leak_balloon", "while len(pfns) < num:"),
    Row(247, 247, "no page yet", "leak_balloon", "page = yield list_first(vb.pages)"),
    Row(249, 249, "lock pages_lock", "leak_balloon", "yield spin_lock(vb.pages_lock)"),
    _no(250, 258, "comment: fewer pages than wanted", _COMMENT),
    Row(259, 259, "wait on isolated pages", "leak_balloon", "yield from vb.driver.wait_on_isolated_pages(vb"),
    Row(261, 262, "the first page, if the list has one", "leak_balloon", "page = yield list_first(vb.pages)"),
    _no(263, 270, "comment: why the page's lock", _COMMENT),
    Row(
        271, 271, "if there is one, and its lock is free", "leak_balloon", "if page is not None and (yield trylock_page"
    ),
    Row(272, 272, "clear the mapping", "leak_balloon", "yield clear_balloon_mapping(page)"),
    Row(273, 273, "off the list", "leak_balloon", "yield list_del(page)"),
    Row(274, 274, "its numbers into the own array", "leak_balloon", "pfns += tuple(range(first"),
    Row(275, 276, "take off num_pages", "leak_balloon", "yield atomic_sub(vb.pages_per_page, vb.num_pages)"),
    Row(277, 277, "add to the own num_pfns", "leak_balloon", "pfns += tuple(range(first"),
    Row(278, 278, "unlock the page", "leak_balloon", "yield unlock_page(page)"),
    _no(279, 279, "comment: compensates", _COMMENT),
    Row(280, 280, "one off leak_target", "leak_balloon", "leak_target -= 1"),
    Row(282, 282, "unlock pages_lock", "leak_balloon", "yield spin_unlock(vb.pages_lock)"),
    Row(290, 290, "lock balloon_lock", "leak_balloon", "yield mutex_lock(vb.balloon_lock)"),
    Row(292, 293, "copy the own array to the device's", "leak_balloon", "yield copy_pfns(pfns[:num])"),
    Row(295, 295, "the device's num_pfns", "leak_balloon", "yield write(vb.num_pfns, len(pfns))"),
    Row(297, 297, "free by the own array", "leak_balloon", "yield from vb.driver.release_pages_by_pfn(vb, pfns)"),
    Row(298, 298, "unlock balloon_lock", "leak_balloon", "yield mutex_unlock(vb.balloon_lock)"),
    # statistics, target, size
    Row(354, 354, "lock balloon_lock", "stats_handle_request", "yield mutex_lock(vb.balloon_lock)"),
    Row(365, 365, "unlock balloon_lock", "stats_handle_request", "yield mutex_unlock(vb.balloon_lock)"),
    Row(
        384,
        384,
        "target minus num_pages, atomic",
        "towards_target",
        "return s64(target - (yield atomic_read(",
    ),
    Row(389, 389, "actual from num_pages, atomic", "update_balloon_size", "actual = yield atomic_read(vb.num_pages)"),
    # the three callbacks
    _no(456, 456, "ifdef CONFIG_BALLOON_COMPACTION", _OPTION),
    _no(457, 472, "comment: isolating", _COMMENT),
    Row(473, 473, "head of the isolation", _ISOLATE, "def virtballoon_isolatepage("),
    _no(475, 475, "vb of the page", _PARAMETER),
    _no(477, 477, "BUG_ON without a device", _DEVICE),
    Row(479, 479, "lock pages_lock", _ISOLATE, "yield spin_lock(vb.pages_lock)"),
    Row(480, 480, "off the list", _ISOLATE, "yield list_del(page)"),
    Row(481, 481, "one more is isolated", _ISOLATE, "yield atomic_inc(vb.num_isolated_pages)"),
    Row(482, 482, "unlock pages_lock", _ISOLATE, "yield spin_unlock(vb.pages_lock)"),
    _no(485, 503, "comment: migrating", _COMMENT),
    Row(504, 505, "head of the migration", _MIGRATE, "def virtballoon_migratepage("),
    _no(507, 507, "vb of the page", _PARAMETER),
    _no(509, 509, "BUG_ON without a device", _DEVICE),
    Row(511, 511, "lock balloon_lock", _MIGRATE, "yield mutex_lock(vb.balloon_lock)"),
    _no(513, 513, "comment: first step", _COMMENT),
    Row(514, 514, "num_pfns of one page", _MIGRATE, "yield write(vb.num_pfns, vb.pages_per_page)"),
    Row(515, 515, "lock pages_lock", _MIGRATE, "yield spin_lock(vb.pages_lock)"),
    Row(516, 516, "newpage on the list", _MIGRATE, "yield list_add(newpage, vb.pages)"),
    Row(517, 517, "newpage gets the mapping", _MIGRATE, "yield assign_balloon_mapping(newpage)"),
    Row(518, 518, "one fewer is isolated", _MIGRATE, "yield atomic_dec(vb.num_isolated_pages)"),
    Row(519, 519, "unlock pages_lock", _MIGRATE, "yield spin_unlock(vb.pages_lock)"),
    Row(520, 520, "numbers of newpage", _MIGRATE, "yield set_page_pfns(0, newpage)"),
    Row(521, 521, "tell the host: inflated", _MIGRATE, "yield from vb.driver.tell_host(vb, vb.inflate_vq)"),
    _no(523, 523, "comment: second step", _COMMENT),
    Row(524, 524, "num_pfns of one page, again", _MIGRATE, "yield write(vb.num_pfns, vb.pages_per_page)"),
    Row(525, 525, "clear the old page's mapping", _MIGRATE, "yield clear_balloon_mapping(page)"),
    Row(526, 526, "numbers of the old page", _MIGRATE, "yield set_page_pfns(0, page)"),
    Row(527, 527, "tell the host: deflated", _MIGRATE, "yield from vb.driver.tell_host(vb, vb.deflate_vq)"),
    Row(529, 529, "unlock balloon_lock", _MIGRATE, "yield mutex_unlock(vb.balloon_lock)"),
    Row(530, 530, "wake who waits for pages", _MIGRATE, "yield wake_up(vb.config_change)"),
    Row(532, 532, "the value that says: a balloon page", _MIGRATE, "return BALLOON_MIGRATION_RETURN"),
    _no(535, 549, "comment: putting back", _COMMENT),
    Row(550, 550, "head of the return", _PUTBACK, "def virtballoon_putbackpage("),
    _no(552, 552, "vb of the page", _PARAMETER),
    _no(554, 554, "BUG_ON without a device", _DEVICE),
    Row(556, 556, "lock pages_lock", _PUTBACK, "yield spin_lock(vb.pages_lock)"),
    Row(557, 557, "back on the list", _PUTBACK, "yield list_add(page, vb.pages)"),
    Row(558, 558, "one fewer is isolated", _PUTBACK, "yield atomic_dec(vb.num_isolated_pages)"),
    Row(559, 559, "unlock pages_lock", _PUTBACK, "yield spin_unlock(vb.pages_lock)"),
    Row(560, 560, "wake who waits for pages", _PUTBACK, "yield wake_up(vb.config_change)"),
    _no(562, 562, "endif", _OPTION),
    _no(564, 564, "comment: the callbacks", _COMMENT),
    _no(565, 568, "the table of callbacks", "compaction calls them by name here: they are routines of the driver"),
    # probe and remove
    _no(573, 573, "declare vb_mapping", _LOCAL),
    Row(583, 583, "init balloon_lock", _PROBE, "yield mutex_init(vb.balloon_lock)"),
    Row(584, 584, "init pages_lock", _PROBE, "yield spin_lock_init(vb.pages_lock)"),
    Row(586, 586, "num_pages is 0", _PROBE, "yield atomic_set(vb.num_pages, 0)"),
    Row(587, 587, "num_isolated_pages is 0", _PROBE, "yield atomic_set(vb.num_isolated_pages, 0)"),
    Row(593, 593, "alloc_balloon_mapping", _PROBE, "vb_mapping = yield from vb.driver.alloc_balloon_mapping(vb)"),
    Row(594, 594, "if there is none", _PROBE, "if vb_mapping:"),
    Row(595, 595, "the error is -ENOMEM", _PROBE, "err = -errno.ENOMEM"),
    Row(596, 596, "jump to the label that frees vb", _PROBE, "yield from kfree(vb.vb_memory)"),
    _no(598, 598, "keep it in the device", "the device's vb_mapping says that there is one as soon as it is allocated"),
    Row(602, 602, "without queues: to the new label", _PROBE, "yield from kfree(vb.vb_mapping, vb_mapping)"),
    Row(614, 615, "label, and kfree of the mapping", _PROBE, "yield from kfree(vb.vb_mapping, vb_mapping)"),
    _no(624, 624, "declare num_pages", _LOCAL),
    Row(626, 626, "while there are pages, atomic", "remove_common", "while (num_pages := size_t("),
    Row(627, 627, "leak so many", "remove_common", "yield from vb.driver.leak_balloon(vb, num_pages)"),
    Row(643, 643, "kfree of the mapping", "virtballoon_remove", "yield from kfree(vb.vb_mapping)"),
    *(_no(int(number), int(number), "", _EMPTY) for number in _EMPTY_LINES.split()),
    *(_no(int(number), int(number), "brace", _BRACE) for number in _BRACES.split()),
)

REMOVED = (
    _no(53, 53, "member num_pages, unsigned int", _MEMBER_OF_3_6),
    _no(63, 63, "member pfns, of 256", _MEMBER_OF_3_6),
    Row(130, 131, "alloc_page, GFP_HIGHUSER", "fill_balloon", "page = yield alloc_page(vb.migratetype)"),
    Row(142, 142, "add to num_pages", "fill_balloon", "yield add(vb.num_pages, vb.pages_per_page)"),
    _no(167, 167, "declare page", _LOCAL),
    Row(170, 170, "num, 256 at most", "leak_balloon", "num = min(num, ARRAY_PFNS_MAX)"),
    Row(172, 172, "for num_pfns from 0 to num", "leak_balloon", "yield write(vb.num_pfns, 0)"),
    Row(173, 173, "add to num_pfns", "leak_balloon", "yield add(vb.num_pfns, vb.pages_per_page)"),
    Row(174, 174, "the first page", "leak_balloon", "page = yield list_first(vb.pages)"),
    Row(175, 175, "off the list", "leak_balloon", "yield list_del(page)"),
    Row(176, 176, "its numbers into the array", "leak_balloon", "yield set_page_pfns("),
    Row(177, 177, "take off num_pages", "leak_balloon", "yield add(vb.num_pages, -vb.pages_per_page)"),
    Row(186, 186, "free by the array", "leak_balloon", "yield from vb.driver.release_pages_by_pfn("),
    Row(270, 270, "target minus num_pages", "towards_target", "return s64(target - unsigned_int("),
    Row(275, 275, "actual from num_pages", "update_balloon_size", "actual = yield read(vb.num_pages)"),
    Row(354, 354, "num_pages is 0", _PROBE, "yield write(vb.num_pages, 0)"),
    Row(362, 362, "without queues: jump to free vb", _PROBE, "yield from kfree(vb.vb_memory)"),
    Row(383, 383, "while there are pages", "remove_common", "while num_pages := (yield read(vb.num_pages)):"),
    Row(384, 384, "leak so many", "remove_common", "yield from vb.driver.leak_balloon(vb, num_pages)"),
    _no(411, 411, "", _EMPTY),
)
