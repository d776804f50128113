"""Pictures by matplotlib, each with a text twin: for lessons, slides, and readers without a kernel."""

from __future__ import annotations

from balloonlab.memory.palette import colours
from balloonlab.memory.textmap import pages_line
from balloonlab.plots.alternative_text import alternative_text
from balloonlab.plots.fates import fates_by_depth_text, plot_fates_by_depth
from balloonlab.plots.lanes import plot_schedule, schedule_text
from balloonlab.plots.locks import plot_lock_order
from balloonlab.plots.matrix import matrix_text, plot_matrix
from balloonlab.plots.moves import moves_text, plot_moves
from balloonlab.plots.pageblocks import pageblocks_line, pageblocks_text, plot_pageblocks
from balloonlab.plots.pages import (
    map_columns,
    page_map_image,
    page_map_png,
    plot_free_blocks,
    plot_messages,
    plot_pages,
)
from balloonlab.plots.shown import dress_figures
from balloonlab.plots.states import plot_state_graph, state_graph_text
from balloonlab.plots.two_threads import plot_two_threads, two_threads_text

__all__ = [
    "alternative_text",
    "colours",
    "fates_by_depth_text",
    "map_columns",
    "matrix_text",
    "moves_text",
    "page_map_image",
    "page_map_png",
    "pageblocks_line",
    "pageblocks_text",
    "pages_line",
    "plot_fates_by_depth",
    "plot_free_blocks",
    "plot_lock_order",
    "plot_matrix",
    "plot_messages",
    "plot_moves",
    "plot_pageblocks",
    "plot_pages",
    "plot_schedule",
    "plot_state_graph",
    "plot_two_threads",
    "schedule_text",
    "state_graph_text",
    "two_threads_text",
]

dress_figures()
