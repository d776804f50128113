"""sweep: run every experiment of a grid, here or on an executor; keep what is done."""

from __future__ import annotations

import traceback
from collections.abc import Generator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, NoReturn
from uuid import uuid4

from balloonlab.foundations.errors import BadValueError, BalloonlabError, NotWrittenError
from balloonlab.foundations.interrupt import SignOfLife, silently, times_held_back
from balloonlab.sweeps.cells import ERROR, Row, printable, results_row
from balloonlab.sweeps.experiments import balloon_and_compact
from balloonlab.sweeps.grid import Experiment, Point, name_of, points
from balloonlab.sweeps.kept import Kept
from balloonlab.sweeps.table import Table

_LOOK = 0.5  # seconds between two looks for an interrupt, while nothing ends


class ExecutorFailedError(BalloonlabError, RuntimeError):
    """The executor could not run experiments. table: the rows that were done by then."""

    def __init__(self, text: str, table: Table) -> None:
        super().__init__(text)
        self.table = table


class Outcome(NamedTuple):
    """How an experiment ended: its results, or what went wrong in words; nothing of either if it was interrupted."""

    results: Row | None = None
    error: str = ""


Outcomes = Generator[tuple[int, Outcome | BaseException]]


def sweep(
    experiment: Experiment = balloon_and_compact,
    *,
    executor: Executor | None = None,
    keep: Table | str | Path | None = None,
    **axes: Any,  # noqa: ANN401
) -> Table:
    """Run an experiment for every combination of parameters, and put the results into a table.

    experiment: a function of its parameters that returns a dict of results; it gets one value of each axis. axes: for
    each parameter a list of values, or one value. executor: any concurrent.futures.Executor (threads, processes, a
    dask cluster's ``client.get_executor()``); it stays open; by default everything runs here. keep: what is done
    already and need not be done again, as the table of an earlier sweep, or a file to which each row is added at once.

    The table has a row an experiment, in the order of the grid, the last axis running fastest. An experiment that
    fails has a row with its error, and is tried again when the sweep is. An interrupt ends the sweep: the table has the
    rows that are done and says so (`why`), and experiments that run elsewhere go on to their end unheard. Raises
    BadValueError or UnknownNameError, before anything runs, for a parameter that is wrong; ExecutorFailedError.
    """
    if executor is not None and not isinstance(executor, Executor):
        raise BadValueError(
            f"executor is {executor!r}; it must be a concurrent.futures.Executor that is open, such as "
            "ProcessPoolExecutor(). That of a dask client is client.get_executor()."
        )
    grid = points(experiment, axes)
    run = _Run(experiment, grid, list(axes), Kept(experiment, keep))
    with run.kept:
        return run.go(executor)


