"""The host's side of the balloon device: config space, queues, PFN messages, and what the host believes.

The device speaks *balloon pages*: 4 KiB units, whatever the guest's page size (virtio specification, "Traditional
Memory Balloon Device"; QEMU 7.2 and 10.2, hw/virtio/virtio-balloon.c). Every PFN here is a 4 KiB PFN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import BadValueError, one_of, truth, whole_number
from balloonlab.foundations.journal import Journal, Kind, Values
from balloonlab.foundations.words import counted
from balloonlab.host.messages import (
    ARRAY_PFNS_MAX,
    BALLOON_PAGE_SHIFT,
    BALLOON_PAGE_SIZE,
    QUEUE_NAMES,
    MessageLog,
    MessageStatus,
    PfnMessage,
    Queue,
    UnderWay,
    decode_pfns,
)

__all__ = [
    "ARRAY_PFNS_MAX",
    "BACKING_SIZES",
    "BALLOON_PAGE_SHIFT",
    "BALLOON_PAGE_SIZE",
    "QUEUE_NAMES",
    "Host",
    "MessageLog",
    "MessageStatus",
    "PfnMessage",
    "Queue",
    "UnderWay",
    "decode_pfns",
    "pack_stats",
    "unpack_stats",
]
BACKING_SIZES = (4096, 65536, 2 << 20)  # bytes of one page of the memory that backs the guest


class Host:
    """What QEMU does with the device: reads messages, gives memory back, acknowledges, sets targets.

    balloon_pages: the guest's size in 4 KiB pages. backing: bytes of one page of the memory behind the guest.
    must_tell_host: whether VIRTIO_BALLOON_F_MUST_TELL_HOST was negotiated (QEMU does not offer it).
    `believed`: uint8[balloon_pages], 1 where the host believes the page to be in the balloon.
    """

    def __init__(
        self,
        balloon_pages: int,
        journal: Journal,
        values: Values,
        backing: int = BALLOON_PAGE_SIZE,
        *,
        must_tell_host: bool = False,
    ) -> None:
        backing = one_of("backing page", backing, BACKING_SIZES, "bytes (4 KiB, 64 KiB, 2 MiB)")
        self.balloon_pages = balloon_pages
        self.must_tell_host = truth("must_tell_host", must_tell_host)
        self.backing_pages = backing >> BALLOON_PAGE_SHIFT  # 4 KiB pages in one backing page
        self.messages = MessageLog(journal)
        self.believed: np.ndarray[Any, np.dtype[np.uint8]] = np.zeros(balloon_pages, np.uint8)
        self._believed_of = self.believed.data
        self._given_back = bytearray(-(-balloon_pages // self.backing_pages))
        self._journal = journal
        self._values = values
        self.target_slot = values.declare("target (config num_pages)", 0, "4 KiB pages")
        self.actual_slot = values.declare("actual (config actual)", 0, "4 KiB pages")
        self._believed_slot = values.declare("host believes ballooned", 0, "4 KiB pages")
        self._given_slot = values.declare("host memory given back", 0, "4 KiB pages")
        journal.owns(Kind.HOST_PAGE, self._believed_of.__setitem__)
        journal.owns(Kind.BACKING, self._given_back.__setitem__)

    @property
    def target(self) -> int:
        """What the host asks the balloon to hold: config field num_pages, in 4 KiB pages."""
        return self._values.get(self.target_slot)

    @property
    def actual(self) -> int:
        """What the guest last said the balloon holds: config field actual, in 4 KiB pages."""
        return self._values.get(self.actual_slot)

    @property
    def memory_given_back(self) -> int:
        """Bytes of host memory that the balloon has freed."""
        return self._values.get(self._given_slot) << BALLOON_PAGE_SHIFT

    @property
    def given_back(self) -> NDArray[np.uint8]:
        """uint8, one for each page of the memory behind the guest: 1 if it is given back to the host."""
        return np.frombuffer(self._given_back, np.uint8)

    @property
    def slots(self) -> tuple[int, int]:
        """Slots of the numbers that follow from messages: pages believed ballooned, pages given back."""
        return self._believed_slot, self._given_slot

    def beliefs(self) -> tuple[bytes, bytes, int, int]:
        """What the host believes and has given back, and the two numbers that follow from it."""
        believed, given = (self._values.get(slot) for slot in self.slots)
        return self.believed.tobytes(), bytes(self._given_back), believed, given

    def believe_again(self, beliefs: tuple[bytes, bytes, int, int]) -> None:
        """The reverse of `beliefs`; not journaled."""
        believed, given_back, *numbers = beliefs
        self.believed[:] = np.frombuffer(believed, np.uint8)
        self._given_back[:] = given_back
        for slot, number in zip(self.slots, numbers, strict=True):
            self._values.numbers[slot] = number

    def check_target(self, balloon_pages: object) -> int:
        """The target as an int; raises BadValueError for one outside 0..the guest's memory."""
        why = "A target cannot be above the guest's memory."
        return whole_number("target", balloon_pages, 0, self.balloon_pages, "4 KiB balloon pages", why)

    def set_target(self, balloon_pages: int) -> None:
        """Write the config field num_pages (the config interrupt is the machine's to raise)."""
        self._values.set(self.target_slot, self.check_target(balloon_pages))

    def start_with(self, pfns: NDArray[np.int64]) -> None:
        """Begin with these 4 KiB pages (ascending) in the balloon; for construction, not journaled."""
        self.believed[pfns] = 1
        whole = np.bincount(pfns // self.backing_pages, minlength=len(self._given_back)) == self.backing_pages
        self._given_back[:] = whole.astype(np.uint8).tobytes()
        self._values.numbers[self._believed_slot] = len(pfns)
        self._values.numbers[self._given_slot] = int(whole.sum()) * self.backing_pages
        self._values.numbers[self.actual_slot] = len(pfns)

    def prime_stats(self) -> None:
        """The driver's first, empty statistics buffer: the host holds it until it wants figures."""
        self.messages.advance(self.messages.add(Queue.STATS, (), b""), MessageStatus.KICKED)

    @property
    def statistics(self) -> dict[str, int]:
        """The last statistics the guest sent, by name (bytes or events); empty before the first."""
        held = [i for i, p in self.messages.payloads.items() if p and i < len(self.messages)]
        return unpack_stats(self.messages.payloads[max(held)]) if held else {}

    def believes(self, balloon_pfn: int) -> bool:
        """Whether the host believes this 4 KiB page to be in the balloon."""
        top = self.balloon_pages - 1
        return bool(self._believed_of[whole_number("PFN", balloon_pfn, 0, top, "4 KiB page frame numbers")])

    def read(self, i: int) -> None:
        """The device reads message i and acts on it: discard on inflate, take back on deflate."""
        message = self.messages[i]
        pfns = [int(p) for p in message.pfns if p < self.balloon_pages]  # QEMU ignores PFNs that are not RAM
        if message.queue == QUEUE_NAMES[Queue.INFLATE]:
            self._believe(pfns, 1)
            self._discard(pfns)
        elif message.queue == QUEUE_NAMES[Queue.DEFLATE]:
            self._believe(pfns, 0)
            for backing in dict.fromkeys(p // self.backing_pages for p in pfns):
                self._set_given_back(backing, 0)  # MADV_WILLNEED on the whole backing page
        self.messages.advance(i, MessageStatus.READ)

    def exchange(self, queue: NDArray[np.uint8], count: NDArray[np.uint16], pfns: NDArray[np.uint32]) -> None:
        """Read, act on and acknowledge many messages at once; arrays as in MessageLog.extend. Not journaled.

        No page may be deflated and then inflated again by them (the other way round is fine).
        """
        self.messages.extend(queue, count, pfns)
        inflated = np.repeat(queue, count) == int(Queue.INFLATE)
        told, taken_back = pfns[inflated].astype(np.intp), pfns[~inflated].astype(np.intp)
        given_back = self.given_back
        self.believed[told] = 1
        self.believed[taken_back] = 0
        if self.backing_pages == 1:
            given_back[told] = 1
        else:
            message = np.repeat(np.arange(len(count)), count)[inflated]
            given_back[self._whole_backing(message, told // self.backing_pages)] = 1
        given_back[taken_back // self.backing_pages] = 0
        self._values.set(self._believed_slot, int(np.count_nonzero(self.believed)))
        self._values.set(self._given_slot, int(np.count_nonzero(given_back)) * self.backing_pages)

    def _whole_backing(self, message: NDArray[np.int64], backing: NDArray[np.int64]) -> NDArray[np.int64]:
        """Backing pages whose 4 KiB pages come one after the other in one message, each once (see `_discard`)."""
        if not len(backing):
            return backing
        begins = np.flatnonzero(np.diff(backing, prepend=-1) | np.diff(message, prepend=-1))
        sizes = np.diff(begins, append=len(backing))
        whole: NDArray[np.int64] = backing[begins[sizes == self.backing_pages]]
        return whole

    def _believe(self, pfns: list[int], believed: int) -> None:
        changed = 0
        for pfn in pfns:
            old = self._believed_of[pfn]
            if old != believed:
                if self._journal.recording:
                    self._journal.note(Kind.HOST_PAGE, pfn, old, believed)
                self._believed_of[pfn] = believed
                changed += 1 if believed else -1
        self._values.set(self._believed_slot, self._values.get(self._believed_slot) + changed)

    def _discard(self, pfns: list[int]) -> None:
        """Give back each backing page whose 4 KiB pages all come together in this one message.

        QEMU keeps one partly ballooned backing page, forgets it when the next PFN lies elsewhere and at the end of
        the message: with 2 MiB backing, 256 PFNs (1 MiB) never complete one and nothing is given back.
        """
        current, seen = -1, set[int]()
        for pfn in pfns:
            backing = pfn // self.backing_pages
            if backing != current:
                current, seen = backing, set()
            seen.add(pfn)
            if len(seen) == self.backing_pages:
                self._set_given_back(backing, 1)

    def _set_given_back(self, backing: int, given: int) -> None:
        old = self._given_back[backing]
        if old != given:
            if self._journal.recording:
                self._journal.note(Kind.BACKING, backing, old, given)
            self._given_back[backing] = given
            step = self.backing_pages if given else -self.backing_pages
            self._values.set(self._given_slot, self._values.get(self._given_slot) + step)


STAT_TAGS = (
    "swap_in", "swap_out", "majflt", "minflt", "memfree", "memtot", "avail", "caches", "htlb_pgalloc", "htlb_pgfail",
    "oom_kill", "alloc_stall", "async_scan", "direct_scan", "async_reclaim", "direct_reclaim",
)  # fmt: skip
STAT_BYTES = frozenset(("swap_in", "swap_out", "memfree", "memtot", "avail", "caches"))  # the others count events
STAT_ENTRY = np.dtype([("tag", "<u2"), ("value", "<u8")])  # 10 bytes, packed


def pack_stats(stats: dict[str, int]) -> bytes:
    """A statistics buffer: 10-byte entries (le16 tag, le64 value), in the order given. Values in the tag's unit."""
    rows = [(STAT_TAGS.index(name), value) for name, value in stats.items()]
    return np.array(rows, STAT_ENTRY).tobytes()


def unpack_stats(buffer: bytes) -> dict[str, int]:
    """Statistics by name. Unknown tags are skipped, as the specification asks; a cut buffer is refused."""
    if len(buffer) % STAT_ENTRY.itemsize:
        raise BadValueError(
            f"a statistics buffer of {counted(len(buffer), 'byte')}; legal: a multiple of {STAT_ENTRY.itemsize}."
        )
    rows = np.frombuffer(buffer, STAT_ENTRY)
    return {STAT_TAGS[tag]: int(value) for tag, value in rows if tag < len(STAT_TAGS)}
