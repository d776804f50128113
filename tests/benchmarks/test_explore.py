"""The search against SPIN, in the same run: ``pytest tests/benchmarks/test_explore.py -m benchmark -s``.

States a second of CPU time, one core each, SPIN without partial order reduction and without the seconds that its
generation and compilation take. The counts must be equal.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

import balloonlab as bl
from balloonlab.explore import Program, explore
from balloonlab.explore.learn.subject import Explorable
from balloonlab.explore.learn.table import Table
from balloonlab.explore.program import Shared
from balloonlab.explore.search.limits import Limits
from balloonlab.kernel.primitives import Routine, mutex_lock, mutex_unlock, read, write
from tests.explore.spin import need_spin, spun, verifier

pytestmark = pytest.mark.benchmark
ROUNDS = 3
search = import_module("balloonlab.explore.explorer")._search
LIMITS = Limits(2**31 - 2, 1 << 40)


def workers(threads: int, modulus: int, rounds: int) -> Program:
    """Threads that add to one number with a lock and to another without: many states, few rows."""

    def work(shared: Shared) -> Routine:
        for _ in range(rounds):
            yield mutex_lock(shared.a)
            seen = yield read(shared.x)
            yield write(shared.x, (seen + 1) % modulus)
            yield mutex_unlock(shared.a)
            del seen
            seen = yield read(shared.y)
            yield write(shared.y, (seen + 1) % modulus)
            del seen

    names = (f"worker{i}" for i in range(threads))
    return Program("workers", dict.fromkeys(names, work), {"x": 0, "y": 0}, ["a"])


SUBJECTS: dict[str, Explorable] = {
    "3 workers": workers(3, 5, 3),
    "deflate-and-compact, v11": bl.scenario("deflate-and-compact", "v11"),
    "4 workers": workers(4, 5, 2),
    "4 workers, 3 rounds": workers(4, 3, 3),
    "4 workers, modulo 7": workers(4, 7, 3),
}


SCRIPT = """
import re
from pathlib import Path
from balloonlab.explore import explore
from tests.benchmarks.test_explore import workers

def peak():  # KiB
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

before = peak()
result = explore(workers(4, 7, 4), most_states=5_000_000)
print(result.states, before, peak())
"""


def cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("name", SUBJECTS)
def test_states_a_second_against_spin(name: str, tmp_path: Path) -> None:
    need_spin()
    subject = SUBJECTS[name]
    table = Table(subject.subject())
    graph, why = search(table, LIMITS, "auto")
    assert not why
    pan = verifier(table, tmp_path, "-O2", written_out=len(table.rows) <= 1000)
    learned, fresh, spin, elapsed = [], [], [], []
    for _ in range(ROUNDS):
        learned.append(cpu(lambda: search(table, LIMITS, "auto")))
        fresh.append(cpu(lambda: search(Table(subject.subject()), LIMITS, "auto")))
        before = cpu_of_children()
        counted = spun(pan, f"-w{max(18, graph.states.bit_length() + 1)}")
        spin.append(cpu_of_children() - before)
        elapsed.append(counted.seconds)
        assert (counted.states, counted.transitions) == (graph.states, graph.transitions)
    ours, whole, theirs = (graph.states / statistics.median(times) / 1e6 for times in (learned, fresh, spin))
    said = graph.states / max(0.01, statistics.median(elapsed)) / 1e6
    print(  # noqa: T201
        f"\n{name}: {graph.states:,} states, {len(table.rows):,} rows; million states a second: {ours:.2f} on a "
        f"learned table, {whole:.2f} with learning, SPIN {theirs:.2f} (by its own clock {said:.2f}); ratio to SPIN "
        f"{ours / theirs:.2f}, with learning {whole / theirs:.2f}"
    )
    assert whole / theirs > 1 / 10


def test_the_first_counterexample_of_v9(benchmark: pytest.FixtureRequest) -> None:
    result = benchmark(lambda: explore(bl.scenario("fill-out-of-memory", "v9")))
    assert result.findings[0].kind == "lock held by a finished call"


def test_memory_of_five_million_states() -> None:
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    states, before, after = map(int, said.split())
    print(f"\n{states:,} states: {after >> 10:,} MiB, of which {before >> 10:,} before")  # noqa: T201
    assert after << 10 < 1 << 30
    assert states >= 5_000_000
