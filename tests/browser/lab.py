"""JupyterLab as the browser tests start it, and a notebook open in it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

UNDER_MORE = ("Run", "Statistics", "Begin", "Suspend", "Resume", "Unload", "Load")
TOKEN = "test-token"  # of a server on 127.0.0.1 that lives for one test run
PATIENCE = 60  # seconds for the server to answer
RUN_TIMEOUT = 180_000  # milliseconds for all cells of a notebook
SETTINGS = {
    # every cell stays in the DOM; no news toast; nothing is saved behind a test's back
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
FOLDERS = {  # every folder Jupyter writes to, the trust database among them
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
}
# The toolbar's indicator can say idle before the session is connected, and a run command is then lost.
KERNEL_IDLE = """() => {
  const w = window.jupyterapp?.shell?.currentWidget, k = w?.sessionContext?.session?.kernel;
  return !!k && w.context.isReady && k.connectionStatus === "connected" && k.status === "idle";
}"""
# Started, not awaited: page.evaluate has no timeout of its own.
START_ALL_CELLS = """() => {
  window.allCellsDone = false;
  window.jupyterapp.commands.execute("notebook:run-all-cells").finally(() => { window.allCellsDone = true; });
}"""
NO_SPLASH = "() => !document.getElementById('jupyterlab-splash')"
BAD_OUTPUTS = ":is([data-mime-type$='vnd.jupyter.error'], [data-mime-type$='vnd.jupyter.stderr'])"


# A program of two threads that add one under a lock. more: further arguments of its Lab.
TWO_ADD = """
import balloonlab as bl
from balloonlab.kernel.primitives import mutex_lock, mutex_unlock, read, write

def adding(shared):
    yield mutex_lock(shared.a)
    x = yield read(shared.n)
    yield write(shared.n, x + 1)
    yield mutex_unlock(shared.a)

bl.Lab(bl.Program("two add", {{"one": adding, "two": adding}}, locks=("a",), values={{"n": 41}}){more})
"""


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: where it answers, and the folder it shows."""

    url: str
    root: Path

    def request(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"{self.url}{path}?token={TOKEN}", method=method)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return answer.read()

    def end_kernels(self) -> None:
        for kernel in json.loads(self.request("GET", "/api/kernels")):
            try:
                self.request("DELETE", f"/api/kernels/{kernel['id']}")
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.NOT_FOUND:  # then it has ended in between
                    raise


@dataclass(frozen=True)
class LabPage:
    """A notebook open in the browser."""

    page: Page
    thrown: list[str]  # what the page's scripts threw, oldest first
    file: Path  # the notebook; what its cells write lies beside it

    @property
    def notebook(self) -> Locator:
        """The open notebook; ask it for roles and texts."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def wait_idle(self) -> None:
        self.page.wait_for_function(KERNEL_IDLE)

    def run_all(self) -> None:
        """Run every cell and wait for the last; an error or stderr output, or a script that threw, fails."""
        self.wait_idle()
        self.page.evaluate(START_ALL_CELLS)
        self.page.wait_for_function("window.allCellsDone", timeout=RUN_TIMEOUT)
        self.wait_idle()
        assert self.notebook.locator(BAD_OUTPUTS).all_text_contents() == [], "a cell wrote an error or to stderr"
        prompts = self.notebook.locator(".jp-CodeCell .jp-InputArea-prompt").all_text_contents()
        assert [prompt for prompt in prompts if not prompt.strip("[]: ").isdigit()] == [], "a cell did not run"
        assert self.thrown == [], f"a script threw: {self.thrown}"


def in_theme(page: Page, theme: str) -> None:
    """Show a page of JupyterLab in its "Light" or "Dark" theme: the server keeps the one that another page chose last.

    While it loads a splash lies over the page, until 200 ms after. JupyterLab takes that away twice, and throws the
    second time, where a theme is loaded while it goes: so no theme is changed before, and it is gone after.
    """
    change = "(theme) => { window.jupyterapp.commands.execute('apputils:change-theme', { theme }); }"
    page.wait_for_function(NO_SPLASH)
    page.evaluate(change, f"JupyterLab {theme}")
    page.wait_for_function("(theme) => document.body.dataset.jpThemeName === theme", arg=f"JupyterLab {theme}")
    page.wait_for_function(NO_SPLASH)


def thrown_in(page: Page) -> list[str]:
    """What the page's scripts throw from now on, oldest first, each with where it was thrown."""
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(error.stack or str(error)))
    return thrown


