"""Requests of Labs: what they do, what is refused, and that many hands never hurt the guest."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from balloonlab.foundations.errors import BadValueError, BalloonlabError
from balloonlab.guest.guest import Guest
from balloonlab.kernel import history as history_module
from balloonlab.kernel.machine_events import Ran
from balloonlab.kernel.running import Settling
from balloonlab.kernel.thread import Thread
from balloonlab.widgets import session as session_module
from balloonlab.widgets.lab import Lab
from balloonlab.widgets.session import Session
from tests.kernel.fingerprint import fingerprint
from tests.memory.invariants import check_buddy
from tests.widgets.receiver import Receiver


def a_guest(pages: int = 512) -> Guest:
    states = np.random.default_rng(4).choice([0, 1], pages, p=[0.7, 0.3]).astype(np.uint8)
    return Guest.from_states(states, "v9")


@pytest.fixture
def guest() -> Guest:
    return a_guest()


@pytest.fixture
def view(guest: Guest) -> Receiver:
    view = Receiver(Session.of(guest.machine))
    view.hello()
    return view


def test_inflate_and_deflate_run_until_the_driver_rests(guest: Guest, view: Receiver) -> None:
    view.ask("act", name="inflate", value=" 100 ")  # as people write numbers
    assert (guest.balloon_pages, view.length) == (100, len(guest.machine.timeline))
    view.ask("act", name="deflate", value=30)
    assert guest.balloon_pages == 30
    view.ask("act", name="compact")
    assert view.errors == []
    assert view.length == len(guest.machine.timeline)
    ended = view.of("progress")[-1][0]
    assert not ended["running"]
    assert ended["text"].startswith("Done after")
    step = view.length
    view.ask("act", name="deflate", value=20)
    assert view.of("progress")[-1][0]["text"].startswith(f"Done after {view.length - step} steps"), (
        "as they are counted"
    )


def test_a_run_that_did_not_do_all_says_what_and_why() -> None:
    guest = Guest.from_states([0] * 512 + [1] * 1536, "v9")
    view = Receiver(Session.of(guest.machine))
    view.hello()
    view.ask("act", name="inflate", value=2048)
    view.ask("run")
    waits = "vballoon waits for balloon_lock, which it holds itself"
    told = view.of("progress")[-1][0]["text"]
    assert re.fullmatch(rf"At rest after [\d,]+ steps: the balloon holds 512 of 2,048 pages: {waits}", told)
    guest.release()
    view.ask("act", name="compact")
    told = view.of("progress")[-1][0]["text"]
    assert f"; compaction is not done: {waits}; compactor waits for balloon_lock, held by vballoon" in told


def test_a_lab_of_a_driver_that_died_says_it_first_whatever_is_asked() -> None:
    guest = a_guest()
    guest.machine.world.page_locks |= dict.fromkeys(range(512), 1)  # where the driver believes that nobody has them
    assert guest.inflate(300).bug
    view = Receiver(Session.of(guest.machine))
    view.hello()
    (bug,) = view.of("frame")[0][0]["bugs"]
    assert bug == {"step": -1, "text": guest.inflate(0).bug, "thread": 0}
    view.ask("act", name="compact")
    assert view.of("progress")[-1][0]["text"].startswith("BUG in vballoon: BUG_ON(")
    assert repr(Lab(guest)).startswith("<BUG in vballoon: ")


def test_by_hand_only_asks(guest: Guest, view: Receiver) -> None:
    view.ask("act", name="inflate", value=100, by_hand=True)
    assert (guest.host.target, guest.balloon_pages, view.length) == (100, 0, 1)
    view.ask("step", thread="vballoon")
    view.ask("step", thread=None)
    assert view.length == 3
    view.ask("run")
    assert guest.balloon_pages == 100


@pytest.mark.parametrize(
    ("kind", "rest", "sentence"),
    [
        ("act", {"name": "inflate", "value": "abc"}, "target is 'abc'; it must be a whole number from 0 to 512"),
        ("act", {"name": "inflate", "value": ""}, "Write it in digits"),
        ("act", {"name": "inflate", "value": "1.5"}, "target is '1.5'"),
        ("act", {"name": "inflate", "value": "\u0663"}, "Write it in digits"),
        ("act", {"name": "inflate", "value": None}, "target is None"),
        ("act", {"name": "inflate", "value": "-3"}, "target is -3"),
        ("act", {"name": "inflate", "value": 513}, "cannot be above the guest's memory"),
        ("act", {"name": "inflate", "value": 40}, "holds 40 pages already"),
        ("act", {"name": "deflate", "value": 41}, "not below the 40 pages in the balloon"),
        ("act", {"name": "explode"}, "unknown action 'explode'"),
        ("act", {"name": None}, "unknown action 'None'"),
        ("step", {"thread": "vballoon"}, "vballoon waits for a wake-up on config_change and cannot take a step"),
        ("step", {"thread": None}, "No thread can take a step"),
        ("step", {"thread": "nobody"}, "unknown thread 'nobody'"),
        ("step", {"thread": "compactor", "at": 10_000_000}, "position is 10,000,000"),
        ("step", {"thread": "compactor", "at": "x"}, "position is 'x'"),
        ("step", {"thread": "compactor", "at": 3, "epoch": 77}, "Somebody else changed this guest"),
        ("dance", {}, "unknown request 'dance'"),
        ("window", {"first": -1, "count": 5}, "first page is -1"),
        ("window", {"first": 0, "count": 600}, "pages is 600"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_changes(
    guest: Guest, view: Receiver, kind: str, rest: dict[str, object], sentence: str
) -> None:
    view.ask("act", name="inflate", value=40)
    before, sent = fingerprint(guest.machine), len(view.of("steps"))
    view.ask(kind, **rest)
    assert [sentence in error for error in view.errors] == [True], view.errors
    assert fingerprint(guest.machine) == before
    assert len(view.of("steps")) == sent


def test_a_refusal_in_the_past_drops_no_future(guest: Guest, view: Receiver) -> None:
    view.ask("act", name="inflate", value=40)
    before = fingerprint(guest.machine)
    view.ask("act", at=5, name="inflate", value="abc")
    view.ask("step", at=5, thread="compactor")
    assert len(view.errors) == 2
    assert fingerprint(guest.machine) == before


def test_acting_in_the_past_begins_a_new_future_there(guest: Guest, view: Receiver) -> None:
    view.ask("act", name="inflate", value=40)
    view.ask("act", at=0, name="inflate", value=7)
    content = view.of("steps")[-1][0]
    assert content["from"] <= 1
    assert guest.balloon_pages == 7
    assert view.length == len(guest.machine.timeline)


def test_errors_go_to_the_view_that_asked_only(view: Receiver) -> None:
    other = Receiver(view.session, "other")
    other.hello()
    view.ask("act", name="inflate", value="abc")
    assert (len(view.errors), other.errors) == (1, [])
    view.ask("act", name="inflate", value=3)
    assert other.length == view.length > 0


def test_a_mistake_in_python_is_said_too(
    view: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(view.session.machine, "act", lambda *_: 1 // 0)
    view.ask("act", name="compact")
    assert "ZeroDivisionError" in view.errors[0]
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    view.ask("act", name="compact")
    assert view.length > 0


def test_labs_on_one_machine_share_a_session(guest: Guest) -> None:
    assert Session.of(guest.machine) is Session.of(guest.machine)
    assert Session.of(guest.machine) is not Session.of(a_guest().machine)


def test_what_a_cell_does_reaches_every_view(guest: Guest, view: Receiver) -> None:
    guest.inflate(25)
    assert view.length == len(guest.machine.timeline) > 0
    guest.machine.seek(4)
    guest.machine.act("set_target", 3)
    guest.machine.changed()
    frame = view.messages[-1][0]
    assert (frame["type"], frame["steps"]) == ("frame", 5)
    guest.workload("fill")
    assert (view.messages[-1][0]["type"], view.length) == ("steps", 6), "a workload is one step, to be taken back"


def test_a_cell_takes_every_view_to_where_the_machine_is(guest: Guest, view: Receiver) -> None:
    guest.inflate(25)
    steps = view.of("steps")[-1][0]
    assert (steps["position"], steps["by_cell"]) == (len(guest.machine.timeline), True)
    guest.machine.seek(4)
    guest.machine.changed()
    stand = view.messages[-1][0]
    assert (stand["type"], stand["at"], stand["follow"]) == ("stand", 4, True)
    told = len(view.messages)
    guest.machine.changed()
    assert len(view.messages) == told  # nothing moved, nobody is told
    view.ask("act", name="compact", by_hand=True)
    steps = view.of("steps")[-1][0]
    assert (steps["position"], steps["by_cell"]) == (len(guest.machine.timeline), False)


def test_a_click_after_a_silent_cell_acts_on_what_there_is(guest: Guest, view: Receiver) -> None:
    guest.machine.act("set_target", 30)
    guest.machine.run()
    steps = len(guest.machine.timeline)
    view.ask("act", name="compact", by_hand=True)
    assert (guest.balloon_pages, view.errors) == (30, [])
    assert view.length == len(guest.machine.timeline) == steps + 1


def test_a_long_run_streams_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "CHUNK", 0.01)
    monkeypatch.setattr(session_module, "FIRST_CHUNK", 0.01)
    guest = Guest(pages=12_000, driver="v9")
    streamed = threading.Event()

    class Watching(Receiver):
        def send(self, content: dict[str, object], buffers: list[bytes]) -> None:
            super().send(content, buffers)
            if content["type"] == "progress" and content["running"]:
                streamed.set()

    view = Watching(Session.of(guest.machine))
    view.hello()
    request = {"type": "act", "name": "inflate", "value": 12_000, "at": 0, "known": 0, "epoch": view.epoch}
    view.session.ask(view, request)
    assert streamed.wait(30)
    late = Receiver(view.session, "late")  # is answered amid the run
    late.hello()
    assert late.of("progress")[0][0]["running"]
    view.session.ask(view, {"type": "stop"})
    assert view.session.settle()
    assert 0 < guest.balloon_pages < 12_000
    assert view.of("progress")[-1][0]["text"].startswith("Stopped after")
    assert view.length == late.length == len(guest.machine.timeline)
    view.ask("run")
    assert guest.balloon_pages == 12_000


def test_a_run_that_fails_is_over(guest: Guest, view: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "FIRST_CHUNK", 0.0)
    go_on, calls = Settling.go_on, iter([True, False])

    def fails(settling: Settling, budget: int, stop: Callable[[], bool]) -> Ran:
        if next(calls):
            return go_on(settling, budget, stop)
        raise BadValueError("no more")

    monkeypatch.setattr(Settling, "go_on", fails)
    view.ask("act", name="inflate", value=200)
    said = [content["running"] for content, _ in view.of("progress")]
    assert (said[-2:], view.errors) == ([True, False], ["no more"])
    assert view.length == len(guest.machine.timeline) > 1


def test_every_operation_of_a_long_life_can_be_visited() -> None:
    guest = a_guest()
    machine = guest.machine
    machine.most_steps = 800
    view = Receiver(Session.of(machine))
    view.hello()
    shots = {0: fingerprint(machine)}
    for name, value in (("inflate", 200), ("compact", None), ("deflate", 50), ("inflate", 300)):
        view.ask("act", name=name, value=value)
        shots[machine.end] = fingerprint(machine)
    end = machine.end
    assert [step for step, _ in view.history["marks"]] == list(shots)[:-1]
    assert view.history["last_step"] == end
    assert view.history["first_step"] > 0, "the opening is no longer in the timeline"
    for step in [0, *shots, *reversed(shots), 1, end]:
        view.ask("go", to=step)
        assert view.errors == []
        assert (machine.position, machine.end, view.history["last_step"]) == (step, end, end)
        assert view.history["first_step"] + view.stands == step
        assert view.history["first_step"] <= step <= view.history["first_step"] + view.length
        if step in shots:
            assert fingerprint(machine) == shots[step]
    view.ask("go", to=list(shots)[1])
    view.ask("act", at=view.stands, name="deflate", value=150)  # a new future from there
    assert [text for _, text in view.history["marks"]] == ["set target 200", "set target 150"]
    assert guest.balloon_pages == 150


def test_a_long_afternoon_keeps_a_bounded_part_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MOST_BYTES", 40_000)
    guest = a_guest(256)
    machine = guest.machine
    machine.most_steps = most = 2_000
    view = Receiver(Session.of(machine))
    view.hello()
    assert machine.history is not None
    for _ in range(6):
        for name, value in (("inflate", 150), ("compact", None), ("deflate", 20), ("compact", None)):
            view.ask("act", name=name, value=value)
            assert len(machine.timeline) <= most
            assert len(machine.journal) <= 8 * most
            assert machine.history.size <= 2 * 40_000  # they are thinned out once they are too many
    assert (view.errors, machine.end > 8 * most) == ([], True)
    stretches = machine.history._stretches
    packed = sum(len(part) for stretch in stretches for part in stretch.who)
    packed += sum(each.size for stretch in stretches for part in stretch.told for each in part)
    assert packed < 3 * machine.end, "some bytes a step; one by one it is 250"
    view.ask("go", to=0)
    assert (guest.balloon_pages, machine.position) == (0, 0)


def test_going_back_far_can_be_stopped_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "CHUNK", 0.0)
    guest = a_guest()
    guest.machine.most_steps = 8_000
    view = Receiver(Session.of(guest.machine))
    view.hello()
    for name, value in 2 * (("inflate", 300), ("deflate", 0)):
        view.ask("act", name=name, value=value)
    end = guest.machine.end
    assert view.history["first_step"] > 0
    session_ask = view.session.ask

    def stops_soon(lab: Receiver, content: dict[str, Any]) -> None:
        if content["type"] == "progress" and content["running"]:
            session_ask(lab, {"type": "stop", "view": lab.name})

    view.heard = stops_soon
    view.ask("go", to=3_000)
    assert (view.errors, guest.machine.end) == ([], end)
    assert any("Making steps again" in content["text"] for content, _ in view.of("progress"))
    view.heard = None
    view.ask("go", to=end)
    assert (guest.machine.position, view.stands + view.history["first_step"]) == (end, end)


def test_what_cannot_be_gone_to_is_said(view: Receiver) -> None:
    view.ask("go", to=5)
    assert "position is 5" in view.errors[0]


def test_nothing_is_sent_while_the_machine_is_held(guest: Guest) -> None:
    free: list[bool] = []

    def probe() -> None:
        free.append(guest.machine.lock.acquire(timeout=5))
        if free[-1]:
            guest.machine.lock.release()

    class Asking(Receiver):
        def send(self, content: dict[str, object], buffers: list[bytes]) -> None:
            other = threading.Thread(target=probe)
            other.start()
            other.join()
            super().send(content, buffers)

    view = Asking(Session.of(guest.machine))
    view.hello()
    view.ask("act", name="inflate", value=20)
    guest.deflate(5)
    assert len(free) > 4
    assert all(free)


def test_many_hands_never_corrupt_the_guest(guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    """Two Labs and a cell, all at once. What they did, done again one by one, gives the same guest."""
    views = [Receiver(Session.of(guest.machine), name) for name in ("one", "two")]
    for view in views:
        view.hello()

    def click(view: Receiver, seed: int) -> None:
        pick = random.Random(seed)  # noqa: S311
        for _ in range(60):
            kind, rest = pick.choice(
                [
                    ("act", {"name": "inflate", "value": pick.randrange(300)}),
                    ("act", {"name": "deflate", "value": pick.randrange(300)}),
                    ("act", {"name": "compact", "by_hand": True}),
                    ("step", {"thread": pick.choice(guest.machine.names)}),
                    ("run", {}),
                    ("stop", {}),
                    ("hello", {}),
                ]
            )
            known = view.length
            at = pick.choice([known, known, pick.randrange(known + 1)])
            request = {"type": kind, "view": view.name, "at": at, "known": known, "epoch": view.epoch, **rest}
            view.session.ask(view, request)

    def cell() -> None:
        pick = random.Random(9)  # noqa: S311
        acts: list[Callable[[], object]] = [
            lambda: guest.set_target(pick.randrange(300)),
            guest.compact,
            lambda: guest.machine.run(50),
            lambda: guest.machine.seek(len(guest.machine.timeline)),
        ]
        for _ in range(40):
            with suppress(BalloonlabError):  # somebody else was faster
                pick.choice(acts)()

    hands = [threading.Thread(target=click, args=(view, seed)) for seed, view in enumerate(views)]
    hands.append(threading.Thread(target=cell))
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(60)
        assert not hand.is_alive()
    session = views[0].session
    assert session.settle()
    session.changed()

    machine = guest.machine
    check_buddy(guest.buddies[0])
    assert not caplog.records  # no request failed, no view was told out of order
    assert all(view.length == len(machine.timeline) for view in views)
    assert sum(len(view.of("steps")) for view in views) > 40
    machine.seek(len(machine.timeline))
    again = a_guest().machine
    again.record()
    again.replay(machine.schedule)
    assert fingerprint(again) == fingerprint(machine)
    machine.seek(0)
    again.seek(0)
    assert fingerprint(again) == fingerprint(machine)


def test_a_routine_is_run_again_only_by_whoever_holds_the_machine(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To see where a thread stands may mean to run its routine again: if another thread steps it then, both go wrong.

    So here a Lab goes elsewhere whenever the machine is let go, and every thread has to be run again to be looked at.
    """
    machine = guest.machine
    Session.of(machine)
    guest.inflate(40)
    act, rebuild = machine.act, Thread._rebuild
    held: list[bool] = []

    def acts_and_is_moved(name: str, value: int = 0) -> None:
        act(name, value)
        machine.seek(15)

    def looks_who_holds(thread: Thread) -> None:
        def other() -> None:
            held.append(not machine.lock.acquire(blocking=False))
            if not held[-1]:
                machine.lock.release()

        asks = threading.Thread(target=other)
        asks.start()
        asks.join()
        rebuild(thread)

    monkeypatch.setattr(machine, "act", acts_and_is_moved)
    machine.watchers.append(lambda: machine.seek(20))
    monkeypatch.setattr(Thread, "_rebuild", looks_who_holds)
    guest.compact()
    guest.set_target(60)
    machine.seek(10)
    guest.foretell(50)
    machine.seek(12)
    assert guest.machine.blocked()
    assert Lab(guest).text
    assert len(held) > 6
    assert all(held)


