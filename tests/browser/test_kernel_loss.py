"""A Lab and a PageMap whose Python goes away, in a real JupyterLab: they say so, can be looked at, and come back."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, WebSocketRoute, expect

from tests.browser.lab import (
    TOKEN,
    LabPage,
    Server,
    aim,
    by_statement,
    click,
    notebook_of,
    number,
    output_of,
    resizing,
    run_cell,
    settled,
    size_field,
    thrown_in,
)
from tests.browser.test_lab import GUEST

Open = Callable[..., LabPage]
SETUP = f"{GUEST.rstrip().removesuffix('lab')}page_map = bl.PageMap(states)\ndisplay(lab)\ndisplay(page_map)"
PROCESS = "import os\nprint(os.getpid())"
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
WATCH_WORDS = """() => {
  window.words = 0; // of widgets like ours to Python; JupyterLab has words of its own with a new kernel
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    if (text.includes('"method":"custom"')) window.words++;
    return send.call(this, data);
  };
}"""
WATCH_LOST = """() => {
  window.everLost = false;
  new MutationObserver(() => { window.everLost ||= Boolean(document.querySelector(".bl-lost")); })
    .observe(document.body, { childList: true, subtree: true });
}"""
NEEDING_PYTHON = ["Compact", "Statistics", "Run", "Stop", "Step vballoon", "Step compactor"]  # and the size


def roots_of(lab: LabPage) -> tuple[Locator, Locator]:
    """The Lab and the PageMap."""
    lab_root, map_root = (lab.notebook.locator(".balloonlab").nth(i) for i in (0, 1))
    for root in (lab_root, map_root):
        expect(root.locator("canvas.bl-canvas")).to_be_visible()
    return lab_root, map_root


def listen(lab: LabPage) -> None:
    """Take errors in the console, and what JupyterLab swallows of ours, for thrown."""

    def hear(message: ConsoleMessage) -> None:
        other_tab = message.text.startswith("Comm not found for comm id")  # by JupyterLab itself
        if (message.type == "error" and not other_tab) or "anywidget" in message.text:
            lab.thrown.append(message.text)

    lab.page.on("console", hear)


def inflated(root: Locator, target: int) -> None:
    aim(root, target)
    click(root, "Inflate")
    expect(number(root, "in the balloon")).to_have_text(str(target))
    expect(root.locator(".bl-said")).to_have_text(re.compile(f"^The balloon holds {target} pages: "))
    settled(root)


def press(root: Locator, name: str) -> None:
    """Press a button, even under JupyterLab's own dialog on a dead kernel."""
    root.get_by_role("button", name=name, exact=True).evaluate("(node) => node.click()")


def check_lost(root: Locator) -> None:
    expect(root.locator(".bl-lost")).to_be_in_viewport()
    expect(root.locator(".bl-lost")).to_contain_text("Python is not heard from: its kernel was restarted, has died")
    more = root.get_by_role("button", name=re.compile("^More"))
    more.evaluate("(node) => node.click()")
    for name in NEEDING_PYTHON:
        expect(root.get_by_role("button", name=name, exact=True)).to_be_disabled()
    more.evaluate("(node) => node.click()")
    expect(resizing(root)).to_be_disabled()
    expect(size_field(root)).to_be_disabled()


def check_walks(lab: LabPage, root: Locator) -> None:
    """The history is all there, without a word to anybody."""
    where, position = root.locator(".bl-where"), root.get_by_label("Position in the timeline")
    last = int(position.get_attribute("max") or 0)
    lab.page.evaluate(WATCH_WORDS)
    by_statement(root)
    position.fill(str(last))
    press(root, "Back")
    expect(where).to_have_text(f"step {last - 1} of {last}")
    press(root, "Step")
    expect(where).to_have_text(f"step {last} of {last}")
    expect(root.get_by_role("button", name="Step", exact=True)).to_be_disabled()
    position.fill("1")
    expect(root.locator(".bl-said")).to_have_text(re.compile(r"^The host asks for a balloon of size \d0\.$"))
    root.get_by_label("Speed").select_option("1000")
    press(root, "Play")
    expect(where).to_have_text(f"step {last} of {last}")
    press(root, "Zoom in")
    expect(root.get_by_role("button", name="Zoom out")).to_be_enabled()
    press(root, "Zoom out")
    expect(root.get_by_role("button", name="Zoom out")).to_be_disabled()
    assert lab.page.evaluate("window.words") == 0


