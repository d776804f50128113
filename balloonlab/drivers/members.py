"""struct virtio_balloon of each version, member by member: C type, and the lock that its own comments put before it.

The text's comments, in short. 3.6: none, for only the thread touches it. v9: balloon_lock before access to the
structure's elements, pages_lock before the list and the counters. Since v11 list, its lock and the count of isolated
pages stand in struct balloon_dev_info, whose comment puts the lock before the list. Members are in C's order; those for
free page hinting and reporting, which are not modelled, are one row. (drivers/virtio/virtio_balloon.c and
include/linux/balloon_compaction.h of each version; v9 3/5, v10 3/5, v11 3/7 and 5/7.)
"""

from __future__ import annotations

from typing import NamedTuple

from balloonlab.kernel.members import ALONE, LOCK, OWN, UNSAID


class Declared(NamedTuple):
    """A member: its name and C type; the attribute of VirtioBalloon that it is, "" for none; guard, as in Field.

    now: what to say of one that never changes, or of a pointer to something that is there.
    """

    name: str
    ctype: str
    of: str
    guard: str
    now: str = ""


ONLY_VBALLOON = f"{ALONE}vballoon"
BALLOON, PAGES = "balloon_lock", "pages_lock"
_VQ = "struct virtqueue *"
_STAT = "struct virtio_balloon_stat"


def _queues(guard: str) -> tuple[Declared, ...]:
    return tuple(Declared(name, _VQ, name, guard) for name in ("inflate_vq", "deflate_vq", "stats_vq"))


def _message(guard: str, ctype: str = "u32 [256]") -> tuple[Declared, ...]:
    return Declared("num_pfns", "unsigned int", "num_pfns", guard), Declared("pfns", ctype, "pfns", guard)


def _statistics(guard: str, figures: int) -> Declared:
    return Declared("stats", f"{_STAT} [{figures}]", "stats", guard, f"{figures} figures")


def _vdev(guard: str) -> Declared:
    return Declared("vdev", "struct virtio_device *", "", guard, "the device")


def _thread(guard: str) -> Declared:
    return Declared("thread", "struct task_struct *", "vb_thread", guard, "vballoon")


_CONFIG_CHANGE = Declared("config_change", "wait_queue_head_t", "config_change", OWN)
_ACKED = Declared("acked", "wait_queue_head_t", "acked", OWN)
_BALLOON_LOCK = Declared("balloon_lock", "struct mutex", "balloon_lock", LOCK)
_PAGES_LOCK = Declared("pages_lock", "spinlock_t", "pages_lock", LOCK)
_MAPPING = Declared("mapping", "struct address_space *", "vb_mapping", BALLOON, "to the driver")
_NEED = "need_stats_update"

LINUX_3_6 = (
    _vdev(ONLY_VBALLOON),
    *_queues(ONLY_VBALLOON),
    _CONFIG_CHANGE,
    _thread(ONLY_VBALLOON),
    _ACKED,
    Declared("num_pages", "unsigned int", "num_pages", ONLY_VBALLOON),
    Declared("pages", "struct list_head", "pages", ONLY_VBALLOON),
    *_message(ONLY_VBALLOON),
    Declared(_NEED, "int", _NEED, ONLY_VBALLOON),
    _statistics(ONLY_VBALLOON, 6),
)


def _patched(counter: str) -> tuple[Declared, ...]:
    return (
        _vdev(BALLOON),
        *_queues(BALLOON),
        _CONFIG_CHANGE,
        _thread(BALLOON),
        _MAPPING,
        _BALLOON_LOCK,
        _ACKED,
        Declared("num_isolated_pages", counter, "num_isolated_pages", PAGES),
        Declared("num_pages", counter, "num_pages", PAGES),
        _PAGES_LOCK,
        Declared("pages", "struct list_head", "pages", PAGES),
        *_message(BALLOON),
        Declared(_NEED, "int", _NEED, BALLOON),
        _statistics(BALLOON, 6),
    )


V9 = _patched("atomic_t")
V10 = _patched("unsigned int")
_NUM_PAGES = Declared("num_pages", "unsigned int", "num_pages", BALLOON)
_INFO = "vb_dev_info."  # a pointer in v11 and 3.8, the structure itself later
_ISOLATED = Declared(f"{_INFO}isolated_pages", "unsigned long", "isolated_pages", UNSAID)
_INFO_PAGES = (
    Declared(f"{_INFO}pages_lock", "spinlock_t", "pages_lock", LOCK),
    Declared(f"{_INFO}pages", "struct list_head", "pages", PAGES),
)
V11 = (
    _vdev(BALLOON),
    *_queues(BALLOON),
    _CONFIG_CHANGE,
    _thread(BALLOON),
    _ACKED,
    _NUM_PAGES,
    Declared(f"{_INFO}mapping", "struct address_space *", "vb_mapping", UNSAID, "to the driver"),
    _ISOLATED,
    *_INFO_PAGES,
    _BALLOON_LOCK,
    *_message(BALLOON),
    Declared(_NEED, "int", _NEED, BALLOON),
    _statistics(BALLOON, 6),
)
LINUX_3_8 = V11
_NOTIFIER = Declared("nb", "struct notifier_block", "", BALLOON, "the OOM notifier")
LINUX_3_19 = (*(member for member in V11 if not member.name.endswith("mapping")), _NOTIFIER)


def _since_4_8(figures: int, info: tuple[Declared, ...]) -> tuple[Declared, ...]:
    works = ("update_balloon_stats_work", "update_balloon_size_work")
    return (
        _vdev(BALLOON),
        *_queues(BALLOON),
        *(Declared(name, "struct work_struct", name, OWN) for name in works),
        Declared("stop_update_lock", "spinlock_t", "stop_update_lock", LOCK),
        Declared("stop_update", "bool", "stop_update", "stop_update_lock"),
        _ACKED,
        _NUM_PAGES,
        *info,
        _BALLOON_LOCK,
        *_message(BALLOON, "__virtio32 [256]"),
        _statistics(BALLOON, figures),
    )


_LEFT_OUT = Declared("free_page_vq and others", "hinting, reporting", "", "", "not modelled")
_OOM_NB = _NOTIFIER._replace(name="oom_nb")
_OF_6_1 = _since_4_8(10, (_ISOLATED, *_INFO_PAGES))
LINUX_4_8 = (*_OF_6_1, _NOTIFIER)
LINUX_6_1 = (*_OF_6_1, _OOM_NB, _LEFT_OUT)
_GLOBAL = "balloon_pages_lock"  # no member, but one for all balloons; its comment puts it before all of the info
LINUX_7_2 = (
    *_since_4_8(16, (_ISOLATED._replace(guard=_GLOBAL), _INFO_PAGES[1]._replace(guard=_GLOBAL))),
    _OOM_NB,
    _LEFT_OUT,
)