def test_without_threads_it_is_done_at_once(view: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(session_module, "CHUNK", 0.0)
    monkeypatch.setattr(session_module, "FIRST_CHUNK", 0.0)
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    view.ask("act", name="inflate", value=100)
    assert view.session.machine.world.values["num_pages"] == 100
    assert len(view.of("steps")) > 3


@pytest.mark.parametrize(("name", "value"), [("inflate", 300), ("compact", None)])
def test_the_end_of_a_long_run_is_told_before_its_steps(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int | None
) -> None:
    guest = a_guest(2048)
    guest.set_target(60)
    view = Receiver(Session.of(guest.machine))
    view.hello()
    view.session.foretell = guest.foretell
    monkeypatch.setattr(session_module, "CHUNK", 0.0)
    monkeypatch.setattr(session_module, "FIRST_CHUNK", 0.0)
    before = guest.balloon_pages, guest.metrics().free_huge_pages
    sent = len(guest.host.messages)
    view.ask("act", name=name, value=value)
    (told,) = view.of("foretold")
    content, arrays = told
    at = view.messages.index(told)
    assert sum(message[0]["type"] == "steps" for message in view.messages[at:]) > 0, "steps came after it"
    assert arrays["grid"].tobytes() == guest.page_states.tobytes()
    assert (content["before"], content["huge"][0]) == before
    assert (content["held"], content["huge"][1]) == (guest.balloon_pages, guest.metrics().free_huge_pages)
    assert content["sent"] == len(guest.host.messages) - sent
    assert content["free"][1] == content["counts"][0] == int((guest.page_states == 0).sum())


def test_nothing_is_foretold_to_whoever_steps_by_hand_or_sees_the_end_at_once(guest: Guest, view: Receiver) -> None:
    view.session.foretell = guest.foretell
    view.ask("act", name="inflate", value=20, by_hand=True)
    view.ask("run")
    assert not view.of("foretold")
