"""The host: queues, messages, what it believes, what it gives back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.journal import Journal, Values
from balloonlab.host.host import (
    Host,
    MessageStatus,
    Queue,
    decode_pfns,
    pack_stats,
    unpack_stats,
)


def new_host(pages: int = 4096, backing: int = 4096) -> Host:
    journal = Journal()
    return Host(pages, journal, Values(journal), backing)


def send(host: Host, queue: Queue, pfns: list[int]) -> int:
    i = host.messages.add(queue, pfns)
    host.messages.advance(i, MessageStatus.KICKED)
    host.read(i)
    host.messages.advance(i, MessageStatus.USED)
    host.messages.advance(i, MessageStatus.COLLECTED)
    return i


def test_a_message_is_little_endian_32_bit_pfns() -> None:
    host = new_host(2**21)
    host.messages.add(Queue.INFLATE, [1, 0x12345])
    message = host.messages[0]
    assert message.queue == "inflateq"
    assert message.to_bytes() == b"\x01\0\0\0\x45\x23\x01\0"
    assert decode_pfns(message.to_bytes()).tolist() == [1, 0x12345]


@pytest.mark.parametrize("size", [3, 1028])
def test_a_cut_or_long_buffer_is_refused(size: int) -> None:
    with pytest.raises(BadValueError, match=f"{size:,} bytes"):
        decode_pfns(b"\0" * size)


@given(st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 63), max_size=20, unique=True)), max_size=20))
def test_belief_is_the_replay_of_the_messages(sent: list[tuple[bool, list[int]]]) -> None:
    host = new_host(64)
    twin: set[int] = set()
    for inflate, pfns in sent:
        send(host, Queue.INFLATE if inflate else Queue.DEFLATE, pfns)
        twin = twin | set(pfns) if inflate else twin - set(pfns)
    assert set(np.flatnonzero(host.believed).tolist()) == twin
    assert host.memory_given_back == 4096 * len(twin)


def test_64_kib_backing_needs_16_neighbours_in_one_message() -> None:
    host = new_host(backing=65536)
    send(host, Queue.INFLATE, list(range(16, 24)))
    send(host, Queue.INFLATE, list(range(24, 32)))
    assert host.memory_given_back == 0, "two halves in two messages complete nothing"
    send(host, Queue.INFLATE, [*range(32, 40), 200, *range(40, 48)])
    assert host.memory_given_back == 0, "a PFN of another backing page in between starts anew"
    send(host, Queue.INFLATE, [*range(63, 47, -1)])
    assert host.memory_given_back == 65536
    send(host, Queue.DEFLATE, [50])
    assert host.memory_given_back == 0, "taking one 4 KiB page back populates its whole backing page"


def test_2_mib_backing_never_gives_anything_back() -> None:
    host = new_host(backing=2 << 20)
    for first in range(0, 4096, 256):
        send(host, Queue.INFLATE, list(range(first, first + 256)))
    assert int(host.believed.sum()) == 4096
    assert host.memory_given_back == 0


def test_pfns_outside_the_guest_are_ignored() -> None:
    host = new_host(64)
    send(host, Queue.INFLATE, [63, 64, 2**31])
    assert np.flatnonzero(host.believed).tolist() == [63]


def test_oldest_follows_each_queue_separately() -> None:
    host = new_host()
    log = host.messages
    a, b, c = (log.add(q, [1]) for q in (Queue.INFLATE, Queue.DEFLATE, Queue.INFLATE))
    assert log.oldest(Queue.INFLATE, MessageStatus.ADDED) == a
    log.advance(a, MessageStatus.KICKED)
    assert log.oldest(Queue.INFLATE, MessageStatus.ADDED) == c
    assert log.oldest(Queue.INFLATE, MessageStatus.KICKED) == a
    assert log.oldest(Queue.DEFLATE, MessageStatus.ADDED) == b
    assert log.oldest(Queue.STATS, MessageStatus.ADDED) is None


def test_messages_can_be_taken_back_and_sent_again() -> None:
    host = new_host()
    host._journal.recording = True
    send(host, Queue.INFLATE, [5, 6])
    send(host, Queue.DEFLATE, [5])
    end = len(host._journal)
    host._journal.undo(0, end)
    assert len(host.messages) == 0
    assert not host.believed.any()
    assert host.memory_given_back == 0
    assert not host.given_back.any()
    host._journal.redo(0, end)
    assert [m.pfns.tolist() for m in host.messages] == [[5, 6], [5]]
    assert np.flatnonzero(host.believed).tolist() == [6]
    assert np.flatnonzero(host.given_back).tolist() == [6]


def test_statistics_that_were_taken_back_are_not_shown() -> None:
    host = new_host()
    host._journal.recording = True
    shown = [host.statistics]
    for figure in (1, 2):
        host.messages.add(Queue.STATS, (), pack_stats({"memfree": figure}))
        shown.append(host.statistics)
    assert shown == [{}, {"memfree": 1}, {"memfree": 2}]
    for left in (1, 0):
        host._journal.undo(left, left + 1)
        assert host.statistics == shown[left]
    host._journal.truncate(0)
    send(host, Queue.INFLATE, [5])
    send(host, Queue.INFLATE, [6])
    assert host.statistics == {}, "those messages are others now"


def test_a_host_may_begin_with_a_balloon() -> None:
    host = new_host(64, backing=65536)
    host.start_with(np.array([3, *range(16, 32), 40]))
    assert (host.actual, int(host.believed.sum()), host.memory_given_back) == (18, 18, 65536)
    assert np.flatnonzero(host.given_back).tolist() == [1]
    assert host.beliefs()[2:] == (18, 16)


def test_the_log_grows() -> None:
    host = new_host()
    for i in range(300):
        host.messages.add(Queue.INFLATE, [i] * 256)
    assert len(host.messages) == 300
    assert host.messages[299].pfns.tolist() == [299] * 256
    assert len(host.messages.pfns) == 300 * 256
    with pytest.raises(BadValueError):
        host.messages[300]


def test_targets_are_checked() -> None:
    host = new_host(64)
    host.set_target(64)
    for bad in (-1, 65, 1.5):
        with pytest.raises(BadValueError, match="0 to 64"):
            host.set_target(bad)  # type: ignore[arg-type]
    assert host.target == 64


def test_backing_sizes_are_qemus() -> None:
    with pytest.raises(BadValueError, match="4,096, 65,536, 2,097,152"):
        new_host(backing=8192)


def test_statistics_are_10_byte_entries() -> None:
    buffer = pack_stats({"memfree": 1 << 40, "majflt": 3})
    assert buffer.hex() == "0400" + "0000000000010000" + "0200" + "0300000000000000"
    assert unpack_stats(buffer) == {"memfree": 1 << 40, "majflt": 3}
    assert unpack_stats(b"\xff\x00" + b"\0" * 8) == {}, "an unknown tag is skipped"
    with pytest.raises(BadValueError, match="multiple of 10"):
        unpack_stats(buffer[:-1])


def test_messages_that_were_read_at_once_can_be_forgotten() -> None:
    host = new_host()
    queue, count = np.array([0, 0, 1], np.uint8), np.array([2, 1, 2], np.uint16)
    host.exchange(queue, count, np.array([5, 6, 7, 5, 6], np.uint32))
    host.messages.cut(1)
    assert [message.pfns.tolist() for message in host.messages] == [[5, 6]]
    host.exchange(queue, count, np.array([1, 2, 3, 1, 2], np.uint32))
    host.messages.cut(1)
    i = host.messages.add(Queue.DEFLATE, [9])
    assert host.messages.oldest(Queue.DEFLATE, MessageStatus.ADDED) == i  # it is found behind what is gone


def test_a_log_that_grows_message_by_message_is_seldom_copied() -> None:
    log = new_host().messages
    seen: list[np.ndarray] = []
    for i in range(5000):
        log.extend(np.array([Queue.INFLATE], np.uint8), np.array([2], np.uint16), np.array([i, i + 1], np.uint32))
        if not seen or log._pfns is not seen[-1]:
            seen.append(log._pfns)
    assert len(seen) < 20
    assert log.pfns[-2:].tolist() == [4999, 5000]
