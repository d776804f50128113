"""Pictures of explorations: what is drawn is what the text says, and both are what was found."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

import balloonlab as bl
from balloonlab import plots
from balloonlab.explore.judge.fate import Fate, Fates
from balloonlab.explore.judge.fate_legend import LOOKS
from balloonlab.explore.judge.lock_order import lock_order
from balloonlab.explore.judge.result import Result
from balloonlab.explore.program import Shared
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.kernel.primitives import Routine, mutex_lock, mutex_unlock


def one(shared: Shared) -> Routine:
    yield mutex_lock(shared.a)
    yield mutex_lock(shared.b)
    yield mutex_unlock(shared.b)
    yield mutex_unlock(shared.a)


def two(shared: Shared) -> Routine:
    yield mutex_lock(shared.b)
    yield mutex_lock(shared.a)
    yield mutex_unlock(shared.a)
    yield mutex_unlock(shared.b)


@pytest.fixture(scope="module")
def orders() -> Result:
    return bl.explore(bl.Program("two orders", {"one": one, "two": two}, locks=("a", "b")))


@pytest.fixture(scope="module")
def full() -> Result:
    return bl.explore(bl.scenario("full-and-compact", "v9"))


def png(ax: Axes) -> bytes:
    stream = io.BytesIO()
    ax.figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


# -- fates by depth --


def test_fates_by_depth_are_stacked_as_counted(full: Result) -> None:
    fates = Fates(full)
    ax = plots.plot_fates_by_depth(fates)
    counts = fates.by_depth()
    heights: dict[str, dict[int, float]] = {}
    for bar in ax.patches:
        heights.setdefault(to_hex(bar.get_facecolor()), {})[round(bar.get_x() + 0.5)] = bar.get_height()
    for fate in (Fate.UNAVOIDABLE, Fate.VIOLATED):
        assert [heights[LOOKS[fate].colour][depth] for depth in range(len(counts))] == counts[:, fate].tolist()
    assert legend(ax) == ["x  will go wrong 932", "!  wrong here 82"]


def test_fates_by_depth_as_text_lose_no_state(orders: Result, full: Result) -> None:
    for result in (orders, full):
        fates = Fates(result)
        rows = [line.split() for line in plots.fates_by_depth_text(fates).splitlines()[1:]]
        counts = np.array([[int(cell.replace(",", "")) for cell in row[1:]] for row in rows])
        assert (counts[:-1].sum(axis=0) == counts[-1]).all()
        assert counts[-1].sum() == result.states
    assert plots.fates_by_depth_text(Fates(orders)).splitlines()[1:4] == [
        "        0               0               1               0               0",
        "        1               0               2               0               0",
        "        2               2               0               0               1",
    ]
    assert len(plots.fates_by_depth_text(Fates(full)).splitlines()) <= 26


# -- the state graph --


def test_a_small_graph_is_drawn_whole(orders: Result) -> None:
    ax = plots.plot_state_graph(orders)
    shown = words(ax)
    assert [shown.count(look.glyph) for look in LOOKS[:2]] == [15 + 11, 3]  # "o" is thread one, too
    assert shown.count("!") == 1
    assert sorted(text for text in shown if text.isdigit()) == sorted(map(str, range(19)))
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == orders.transitions == 22
    thick = [arrow for arrow in arrows if arrow.arrow_patch.get_linewidth() > 2]
    assert len(thick) == orders.findings[0].steps == 2
    places = {tuple(np.round(line.get_xydata()[0], 3)) for line in ax.lines}
    assert len(places) == 19  # no two states in one place
    assert ax.get_xlabel() == "steps: o one, t two"
    assert "shortest way to: wait cycle" in legend(ax)


def test_the_graph_as_text() -> None:
    result = bl.explore(bl.Program("two orders", {"one": one, "two": two}, locks=("a", "b")))
    lines = plots.state_graph_text(result).splitlines()
    assert lines[:6] == [
        "19 states, 22 steps",
        "  0 after  0 steps ? can go wrong:  one -> 1*, two -> 2",
        "  1 after  1 step  ? can go wrong:  one -> 3, two -> 4*",
        "  2 after  1 step  ? can go wrong:  one -> 4, two -> 5",
        "  3 after  2 steps o safe:          one -> 6",
        "  4 after  2 steps ! wrong here:    nobody can step",
    ]
    assert len(lines) == 20


def test_a_long_graph_goes_on_in_the_next_row() -> None:
    result = bl.explore(bl.scenario("fill-out-of-memory", "v9"))
    ax = plots.plot_state_graph(result)
    places = [tuple(line.get_xydata()[0].tolist()) for line in ax.lines]
    assert len(set(places)) == 24
    assert max(x for x, _ in places) == 15
    assert places[15][0] == places[16][0]


def test_a_large_graph_is_refused(full: Result) -> None:
    for draw in (plots.plot_state_graph, plots.state_graph_text):
        with pytest.raises(BadValueError, match=r"1,014 states; up to 60 .* plot_fates_by_depth"):
            draw(full)
    unfinished = bl.explore(bl.scenario("inflate"), most_states=20)
    with pytest.raises(BadValueError, match="not finished"):
        plots.plot_state_graph(unfinished)
    assert plt.get_fignums() == []


# -- lock orders --


def test_every_edge_of_the_lock_order_is_an_arrow() -> None:
    order = lock_order(bl.explore(bl.scenario("inflate-and-compact", "v9")))
    ax = plots.plot_lock_order(order)
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == len({(edge.held, edge.wanted, edge.trying) for edge in order.edges}) == 7
    dashed = [arrow for arrow in arrows if arrow.arrow_patch.get_linestyle() == "--"]
    assert len(dashed) == 3
    assert set(order.locks) <= set(words(ax))
    assert "virtballoon_isolatepage\nvirtballoon_migratepage\nfill_balloon" in words(ax)
    assert ax.get_xlabel() == "\n".join(order.ring_lines())


def test_a_program_without_locks_has_an_empty_lock_order() -> None:
    ax = plots.plot_lock_order(lock_order(bl.explore(bl.scenario("inflate", "linux-3.6"))))
    assert [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None] == []


# -- the matrix --

CELLS = {("V1", "v9"): "present", ("V1", "v10"): "clean", ("V2", "v9"): "not finished"}


def test_the_matrix_has_a_cell_a_pair() -> None:
    ax = plots.plot_matrix(CELLS)
    assert words(ax) == ["x", "o", "?", "."]
    assert [to_hex(cell.get_facecolor()) for cell in ax.patches] == ["#d55e00", "#009e73", "#e69f00", "#f3f4f6"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["V1", "V2"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["v9", "v10"]
    assert legend(ax) == ["x  present 1", "o  clean 1", "?  not finished 1", ".  not asked 1"]


def test_the_matrix_as_text() -> None:
    assert plots.matrix_text(CELLS).splitlines() == [
        "     v9  v10",
        "V1    x    o",
        "V2    ?    .",
        "x present 1, o clean 1, ? not finished 1, . not asked 1",
    ]


def test_a_matrix_of_nothing_or_of_other_words_is_refused() -> None:
    with pytest.raises(BadValueError, match="at least one"):
        plots.matrix_text({})
    with pytest.raises(UnknownNameError, match="unknown answer for V1, v9 'perhaps'; known: present, clean"):
        plots.plot_matrix({("V1", "v9"): "perhaps"})


# -- schedules --


def test_a_finding_s_schedule_ends_with_what_is_wrong(orders: Result, full: Result) -> None:
    assert plots.schedule_text(orders.findings[0]).splitlines()[:4] == [
        "step  0",
        "one   [",
        "two    [!",
        "[ takes a lock",
    ]
    finding = full.finding("deadlock")
    lines = plots.schedule_text(finding).splitlines()
    assert sum(len(line[14:].replace(" ", "").replace("!", "")) for line in lines[1:4]) == len(finding.schedule)
    assert lines[-1] == f"! deadlock: {finding.text}"
    ax = plots.plot_schedule(finding)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["from outside", "vballoon", "compactor"]
    assert sum(len(line.get_xdata()) for line in ax.lines if line.get_label().startswith(tuple("-[]>*"))) == 65
    assert any("deadlock" in text for text in legend(ax))


def test_a_machine_s_timeline_is_drawn_to_its_position() -> None:
    machine = bl.scenario("inflate", "v9").machine()
    machine.run()
    text = plots.schedule_text(machine)
    assert "> sends a message" in text
    assert "!" not in text
    assert text.count(">") == 2  # the message, and the legend
    machine.seek(4)
    assert plots.schedule_text(machine).splitlines()[1:3] == ["from outside  *", "vballoon       ---"]
    machine.seek(0)
    assert plots.schedule_text(machine).splitlines() == ["step    0", "nobody"]
    assert plots.plot_schedule(machine).get_yticklabels()[0].get_text() == "nobody"


def test_a_long_schedule_goes_on_below() -> None:
    machine = bl.scenario("inflate-and-compact", "v9").machine()
    machine.run()
    steps = len(machine.timeline)
    assert steps > 100
    heads = [line for line in plots.schedule_text(machine).splitlines() if line.startswith("step ")]
    assert [head.split()[1] for head in heads] == [f"{first:,}" for first in range(0, steps, 100)]


# -- all of them --


def test_axes_that_are_given_are_used_and_pictures_are_the_same_every_time(orders: Result) -> None:
    draw = [
        lambda ax=None: plots.plot_fates_by_depth(Fates(orders), ax),
        lambda ax=None: plots.plot_state_graph(orders, ax),
        lambda ax=None: plots.plot_lock_order(lock_order(orders), ax),
        lambda ax=None: plots.plot_matrix(CELLS, ax),
        lambda ax=None: plots.plot_schedule(orders.findings[0], ax),
    ]
    for plot in draw:
        _, ax = plt.subplots()
        assert plot(ax) is ax
        assert png(plot()) == png(plot())