def notebook_of(*sources: str) -> nbformat.NotebookNode:
    """A notebook of code cells with these sources."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return notebook


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_below(home: Path) -> dict[str, str]:
    """This process's environment, with every Jupyter folder and the settings below `home`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    for name, folder in FOLDERS.items():
        (home / folder).mkdir()
        environment[name] = str(home / folder)
    for plugin, settings in SETTINGS.items():
        path = home / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings), "utf-8")
    return environment


def answers(server: Server) -> bool:
    try:
        server.request("GET", "/api/status")
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return True


@contextmanager
def running_lab(home: Path) -> Iterator[Server]:
    """A JupyterLab whose every file lies below `home`, until the block ends."""
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}", home / "notebooks")
    server.root.mkdir()
    log = home / "server.log"
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"),
        "--JupyterNotebookApp.expose_app_in_browser=True",  # Notebook 7 and Voila are extensions of the same server
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={server.root}"),
        *("--ServerApp.terminals_enabled=False", "--LabApp.extension_manager=readonly"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    environment = environment_below(home)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(server):
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
            if process.returncode is not None or time.monotonic() > deadline:
                pytest.fail(f"JupyterLab did not start:\n{log.read_text('utf-8', 'replace')}")
        yield server
        server.end_kernels()
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # a machine under load: the tests are over, nothing is lost
            process.kill()
            process.wait(PATIENCE)


def click(root: Locator, name: str) -> None:
    """Press a Lab's button: "Inflate" and "Deflate" are one, which says by how much; some are under More."""
    if name in ("Inflate", "Deflate"):
        root.get_by_role("button", name=re.compile(f"^{name}( by [0-9,]+)?$")).click()
        return
    if name in UNDER_MORE:
        root.get_by_role("button", name=re.compile("^More")).click()
    root.get_by_role("button", name=name, exact=True).click()
    if name in UNDER_MORE:
        root.get_by_role("button", name=re.compile("^More")).click()


def resizing(root: Locator) -> Locator:
    """The one button that inflates or deflates to the size that is written."""
    return root.get_by_role("button", name=re.compile("^(Inflate|Deflate)"))


def size_field(root: Locator) -> Locator:
    """Where a Lab's wanted size is written."""
    return root.get_by_label("Size of the balloon, in 4 KiB pages, as a number")


def by_statement(root: Locator) -> None:
    """From now on Step, Back and Play move by single statements."""
    root.get_by_label("Unit of time").select_option("statement")


def thread_row(root: Locator, name: str) -> Locator:
    """The row of a thread of the guest."""
    return root.get_by_role("listitem", name=re.compile(f"^Thread {name}:"))


def settled(root: Locator) -> None:
    """Wait until what was asked for is over, with every step in the timeline: its end is told before they are made."""
    expect(root.locator(".bl-progress")).to_have_text(re.compile("^(Done|At rest) after"))
    root.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def by_hand(root: Locator) -> None:
    """From now on only ask, and choose who steps."""
    root.get_by_role("button", name=re.compile("^More")).click()
    root.get_by_role("checkbox", name="I step by hand").check()
    root.get_by_role("button", name=re.compile("^More")).click()


def number(root: Locator, name: str) -> Locator:
    """One of the five numbers."""
    return root.locator(".bl-five > div", has_text=name).locator("dd > span").first


def tab(root: Locator, name: str) -> None:
    """Open a tab in the place of the code."""
    root.get_by_role("tab", name=name, exact=True).click()


def aim(root: Locator, target: object) -> None:
    """Type a target into a Lab."""
    size_field(root).fill(str(target))


def run_cell(lab: LabPage, index: int, *, wait: bool = True) -> None:
    """Run one cell of the open notebook; wait: until it has ended."""
    start = """(index) => {
      const notebook = window.jupyterapp.shell.currentWidget.content;
      notebook.activeCellIndex = index;
      window.cellDone = false;
      window.jupyterapp.commands.execute("notebook:run-cell").finally(() => { window.cellDone = true; });
    }"""
    lab.page.evaluate(start, index)
    if wait:
        lab.page.wait_for_function("window.cellDone")


def output_of(lab: LabPage, index: int) -> Locator:
    """The text that a cell printed."""
    return lab.notebook.locator(".jp-Cell").nth(index).locator(".jp-OutputArea-output pre")
