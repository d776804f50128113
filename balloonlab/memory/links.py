"""The links that put page frames on lists: the kernel's `page->lru`, one pair a page.

Because there is one pair, a page is on at most one list at a time: a free list, the balloon's list of pages, or a
compactor's private list (Linux 3.6 and 6.1, include/linux/list.h and mm_types.h).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.journal import Journal, Kind


class Links:
    """Doubly linked lists over page frames (include/linux/list.h, one `lru` a page).

    A list head is a node past the last PFN. `follow` says what node a page follows; -1 means it is on no list.
    """

    def __init__(self, pages: int, heads: int, journal: Journal) -> None:
        self.pages = pages
        self.journal = journal
        self.heads: list[str] = []
        size = pages + heads
        self.next_array = np.full(size, -1, np.int32)
        self.prev_array = np.full(size, -1, np.int32)
        self.next = self.next_array.data
        self.prev = self.prev_array.data
        journal.owns(Kind.LINK, self._put)

    def new_list(self, name: str) -> int:
        """A new empty list; returns its head node."""
        head = self.pages + len(self.heads)
        if head >= len(self.next):
            raise BadValueError(f"no room for list {name!r}: {len(self.heads)} list heads are in use already.")
        self.heads.append(name)
        self.next[head] = self.prev[head] = head
        return head

    def named_list(self, name: str) -> int:
        """The head of the list called `name`, made empty if there is none yet."""
        return self.pages + self.heads.index(name) if name in self.heads else self.new_list(name)

    def _put(self, page: int, follow: int) -> None:
        nxt, prv = self.next, self.prev
        before = prv[page]
        if before >= 0:
            after = nxt[page]
            nxt[before] = after
            prv[after] = before
            nxt[page] = prv[page] = -1
        if follow >= 0:
            after = nxt[follow]
            nxt[follow] = page
            prv[page] = follow
            nxt[page] = after
            prv[after] = page

    def _move(self, page: int, follow: int) -> None:
        if self.journal.recording:
            self.journal.note(Kind.LINK, page, self.prev[page], follow)
        self._put(page, follow)

    def add(self, page: int, head: int) -> None:
        """list_add: `page` becomes the first of the list (it leaves the list it was on, if any)."""
        if self.prev[page] >= 0:
            self.delete(page)
        self._move(page, head)

    def add_tail(self, page: int, head: int) -> None:
        """list_add_tail: `page` becomes the last of the list."""
        if self.prev[page] >= 0:
            self.delete(page)
        self._move(page, self.prev[head])

    def delete(self, page: int) -> None:
        """list_del."""
        self._move(page, -1)

    def first(self, head: int) -> int:
        """The page at the head of the list, -1 if it is empty."""
        node = self.next[head]
        return -1 if node == head else node

    def last(self, head: int) -> int:
        """The page at the tail of the list, -1 if it is empty."""
        node = self.prev[head]
        return -1 if node == head else node

    def listed(self, page: int) -> bool:
        return self.prev[page] >= 0

    def walk(self, head: int) -> Iterator[int]:
        """Pages from head to tail. Do not change the list while walking it."""
        node = self.next[head]
        while node != head:
            yield node
            node = self.next[node]

    def ranks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every page on a list, ascending; the head of its list; how many nodes it comes after the head (int32 each).

        In as many rounds as the longest list's length has binary digits: each page looks twice as far back each time.
        """
        listed = np.flatnonzero(self.prev_array[: self.pages] >= 0).astype(np.int32)
        nodes = np.concatenate((listed, np.arange(self.pages, self.pages + len(self.heads), dtype=np.int32)))
        number = np.empty(len(self.prev_array), np.int32)  # only those of nodes are ever read
        number[nodes] = np.arange(len(nodes), dtype=np.int32)
        before, steps = number[self.prev_array[nodes]], np.ones(len(nodes), np.int32)
        before[len(listed) :] = np.arange(len(listed), len(nodes))  # a head stays where it is
        steps[len(listed) :] = 0
        count = len(listed)
        for _ in range(count.bit_length()):
            if before.min() >= count:
                break
            steps += steps[before]
            before = before[before]
        return listed, nodes[before[:count]], steps[:count]

    def fill(self, head: int, pages: np.ndarray) -> None:
        """Make the empty list hold `pages` (int array, head to tail) at once. Not journaled: for construction."""
        if len(pages) == 0:
            return
        nodes = np.concatenate(([head], np.asarray(pages, np.int32), [head])).astype(np.int32)
        self.next_array[nodes[:-1]] = nodes[1:]
        self.prev_array[nodes[1:]] = nodes[:-1]
