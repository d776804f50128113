"""A step past the end of what was recorded goes to the end of a unit of time, however often it is cut in two."""

from __future__ import annotations

import pytest

from balloonlab.widgets import session as session_module
from balloonlab.widgets.session import Session
from balloonlab.widgets.units import UNITS, unit_ended
from tests.widgets.receiver import Receiver
from tests.widgets.test_session import a_guest


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("chunk", [60.0, 0.0])
def test_a_step_past_the_end_makes_one_unit(monkeypatch: pytest.MonkeyPatch, unit: str, chunk: float) -> None:
    guest = a_guest()
    view = Receiver(Session.of(guest.machine))
    view.hello()
    monkeypatch.setattr(session_module, "CHUNK", chunk)
    view.ask("act", name="inflate", value=300, by_hand=True)
    machine, wanted = guest.machine, UNITS.index(unit)
    for _ in range(3):
        if not machine.runnable():
            break
        before = machine.position
        view.ask("step", thread=None, unit=unit)
        assert view.length == machine.position == machine.end > before
        ended = []
        for position in range(before + 1, machine.end + 1):
            machine.seek(position)
            ended.append(unit_ended(machine))
        assert max(ended[:-1], default=0) < max(wanted, 1)
        assert ended[-1] >= wanted or not machine.runnable()
    assert view.errors == []
    view.ask("step", thread=None, unit="century")
    assert "unit of time" in view.errors[0]
