"""Each thread's own variables along a timeline."""

from __future__ import annotations

import balloonlab as bl
from balloonlab.kernel.primitives import Routine, read, write
from balloonlab.widgets.own_variables import OwnVariables, own_variables
from balloonlab.widgets.wire import Encoder


def adder(shared: object) -> Routine:
    seen = yield read(shared.x)
    yield write(shared.x, seen + 1)


PROGRAM = bl.Program("lost update", {"one": adder, "two": adder}, values={"x": 0})


def test_what_a_thread_has_read_is_its_own() -> None:
    machine = PROGRAM.machine()
    assert own_variables(machine.thread("one")) == ""
    machine.step("one")
    assert own_variables(machine.thread("one")) == "seen = 0"
    machine.step("one")
    assert own_variables(machine.thread("one")) == ""


def test_a_row_a_thread_and_position() -> None:
    machine = PROGRAM.machine()
    for name in ("one", "two", "two"):
        machine.step(name)
    own = OwnVariables()
    rows = own.rows(machine, 0).reshape(-1, 2)
    assert [[own.words[n] for n in row] for row in rows] == [
        ["", ""],
        ["seen = 0", ""],
        ["seen = 0", "seen = 0"],
        ["seen = 0", ""],
    ]
    assert machine.position == 3


def test_programs_send_them_and_guests_do_not() -> None:
    machine = PROGRAM.machine()
    machine.step("one")
    encoder = Encoder(machine)
    content, arrays = encoder.frame()
    assert [content["tables"]["own_words"][n] for n in arrays["own"]] == ["", "", "seen = 0", ""]
    machine.step("two")
    content, arrays = encoder.steps()
    assert [content["rows"]["own_words"]["rows"][n] for n in arrays["own"]] == ["seen = 0", "seen = 0"]
    guest = bl.Guest(64, engine="steps")
    guest.machine.record()
    assert "own" not in Encoder(guest.machine).frame()[1]
