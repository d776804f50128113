"""The host's side of the balloon device: config space, queues, PFN messages, and what the host believes.

The device speaks *balloon pages*: 4 KiB units, whatever the guest's page size (virtio specification, "Traditional
Memory Balloon Device"; QEMU 7.2 and 10.2, hw/virtio/virtio-balloon.c). Every PFN here is a 4 KiB PFN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balloonlab.errors import BadValueError, whole_number
from balloonlab.journal import Journal, Kind, Values

BALLOON_PAGE_SHIFT = 12  # the device's unit: 4 KiB
BALLOON_PAGE_SIZE = 1 << BALLOON_PAGE_SHIFT
ARRAY_PFNS_MAX = 256  # PFNs in one message: 1 MiB of guest memory
BACKING_SIZES = (4096, 65536, 2 << 20)  # bytes of one page of the memory that backs the guest


class Queue(IntEnum):
    """Virtqueues of the device, by their number in the specification."""

    INFLATE = 0
    DEFLATE = 1
    STATS = 2


QUEUE_NAMES = ("inflateq", "deflateq", "statsq")


class MessageStatus(IntEnum):
    """How far a message has come. In flight up to READ; acknowledged from USED on."""

    ADDED = 0  # the driver put the buffer on the queue
    KICKED = 1  # the driver notified the host
    READ = 2  # the host read the PFNs and acted on them
    USED = 3  # the host returned the buffer: the acknowledgement
    COLLECTED = 4  # the driver took the returned buffer


class PfnMessage(NamedTuple):
    """One virtqueue element: the queue's name and its 4 KiB PFNs (uint32 array, in the driver's order)."""

    queue: str
    pfns: NDArray[np.uint32]

    def to_bytes(self) -> bytes:
        """The buffer as the host reads it: little-endian 32-bit PFNs (VIRTIO_F_VERSION_1)."""
        return self.pfns.astype("<u4").tobytes()


UnderWay = tuple[tuple[int, int, tuple[int, ...], bytes], ...]  # queue, status, PFNs, payload of each message


def decode_pfns(buffer: bytes) -> NDArray[np.uint32]:
    """The 4 KiB PFNs in a message's bytes; a length that is no multiple of 4 or too long is refused."""
    if len(buffer) % 4 or len(buffer) > 4 * ARRAY_PFNS_MAX:
        raise BadValueError(
            f"a PFN message of {len(buffer)} bytes; legal: a multiple of 4 up to {4 * ARRAY_PFNS_MAX}. "
            "The buffer was cut, or is not a PFN array."
        )
    return np.frombuffer(buffer, "<u4").astype(np.uint32)


