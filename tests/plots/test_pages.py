from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import image
from matplotlib import pyplot as plt

from balloonlab import plots, recordings
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.memory.palette import PALETTE, colours
from balloonlab.memory.zone import PageState


def rgb(state: PageState, theme: str = "light") -> list[int]:
    look = PALETTE[state]
    return list(bytes.fromhex((look.dark if theme == "dark" else look.light)[1:]))


def pixels(png: bytes) -> np.ndarray:
    return (image.imread(io.BytesIO(png))[..., :3] * 255).round().astype(int)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_pixel_has_the_colour_of_its_page(theme: str) -> None:
    states = np.array([*PageState], np.uint8)
    picture = pixels(plots.page_map_png(states, columns=4, theme=theme))
    assert picture.shape == (3, 4, 3)
    for state in PageState:
        assert picture[state // 4, state % 4].tolist() == rgb(state, theme)
    assert picture[2, 1].tolist() == rgb(PageState.HOLE, theme)  # what is left of the last row


def test_scale_repeats_pixels() -> None:
    picture = pixels(plots.page_map_png(np.array([0, 3], np.uint8), scale=3, columns=2))
    assert picture.shape == (3, 6, 3)
    assert (picture[:, 3:] == rgb(PageState.BALLOON)).all()


def test_the_same_states_give_the_same_bytes() -> None:
    states = np.arange(512, dtype=np.uint8) % 9
    assert plots.page_map_png(states) == plots.page_map_png(states.copy())


@pytest.mark.parametrize(
    ("cells", "columns"),
    [(1, 1), (2, 2), (16, 4), (17, 8), (256, 16), (4096, 64), (16384, 128), (32768, 512), (65536, 512), (262144, 512)],
)
def test_small_maps_are_square_and_large_ones_show_whole_pageblocks(cells: int, columns: int) -> None:
    assert plots.map_columns(cells) == columns


def test_a_large_guest_is_reduced_to_what_matters_most() -> None:
    states = np.zeros(1 << 20, np.uint8)
    states[0x81234] = PageState.ISOLATED
    ax = plots.plot_pages(states)
    shown = ax.images[0].get_array()
    assert shown.shape == (512, 512, 3)
    at = 0x81234 // 4
    assert shown[at // 512, at % 512].tolist() == rgb(PageState.ISOLATED)
    assert (shown != rgb(PageState.FREE)).any(axis=2).sum() == 1
    assert ax.get_xlabel() == "512 cells a row, 4 guest pages a cell (free only where all of them are)"


def test_the_picture_of_a_small_guest_names_and_writes_its_states() -> None:
    ax = plots.plot_pages(np.array([0, 3, 3, 2], np.uint8), title="four pages")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [".  free 1", "#  kernel 1", "B  balloon 2"]
    assert [text.get_text() for text in ax.texts] == [".", "B", "B", "#"]
    assert ax.get_title() == "four pages"
    assert ax.images[0].get_array().tolist() == [[rgb(0), rgb(3)], [rgb(3), rgb(2)]]


def test_axes_that_are_given_are_used() -> None:
    _, axes = plt.subplots(3)
    assert plots.plot_pages(np.zeros(8, np.uint8), ax=axes[0]) is axes[0]
    assert plots.plot_free_blocks([1, 2, *[0] * 9], ax=axes[1]) is axes[1]
    assert plots.plot_messages(recordings.load("S1_256M_16384").messages, ax=axes[2]) is axes[2]


def test_free_blocks_are_drawn_as_pages_and_labelled_as_blocks() -> None:
    ax = plots.plot_free_blocks({"before": [5, 0, 3, *[0] * 8], "after": [1, 1, 4, *[0] * 8]})
    bars = [bar.get_height() for bar in ax.patches]
    assert (bars[:3], bars[11:14], sum(bars)) == ([5, 0, 12], [1, 2, 16], 36)
    labels = [text.get_text() for text in ax.texts]
    assert (labels[:4], labels[11:15]) == (["5", "", "3", ""], ["1", "1", "4", ""])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["before", "after"]


def test_messages_are_drawn_by_number_and_queue() -> None:
    messages = recordings.load("S1_256M_16384").messages
    ax = plots.plot_messages(messages)
    inflated, deflated = (collection.get_offsets() for collection in ax.collections)
    assert len(inflated) == len(deflated) == 16384
    assert inflated[0].tolist() == [0, messages.pfns[0]]
    assert deflated[-1].tolist() == [127, messages.pfns[-1]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "inflate: 64 messages, 16,384 PFNs",
        "deflate: 64 messages, 16,384 PFNs",
    ]


def test_bad_values_are_refused() -> None:
    with pytest.raises(BadValueError, match="PageState codes"):
        plots.plot_pages(np.array([9]))
    with pytest.raises(BadValueError, match="columns is 0"):
        plots.plot_pages(np.zeros(8, np.uint8), columns=0)
    with pytest.raises(BadValueError, match="scale is 0"):
        plots.page_map_png(np.zeros(8, np.uint8), scale=0)
    with pytest.raises(UnknownNameError, match="light, dark"):
        plots.plot_pages(np.zeros(8, np.uint8), theme="blue")
    assert plt.get_fignums() == []


def test_the_colours_are_the_palette_s() -> None:
    assert colours("dark")[PageState.BALLOON].tolist() == rgb(PageState.BALLOON, "dark")
