"""Fate in the Lab, as Python sees it: when it is explored, what the views are told, what stands in the text."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import balloonlab as bl
from balloonlab.explore.judge.fate import Fates
from balloonlab.explore.judge.fate_legend import LOOKS
from balloonlab.explore.learn.subject import Explorable
from balloonlab.explore.program import Shared
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.primitives import Routine, mutex_lock, mutex_unlock
from balloonlab.widgets import foresight as foresight_module
from balloonlab.widgets import session as session_module
from balloonlab.widgets.lab import Lab
from balloonlab.widgets.session import Session
from tests.widgets.receiver import Message, Receiver

FIRST = "lock held by a finished call"


def a_view(subject: Explorable) -> Receiver:
    machine = subject.machine()  # type: ignore[attr-defined]
    session = Session.of(machine)
    session.foresee(subject)
    view = Receiver(session)
    view.hello()
    return view


@pytest.fixture
def view() -> Receiver:
    return a_view(bl.scenario("full-and-compact", "v9"))


def wish(view: Receiver, what: str, at: int | None = None) -> None:
    view.ask("fate", at, wish=what)
    assert view.session.foresight is not None
    assert view.session.foresight.settle()


def latest(view: Receiver) -> Message:
    return view.of("fates")[-1]


def test_nothing_is_explored_until_somebody_asks(view: Receiver) -> None:
    content, arrays = latest(view)
    assert (content["shown"], content["known"], arrays) == (False, False, {})
    view.ask("step", thread="vballoon")
    assert len(view.of("fates")) == 1


def test_it_is_explored_and_told_for_the_whole_timeline(view: Receiver) -> None:
    view.ask("step", thread="vballoon")
    wish(view, "show")
    assert view.errors == []
    said = [content for content, _ in view.of("fates")]
    assert said[1]["exploring"]
    assert "Exploring every interleaving" in said[1]["text"]
    content, arrays = latest(view)
    assert (content["exploring"], content["text"], content["from"]) == (False, "", 0)
    assert arrays["known"].tolist() == [1, 1, 0, 0]
    assert len(arrays["next_fate"]) == 4 * len(view.session.machine.threads)
    assert content["coverage"] == ["The steps so far have seen 2 of 1,014 states."]
    assert content["kinds"][arrays["kind"][3] - 1] == FIRST
    assert (arrays["steps"][2:] == [17, 16]).all()


def test_one_message_an_action_and_only_what_is_new(view: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "FIRST_CHUNK", 60.0)  # a run is one action, however slow the machine
    wish(view, "show")
    count = len(view.of("fates"))
    view.ask("step", thread="vballoon")
    view.ask("run")
    view.session.changed()
    told = view.of("fates")[count:]
    known = [len(arrays["known"]) for _, arrays in told]
    begins = [content["from"] for content, _ in told]
    assert begins[:2] == [3, 4]
    assert begins == [3 + sum(known[:i]) for i in range(len(known))]  # a run that takes long is told in parts
    assert sum(known) == view.length - 2
    view.ask("step", at=5, thread="compactor")
    content, arrays = latest(view)
    assert (content["from"], len(arrays["known"])) == (6, 1)


def test_a_view_that_comes_later_is_told_everything(view: Receiver) -> None:
    wish(view, "show")
    view.ask("run")
    late = Receiver(view.session, "late")
    late.hello()
    content, arrays = latest(late)
    assert (content["from"], len(arrays["known"])) == (0, view.length + 1)
    assert [content["type"] for content, _ in late.messages[:3]] == ["frame", "progress", "fates"]


def test_after_something_from_outside_it_can_be_explored_from_there(view: Receiver) -> None:
    wish(view, "show")
    view.ask("act", name="deflate", value=0, by_hand=True)
    content, arrays = latest(view)
    assert arrays["known"].tolist() == [2]
    assert "exploration did not count on" in content["why_not"][2]
    wish(view, "explore")
    content, arrays = latest(view)
    assert arrays["known"].tolist() == [1, 1, 0, 0]
    assert arrays["graph"].tolist() == [255, 255, 0, 1]
    assert len(content["coverage"]) == 2
    wish(view, "explore", at=77)
    assert "position is 77" in view.errors[-1]


def test_hidden_it_is_silent_and_shown_again_at_once(view: Receiver) -> None:
    wish(view, "show")
    wish(view, "hide")
    assert not latest(view)[0]["shown"]
    count = len(view.of("fates"))
    view.ask("step", thread="vballoon")
    assert len(view.of("fates")) == count
    wish(view, "show")
    content, arrays = latest(view)
    assert (content["text"], arrays["known"].tolist()) == ("", [1, 1, 0, 0])


def test_an_exploration_that_is_stopped_or_too_large_leaves_fate_unknown(
    view: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    explore = foresight_module.explore

    def slow(subject: Explorable, **options: int) -> object:
        begun.set()
        assert go_on.wait(30)
        return explore(subject, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(foresight_module, "explore", slow)
    view.ask("fate", wish="show")
    assert begun.wait(30)
    view.ask("step", thread="vballoon")  # the guest can be stepped meanwhile
    view.ask("fate", wish="explore")
    assert "going on already" in view.errors[-1]
    view.ask("fate", wish="stop")
    go_on.set()
    assert view.session.foresight is not None
    assert view.session.foresight.settle()
    content, arrays = latest(view)
    assert content["text"].startswith("Not explored to the end: it was interrupted after")
    assert (content["exploring"], content["known"], arrays) == (False, False, {})

    monkeypatch.setattr(foresight_module, "MOST_STATES", 100)
    wish(view, "show")
    assert "limit of 100 states. So nobody's fate is known." in latest(view)[0]["text"]
    with view.session.machine.lock:
        assert view.session.foresight.lines(2) == [latest(view)[0]["text"]]


def test_progress_is_said(view: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balloonlab.foundations.interrupt._PAUSE", 0.0)
    wish(view, "show")
    said = [content["text"] for content, _ in view.of("fates")]
    assert any(text.endswith("states so far") for text in said), said


def test_a_wish_nobody_knows_is_refused(view: Receiver) -> None:
    view.ask("fate", wish="dance")
    assert "unknown wish 'dance'; known: show, hide, stop, explore" in view.errors[0]
    view.ask("fate", wish="explore", epoch=99)
    assert "Somebody else changed this guest" in view.errors[1]


def test_what_fails_in_python_is_said(
    view: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(foresight_module, "explore", lambda *_, **__: 1 // 0)
    wish(view, "show")
    assert "ZeroDivisionError" in latest(view)[0]["text"]
    assert "ZeroDivisionError" in caplog.text


def test_nothing_is_sent_while_the_machine_is_held(view: Receiver) -> None:
    free: list[bool] = []
    lock, send = view.session.machine.lock, view.send

    def probe() -> None:
        free.append(lock.acquire(timeout=5))
        if free[-1]:
            lock.release()

    def asking(content: dict[str, Any], buffers: list[bytes]) -> None:
        other = threading.Thread(target=probe)
        other.start()
        other.join()
        send(content, buffers)

    view.send = asking  # type: ignore[method-assign]
    wish(view, "show")
    view.ask("run")
    assert len(free) > 3
    assert all(free)


def test_without_threads_it_is_explored_at_once(view: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    view.ask("fate", wish="show")
    assert latest(view)[1]["known"].tolist() == [1, 1, 0]


# -- the Lab --


def test_a_lab_shows_fate_as_text_and_in_a_saved_notebook() -> None:
    lab = Lab(bl.scenario("full-and-compact", "v9"), fate=True)
    lines = [
        "what can become of each step",
        f"  here: x will go wrong. {LOOKS[2].meaning} The nearest: {FIRST}, 17 steps away.",
        f"  vballoon            x will go wrong: {FIRST} 17 steps away, needs no preemption",
        f"  compactor           x will go wrong: {FIRST} 18 steps away, needs no preemption",
        "  The steps so far have seen 1 of 1,014 states.",
    ]
    assert "\n".join(lines) in lab.text
    assert lab._repr_mimebundle_()[0]["text/plain"].endswith("\n".join(lines))
    lab.machine.step("compactor")
    assert "compactor           x will go wrong" in lab.still_text()
    assert "needs 1 preemption" in lab.still_text()
    lab.machine.act("set_target", 1)
    assert "  here: not known. Something was asked for from outside" in lab.text
    assert "what can become" not in Lab(bl.scenario("inflate", "v9")).text


def test_a_finding_stands_at_any_step_of_its_schedule_and_need_not_be_explored_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finding = bl.explore(bl.scenario("fill-out-of-memory", "v9")).findings[0]
    monkeypatch.setattr(foresight_module, "explore", None)
    lab = Lab(finding, step=5, fate=True)
    assert (lab.machine.position, len(lab.machine.timeline)) == (6, 18)
    assert lab.title == f"{FIRST} after 1 request and 17 steps: the host asks for two pages and the guest has none free"
    assert lab.question == "vballoon has done its work and still holds balloon_lock."
    assert f"{FIRST} 12 steps away" in lab.text
    assert Lab(finding).machine.position == 18
    assert "here: ! wrong here. Lock held by a finished call." in Lab(finding, fate=True).text
    with pytest.raises(BadValueError, match="step is 18; it must be a whole number from 0 to 17"):
        Lab(finding, step=18)


def test_a_result_and_a_program_can_be_shown_with_fate() -> None:
    def one(shared: Shared) -> Routine:
        yield mutex_lock(shared.a)
        yield mutex_lock(shared.b)
        yield mutex_unlock(shared.b)
        yield mutex_unlock(shared.a)

    def two(shared: Shared) -> Routine:
        yield mutex_lock(shared.b)
        yield mutex_lock(shared.a)
        yield mutex_unlock(shared.a)
        yield mutex_unlock(shared.b)

    program = bl.Program("two orders", {"one": one, "two": two}, locks=("a", "b"))
    for subject in (program, bl.explore(program)):
        lab = Lab(subject, fate=True)
        assert lab.title == "two orders"
        assert "? can go wrong: wait cycle 2 steps away, needs 1 preemption" in lab.text
        lab.machine.step("one")
        assert "one                 o safe" in lab.text
        assert "two                 ! wrong here: wait cycle at this step, needs 1 preemption" in lab.text
    assert Fates(bl.explore(program)).result.kinds


def test_what_cannot_be_explored_is_refused() -> None:
    guest = bl.Guest(512, "v9")
    assert not Lab(guest).describe()["foresight"]
    assert Lab(bl.scenario("inflate")).describe()["foresight"]
    for subject in (guest, guest.machine):
        with pytest.raises(BadValueError, match=r"Start the Lab with bl\.scenario"):
            Lab(subject, fate=True)
    with pytest.raises(BadValueError, match="step is 3, but only a finding"):
        Lab(bl.scenario("inflate"), step=3)


def test_labs_on_one_machine_share_what_is_known() -> None:
    one = Lab(bl.scenario("inflate", "v9"), fate=True)
    two = Lab(one.machine)
    assert two.describe()["foresight"]
    assert two.still_lines() == one.still_lines() != []
