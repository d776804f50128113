"""SPIN counts the same states and transitions, to the state."""

from __future__ import annotations

from pathlib import Path

import pytest

import balloonlab as bl
from balloonlab.drivers.review_variants import NO_BALLOON_LOCK
from balloonlab.explore import Program, explore
from balloonlab.explore.learn.subject import Explorable
from balloonlab.explore.program import Shared
from balloonlab.explore.promela import promela
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.primitives import Routine, msleep, read, write
from tests.explore.programs import PROGRAMS, counters, lost_update, peterson, stopping, three_locks
from tests.explore.spin import need_spin, spun, verifier


def words_of_promela() -> Program:
    """Threads whose names mean something to SPIN, or become one name."""

    def naps(shared: Shared) -> Routine:
        seen = yield read(shared.x)
        yield msleep(1)
        yield write(shared.x, seen + 1)

    return Program("words", dict.fromkeys(("init", "do", "a-b", "a_b"), naps), {"x": 0})


CASES: dict[str, Explorable] = {
    "lost update": lost_update(),
    "Peterson": peterson(),
    "Peterson, swapped, three rounds": peterson(swapped=True, rounds=3),
    "philosophers": three_locks(),
    "counters": counters(3, 20),
    "words of Promela": words_of_promela(),
    "a bug": stopping(),
    "fill-out-of-memory, v9": bl.scenario("fill-out-of-memory", "v9"),
    "full-and-compact, v9": bl.scenario("full-and-compact", "v9"),
    "inflate-and-compact, linux-3.6": bl.scenario("inflate-and-compact", "linux-3.6"),
    "deflate, linux-3.6": bl.scenario("deflate", "linux-3.6"),
    "probe-when-something-fails, v10": bl.scenario("probe-when-something-fails", "v10"),
    "probe-and-remove, linux-3.8": bl.scenario("probe-and-remove", "linux-3.8"),
}
AS_DATA: dict[str, Explorable] = {
    "a bug": stopping(),
    "Peterson": peterson(),
    "inflate-and-compact, v9": bl.scenario("inflate-and-compact", "v9"),
    "deflate-and-compact, v9": bl.scenario("deflate-and-compact", "v9"),
    "deflate-and-compact, linux-6.1": bl.scenario("deflate-and-compact", "linux-6.1"),
    "deflate-and-compact, v11, with bugs": bl.scenario("deflate-and-compact", "v11"),
    "deflate-two-and-compact, v10": bl.scenario("deflate-two-and-compact", "v10"),
    "message-on-its-way, where messages are overwritten": bl.scenario("message-on-its-way", NO_BALLOON_LOCK),
}


@pytest.mark.parametrize(
    ("case", "written_out"), [*((case, True) for case in CASES), *((case, False) for case in AS_DATA)]
)
def test_the_counts_are_spins(case: str, tmp_path: Path, *, written_out: bool) -> None:
    need_spin()
    result = explore((CASES if written_out else AS_DATA)[case])
    assert not result.why
    pan = verifier(result.graph.table, tmp_path, written_out=written_out)
    counted = spun(pan, "-w20")
    assert (counted.states, counted.transitions) == (result.states, result.transitions)


def test_the_text_can_be_read() -> None:
    text = promela(explore(lost_update()).graph.table)
    assert text.count("active proctype") == 2
    assert text.count("d_step {") == 2 * (2 + 1 + 1 + 1)  # reads 0 or 1, writes 1 over 0 or 1, writes 2 over 1
    assert "/* add_one: write(x, 2) */" in text


def test_spin_knows_no_shared_cpu() -> None:
    with pytest.raises(BadValueError, match="share a CPU"):
        promela(explore(PROGRAMS["one cpu"]).graph.table)
