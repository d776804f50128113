"""Where each retold routine begins in the kernel: the file, the tag or the mail, and the line there.

The driver's lines are those of v3.6, and of that file with a mail's patch applied (v9 3/5, v10 3/5 and v11 5/7 all name
it as their base, blob 0908e60); those of v9 1/5 and v11 3/7 are of files that these make; 6.1.192 and 7.2.13 are as
Debian has them. Where nobody looked a line up, the file is named alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_DRIVER = "drivers/virtio/virtio_balloon.c"
_COMPACTION, _MIGRATE = "mm/compaction.c", "mm/migrate.c"
_CORE, _HEADER, _CORE_7_2 = "mm/balloon_compaction.c", "include/linux/balloon_compaction.h", "mm/balloon.c"
_EITHER = f"{_CORE} or its header"
_ALLOCATOR = "mm/page_alloc.c"
_UNREAD = "line not looked up"


class Place(NamedTuple):
    """Where a routine stands.

    name: what it is called there; of a part of another routine, that one's name. file, tag: in which file of which
    kernel, or patch. line: where it begins (from 1), None if nobody looked it up. why: why there is no line, or no
    place at all; then name, file and tag are "".
    """

    name: str
    file: str
    tag: str
    line: int | None
    why: str = ""

    @property
    def where(self) -> str:
        """The file, the line and the tag, or why there is no place."""
        if not self.file:
            return self.why
        line = f", line {self.line:,}" if self.line else ""
        return f"{self.file}{line} ({self.tag}{f'; {self.why}' if self.why else ''})"

    def __str__(self) -> str:
        return f"{self.name}: {self.where}" if self.file else self.why


class _Version(NamedTuple):
    """like: the version whose routines it has besides. tags: by file, where they differ from `tag`.

    files: its routines, "name", "name:line" or "name=what it is called there:line".
    """

    tag: str
    like: str
    files: dict[str, str]
    tags: dict[str, str] = {}  # noqa: RUF012  (never changed)


_VERSIONS = {
    "linux-3.6": _Version(
        "v3.6",
        "",
        {
            _DRIVER: "tell_host:97 fill_balloon:123 release_pages_by_pfn:154 leak_balloon:165 stats_handle_request:236 "
            "towards_target:261 update_balloon_size:273 balloon:282 init_vqs:307 virtballoon_probe:342 "
            "remove_common:380 virtballoon_remove:393 virtballoon_freeze:403 virtballoon_restore:416",
            _COMPACTION: "compact_zone isolate_migratepages",
            _MIGRATE: "migrate_pages unmap_and_move move_to_new_page putback_movable_pages=putback_lru_pages",
        },
    ),
    "v9": _Version(
        "v9 3/5 on v3.6",
        "linux-3.6",
        {
            _DRIVER: "tell_host:113 fill_balloon:139 release_pages_by_pfn:181 "
            "pages_at_balloon_list=__pages_at_balloon_list:194 wait_on_isolated_pages=__wait_on_isolated_pages:208 "
            "leak_balloon:236 stats_handle_request:348 towards_target:375 update_balloon_size:387 balloon:396 "
            "init_vqs:421 virtballoon_isolatepage:473 virtballoon_migratepage:504 virtballoon_putbackpage:550 "
            "virtballoon_probe:570 remove_common:622 virtballoon_remove:637 virtballoon_freeze:648 "
            "virtballoon_restore:660",
            _CORE: "alloc_balloon_mapping:23 balloon_page_isolate=isolate_balloon_page:92 "
            "balloon_page_putback=putback_balloon_page:131 balloon_page_migrate=migrate_balloon_page:150",
            _HEADER: "balloon_page_movable=movable_balloon_page:41",
            _MIGRATE: "putback_movable_pages balloon_page_free=unmap_and_move",
        },
        {_COMPACTION: "v9 2/5", _MIGRATE: "v9 2/5 and 4/5", _CORE: "v9 1/5", _HEADER: "v9 1/5"},
    ),
    "v10": _Version(
        "v10 3/5 on v3.6",
        "v9",
        {
            _DRIVER: "tell_host:112 fill_balloon:138 release_pages_by_pfn:180 do_leak_balloon=__leak_balloon:203 "
            "wait_on_isolated_pages=__wait_on_isolated_pages:276 "
            "pages_at_balloon_list=__wait_on_isolated_pages:276 leak_balloon:300 stats_handle_request:357 "
            "towards_target:384 update_balloon_size:399 balloon:412 init_vqs:437 virtballoon_isolatepage:487 "
            "virtballoon_migratepage:517 virtballoon_putbackpage:563 virtballoon_probe:583 "
            "get_num_pages=__get_num_pages:636 remove_common:645 virtballoon_remove:660 virtballoon_freeze:671 "
            "virtballoon_restore:683",
            _CORE: "balloon_mapping_alloc=alloc_balloon_mapping",
            _EITHER: "balloon_mapping_free=free_balloon_mapping",
        },
        {_COMPACTION: "v10 2/5", _MIGRATE: "v10 2/5 and 4/5"} | dict.fromkeys((_CORE, _HEADER, _EITHER), "v10 1/5"),
    ),
    "v11": _Version(
        "v11 5/7 on v3.6",
        "v10",
        {
            _DRIVER: "tell_host:103 fill_balloon:129 release_pages_by_pfn:167 leak_balloon:178 "
            "stats_handle_request:253 towards_target:278 update_balloon_size:290 balloon:299 init_vqs:324 "
            "virtballoon_migratepage:379 virtballoon_probe:424 remove_common:489 virtballoon_remove:502 "
            "virtballoon_freeze:514 virtballoon_restore:527",
            _CORE: "balloon_devinfo_alloc:22 balloon_page_enqueue:49 balloon_page_dequeue:77 "
            "balloon_mapping_alloc:117 do_isolate_balloon_page=__isolate_balloon_page:159 "
            "do_putback_balloon_page=__putback_balloon_page:169 balloon_page_isolate:186 balloon_page_putback:229 "
            "balloon_page_migrate:248",
            _HEADER: "balloon_devinfo_free:35 balloon_mapping_free:49 balloon_page_insert:61 balloon_page_delete:79 "
            "balloon_page_movable:118",
        },
        {_COMPACTION: "v11 4/7", _MIGRATE: "v11 4/7 and 6/7", _CORE: "v11 3/7", _HEADER: "v11 3/7"},
    ),
    "linux-3.8": _Version("v3.8", "v11", {_HEADER: "balloon_page_free"}),
    "linux-3.13": _Version("v3.13", "linux-3.8", {_HEADER: "isolated_balloon_page"}),
    "linux-3.19": _Version(
        "v3.19",
        "linux-3.13",
        {
            _DRIVER: "virtballoon_oom_notify release_pages_balloon",
            _CORE: "balloon_page_alloc=balloon_page_enqueue",
            _MIGRATE: "putback_newpage=unmap_and_move",
        },
    ),
    "linux-3.18-rc": _Version("v3.18-rc1", "linux-3.19", {}),
    "linux-6.1": _Version(
        "v6.1.192",
        "",
        {
            _DRIVER: "tell_host:146 fill_balloon:205 release_pages_balloon:255 leak_balloon:269 "
            "stats_handle_request:374 towards_target:390 virtballoon_changed:441 update_balloon_size:455 "
            "update_balloon_size_func:473 init_vqs:495 virtballoon_migratepage:751 virtio_balloon_oom_notify:837 "
            "virtballoon_probe:865 remove_common:1013 virtballoon_remove:1030 virtballoon_freeze:1056 "
            "virtballoon_restore:1068",
            _CORE: "balloon_page_enqueue_one:14 balloon_page_list_dequeue:76 balloon_page_alloc:119 "
            "balloon_page_enqueue:141 balloon_page_dequeue:172 balloon_page_isolate:201 balloon_page_putback:215 "
            "balloon_page_migrate:227",
            _HEADER: "balloon_page_insert:91 balloon_page_finalize:137",
            _COMPACTION: "page_may_be_isolated=isolate_migratepages_block:973 isolate_migratepages:1867 "
            "compact_zone:2290",
            _MIGRATE: "isolate_movable_page:61 putback_movable_pages:138 move_to_new_folio:936 "
            "unmap_and_move=migrate_folio_unmap:1237 migrate_pages:1804",
            _ALLOCATOR: "adjust_managed_page_count:8462",
        },
    ),
    "linux-4.8": _Version("v4.8-rc8", "linux-6.1", {_DRIVER: "virtballoon_oom_notify"}),
    "linux-4.15-rc": _Version("a candidate of v4.15", "linux-4.8", {}),
    "linux-4.15": _Version("v4.15", "linux-4.8", {}),
    "linux-4.19": _Version("v4.19", "linux-4.15", {_DRIVER: "virtio_balloon_shrinker_scan"}),
    "linux-5.3-rc": _Version("a candidate of v5.3", "linux-4.19", {}),
    "linux-5.5": _Version("v5.5", "linux-4.19", {_DRIVER: "virtio_balloon_shrinker_scan=shrink_balloon_pages"}),
    "linux-7.2": _Version(
        "v7.2.13",
        "",
        {
            _DRIVER: "tell_host:184 fill_balloon:243 release_pages_balloon:291 leak_balloon:302 "
            "stats_handle_request:442 towards_target:458 virtballoon_changed:518 update_balloon_size:531 "
            "update_balloon_size_func:552 init_vqs:578 virtballoon_migratepage:825 virtio_balloon_oom_notify:886 "
            "virtballoon_probe:920 remove_common:1082 virtballoon_remove:1124 virtballoon_freeze:1145 "
            "virtballoon_restore:1157",
            _CORE_7_2: "balloon_page_insert:27 balloon_page_finalize:46 balloon_page_enqueue_one:54 "
            "balloon_page_list_dequeue:111 balloon_page_alloc:147 balloon_page_enqueue:172 balloon_page_dequeue:203 "
            "balloon_page_isolate:236 balloon_page_putback:259 balloon_page_migrate:278",
            _COMPACTION: "page_may_be_isolated=isolate_migratepages_block:1071 isolate_migratepages:2093 "
            "compact_zone:2564",
            _MIGRATE: "isolate_movable_ops_page:113 migrate_movable_ops_page:236 putback_movable_pages:257 "
            "migrate_folio_unmap:1208 migrate_folio_move:1358 migrate_folios_move:1721 migrate_folios_undo:1773 "
            "migrate_pages_batch:1805 migrate_pages:2094",
            _ALLOCATOR: "adjust_managed_page_count:6338",
        },
    ),
}
_WITHOUT_THE_OPTION = {  # what stands at the other half of the #ifdef
    "v9-no-compaction": {"wait_on_isolated_pages": 233, "balloon_page_movable": 99},
    "v11-no-compaction": {
        "balloon_mapping_alloc": 161,
        "balloon_mapping_free": 167,
        "balloon_page_insert": 172,
        "balloon_page_delete": 179,
        "balloon_page_movable": 184,
    },
}
_NOWHERE = {
    "update_balloon_size_work": "a part of the model: the worker that runs the item, of kernel/workqueue.c",
    "update_balloon_stats_work": "a part of the model: the worker that runs the item, of kernel/workqueue.c",
    "kthread": "a part of the model: what a thread of kernel/kthread.c runs, once it is made",
    "direct_reclaim": "a part of the model: what of mm/vmscan.c and mm/oom_kill.c concerns a balloon",
    "out_of_memory": "a part of the model: what of mm/oom_kill.c concerns a balloon",
}
_BY_LENGTH = sorted(_VERSIONS, key=len, reverse=True)  # "linux-4.15-rc" is no "linux-4.15"


def place_of(driver: str, routine: str) -> Place:
    """Where a driver's routine stands; a variant's, or an edited one's, where its version's does.

    driver: its name. A driver of no known version, or a routine that no kernel has, gets a place that says so.
    """
    if routine in _NOWHERE:
        return Place("", "", "", None, _NOWHERE[routine])
    version = next((name for name in _BY_LENGTH if re.match(rf"{re.escape(name)}(?![\w.])", driver)), "")
    given = version
    while version:
        for file, text in _VERSIONS[version].files.items():
            for own, name, line in re.findall(r"(\w+)(?:=(\w+))?(?::(\d+))?", text):
                if own == routine:
                    at = int(line) if line and version == given else None
                    at = _WITHOUT_THE_OPTION.get(driver.rstrip("*"), {}).get(routine, at)
                    tag = _VERSIONS[given].tags.get(file, _VERSIONS[given].tag)
                    return Place(name or own, file, tag, at, "" if at else _UNREAD)
        version = _VERSIONS[version].like
    return Place("", "", "", None, f"no kernel has {routine} by this name, or nobody looked")
