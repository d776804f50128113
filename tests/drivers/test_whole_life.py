"""Loading and unloading a driver: each step fails in turn, each label is taken out in turn."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

import balloonlab as bl
from balloonlab.drivers.whole_life import held_by, whole_life
from balloonlab.foundations.errors import BadValueError
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.primitives import Primitive
from tests.drivers.edited import labels, without_line

# what can fail, in the kernel's order; by hand, from drivers/virtio/virtio_balloon.c of each version
STEPS = {
    "linux-3.6": ("vb_memory", "vqs", "vb_thread"),
    "v9": ("vb_memory", "vb_mapping", "vqs", "vb_thread"),
    "v10": ("vb_memory", "vb_mapping", "vqs", "vb_thread"),
    "v11": ("vb_memory", "vb_devinfo", "vb_mapping", "vqs", "vb_thread"),
    "linux-3.8": ("vb_memory", "vb_devinfo", "vb_mapping", "vqs", "vb_thread"),
}
LABELS = {
    "linux-3.6": ["out_del_vqs", "out_free_vb"],
    "v9": ["out_del_vqs", "out_free_vb_mapping", "out_free_vb"],
    "v10": ["out_del_vqs", "out_free_vb", "out_free_vb"],
    "v11": ["out_del_vqs", "out_free_vb_mapping", "out_free_vb_devinfo", "out_free_vb"],
    "linux-3.8": ["out_del_vqs", "out_free_vb_mapping", "out_free_vb_devinfo", "out_free_vb"],
}
R5 = ("v10", "vb_mapping")  # which frees an error
FAILING = [(driver, step) for driver, steps in STEPS.items() for step in steps]
DELETED = [(driver, *label) for driver in STEPS for label in labels(driver)]


def got(machine: Machine) -> list[str]:
    """What is allocated, found or running."""
    values = machine.world.values
    numbers = dict(zip(values.names, values.numbers, strict=True))
    return [name for name in STEPS["linux-3.8"] if numbers.get(name)]


def step_to(machine: Machine, name: str) -> Primitive:
    """Let modprobe go on until its next step is the one that gets `name`."""
    gets = ("slab_alloc", "vp_find_vqs", "kthread_run")
    while (pending := machine.thread("modprobe").pending) is not None:
        if pending.verb.name in gets and pending.args[0].name == name:
            return pending
        machine.step("modprobe")
    raise AssertionError(f"probe never gets {name}")


@pytest.mark.parametrize("driver", STEPS)
def test_probe_gets_everything_in_the_kernels_order(driver: str) -> None:
    machine = bl.scenario("probe-when-something-fails", driver).machine()
    assert got(machine) == []
    for i, name in enumerate(STEPS[driver]):
        step_to(machine, name)
        assert got(machine) == list(STEPS[driver][:i])
    machine.step("modprobe")
    assert got(machine) == list(STEPS[driver])
    while machine.thread("modprobe").pending is not None:
        machine.step("modprobe")
    assert machine.world.values["device_status"] == 1 | 2 | 4
    assert sorted(each.number for each in held_by(bl.find_driver(driver))) == sorted(STEPS[driver])


@pytest.mark.parametrize(("driver", "step"), FAILING)
def test_a_step_that_fails_leaves_nothing_behind(driver: str, step: str) -> None:
    machine = bl.scenario("probe-when-something-fails", driver).machine()
    before = list(STEPS[driver][: STEPS[driver].index(step)])
    step_to(machine, step)
    machine.step("failslab")  # past the action "begin"
    machine.step("failslab")
    assert got(machine) == before
    machine.run()
    if (driver, step) == R5:
        assert [bug.kind for bug in machine.bugs] == ["wild pointer"]
        return
    assert machine.bugs == ()
    assert got(machine) == []
    assert machine.world.values["device_status"] == 1 | 2 | 128
    assert not machine.world.values["fault"], "it strikes once"


@pytest.mark.parametrize("driver", STEPS)
def test_whatever_fails_probe_undoes_it(driver: str) -> None:
    result = bl.explore(bl.scenario("probe-when-something-fails", driver))
    assert [finding.kind for finding in result.findings] == (["wild pointer"] if driver == "v10" else [])
    statuses = {machine_status(result, state) for state in range(result.states)}
    assert statuses >= {1 | 2 | 4, 1 | 2 | 128}, "some fail, some do not"


def machine_status(result: bl.Result, state: int) -> int:
    table = result.graph.table
    (register,) = table.registers.named(("device_status",))
    number = table.register_numbers(result.graph.state(state), (register,))[0]
    return int(table.registers.values[register][number])


@pytest.mark.parametrize("driver", STEPS)
def test_loading_and_unloading_leaves_nothing_behind(driver: str) -> None:
    assert bl.explore(bl.scenario("probe-and-remove", driver))


@pytest.mark.parametrize("driver", STEPS)
def test_the_labels_are_the_kernels(driver: str) -> None:
    assert [label for label, _ in labels(driver)] == LABELS[driver]


@pytest.mark.parametrize(("driver", "label", "line"), DELETED)
def test_a_label_that_is_deleted_is_named(driver: str, label: str, line: str) -> None:
    result = bl.explore(bl.scenario("probe-when-something-fails", without_line(driver, "virtballoon_probe", line)))
    finding = result.finding("left behind")
    what, _, left = finding.text.partition("; still there: ")
    assert what == f"no leak: {label} is missing"
    assert left in {each.words for each in held_by(bl.find_driver(driver)) if each.label == label}
    assert {each.kind for each in result.findings} <= {"left behind", "wild pointer"}


FORGOTTEN = [
    ("v9", "virtballoon_remove", "yield from kfree(vb.vb_mapping)", "left behind", "the balloon's mapping"),
    ("v9", "virtballoon_remove", "yield from kfree(vb.vb_memory)", "left behind", "struct virtio_balloon"),
    ("v10", "virtballoon_remove", "yield from vb.driver.free_balloon_mapping(vb, 1)", "left behind", "mapping"),
    ("v11", "virtballoon_remove", "yield from vb.driver.balloon_devinfo_free(vb, 1)", "left behind", "dev_info"),
    ("v9", "remove_common", "yield from del_vqs(vb.vqs)", "left behind", "the device's queues"),
    ("linux-3.6", "remove_common", "yield from reset(vb.device_status)", "BUG", "get_status"),
]


@pytest.mark.parametrize(("driver", "routine", "line", "kind", "text"), FORGOTTEN)
def test_what_remove_forgets_is_named(driver: str, routine: str, line: str, kind: str, text: str) -> None:
    result = bl.explore(bl.scenario("probe-and-remove", without_line(driver, routine, line)))
    assert text in result.finding(kind).text


def test_a_thread_that_nobody_stops_runs_in_freed_memory() -> None:
    line = "yield from kthread_stop(vb.vb_thread, vb.should_stop, vb.config_change, vb.exited)"
    where = bl.scenario("probe-and-remove", without_line("linux-3.6", "virtballoon_remove", line))
    result = bl.explore(replace(where, plot=where.plot._replace(actions=(("begin", 0),))))
    assert "struct virtio_balloon is freed" in result.finding("use after free").text


def test_s4_the_bare_kfree_is_right_and_one_label_for_two_steps_is_not() -> None:
    """S4: nothing leaks in v9. The label that v10 saved is R5, and v11 has it again."""
    found = {driver: bl.explore(bl.scenario("probe-when-something-fails", driver)).findings for driver in STEPS}
    assert {driver for driver, findings in found.items() if findings} == {"v10"}
    assert f"{-errno.ENOMEM} is freed for vb_mapping" in found["v10"][0].text


@pytest.mark.parametrize("driver", ["linux-6.1", "linux-7.2", "linux-3.19"])
def test_a_probe_that_is_not_retold_is_refused_with_the_reason(driver: str) -> None:
    with pytest.raises(BadValueError, match=r"OOM notifier.*Legal: linux-3\.6, v9"):
        whole_life(bl.find_driver(driver))
