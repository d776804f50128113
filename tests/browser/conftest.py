"""A real JupyterLab in a real Chromium, for tests that click.

`lab_page(notebook)` opens a copy of a notebook (a path, or one built by `notebook_of`), waits until its kernel is
idle, runs every cell, fails on any error or stderr output, and gives a LabPage. Every wait is for a condition. One page
serves many tests; how they are kept apart says reused.py. Without Debian's chromium these tests are skipped, but where
CI=true they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.lab import LabPage, Server, running_lab
from tests.browser.reused import SIZE, ReusedPage

TIMEOUT = 30_000  # milliseconds, for every wait but a whole notebook's run
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other machine is reached
]
Open = Callable[[Path | nbformat.NotebookNode], LabPage]


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


@pytest.fixture(scope="package")
def lab_server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert chromium  # asked for first: where there is no browser, no server is started
    with running_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="package")  # not session: Playwright's event loop must not outlive the browser tests
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def new_context(browser: Browser) -> Callable[[], BrowserContext]:
    """A fresh profile."""

    def made() -> BrowserContext:
        context = browser.new_context(viewport=SIZE, device_scale_factor=1, locale="en-US", reduced_motion="reduce")
        context.set_default_timeout(TIMEOUT)
        expect.set_options(timeout=TIMEOUT)
        return context

    return made


@pytest.fixture
def context(new_context: Callable[[], BrowserContext], lab_server: Server) -> Iterator[BrowserContext]:
    """A fresh profile of the test's own."""
    context = new_context()
    yield context
    context.close()
    lab_server.end_kernels()


@pytest.fixture(scope="package")
def reused_page(new_context: Callable[[], BrowserContext], lab_server: Server) -> Iterator[ReusedPage]:
    page = ReusedPage(new_context, lab_server)
    yield page
    page.close()


@pytest.fixture
def lab_page(request: pytest.FixtureRequest, reused_page: ReusedPage) -> Iterator[Open]:
    """`lab_page(notebook)`: a copy of it open in the browser, every cell run."""
    before = request.session.testsfailed
    yield reused_page.open
    reused_page.clear(failed=request.session.testsfailed > before)


@pytest.fixture
def own_lab_page(context: BrowserContext, lab_server: Server) -> Open:
    """The same in a page that no other test has, of this test's `context`."""
    return ReusedPage(lambda: context, lab_server).open