@pytest.mark.parametrize("end", ["kill", "restart"])
def test_a_kernel_that_is_gone_is_said_and_the_history_stays(lab_page: Open, end: str) -> None:
    lab = lab_page(notebook_of(SETUP, PROCESS))
    listen(lab)
    root, page_map = roots_of(lab)
    inflated(root, 30)
    if end == "kill":
        os.kill(int(output_of(lab, 1).inner_text()), signal.SIGKILL)
    else:
        lab.page.evaluate(f"{KERNEL}.restart()")
    check_lost(root)
    expect(page_map.locator(".bl-lost")).to_contain_text("This is the last that it sent.")
    check_walks(lab, root)
    lab.page.wait_for_function(f"{KERNEL}.connectionStatus === 'connected' && {KERNEL}.status === 'idle'")
    root.locator(".bl-lost").scroll_into_view_if_needed()  # walking took it away
    check_lost(root)  # the new kernel knows nothing of it
    if end == "kill":
        lab.page.get_by_role("button", name="Ok", exact=True).click()
    run_cell(lab, 0)
    root, page_map = roots_of(lab)
    expect(lab.notebook.locator(".bl-lost")).to_have_count(0)
    inflated(root, 20)
    assert lab.thrown == []


def test_a_busy_cell_is_no_loss(lab_page: Open) -> None:
    busy = "import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass\nprint('over')"
    lab = lab_page(notebook_of(SETUP, busy.format(seconds=0)))
    roots_of(lab)
    lab.page.evaluate(WATCH_LOST)
    lab.page.evaluate(
        """(source) => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource(source)""",
        busy.format(seconds=5),
    )
    run_cell(lab, 1)
    expect(output_of(lab, 1)).to_have_text("over\n")
    assert lab.page.evaluate("window.everLost") is False


def test_a_second_tab_hears_of_it_too_and_a_reopened_notebook_is_alive(lab_page: Open, lab_server: Server) -> None:
    lab = lab_page(notebook_of(SETUP))
    root, _ = roots_of(lab)
    inflated(root, 30)
    page = lab.page.context.new_page()
    tab = LabPage(page, thrown_in(page), lab.file)
    listen(tab)
    tab.page.goto(f"{lab_server.url}/lab/tree/{lab.file.relative_to(lab_server.root)}?reset&token={TOKEN}")
    tab.wait_idle()
    # its notebook is as saved, without outputs: show the same Lab there
    tab.page.evaluate(
        """(source) => window.jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.setSource(source)""",
        "display(lab)\ndisplay(page_map)",
    )
    run_cell(tab, 0)
    other, _ = roots_of(tab)
    inflated(other, 40)
    expect(number(root, "in the balloon")).to_have_text("40")
    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    lab.page.reload()
    lab.wait_idle()
    root, _ = roots_of(lab)
    expect(number(root, "in the balloon")).to_have_text("40")
    inflated(root, 50)
    expect(number(other, "in the balloon")).to_have_text("50")
    lab.page.evaluate(f"{KERNEL}.restart()")
    check_lost(root)
    check_lost(other)
    assert lab.thrown == tab.thrown == []


class Cable:
    """The web sockets between the browser and its kernels, to be cut and mended."""

    def __init__(self, context: BrowserContext) -> None:
        self.is_cut = False
        self.ends: list[WebSocketRoute] = []
        context.route_web_socket(re.compile("/channels"), self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close()
        else:
            self.ends += [socket, socket.connect_to_server()]

    def cut(self) -> None:
        self.is_cut = True
        while self.ends:
            self.ends.pop().close()

    def mend(self) -> None:
        self.is_cut = False


def test_a_connection_that_comes_back_brings_everything(context: BrowserContext, own_lab_page: Open) -> None:
    cable = Cable(context)
    lab = own_lab_page(notebook_of(SETUP, "guest.inflate(20)\nprint(guest.balloon_pages)"))
    root, page_map = roots_of(lab)
    inflated(root, 30)
    cable.cut()
    check_lost(root)
    check_walks(lab, root)
    cable.mend()
    expect(root.locator(".bl-lost")).to_have_count(0)
    expect(page_map.locator(".bl-lost")).to_have_count(0)
    inflated(root, 40)
    lab.wait_idle()
    run_cell(lab, 1)
    expect(output_of(lab, 1)).to_have_text("60\n")
    expect(number(root, "in the balloon")).to_have_text("60")
    assert lab.thrown == []
