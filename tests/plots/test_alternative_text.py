"""Every picture that a notebook keeps has its sentence, and nbconvert finds it there."""

from __future__ import annotations

from html.parser import HTMLParser

from matplotlib import pyplot as plt
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook

import balloonlab as bl

SHOWN = {
    "import balloonlab as bl\nbl.Lab(bl.Guest(512, 'v9'), title='A <small> guest')": "Page map of A <small> guest",
    "bl.PageMap([0, 1, 2])": "Page map of 3 guest pages",
    "_ = bl.plots.plot_free_blocks([4, 1, *9 * [0]], title='Free')": (
        "Free. free guest pages over order of the free block (the number on a bar counts the blocks)."
    ),
    "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\n_ = plt.title('A learner\\'s own')": "A learner's own.",
    "_ = plt.plot([1, 2])": None,
}


class Pictures(HTMLParser):
    """The alternative texts of a page's pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.texts.append(dict(attrs)["alt"])


def test_a_figure_says_what_its_axes_say() -> None:
    ax = bl.plots.plot_moves([(1, 9), (2, 8)])
    assert bl.plots.alternative_text(ax.figure) == (
        "Where compaction moved pages: 2 pages. PFN over move. Legend: taken from, moved to."
    )
    figure, (one, two) = plt.subplots(2)
    one.set_title("Two lines\nof title")
    two.set_xlabel("time")
    assert bl.plots.alternative_text(figure) == "Two lines of title. time."
    assert bl.plots.alternative_text(plt.figure()) == ""


def test_every_picture_of_a_notebook_has_alternative_text() -> None:
    notebook = new_notebook(cells=[new_code_cell(source) for source in SHOWN])
    NotebookClient(notebook, kernel_name="python3", timeout=60, store_widget_state=False).execute()
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)  # "lab" shows no alternative text
    pictures = Pictures()
    pictures.feed(page)
    none = "No description has been provided for this image"  # nbconvert's own
    assert pictures.texts == [text or none for text in SHOWN.values()]
