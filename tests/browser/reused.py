"""A page of JupyterLab that shows one test's notebook after the other.

To load JupyterLab takes longer than most tests; to open a notebook where it is loaded does not. What keeps tests apart:
each notebook lies in a folder of its own, so its kernel is started for it and ends with it; its widgets go when it is
closed, and with them what they keep in the window. And a page is not used again that a failed test leaves, that does
not look as it did before its first notebook (LOOK), or whose kernel is still at work: JupyterLab throws what it then
breaks off, and the next test would take it for its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import nbformat
from playwright.sync_api import BrowserContext, Page

from tests.browser.lab import KERNEL_IDLE, TOKEN, LabPage, Server, in_theme, thrown_in

SIZE = {"width": 1280, "height": 900}  # of the window, in CSS pixels
LOADED = "() => Boolean(window.jupyterapp?.shell?.currentWidget)"  # with nothing open: the launcher
# Started, not awaited: page.evaluate has no timeout of its own.
OPEN = """(path) => { window.jupyterapp.commands.execute("docmanager:open", { path, factory: "Notebook" }); }"""
OPENED = "(path) => window.jupyterapp.shell.currentWidget?.context?.path === path"
# What is not saved goes without a question. That the kernels end is not waited for: no other test has these.
CLOSE = """() => {
  const { shell, serviceManager } = window.jupyterapp;
  for (const widget of [...shell.widgets("main")].filter((each) => each.context)) {
    const session = widget.sessionContext?.session?.id;
    widget.dispose();
    if (session) serviceManager.sessions.shutdown(session).catch(() => {}); // it may be gone already
  }
  for (const name of ["allCellsDone", "cellDone", "balloonlab_tab"]) delete window[name];
}"""
LOOK = """() => {
  const { shell } = window.jupyterapp;
  return JSON.stringify([
    Object.keys(window).filter((name) => name !== "MathJax").sort(), // loaded when first there is text
    document.body.children.length, // dialogs are there
    [WebSocket.prototype.send, CanvasRenderingContext2D.prototype.drawImage].map(String), // watched by tests
    document.body.dataset.jpThemeName, shell.leftCollapsed, shell.rightCollapsed, [...shell.widgets("main")].length,
    localStorage.length, Boolean(document.fullscreenElement),
  ]);
}"""
numbers = count()


class ReusedPage:
    """JupyterLab in one page of `new_context`'s, until it cannot be used again; then in another."""

    def __init__(self, new_context: Callable[[], BrowserContext], server: Server) -> None:
        self._new_context, self._server = new_context, server
        self._page: Page | None = None
        self._look = ""
        self._thrown: list[str] = []

    def open(self, notebook: Path | nbformat.NotebookNode) -> LabPage:
        """A copy of a notebook (a path, or one built by `notebook_of`), with every cell run."""
        name = notebook.name if isinstance(notebook, Path) else "built.ipynb"
        file = self._server.root / str(next(numbers)) / name
        file.parent.mkdir()
        file.write_text(notebook.read_text("utf-8") if isinstance(notebook, Path) else nbformat.writes(notebook))
        page = self._page = self._page or self._loaded()
        lab = LabPage(page, self._thrown, file)
        page.evaluate(OPEN, str(file.relative_to(self._server.root)))
        page.wait_for_function(OPENED, arg=str(file.relative_to(self._server.root)))
        lab.run_all()
        return lab

    def clear(self, *, failed: bool) -> None:
        """Close what is open; after a failed test, and where something else was changed, the page with it."""
        if self._page is None:
            return
        for other in self._page.context.pages:
            if other != self._page:
                other.close()
        if failed or not self._page.evaluate(KERNEL_IDLE):
            self.close()
            return
        self._page.evaluate(CLOSE)
        self._page.set_viewport_size({"width": SIZE["width"], "height": SIZE["height"]})
        if self._page.evaluate(LOOK) != self._look or self._thrown:
            self.close()

    def close(self) -> None:
        """Close the page, if there is one; every kernel ends."""
        if self._page is not None:
            self._page.context.close()
            self._page = None
            self._server.end_kernels()

    def _loaded(self) -> Page:
        page = self._new_context().new_page()
        self._thrown = thrown_in(page)
        page.goto(f"{self._server.url}/lab?reset&token={TOKEN}")
        page.wait_for_function(LOADED)
        in_theme(page, "Light")
        self._look = page.evaluate(LOOK)
        return page
