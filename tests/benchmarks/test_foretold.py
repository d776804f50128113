"""From a press in a Lab to its told end, beside the array engine: ``pytest tests/benchmarks -m benchmark -s``.

On the shipped recording of 65,536 pages, in CPU time, both in the same run; what is told is asserted to be the
engine's own result. A press costs more than the operation: the machine's state is read into arrays, the moment kept,
and the first steps made (FIRST_CHUNK of session.py) before the end is told.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.widgets.session import FIRST_CHUNK, Session
from tests.widgets.receiver import Receiver

pytestmark = pytest.mark.benchmark
RUNS = 5
MOST = 100  # times what the arrays take, past the first chunk


def recorded() -> bl.Guest:
    return bl.recordings.load("S2_256M_alt").snapshot("freed", driver="linux-6.1")


def told(guest: bl.Guest, name: str, value: int | None) -> tuple[float, dict[str, object]]:
    """CPU seconds from the press to the told end, and what was told. The run is stopped there."""
    view = Receiver(Session.of(guest.machine))
    view.session.foretell = guest.foretell
    view.hello()
    when: list[float] = []

    def hear(view: Receiver, content: dict[str, object]) -> None:
        if content["type"] == "foretold":
            when.append(time.process_time())
            view.session.ask(view, {"type": "stop", "view": view.name})

    view.heard = hear
    began = time.process_time()
    view.ask("act", name=name, value=value)
    return when[0] - began, view.of("foretold")[0][0]


@pytest.mark.parametrize("name", ["inflate", "deflate", "compact"])
def test_from_a_press_to_the_told_end(name: str) -> None:
    presses, operations = [], []
    for _ in range(RUNS):
        guest = recorded()
        value = {"inflate": guest.balloon_pages + 4000, "deflate": guest.balloon_pages - 4000, "compact": None}[name]
        began = time.process_time()
        result = guest.compact() if value is None else guest.set_target(value)
        operations.append(time.process_time() - began)
        seconds, content = told(recorded(), name, value)
        presses.append(seconds)
        assert (content["held"], content["sent"]) == (guest.balloon_pages, result.messages)
    press, operation = median(presses), median(operations)
    print(  # noqa: T201
        f"\n{name}: told {press * 1e3:.0f} ms after the press, {press / operation:.0f} times the "
        f"{operation * 1e3:.1f} ms that arrays take"
    )
    assert press < FIRST_CHUNK + MOST * operation
    assert press < 2


@pytest.mark.parametrize("name", ["inflate", "compact"])
def test_from_a_press_to_the_told_end_on_four_million_pages(name: str) -> None:
    states = np.random.default_rng(0).choice([0, 1, 2], 1 << 22, p=[0.5, 0.45, 0.05]).astype(np.uint8)
    guest = bl.Guest.from_states(states, "linux-6.1")
    guest.inflate(1 << 18)
    press, content = told(guest, name, guest.balloon_pages + 100_000 if name == "inflate" else None)
    print(f"\n{name} on 4,194,304 pages: told {press:.2f} s after the press")  # noqa: T201
    assert content["held"] == (362_144 if name == "inflate" else 1 << 18)
    assert press < 2