class MessageLog:
    """Every message in the order the driver added it: struct of arrays that grow.

    queue: uint8 (Queue), start: uint32, count: uint16, pfns: uint32; message i holds pfns[start[i]:start[i]+count[i]].
    `payloads[i]` holds the bytes of a statistics buffer.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._length = 0
        self._queue = np.zeros(64, np.uint8)
        self._start = np.zeros(64, np.uint32)
        self._count = np.zeros(64, np.uint16)
        self._status = np.full(64, -1, np.int8)
        self._pfns = np.zeros(1024, np.uint32)
        self.payloads: dict[int, bytes] = {}
        self._reached = [[0] * len(MessageStatus) for _ in Queue]
        self._of_queue: list[list[int]] = [[] for _ in Queue]
        journal.owns(Kind.MESSAGE, self.put)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[PfnMessage]:
        return (self[i] for i in range(self._length))

    def __getitem__(self, i: int) -> PfnMessage:
        if not -self._length <= i < self._length:
            raise IndexError(f"message {i}; there are {self._length}")
        i %= self._length
        first = int(self._start[i])
        pfns = self._pfns[first : first + int(self._count[i])].copy()
        return PfnMessage(QUEUE_NAMES[self._queue[i]], pfns)

    @property
    def queue(self) -> NDArray[np.uint8]:
        return self._queue[: self._length]

    @property
    def start(self) -> NDArray[np.uint32]:
        return self._start[: self._length]

    @property
    def count(self) -> NDArray[np.uint16]:
        return self._count[: self._length]

    @property
    def status(self) -> NDArray[np.int8]:
        """int8 of MessageStatus codes."""
        return self._status[: self._length]

    @property
    def pfns(self) -> NDArray[np.uint32]:
        if not self._length:
            return self._pfns[:0]
        return self._pfns[: int(self._start[self._length - 1]) + int(self._count[self._length - 1])]

    def append(self, queue: int, pfns: Sequence[int], payload: bytes = b"") -> int:
        """Make room for a message that does not exist yet; returns its number."""
        i = self._length
        first = len(self.pfns)
        if i == len(self._queue):
            for name in ("_queue", "_start", "_count", "_status"):
                setattr(self, name, np.concatenate((getattr(self, name), np.zeros_like(getattr(self, name)))))
        while first + len(pfns) > len(self._pfns):
            self._pfns = np.concatenate((self._pfns, np.zeros_like(self._pfns)))
        self._queue[i], self._start[i], self._count[i], self._status[i] = queue, first, len(pfns), -1
        self._pfns[first : first + len(pfns)] = pfns
        self.payloads.pop(i, None)
        if payload:
            self.payloads[i] = payload
        return i

    def add(self, queue: int, pfns: Sequence[int], payload: bytes = b"") -> int:
        """Append a message in status ADDED; returns its number."""
        i = self.append(queue, pfns, payload)
        self.advance(i, MessageStatus.ADDED)
        return i

    def under_way(self) -> UnderWay:
        """The messages not collected yet."""
        return tuple(
            (int(self.queue[i]), int(status), tuple(self[i].pfns.tolist()), self.payloads.get(i, b""))
            for i, status in enumerate(self.status)
            if status != MessageStatus.COLLECTED
        )

    def go_on_from(self, messages: UnderWay) -> None:
        """Forget every message and begin with these; the reverse of `under_way`, for construction, not journaled."""
        for i in range(self._length - 1, -1, -1):
            self.put(i, -1)
        for queue, status, pfns, payload in messages:
            self.put(self.append(queue, pfns, payload), status)

    def advance(self, i: int, status: int) -> None:
        """Journaled change of a message's status."""
        if self._journal.recording:
            self._journal.note(Kind.MESSAGE, i, int(self._status[i]), status)
        self.put(i, status)

    def put(self, i: int, status: int) -> None:
        """Set a message's status, as undo and redo do: not journaled."""
        old, reached = int(self._status[i]), self._reached[self._queue[i]]
        for s in range(old + 1, status + 1):
            reached[s] += 1
        for s in range(status + 1, old + 1):
            reached[s] -= 1
        self._status[i] = status
        if old < 0 <= status:
            self._of_queue[self._queue[i]].append(i)
            self._length = i + 1
        elif status < 0 <= old:
            self._of_queue[self._queue[i]].pop()
            self._length = i

    def oldest(self, queue: int, status: int) -> int | None:
        """The number of the oldest message of `queue` that has reached `status` and not the next one."""
        reached = self._reached[queue]
        later = reached[status + 1] if status < MessageStatus.COLLECTED else 0
        return self._of_queue[queue][later] if reached[status] > later else None


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
        if backing not in BACKING_SIZES or not isinstance(backing, int):
            legal = ", ".join(f"{size:,}" for size in BACKING_SIZES)
            raise BadValueError(f"backing page of {backing!r} bytes; legal: {legal} (4 KiB, 64 KiB, 2 MiB).")
        self.balloon_pages = balloon_pages
        self.must_tell_host = must_tell_host
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
        return bool(self._believed_of[balloon_pfn])

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
                current, seen = -1, set()

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
STAT_ENTRY = np.dtype([("tag", "<u2"), ("value", "<u8")])  # 10 bytes, packed


def pack_stats(stats: dict[str, int]) -> bytes:
    """A statistics buffer: 10-byte entries (le16 tag, le64 value), in the order given. Values in the tag's unit."""
    rows = [(STAT_TAGS.index(name), value) for name, value in stats.items()]
    return np.array(rows, STAT_ENTRY).tobytes()


def unpack_stats(buffer: bytes) -> dict[str, int]:
    """Statistics by name. Unknown tags are skipped, as the specification asks; a cut buffer is refused."""
    if len(buffer) % STAT_ENTRY.itemsize:
        raise BadValueError(f"a statistics buffer of {len(buffer)} bytes; legal: a multiple of {STAT_ENTRY.itemsize}.")
    rows = np.frombuffer(buffer, STAT_ENTRY)
    return {STAT_TAGS[tag]: int(value) for tag, value in rows if tag < len(STAT_TAGS)}
