"""The Lab as Python sees it: what it shows, how it prints, what it leaves in a saved notebook."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib import image

import balloonlab as bl
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Routine, read
from balloonlab.widgets import esm, saved_output
from balloonlab.widgets.lab import Lab
from balloonlab.widgets.units import UNITS
from tests.widgets.receiver import Message, decoded


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Lab, Message]]:
    """What Labs send, in order."""
    messages: list[tuple[Lab, Message]] = []

    def send(lab: Lab, content: dict[str, Any], buffers: list[bytes]) -> None:
        messages.append((lab, decoded(content, buffers)))

    monkeypatch.setattr(Lab, "send", send)
    return messages


@pytest.fixture
def capture_display(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The bundles that are displayed, with their metadata, in order."""
    shown: list[tuple[dict[str, Any], dict[str, Any]]] = []
    monkeypatch.setattr(saved_output, "display", lambda data, **more: shown.append((data, more["metadata"])))
    return shown


def test_a_machine_alone_says_as_a_scenario_does_where_its_drivers_text_stands_in_the_kernel() -> None:
    scenario = bl.scenario("inflate", "v9")
    told = [Lab(each).describe()["places"] for each in (scenario, scenario.machine())]
    assert told[0] == told[1] == dict(scenario.driver.places)

    def reads(of: SimpleNamespace) -> Routine:
        yield read(of.n)

    assert Lab(bl.Program("no driver", {"one": reads}, values={"n": 0})).describe()["places"] is None


def test_time_begins_with_rounds_for_a_guest_with_statements_for_a_scenario_or_as_asked() -> None:
    guest, scenario = bl.Guest(64), bl.scenario("inflate")
    assert [Lab(each).describe()["level"] for each in (guest, scenario)] == ["round", "statement"]
    assert Lab(scenario, unit="message").describe()["level"] == "message"
    with pytest.raises(UnknownNameError, match="statement, call, page, message, round"):
        Lab(guest, unit="messages")
    levels = esm.module()
    assert f"LEVELS = {json.dumps(UNITS)};" in levels  # the browser's own list


def test_a_guest_a_scenario_and_a_machine_can_be_shown() -> None:
    guest = bl.Guest(pages=1024, driver="v9")
    assert repr(Lab(guest)) == "<Lab: guest of 1,024 pages (4 MiB), driver v9, machine at step 0 of 0>"
    assert Lab(guest).machine is guest.machine
    scenario = bl.scenario("inflate", driver="v9")
    lab = Lab(scenario)
    assert repr(lab) == f"<Lab: {scenario.title}, machine at step 1 of 1>"
    assert lab.question == scenario.question
    assert Lab(lab.machine).session is lab.session
    assert (
        repr(Lab(bl.Guest(64, page_size=65536).machine))
        == "<Lab: guest of 64 pages of 64 KiB (4 MiB), machine at step 0 of 0>"
    )
    assert Lab(guest, title="my guest").title == "my guest"


@pytest.mark.parametrize("subject", [None, 3, "v9", [bl.Guest], object()])
def test_anything_else_is_refused(subject: object) -> None:
    with pytest.raises(BadValueError, match="a Lab shows a guest, a scenario or a machine"):
        Lab(subject)


def test_a_machine_is_shown_at_its_position(sent: list[tuple[Lab, Message]]) -> None:
    machine: Machine = bl.scenario("inflate", driver="v9").machine()
    machine.run()
    end = len(machine.timeline)
    machine.seek(7)
    lab = Lab(machine)
    lab._handle_custom_msg({"type": "hello", "view": "a"}, [])
    content = sent[0][1][0]
    assert (content["position"], content["steps"], content["to"]) == (7, end, "a")
    assert machine.position == 7


def test_requests_come_in_as_messages_of_the_widget(sent: list[tuple[Lab, Message]]) -> None:
    guest = bl.Guest(pages=512, driver="v9")
    one, two = Lab(guest), Lab(guest)
    unseen = Lab(guest)
    one._handle_custom_msg({"type": "hello", "view": "a"}, [])
    two._handle_custom_msg({"type": "hello", "view": "b"}, [])
    epoch = sent[0][1][0]["epoch"]
    one._handle_custom_msg({"type": "act", "name": "inflate", "value": "9", "at": 0, "known": 0, "epoch": epoch}, [])
    assert one.session.settle()
    assert guest.balloon_pages == 9
    assert {id(lab) for lab, (content, _) in sent if content["type"] == "steps"} == {id(one), id(two)}
    assert unseen not in [lab for lab, _ in sent]
    one._handle_custom_msg({"type": "bye", "view": "a"}, [])
    sent.clear()
    guest.inflate(3)
    assert {id(lab) for lab, _ in sent} == {id(two)}


