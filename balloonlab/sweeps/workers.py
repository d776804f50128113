"""Processes of this machine for a sweep from the shell: an interrupt is the sweep's, not theirs."""

from __future__ import annotations

import signal
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import active_children, get_context


def processes(jobs: int) -> AbstractContextManager[Executor | None]:
    """So many processes as an executor that is open inside the block; None, this process, for one."""
    if jobs == 1:
        return nullcontext()
    deaf = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches workers, too; one that died of it could hold a lock
    return ProcessPoolExecutor(jobs, get_context("spawn"), initializer=signal.signal, initargs=deaf)


def end_processes() -> None:
    """End them at once: after an interrupt they would go on to the end of their experiments."""
    for worker in active_children():
        worker.terminate()
