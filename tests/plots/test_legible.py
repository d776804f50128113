"""Every picture can be read, by numbers: on its own card, so whatever page it lies on."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import image
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import balloonlab as bl
from balloonlab import plots, recordings
from balloonlab.explore.judge.fate import Fates
from balloonlab.explore.judge.lock_order import lock_order
from balloonlab.memory.zone import PageState
from balloonlab.plots import axes as inks
from balloonlab.plots.card import BORDER, CARD, lay_on_card
from balloonlab.widgets.saved_output import picture
from tests.contrast import contrast
from tests.explore.programs import lost_update, two_locks

TEXT, GRAPHICS = 4.5, 3.0  # contrasts that the Web Content Accessibility Guidelines ask for
PAGES = ("#ffffff", "#111111")  # JupyterLab's, light and dark

STATES = np.repeat(np.array([*PageState], np.uint8), 16)
PICTURES: dict[str, Callable[[], Axes]] = {
    "pages": lambda: plots.plot_pages(STATES),
    "pages, dark": lambda: plots.plot_pages(STATES, theme="dark"),
    "pageblocks": lambda: plots.plot_pageblocks(np.repeat(STATES, 16), [1, 2, 0, 1, 1]),
    "free blocks": lambda: plots.plot_free_blocks({name: [4, 1, *9 * [0]] for name in "abcd"}),
    "messages": lambda: plots.plot_messages(recordings.load("S1_256M_16384").messages),
    "moves": lambda: plots.plot_moves([(1, 9), (2, 8)]),
    "fates": lambda: plots.plot_fates_by_depth(Fates(bl.explore(two_locks()))),
    "states": lambda: plots.plot_state_graph(bl.explore(two_locks())),
    "two threads": lambda: plots.plot_two_threads(bl.explore(lost_update())),
    "locks": lambda: plots.plot_lock_order(lock_order(bl.explore(bl.scenario("inflate-and-compact", "v9")))),
    "matrix": lambda: plots.plot_matrix({("V1", word): word for word in plots.matrix.ANSWERS}),
    "schedule": lambda: plots.plot_schedule(bl.explore(bl.scenario("fill-out-of-memory", "v9")).findings[0]),
}


def rgb(colour: object) -> list[int]:
    return [round(255 * part) for part in to_rgb(colour)]


def on_card(draw: Callable[[], Axes]) -> Figure:
    figure = draw().get_figure(root=True)
    lay_on_card(figure)
    return figure


def faint_texts(figure: Figure) -> list[tuple[str, float]]:
    """The texts that read less well than they must: each with its contrast to what is drawn most below it."""
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    figure.canvas.draw()
    found = [(text, text.get_color(), text.get_window_extent()) for text in texts]
    for text in texts:
        text.set_color("none")
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3]
    faint = []
    for text, colour, box in found:
        x, y = (slice(max(0, int(low)), int(high) + 1) for low, high in (box.intervalx, box.intervaly))
        below = Counter(map(tuple, pixels[y, x].reshape(-1, 3).tolist()))
        assert below, f"{text.get_text()!r} lies outside of the picture"
        seen = contrast(rgb(colour), list(below.most_common(1)[0][0]))
        if seen < TEXT:
            faint.append((text.get_text(), seen))
    return faint


@pytest.mark.parametrize("name", PICTURES)
def test_every_text_of_a_picture_can_be_read(name: str) -> None:
    assert faint_texts(on_card(PICTURES[name])) == []


def test_a_text_that_cannot_be_read_is_found() -> None:
    figure, ax = plt.subplots()
    ax.set_title("pale", color="#808080")
    assert [text for text, _ in faint_texts(figure)] == ["pale"]


@pytest.mark.parametrize("name", PICTURES)
def test_every_line_and_mark_stands_out(name: str) -> None:
    figure = on_card(PICTURES[name])
    drawn: list[object] = [arrow.get_edgecolor() for arrow in figure.findobj(FancyArrowPatch)]
    for ax in figure.axes:
        legend = ax.get_legend()
        drawn += map(colour_of, [*ax.lines, *(legend.get_lines() if legend else [])])
        drawn += [dots.get_facecolor()[0] for dots in ax.collections]
        drawn += [bar.get_facecolor() for bars in ax.containers for bar in bars if not bar.get_linewidth()]
    faint = {to_hex(colour) for colour in drawn if contrast(rgb(colour), rgb(CARD)) < GRAPHICS}
    assert faint == set()


def colour_of(line: Line2D) -> object:
    return line.get_markeredgecolor() if line.get_linestyle() == "None" else line.get_color()


def test_inks_for_words_read_on_paper_and_on_the_card() -> None:
    for ink in (inks.INK, inks.FAINT, inks.BLUE, inks.RUST, inks.PLUM):
        assert all(contrast(rgb(ink), rgb(paper)) >= TEXT for paper in ("white", CARD)), ink


def test_the_card_is_seen_on_a_dark_page_and_its_border_on_a_light_one() -> None:
    light, dark = map(rgb, PAGES)
    assert contrast(rgb(CARD), dark) > 10
    assert 1.5 < contrast(rgb(BORDER), light) < GRAPHICS < contrast(rgb(BORDER), dark)  # soft, and seen


@pytest.mark.parametrize("tight", [None, "tight"])
def test_a_picture_s_edge_is_the_border_and_then_there_is_a_margin(tight: str | None) -> None:
    figure = on_card(PICTURES["moves"])
    stream = io.BytesIO()
    figure.savefig(stream, format="png", bbox_inches=tight)
    seen = image.imread(io.BytesIO(stream.getvalue()))
    assert_card(seen)


def assert_card(seen: np.ndarray) -> None:
    """The outermost pixels are the border's, and about eight inside of it are all the card's."""
    assert (seen[..., 3] == 1).all()
    pixels = (seen[..., :3] * 255).round().astype(int)
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert contrast(edge[len(edge) // 2].tolist(), rgb("white")) > 1.5
    for inside in (pixels[2:8, 2:-2], pixels[-8:-2, 2:-2], pixels[2:-2, 2:8], pixels[2:-2, -8:-2]):
        assert (inside == rgb(CARD)).all()


def test_a_widget_s_picture_lies_on_the_card() -> None:
    png = picture(STATES, "a title", ["a line " * 30, "another"])
    assert_card(image.imread(io.BytesIO(png)))


def test_who_chose_a_background_keeps_it() -> None:
    for colour in ("#222222", "none"):
        figure = plt.figure(facecolor=colour)
        lay_on_card(figure)
        assert to_hex(figure.get_facecolor(), keep_alpha=True) == ("#222222ff" if colour == "#222222" else "#00000000")


def test_arrows_end_outside_the_boxes_they_lead_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are drawn where a notebook crops a picture: not at the place where a box was when it was drawn before."""
    arrows: list[np.ndarray] = []
    boxes: list[Bbox] = []
    draw_arrow, draw_box = FancyArrowPatch.draw, FancyBboxPatch.draw

    def arrow(self: FancyArrowPatch, renderer: object) -> None:
        arrows.append(self.get_transform().transform_path(self.get_path()).vertices)
        draw_arrow(self, renderer)

    def box(self: FancyBboxPatch, renderer: object) -> None:
        if to_rgba(self.get_edgecolor())[3]:
            boxes.append(self.get_window_extent().padded(-1))
        draw_box(self, renderer)

    monkeypatch.setattr(FancyArrowPatch, "draw", arrow)
    monkeypatch.setattr(FancyBboxPatch, "draw", box)
    figure = on_card(PICTURES["locks"])
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    shown = len([text for text in figure.axes[0].texts if text.arrow_patch is not None])
    assert shown == 7
    for path in arrows[-shown:]:  # of the last time it was drawn
        assert not any(box.contains(*point) for box in boxes[-4:] for point in path.tolist())
