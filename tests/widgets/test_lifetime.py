"""A widget is let go when nobody can look at it any more: tried in a real kernel, as a front end would speak to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

START = "import balloonlab as bl, gc, ipywidgets, weakref\nfrom balloonlab.widgets import connected\nmade = []"
LAB = """
guest = bl.Guest(4096, "v9")
made.append(weakref.ref(guest.machine))
lab = bl.Lab(guest)
lab
"""
UNNAMED = "shown = bl.Lab(bl.Guest(512, 'v9'))\nmade.append(weakref.ref(shown.machine))\ndisplay(shown)\ndel shown"
MAP = "shown = bl.PageMap(bytearray(4096))\nmade.append(weakref.ref(shown))\nshown"
BOX = "shown = bl.Lab(bl.Guest(512, 'v9'))\nmade.append(weakref.ref(shown.machine))\nipywidgets.VBox([shown])"
PULLED = """
def draw(n=3):
    return bytearray(64), str(n)
figure = bl.interact(draw, n=(0, 9))
made += [weakref.ref(figure), weakref.ref(figure.map), weakref.ref(figure.controls["n"])]
display(figure)
del figure
"""
ALIVE = "gc.collect()\nprint([i for i, known in enumerate(made) if known() is not None])"


class FrontEnd:
    """What JupyterLab tells a kernel, and what it hears."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.run("start", START)

    def _ask(self, kind: str, content: dict[str, Any], **metadata: str) -> list[dict[str, Any]]:
        """What the kernel publishes until it has done what is asked."""
        message = self.client.session.msg(kind, content, metadata=metadata)
        self.client.shell_channel.send(message)
        heard = []
        while True:
            answer = self.client.get_iopub_msg(timeout=60)
            if answer["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                heard.append(answer)
                assert answer["msg_type"] != "error", answer["content"]["traceback"]
                if answer["content"].get("execution_state") == "idle":
                    return heard

    def run(self, cell: str, source: str) -> list[str]:
        """Run a cell; the models of ours that it opened."""
        self.printed = ""
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
        opened = []
        for answer in self._ask("execute_request", content, cellId=cell):
            if answer["msg_type"] == "stream":
                self.printed += answer["content"]["text"]
            if answer["msg_type"] == "comm_open" and "_kind" in answer["content"]["data"]["state"]:
                opened.append(answer["content"]["comm_id"])
        return opened

    def say(self, model: str, kind: str, view: str = "view") -> list[dict[str, Any]]:
        data = {"method": "custom", "content": {"type": kind, "view": view}}
        return self._ask("comm_msg", {"comm_id": model, "data": data})

    def alive(self) -> list[int]:
        """Which of those made are alive."""
        self.run("alive", ALIVE)
        return [int(number) for number in self.printed.strip("[]\n").split(",") if number]


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel()
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def front(kernel: BlockingKernelClient) -> FrontEnd:
    return FrontEnd(kernel)


@pytest.mark.parametrize(("source", "times"), [(LAB, 12), (UNNAMED, 3), (MAP, 3)], ids=["named", "displayed", "map"])
def test_a_cell_run_again_and_again_keeps_the_last_only(front: FrontEnd, source: str, times: int) -> None:
    shown = None
    for _ in range(times):
        (model,) = front.run("a", source)
        if shown:
            front.say(shown, "bye")
        front.say(model, "hello")
        shown = model
    assert front.alive() == [times - 1]
    assert any(answer["msg_type"] == "comm_msg" for answer in front.say(model, "hello"))  # and that one answers


def test_a_figure_to_pull_goes_with_its_map_and_its_controls(front: FrontEnd) -> None:
    (model,) = front.run("a", PULLED)
    front.say(model, "hello")
    assert front.alive() == [0, 1, 2]
    (other,) = front.run("a", PULLED)
    front.say(model, "bye")
    assert front.alive() == [3, 4, 5]
    assert any(answer["msg_type"] == "comm_msg" for answer in front.say(other, "hello"))


def test_a_view_that_is_left_keeps_it(front: FrontEnd) -> None:
    (model,) = front.run("a", UNNAMED)
    front.say(model, "hello", "here")
    front.say(model, "hello", "in another tab")
    front.run("a", UNNAMED)
    front.say(model, "bye", "here")
    assert front.alive() == [0, 1]
    front.say(model, "bye", "in another tab")
    assert front.alive() == [1]


def test_a_notebook_that_is_closed_keeps_what_it_shows(front: FrontEnd) -> None:
    (model,) = front.run("a", UNNAMED)
    front.say(model, "hello")
    front.say(model, "bye")
    assert front.alive() == [0]
    assert any(answer["msg_type"] == "comm_msg" for answer in front.say(model, "hello"))


def test_who_holds_it_keeps_it_and_shows_it_again(front: FrontEnd) -> None:
    (model,) = front.run("a", LAB)
    front.say(model, "hello")
    front.run("a", "pass")
    front.say(model, "bye")
    assert front.alive() == [0]
    front.run("b", "lab")
    assert any(answer["msg_type"] == "comm_msg" for answer in front.say(model, "hello"))
    front.run("c", "del lab, guest")
    assert front.alive() == [0]  # it is shown
    front.run("b", "pass")
    front.say(model, "bye")
    assert front.alive() == []


def test_one_that_was_never_shown_dies_with_its_name(front: FrontEnd) -> None:
    front.run("a", LAB.replace("\nlab\n", "\n"))
    assert front.alive() == [0]
    front.run("b", "del lab, guest")
    assert front.alive() == []


def test_a_container_keeps_what_it_holds(front: FrontEnd) -> None:
    (model,) = front.run("a", BOX)
    front.run("b", "del shown")
    assert front.alive() == [0]
    assert any(answer["msg_type"] == "comm_msg" for answer in front.say(model, "hello"))


def test_a_view_that_went_without_a_word_is_forgotten_by_and_by(front: FrontEnd) -> None:
    front.run("lease", "connected.LEASE = 0.0")
    (model,) = front.run("a", UNNAMED)
    front.say(model, "hello")
    front.run("a", "pass")
    front.run("lease", "connected.LEASE = 1800.0")
    deadline = time.monotonic() + 30
    while front.alive() and time.monotonic() < deadline:
        pass  # until the next sign of life finds nobody
    assert front.alive() == []
