"""What crosses the wire is what the journal says, cut as the browser wants it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balloonlab.foundations.journal import Kind
from balloonlab.guest.guest import Guest
from balloonlab.kernel.machine import Machine
from balloonlab.memory.palette import PALETTE
from balloonlab.memory.reduced_map import reduce_by
from balloonlab.widgets import wire
from balloonlab.widgets.reduced_changes import cell_changes
from tests.widgets.receiver import decoded

WANTED = {Kind.LINK, Kind.BLOCK_TYPE, Kind.VALUE, Kind.LOCK, Kind.PAGE_LOCK, Kind.MESSAGE, Kind.SLEEP}
WANTED |= {Kind.SLOT, Kind.THREAD_AT, Kind.WAIT, Kind.REFCOUNT, Kind.HOST_PAGE, Kind.PAGE_FLAGS}


def recorded(pages: int = 256) -> Machine:
    guest = Guest(pages=pages, driver="v9")
    guest.machine.record()
    return guest.machine


def slices(ends: np.ndarray) -> Iterator[slice]:
    """The entries of each step."""
    begin = 0
    for end in ends.tolist():
        yield slice(begin, end)
        begin = end


def journal_of(machine: Machine, step: int) -> list[tuple[int, int, int, int]]:
    journal, end = machine.journal, machine.timeline.end
    span = range(end[step - 1] if step else 0, end[step])
    return [(journal.kinds[i], journal.keys[i], journal.old[i], journal.new[i]) for i in span]


@given(st.lists(st.tuples(st.sampled_from(list(wire._TYPES)), st.lists(st.integers(0, 100))), max_size=6))
def test_packed_arrays_come_out_again(given_arrays: list[tuple[str, list[int]]]) -> None:
    arrays = {f"a{i}": np.array(numbers, dtype) for i, (dtype, numbers) in enumerate(given_arrays)}
    directory, buffer = wire.pack(arrays)
    _, found = decoded({"arrays": directory}, [buffer])
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].tolist() == array.tolist()


def test_each_step_carries_exactly_its_changes() -> None:
    machine = recorded()
    machine.act("set_target", 40)
    machine.run()
    machine.act("compact")
    machine.run()
    _, arrays = wire.Encoder(machine).frame()
    steps = len(machine.timeline)
    assert len(arrays["event_end"]) == len(arrays["map_end"]) == len(arrays["thread"]) == steps
    columns = [arrays[f"event_{name}"] for name in ("kind", "key", "old", "new")]
    moves = [arrays[f"map_{name}"] for name in ("page", "old", "new")]
    for step, events, changes in zip(range(steps), slices(arrays["event_end"]), slices(arrays["map_end"]), strict=True):
        expected = journal_of(machine, step)
        assert list(zip(*(c[events].tolist() for c in columns), strict=True)) == [e for e in expected if e[0] in WANTED]
        of_map = [(page, old, new) for kind, page, old, new in expected if kind == Kind.STATE and old != new]
        assert list(zip(*(m[changes].tolist() for m in moves), strict=True)) == of_map
    for name in ("thread", "verb", "obj", "page", "amount", "result"):
        assert arrays[name].tolist() == list(getattr(machine.timeline, name))


def test_steps_follow_each_other_without_gap_or_overlap() -> None:
    machine = recorded()
    machine.act("set_target", 10)
    encoder = wire.Encoder(machine)
    assert encoder.frame()[0]["steps"] == 1
    assert encoder.steps() is None
    machine.run(30)
    assert encoder.frame()[0]["steps"] == 31  # a frame is for one view: the others still need the steps
    content, arrays = encoder.steps()
    assert (content["from"], content["count"], len(arrays["thread"])) == (1, 30, 30)
    assert encoder.steps() is None
    machine.run()
    assert encoder.steps()[0]["from"] == 31


def test_tables_grow_by_their_new_rows_only() -> None:
    machine = recorded()
    encoder = wire.Encoder(machine)
    content, _ = encoder.frame()  # of a timeline without steps
    growing = ("verbs", "objects", "locations", "functions", "waits", "printed")
    tables = {name: content["tables"][name] for name in growing}
    machine.act("set_target", 300 - 256)
    for _ in range(20):
        machine.run(20)
        if (found := encoder.steps()) is None:
            break
        for name, new in found[0]["rows"].items():
            assert new["from"] == len(tables[name])
            assert new["rows"]
            tables[name] = tables[name] + new["rows"]
    line = machine.timeline
    assert tables["verbs"] == line.verbs
    assert tables["objects"] == line.objects
    assert tables["locations"] == line.locations
    assert [row["text"] for row in tables["waits"]] == [wait.text for wait in line.waits]
    assert [row["name"] for row in tables["functions"]] == [function.name for function in line.functions]


def test_messages_are_numbered_for_good_even_when_a_future_is_replaced() -> None:
    machine = recorded()
    encoder = wire.Encoder(machine)
    machine.act("set_target", 40)
    machine.run()
    content, arrays = encoder.steps()
    assert (content["messages_from"], arrays["message_count"].tolist()) == (1, [40])
    assert encoder.frame()[1]["message_count"].tolist() == [0, 40]
    machine.seek(0)
    machine.act("set_target", 7)
    machine.run()
    encoder.cut(0)
    content, arrays = encoder.steps()
    assert (content["from"], content["messages_from"]) == (0, 1)
    assert arrays["message_count"].tolist() == [7]
    assert arrays["message_start"].tolist() == [0]
    assert arrays["message_pfns"].tolist() == machine.world.host.messages[1].pfns.tolist()


def test_a_frame_is_taken_at_the_end_and_leaves_the_machine_where_it_was() -> None:
    machine = recorded()
    machine.act("set_target", 40)
    machine.run()
    at_the_end = machine.world.states().copy()
    machine.seek(9)
    content, arrays = wire.Encoder(machine).frame()
    assert (machine.position, content["position"]) == (9, 9)
    assert arrays["grid"].tolist() == at_the_end.tolist()
    assert content["base"]["counts"] == np.bincount(at_the_end, minlength=len(PALETTE)).tolist()


def test_encoding_never_keeps_a_growing_array_from_growing() -> None:
    machine = recorded()
    encoder = wire.Encoder(machine)
    machine.act("set_target", 3)
    kept = [encoder.frame(), encoder.steps()]
    machine.run()
    kept.append(encoder.steps())
    machine.seek(2)
    machine.act("compact")
    assert len(kept) == 3


def test_somebody_elses_cut_or_new_timeline_is_noticed() -> None:
    machine = recorded()
    encoder = wire.Encoder(machine)
    machine.act("set_target", 3)
    encoder.steps()
    assert not encoder.lost
    machine.seek(0)
    assert not encoder.lost
    machine.act("set_target", 4)
    assert encoder.lost
    before = encoder.epoch
    encoder.begin()
    assert not encoder.lost
    assert encoder.epoch != before
    machine.record()
    assert encoder.lost


@st.composite
def changing_pages(draw: st.DrawFn) -> tuple[np.ndarray, list[tuple[int, int]], int]:
    unit = draw(st.sampled_from([2, 4, 16]))
    pages = draw(st.integers(1, 80))
    code = st.integers(0, len(PALETTE) - 1)
    states = np.array(draw(st.lists(code, min_size=pages, max_size=pages)), np.uint8)
    return states, draw(st.lists(st.tuples(st.integers(0, pages - 1), code), max_size=60)), unit


@settings(max_examples=200)
@given(changing_pages())
def test_changed_cells_are_what_reducing_after_every_change_gives(given_: tuple) -> None:
    states, wanted, unit = given_
    now = states.copy()
    grids, page, old, new = [reduce_by(now, unit)], [], [], []
    for at, code in wanted:
        if now[at] != code:
            page.append(at)
            old.append(now[at])
            new.append(code)
            now[at] = code
            grids.append(reduce_by(now, unit))
    cell, seen, shown, changed = cell_changes(
        now, np.array(page, np.int32), np.array(old, np.uint8), np.array(new, np.uint8), unit
    )
    slow = []
    for before, after in pairwise(grids):
        different = np.flatnonzero(before != after)
        slow.append([(int(at), int(before[at]), int(after[at])) for at in different])
    assert changed.tolist() == [bool(cells) for cells in slow]
    assert list(zip(cell.tolist(), seen.tolist(), shown.tolist(), strict=True)) == [c for cells in slow for c in cells]


def test_a_large_guest_sends_cells_and_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "pages_per_cell", lambda _pages: 16)  # as if 256 pages were too many
    machine = recorded()
    machine.act("set_target", 40)
    machine.run()
    content, arrays = wire.Encoder(machine).frame()
    assert (content["unit"], len(arrays["grid"])) == (16, 16)
    assert not {Kind.REFCOUNT, Kind.HOST_PAGE, Kind.PAGE_FLAGS} & set(arrays["event_kind"].tolist())
    machine.seek(0)
    states = machine.world.frames.states.copy()
    cells = reduce_by(states, 16).copy()
    for changes, of_cells in zip(slices(arrays["map_end"]), slices(arrays["cell_end"]), strict=True):
        states[arrays["map_page"][changes]] = arrays["map_new"][changes]
        assert cells[arrays["cell_page"][of_cells]].tolist() == arrays["cell_old"][of_cells].tolist()
        cells[arrays["cell_page"][of_cells]] = arrays["cell_new"][of_cells]
        assert cells.tolist() == reduce_by(states, 16).tolist()


def test_a_frame_says_what_was_not_reached() -> None:
    guest = Guest(64, "v9", engine="steps")
    guest.machine.record()
    encoder = wire.Encoder(guest.machine)
    assert encoder.frame()[0]["shortfall"] == ""
    guest.workload("random", fraction=0.5)
    guest.set_target(60)
    short = encoder.frame()[0]["shortfall"]
    assert short == "the balloon holds 32 of 60 pages: vballoon waits for balloon_lock, which it holds itself"