class _Run:
    """One sweep. ended: by the number of its experiment, the part of a row that follows the parameters."""

    def __init__(self, experiment: Experiment, grid: Sequence[Point], names: Sequence[str], kept: Kept) -> None:
        self.experiment, self.grid, self.names, self.kept = experiment, grid, names, kept
        found = ((i, kept.results(point)) for i, point in enumerate(grid))
        self.ended: dict[int, Row] = {i: row for i, row in found if row is not None}
        self.missing = [i for i in range(len(grid)) if i not in self.ended]
        self.life = SignOfLife(f"sweeping {name_of(experiment)}")

    def table(self, why: str = "") -> Table:
        rows = [{**self.grid[i].row, **self.ended[i]} for i in sorted(self.ended)]
        return Table(rows, self.names, why, self.kept.identity)

    def go(self, executor: Executor | None) -> Table:
        refused: list[BaseException] = []
        outcomes = self._here() if executor is None else self._on(executor)
        try:
            with closing(outcomes):
                for i, outcome in outcomes:
                    if isinstance(outcome, BaseException):
                        refused.append(outcome)
                        outcome = Outcome(error=f"not run: {_words(outcome)}")  # noqa: PLW2901
                    self._end(i, outcome)
                    self._say()
        except KeyboardInterrupt:
            return self._cut_short("interrupted", "")
        except NotWrittenError as error:
            return self._cut_short("ended", f", since {error}")
        finally:
            self.life.quiet()
        if refused and len(refused) == len(self.missing):
            self._fail(refused[0])
        return self.table()

    def _cut_short(self, how: str, why: str) -> Table:
        done = f"{len(self.ended):,} of {len(self.grid):,}"
        rest = "the same sweep with keep= this table, or a file that was kept, does the rest"
        return self.table(f"{how} after {done}{why}: {rest}")

    def _say(self) -> None:
        done, total = len(self.ended), len(self.grid)
        self.life.say(f"{done:,} of {total:,} experiments", done / total)

    def _end(self, i: int, outcome: Outcome) -> None:
        if outcome.error:
            self.ended[i] = {ERROR: outcome.error}
        elif outcome.results is None:
            raise KeyboardInterrupt
        else:
            self.ended[i] = outcome.results
            self.kept.add(self.grid[i], outcome.results)

    def _here(self) -> Outcomes:
        for i in self.missing:
            yield i, attempt(self.experiment, *self.grid[i])

    def _on(self, executor: Executor) -> Outcomes:
        futures: dict[Future[Outcome], int] = {}
        ended: SimpleQueue[Future[Outcome]] = SimpleQueue()
        this = uuid4().hex
        try:
            for i in self.missing:
                try:
                    future = executor.submit(attempt_silently, self.experiment, *self.grid[i], this)
                except Exception as error:  # noqa: BLE001  (whatever an executor raises)
                    self._fail(error)
                futures[future] = i
                future.add_done_callback(ended.put)
            for _ in self.missing:
                future = self._next(ended)
                yield futures[future], self._outcome(future)
        finally:
            for future in futures:
                future.cancel()

    def _next(self, ended: SimpleQueue[Future[Outcome]]) -> Future[Outcome]:
        while True:
            with suppress(Empty):
                return ended.get(timeout=_LOOK)  # an interrupt just before it is seen after it
            self._say()

    def _outcome(self, future: Future[Outcome]) -> Outcome | BaseException:
        try:
            return future.result()
        except BrokenExecutor as error:
            self._fail(error)
        except (Exception, CancelledError) as error:  # noqa: BLE001  (whatever an executor raises)
            return error

    def _fail(self, error: BaseException) -> NoReturn:
        self.ended = {i: row for i, row in self.ended.items() if ERROR not in row}
        done = f"{len(self.ended):,} of {len(self.grid):,}"
        raise ExecutorFailedError(
            f"the executor did not run {name_of(self.experiment)}: {_words(error)}. {done} experiments are done (the "
            "`table` of this error). Was it closed, was a worker stopped for want of memory, or can a worker not have "
            "the function or a parameter? Other processes import them by name: put the function into a module, and "
            "name drivers by strings.",
            self.table("the executor failed"),
        ) from error


def attempt(experiment: Experiment, parameters: dict[str, Any], row: Row) -> Outcome:
    """Run one experiment, wherever this is; whatever it raises becomes words."""
    before = times_held_back()
    try:
        outcome = Outcome(results_row(experiment(**parameters), row))
    except KeyboardInterrupt:
        return Outcome()
    except BaseException as error:  # noqa: BLE001  (one that fails does not lose the others)
        outcome = Outcome(error=_in_words(error))
    return outcome if times_held_back() == before else Outcome()  # cut short, as an exploration may be


def attempt_silently(experiment: Experiment, parameters: dict[str, Any], row: Row, this: str) -> Outcome:  # noqa: ARG001
    """The same without signs of life, on an executor's worker.

    this: tells sweeps apart; dask takes two calls with the same arguments for one, even if the first was cancelled.
    """
    with silently():
        return attempt(experiment, parameters, row)


def _words(error: BaseException) -> str:
    try:
        text = printable(str(error))
    except Exception:  # noqa: BLE001  (an error of somebody else's, which cannot say what it is)
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _in_words(error: BaseException) -> str:
    """What an experiment raised, and where if that is not this package's own refusal."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, BalloonlabError) or len(frames) < 2:  # noqa: PLR2004  (the first is `attempt`)
        return _words(error)
    return f"{_words(error)} (line {frames[-1].lineno} of {frames[-1].name})"
