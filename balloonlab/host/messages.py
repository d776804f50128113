"""Messages between driver and device: the queues, PFN arrays, and the log of all of them.

The device speaks *balloon pages*: 4 KiB units, whatever the guest's page size (virtio specification, "Traditional
Memory Balloon Device"). Every PFN here is a 4 KiB PFN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balloonlab.foundations.errors import BadValueError, whole_number
from balloonlab.foundations.journal import Journal, Kind
from balloonlab.foundations.words import counted

BALLOON_PAGE_SHIFT = 12  # the device's unit: 4 KiB
BALLOON_PAGE_SIZE = 1 << BALLOON_PAGE_SHIFT
ARRAY_PFNS_MAX = 256  # PFNs in one message: 1 MiB of guest memory


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
            f"a PFN message of {counted(len(buffer), 'byte')}; legal: a multiple of 4 up to {4 * ARRAY_PFNS_MAX}. "
            "The buffer was cut, or is not a PFN array."
        )
    return np.frombuffer(buffer, "<u4").astype(np.uint32)


class MessageLog:
    """Every message in the order the driver added it: struct of arrays that grow.

    queue: uint8 (Queue), start: uint32, count: uint16, pfns: uint32; message i holds pfns[start[i]:start[i]+count[i]].
    `payloads[i]` holds the bytes of a statistics buffer.

    A buffer is a pointer to the driver's array vb->pfns (tell_host: sg_init_one): until the host has read it, whoever
    writes there writes the message (`overwrite`). `as_added` has the PFNs as the driver added them, `overwritten` what
    has been written over them since, by index.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._length = 0
        self._queue = np.zeros(64, np.uint8)
        self._start = np.zeros(64, np.uint32)
        self._count = np.zeros(64, np.uint16)
        self._status = np.full(64, -1, np.int8)
        self._pfns = np.zeros(1024, np.uint32)
        self.overwritten: dict[int, int] = {}
        self.payloads: dict[int, bytes] = {}
        self._reached = [[0] * len(MessageStatus) for _ in Queue]
        self._of_queue: list[list[int]] = [[] for _ in Queue]
        self._unlisted = [0] * len(Queue)  # messages of `extend`, which nobody looks for
        journal.owns(Kind.MESSAGE, self.put)
        journal.owns(Kind.MESSAGE_PFN, self._put_pfn)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[PfnMessage]:
        return (self[i] for i in range(self._length))

    def __getitem__(self, i: int) -> PfnMessage:
        i = self._numbered(i)
        first, stop = self._span(i)
        pfns = self._pfns[first:stop].copy()
        for index in self._overwritten_of(i):
            pfns[index - first] = self.overwritten[index]
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
    def as_added(self) -> NDArray[np.uint32]:
        """uint32, as `pfns`: what each message held when the driver put it on its queue."""
        return self._pfns[: self._span(self._length - 1)[1] if self._length else 0]

    @property
    def pfns(self) -> NDArray[np.uint32]:
        """uint32: what each message holds, or held when the host read it."""
        pfns = self.as_added
        if self.overwritten:
            pfns = pfns.copy()
            pfns[list(self.overwritten)] = list(self.overwritten.values())
        return pfns

    def is_overwritten(self, i: int) -> bool:
        """Whether message i holds other numbers than the driver added: somebody wrote over them on its way."""
        return bool(self._overwritten_of(self._numbered(i)))

    def _numbered(self, i: int) -> int:
        i = whole_number("message", i, -self._length, self._length - 1, "negative ones count from the end")
        return i % self._length

    def _span(self, i: int) -> tuple[int, int]:
        """Where message i begins in `pfns`, and where it ends."""
        first = int(self._start[i])
        return first, first + int(self._count[i])

    def _overwritten_of(self, i: int) -> list[int]:
        return [index for index in range(*self._span(i)) if index in self.overwritten] if self.overwritten else []

    def append(self, queue: int, pfns: Sequence[int], payload: bytes = b"") -> int:
        """Make room for a message that does not exist yet; returns its number."""
        i = self._length
        first = len(self.as_added)
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

    def extend(self, queue: NDArray[np.uint8], count: NDArray[np.uint16], pfns: NDArray[np.uint32]) -> None:
        """Append many PFN messages that are COLLECTED already, at once; not journaled.

        queue, count: of each message; pfns: of all of them, one after the other. No message of those queues may be
        under way.
        """
        first, new, used = self._length, self._length + len(queue), len(self.as_added)
        self._make_room(new, used + len(pfns))
        self._queue[first:new] = queue
        self._count[first:new] = count
        self._start[first:new] = used + np.cumsum(count, dtype=np.int64) - count
        self._status[first:new] = MessageStatus.COLLECTED
        self._pfns[used : used + len(pfns)] = pfns
        for number, messages in enumerate(np.bincount(queue, minlength=len(Queue)).tolist()):
            self._unlisted[number] += messages
            self._reached[number] = [reached + messages for reached in self._reached[number]]
        self._length = new

    def cut(self, messages: int) -> None:
        """Forget all but the first `messages`; the others all came by `extend`. Not journaled."""
        for number, gone in enumerate(np.bincount(self.queue[messages:], minlength=len(Queue)).tolist()):
            self._unlisted[number] -= gone
            self._reached[number] = [reached - gone for reached in self._reached[number]]
        self._length = messages

    def _make_room(self, messages: int, pfns: int) -> None:
        """Let the arrays hold so many messages and PFNs; where they grow, by a quarter at least: each seldom does."""
        sizes = {"_queue": messages, "_start": messages, "_count": messages, "_status": messages, "_pfns": pfns}
        for name, size in sizes.items():
            old = getattr(self, name)
            if size > len(old):
                room = max(size, len(old) * 5 // 4)
                setattr(self, name, np.concatenate((old, np.zeros(room - len(old), old.dtype))))

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
        self.overwritten.clear()
        for queue, status, pfns, payload in messages:
            self.put(self.append(queue, pfns, payload), status)

    def advance(self, i: int, status: int) -> None:
        """Journaled change of a message's status."""
        if self._journal.recording:
            self._journal.note(Kind.MESSAGE, i, int(self._status[i]), status)
        self.put(i, status)

    def overwrite(self, index: int, pfn: int) -> None:
        """vb->pfns[index] holds another PFN from now on, and so does every message that the host has yet to read."""
        for queue in (Queue.INFLATE, Queue.DEFLATE):
            for i in self._unread(queue):
                first, stop = self._span(i)
                if first + index < stop:
                    self._write(first + index, pfn)

    def _unread(self, queue: int) -> list[int]:
        """The messages of a queue that are on their way: the host has not read them."""
        reached, skipped = self._reached[queue], self._unlisted[queue]
        if reached[MessageStatus.ADDED] == reached[MessageStatus.READ]:
            return []
        return self._of_queue[queue][reached[MessageStatus.READ] - skipped :]

    def _write(self, at: int, pfn: int) -> None:
        old = self.overwritten.get(at, int(self._pfns[at]))
        if old != pfn:
            if self._journal.recording:
                self._journal.note(Kind.MESSAGE_PFN, at, old, pfn)
            self._put_pfn(at, pfn)

    def _put_pfn(self, at: int, pfn: int) -> None:
        """Let `pfns[at]` be this one, as undo and redo do: not journaled."""
        if pfn == self._pfns[at]:
            self.overwritten.pop(at, None)
        else:
            self.overwritten[at] = pfn

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
        return self._of_queue[queue][later - self._unlisted[queue]] if reached[status] > later else None
