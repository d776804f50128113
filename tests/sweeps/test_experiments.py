"""The experiments that come with the package, against a guest driven by hand."""

from __future__ import annotations

import numpy as np
import pytest

import balloonlab as bl
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.kernel.primitives import Routine, bug_on
from balloonlab.memory.placement import PLACEMENTS
from balloonlab.memory.zone import PageState
from balloonlab.sweeps import EXPERIMENTS
from balloonlab.sweeps.experiments import results_of


def test_a_row_is_what_a_guest_driven_by_hand_shows() -> None:
    (row,) = bl.sweep(pages=2048, balloon=500, driver="v9", seed=5, workload="runs", length=20, engine="steps").rows
    guest = bl.Guest(2048, "v9", seed=5)
    guest.machine.record()
    guest.workload("runs", length=20)
    metrics, steps = [guest.metrics()], 0
    guest.machine.record()
    inflated = guest.inflate(500)
    metrics.append(guest.metrics())
    before = guest.page_states.copy()
    compacted = guest.compact()
    metrics.append(guest.metrics())
    assert (row["inflate_messages"], row["migration_messages"]) == (inflated.messages, compacted.messages)
    assert row["moved"] == len(compacted.pairs)
    assert row["moved_balloon"] == np.count_nonzero(before[compacted.pairs[:, 0]] == PageState.BALLOON)
    sent = len(guest.host.messages)
    guest.deflate(500)
    metrics.append(guest.metrics())
    steps = sum(not text.startswith("!") for text in guest.machine.schedule.choices)
    assert row["deflate_messages"] == len(guest.host.messages) - sent
    for when, each in zip(("before", "inflated", "compacted", "deflated"), metrics, strict=True):
        assert row[f"huge_{when}"] == each.free_huge_pages
        assert row[f"unusable_{when}"] == each.unusable_free_index(9)
    assert (row["ballooned"], row["steps"]) == (500, steps)
    assert row["moved_balloon"] > 0


def test_a_placement_is_the_guests() -> None:
    table = bl.sweep(pages=2048, balloon=300, seed=3, placement=PLACEMENTS)
    for row in table:
        guest = bl.Guest(2048, seed=3, placement=row["placement"])
        guest.workload("random")
        guest.inflate(300)
        assert row["huge_inflated"] == guest.metrics().free_huge_pages
        assert row["moved"] == len(guest.compact().pairs)
    default = bl.sweep(pages=2048, balloon=300, seed=3).rows[0]
    assert table.where(placement="lifo").rows[0] == {**default, "placement": "lifo"}


def test_an_engine_makes_no_difference() -> None:
    grid = {"pages": [512, 2048], "driver": ["v9", "linux-3.6", "linux-6.1"], "balloon": [0.2, 0.9], "seed": 3}
    columns = {}
    for engine in ("auto", "steps", "arrays"):
        table = bl.sweep(**grid, engine=engine)
        assert table.failed.rows == []
        columns[engine] = [{**row, "engine": "", "steps": 0} for row in table]
        counted = [row["steps"] is not None for row in table]
        assert all(counted) if engine == "steps" else not any(counted)
    assert columns["auto"] == columns["steps"] == columns["arrays"]


def test_a_share_is_of_the_guest_in_balloon_pages() -> None:
    table = bl.sweep(pages=256, balloon=0.25, page_size=[4096, 65536], workload="fresh")
    assert table["ballooned"].tolist() == [64, 1024]


def test_interleavings_are_what_explore_finds() -> None:
    table = bl.sweep(bl.sweeps.interleavings, scenario=["inflate", "deflate"], driver=["v9", "linux-3.6"])
    for row in table:
        result = bl.explore(bl.scenario(row["scenario"], row["driver"]))
        assert (row["verdict"], row["states"]) == (result.verdict.value, result.states)
        assert row["findings"] == len(result.findings)


def test_a_token_replays_to_the_finding() -> None:
    (row,) = bl.sweep(bl.sweeps.interleavings, scenario="fill-out-of-memory", driver="v9")
    assert row["verdict"] == "violated"
    machine = bl.replay(bl.scenario("fill-out-of-memory", "v9"), row["token"])
    assert machine.position == row["depth"] + 1  # the scenario's action


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_results_of_an_experiment_are_known_before_it_runs(name: str) -> None:
    some = {"balloon_and_compact": {"pages": 1024, "page_size": 65536}, "interleavings": {"scenario": "deflate"}}
    (row,) = bl.sweep(EXPERIMENTS[name], **some[name])  # type: ignore[arg-type]
    assert results_of(name) == [column for column in row if column not in some[name]]


def test_a_limit_is_a_verdict_of_its_own() -> None:
    (row,) = bl.sweep(bl.sweeps.interleavings, scenario="inflate-and-compact", most_states=50)
    assert row["verdict"] == "not finished"


def test_a_row_says_first_what_was_not_reached_and_why() -> None:
    settings = {"pages": 2048, "balloon": 1.0, "seed": 5, "workload": "runs", "fraction": 0.5}
    table = bl.sweep(driver=["v9", "linux-3.6", "linux-6.1"], **settings)
    waits = "vballoon waits for balloon_lock, which it holds itself"
    again = "out of memory, tries again"
    why = [row["why"] for row in table.rows]
    assert why[0].startswith(f"inflate: {waits}; ")
    assert why[0].endswith(f"; deflate: {waits}")
    assert why[1:] == [f"inflate: {again}"] * 2
    assert table.columns.index("why") < table.columns.index("ballooned")
    (row,) = bl.sweep(driver="v9", **settings | {"balloon": 0.25}).rows
    assert row["why"] is None


def test_a_row_of_a_driver_that_died_says_it_first() -> None:
    def fill_balloon(_vb: VirtioBalloon, num: int) -> Routine:
        yield bug_on(num > 0, "num > 0")

    driver = bl.drivers.DRIVERS["v9"].replace(fill_balloon=fill_balloon)
    (row,) = bl.sweep(pages=512, driver=driver).rows
    assert row["why"].startswith("BUG in vballoon: BUG_ON(num > 0) (line ")
    assert row["why"].endswith("; inflate: vballoon has crashed")