def test_a_closed_lab_hears_nothing_more(sent: list[tuple[Lab, Message]]) -> None:
    guest = bl.Guest(pages=512, driver="v9")
    lab = Lab(guest)
    lab.close()
    lab.close()
    guest.inflate(5)
    assert sent == []


def test_markup_crosses_as_text_and_stays_text(sent: list[tuple[Lab, Message]]) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    lab = Lab(bl.Guest(pages=512, driver="v9"), title=nasty)
    lab._handle_custom_msg({"type": "hello", "view": "a"}, [])
    assert sent[0][1][0]["title"] == nasty  # the browser sets it with textContent (see test_esm)
    data, _ = lab._repr_mimebundle_()
    assert "text/html" not in data


def test_a_saved_notebook_has_a_picture_and_a_stable_text() -> None:
    guest = bl.Guest.from_states(np.repeat(np.array([0, 1, 2], np.uint8), 512), "v9")
    lab = Lab(guest)
    guest.inflate(100)
    data, about = lab._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert image.imread(io.BytesIO(data["image/png"]), "png").shape[1] >= 700
    assert about["image/png"] == {"alt": "Page map of guest of 1,536 pages (6 MiB), driver v9"}
    at = f"step {lab.machine.position:,} of {lab.machine.position:,}"
    assert data["text/plain"].splitlines()[:4] == [
        f"<Lab: guest of 1,536 pages (6 MiB), driver v9, machine at {at}>",
        f"timeline: {at}",
        "  vballoon: read(should_stop) = 0",
        "page map: 1,536 guest pages",
    ]
    assert data["text/plain"] == lab._repr_mimebundle_()[0]["text/plain"]
    assert " at 0x" not in data["text/plain"]
    assert lab.text.count("\n") > data["text/plain"].count("\n")


def test_it_is_shown_as_a_picture_and_a_view(capture_display: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    lab = Lab(bl.Guest(pages=512, driver="v9"))
    lab._ipython_display_()
    (picture, about), (view, more) = capture_display
    assert set(picture) == {"image/png", "text/plain"}
    assert picture["text/plain"] == "Page map of guest of 512 pages (2 MiB), driver v9"
    assert about["image/png"]["alt"] == picture["text/plain"]
    assert "image/png" not in more
    assert set(view) == {"application/vnd.jupyter.widget-view+json", "text/plain"}


def test_looking_does_not_move_the_guest() -> None:
    guest = bl.Guest(pages=512, driver="v9")
    lab = Lab(guest)
    guest.inflate(5)
    position = lab.machine.position
    assert lab.text
    assert lab._repr_mimebundle_()
    assert lab.machine.position == position


def test_a_finding_is_told_only_while_its_steps_stand_there() -> None:
    finding = bl.explore(bl.scenario("fill-out-of-memory", "v9")).findings[0]
    lab = Lab(finding)
    told = lab.describe()["finding"]
    assert (told["step"], told["text"]) == (18, "vballoon has done its work and still holds balloon_lock.")
    lab.machine.seek(3)
    assert lab.describe()["finding"] == told
    lab.machine.act("compact")
    lab.machine.walk(30, 1)
    assert lab.describe()["finding"] is None


def test_a_class_is_no_subject() -> None:
    with pytest.raises(BadValueError, match="a Lab shows a guest, a scenario or a machine"):
        Lab(bl.Scenario)


def test_who_shares_a_cpu_is_told() -> None:
    shared = bl.scenario("one-cpu", "linux-6.1")
    driver = shared.driver.threads[0].name
    assert Lab(shared).describe()["cpu"] == [driver, "compactor"]
    assert Lab(shared.after(shared.machine().schedule)).describe()["cpu"] == [driver, "compactor"]
    assert Lab(bl.scenario("inflate", "v9")).describe()["cpu"] == []
    assert Lab(bl.scenario("inflate", "v9").on_one_cpu("nobody")).describe()["cpu"] == []
    assert Lab(bl.Guest(64)).describe()["cpu"] == []
