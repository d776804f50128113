"""What is asked of a session, one job after another: short ones at once, the rest of a long one on a thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Jobs:
    """A queue that never runs two jobs at the same time. long: whether what waits is the rest of something long."""

    def __init__(self, long: Callable[[], bool]) -> None:
        self._long = long
        self._jobs: deque[Callable[[], None]] = deque()
        self._idle = threading.Condition()
        self._working = False

    def add(self, job: Callable[[], None]) -> None:
        self._jobs.append(job)

    def add_rest(self, job: Callable[[], None]) -> None:
        """What is left of a job: it comes before all that waits."""
        self._jobs.appendleft(job)

    def settle(self, seconds: float) -> bool:
        """Wait until every job is done; returns whether that came in time."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._working, seconds)

    def work(self) -> None:
        """Do what waits; if something long is part of it, leave it to a thread, so that other requests are heard."""
        with self._idle:
            if self._working:
                return
            self._working = True
        if self._work(until_long=True):
            return
        try:
            threading.Thread(target=self._work, name="balloonlab", daemon=True).start()
        except RuntimeError:  # where there are no threads (WebAssembly)
            self._work()

    def _work(self, *, until_long: bool = False) -> bool:
        """Do what waits; returns False if it stopped at the rest of something long."""
        while True:
            with self._idle:
                if not self._jobs:
                    self._working = False
                    self._idle.notify_all()
                    return True
                if until_long and self._long():
                    return False
                job = self._jobs.popleft()
            try:
                job()
            except BaseException:  # an interrupt: the next request must be heard all the same
                with self._idle:
                    self._working = False
                    self._idle.notify_all()
                raise
