"""A real JupyterLab in a real Chromium, for tests that click.

`lab_page(notebook)` opens a copy of a notebook (a path, or one built by `notebook_of`), waits until its kernel is
idle, runs every cell, fails on any error or stderr output, and gives a LabPage. Every wait is for a condition. Without
Debian's chromium these tests are skipped, but where CI=true they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect, sync_playwright

from tests.browser.lab import TOKEN, LabPage, Server, running_lab

TIMEOUT = 30_000  # milliseconds, for every wait but a whole notebook's run
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser."""
    path = shutil.which("chromium", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin"]))
    if path is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("no chromium on this machine, and CI=true asks for the browser tests: apt install chromium")
        pytest.skip("no chromium on this machine (Debian: apt install chromium)")
    return path


@pytest.fixture(scope="session")
def lab_server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert chromium  # asked for first: where there is no browser, no server is started
    with running_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="module")  # not session: Playwright's event loop must not outlive the browser tests
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, lab_server: Server) -> Iterator[BrowserContext]:
    """A fresh profile that reaches the test server and nothing else."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, device_scale_factor=1, locale="en-US", reduced_motion="reduce"
    )
    context.set_default_timeout(TIMEOUT)
    expect.set_options(timeout=TIMEOUT)

    def only_ours(route: Route) -> None:
        if urlsplit(route.request.url).netloc == urlsplit(lab_server.url).netloc:
            route.continue_()
        else:
            route.abort()

    context.route("**/*", only_ours)
    yield context
    context.close()
    lab_server.end_kernels()


@pytest.fixture
def lab_page(context: BrowserContext, lab_server: Server) -> Callable[[Path | nbformat.NotebookNode], LabPage]:
    """`lab_page(notebook)`: a copy of it open in the browser, every cell run."""

    def open_and_run(notebook: Path | nbformat.NotebookNode) -> LabPage:
        name = notebook.name if isinstance(notebook, Path) else "built.ipynb"
        text = notebook.read_text("utf-8") if isinstance(notebook, Path) else nbformat.writes(notebook)
        (lab_server.root / name).write_text(text, "utf-8")
        lab = LabPage(context.new_page(), [])
        lab.page.on("pageerror", lambda error: lab.thrown.append(str(error)))
        lab.page.goto(f"{lab_server.url}/lab/tree/{name}?reset&token={TOKEN}")
        lab.run_all()
        return lab

    return open_and_run
