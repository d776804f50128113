"""Questions: the truth comes from the model, and nothing is revealed too early."""

from __future__ import annotations

import numpy as np
import pytest

from balloonlab.course.exercises import QUESTIONS, SUSPICIONS, question, repair, repairs, suspicion
from balloonlab.drivers import find_driver
from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.foundations.errors import BadValueError, UnknownNameError
from balloonlab.foundations.said import WIDTH
from balloonlab.kernel.primitives import (
    Routine,
    atomic_sub,
    clear_balloon_mapping,
    config_write,
    copy_pfns,
    list_del,
    list_first,
    msleep,
    mutex_lock,
    mutex_trylock,
    mutex_unlock,
    read,
    spin_lock,
    spin_unlock,
    trylock_page,
    unlock_page,
    write,
)

BY_HAND = {
    "messages": 4,
    "blocks": 4,
    "units": 7,
    "held": 2,
    "spoil": 16,
    "unusable": 500,
    "fragmentation": 625,  # 1000 - (1000 + 2 * 1000) / 8
    "first huge page": 2686,  # 5245 - 5 * 512 = 2685 are in the holes
    "most locks": 4,
    "both counted": 4,
    "compaction messages": 1344,
    "price of a huge page": 256,
    "huge pages again": 13,
    "two orders": 19,
    "ring of three": 3,
    "turns": 10,
    "lost": 4,
    "three adders": 90,
    "references": 2,
    "tries": 10,
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_model_agrees_with_the_hand(name: str) -> None:
    ask = question(name)
    assert ask.truth() == BY_HAND[name]
    assert ask.check(BY_HAND[name]).startswith(f"Yes, {BY_HAND[name]:,}.")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_wrong_answer_gets_a_hint_and_not_the_truth(name: str) -> None:
    ask = question(name)
    for wrong in (BY_HAND[name] + 1, BY_HAND[name] - 1, min(100, ask.most)):
        told = ask.check(wrong)
        assert told.startswith(f"Not {wrong:,}.")
        assert ask.why not in " ".join(told.split())
        assert max(map(len, [*told.splitlines(), *str(ask).splitlines()])) <= WIDTH
    assert ask.check(None).startswith("Not answered yet")


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("messages", 3, "Three full ones, right."),
        ("blocks", 15, "15 pages are free, right."),
        ("units", 6, "16 balloon pages in a guest page, right"),
        ("held", 3, "Both page locks, right."),
    ],
)
def test_what_is_right_about_a_wrong_answer_is_said_first(name: str, wrong: int, right: str) -> None:
    assert question(name).check(wrong).startswith(f"Not {wrong}. {right}")


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_that_cannot_be_is_told_the_range(name: str) -> None:
    ask = question(name)
    for absurd in (-1, ask.most + 1):
        with pytest.raises(BadValueError, match=rf"from 0 to {ask.most:,} \({ask.unit[:6]}"):
            ask.check(absurd)


@pytest.mark.parametrize("four", [4, 4.0, "4", " 4 ", "4.0", np.int64(4), np.float64(4)])
def test_a_number_is_the_same_however_it_is_written(four: object) -> None:
    assert question("messages").check(four).startswith("Yes, 4.")  # type: ignore[arg-type]
    assert question("compaction messages").check("1,344").startswith("Yes, 1,344.")


def test_no_number_is_refused() -> None:
    with pytest.raises(BadValueError, match="whole number"):
        question("messages").check("four")  # type: ignore[arg-type]
    words = r"your answer is 0\.5; it must be a whole number from 0 to 1,000 \(thousandths: half of it is 500\)\."
    with pytest.raises(BadValueError, match=words):
        question("unusable").check(0.5)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="messages, blocks, units, held"):
        question("everything")


def leak_that_gives_way(vb: VirtioBalloon, num: int) -> Routine:
    """v9's leak_balloon, which sleeps when it cannot have a page."""
    leak_target = num
    pfns: tuple[int, ...] = ()
    while len(pfns) < num:
        yield spin_lock(vb.pages_lock)
        yield from vb.driver.wait_on_isolated_pages(vb, leak_target)
        page = yield list_first(vb.pages)
        taken = page is not None and (yield trylock_page(page))
        if taken:
            yield clear_balloon_mapping(page)
            yield list_del(page)
            pfns += (page,)
            yield atomic_sub(1, vb.num_pages)
            yield unlock_page(page)
            leak_target -= 1
        yield spin_unlock(vb.pages_lock)
        if not taken:
            yield msleep(1)
    yield from tell_and_free(vb, pfns)


def leak_that_gives_up_the_round(vb: VirtioBalloon, num: int) -> Routine:
    """v9's leak_balloon, which ends its round when it cannot have a page, perhaps with none at all."""
    pfns = yield from pages_until_one_is_locked(vb, num)
    yield from tell_and_free(vb, pfns)


def leak_that_gives_up_in_silence(vb: VirtioBalloon, num: int) -> Routine:
    pfns = yield from pages_until_one_is_locked(vb, num)
    if pfns:
        yield from tell_and_free(vb, pfns)


def pages_until_one_is_locked(vb: VirtioBalloon, num: int) -> Routine:
    pfns: tuple[int, ...] = ()
    while len(pfns) < num:
        yield spin_lock(vb.pages_lock)
        yield from vb.driver.wait_on_isolated_pages(vb, num - len(pfns))
        page = yield list_first(vb.pages)
        taken = page is not None and (yield trylock_page(page))
        if taken:
            yield clear_balloon_mapping(page)
            yield list_del(page)
            pfns += (page,)
            yield atomic_sub(1, vb.num_pages)
            yield unlock_page(page)
        yield spin_unlock(vb.pages_lock)
        if not taken:
            break
    return pfns


def tell_and_free(vb: VirtioBalloon, pfns: tuple[int, ...]) -> Routine:
    yield mutex_lock(vb.balloon_lock)
    yield copy_pfns(pfns)
    yield write(vb.num_pfns, len(pfns))
    yield from vb.driver.tell_host(vb, vb.deflate_vq)
    yield from vb.driver.release_pages_by_pfn(vb, pfns)
    yield mutex_unlock(vb.balloon_lock)


def leak_nothing(_vb: VirtioBalloon, _num: int) -> Routine:
    yield msleep(200)


def test_what_the_driver_does_by_itself_is_no_repair() -> None:
    task = repair("spin")
    answer = task.check(find_driver(task.driver).leak_balloon)
    assert not answer.solved
    assert str(answer).startswith("Not solved yet: the shortest failing schedule has 43 steps")
    assert answer.finding is not None
    assert answer.finding.steps == 43
    assert task.why not in str(answer)


def test_a_repair_is_praised_and_a_routine_that_does_nothing_is_not() -> None:
    task = repair("spin")
    solved = task.check(leak_that_gives_way)
    assert solved.solved
    assert str(solved).startswith("Yes: it holds in 4 situations, on ")
    assert solved.text.endswith(task.why)
    assert solved.finding is None
    assert not task.check(leak_nothing).solved


def test_giving_up_the_round_is_no_repair_with_or_without_an_empty_message() -> None:
    empty = repair("spin").check(leak_that_gives_up_the_round)
    assert not empty.solved
    assert "the host is sent a message that names no page" in str(empty)
    assert not repair("spin").check(leak_that_gives_up_in_silence).solved


def test_a_repair_that_could_not_be_looked_at_whole_is_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repairs, "MOST_STATES", 10)
    answer = repair("spin").check(leak_that_gives_way)
    assert not answer.solved
    assert "not finished" in str(answer)


def test_what_cannot_replace_the_routine_is_refused() -> None:
    with pytest.raises(BadValueError, match="parameters"):
        repair("spin").check(lambda: (yield msleep(1)))
    with pytest.raises(UnknownNameError, match="spin"):
        repair("everything")


def size_under_the_lock(vb: VirtioBalloon) -> Routine:
    yield mutex_lock(vb.balloon_lock)
    yield config_write(vb.config_actual, (yield read(vb.num_pages)))
    yield mutex_unlock(vb.balloon_lock)


def size_looked_at_again(vb: VirtioBalloon) -> Routine:
    actual = None
    while actual != (now := (yield read(vb.num_pages))):
        actual = now
        yield config_write(vb.config_actual, actual)


def size_read_under_the_lock(vb: VirtioBalloon) -> Routine:
    yield mutex_lock(vb.balloon_lock)
    actual = yield read(vb.num_pages)
    yield mutex_unlock(vb.balloon_lock)
    yield config_write(vb.config_actual, actual)


def size_if_nobody_has_the_lock(vb: VirtioBalloon) -> Routine:
    if (yield mutex_trylock(vb.balloon_lock)):
        yield config_write(vb.config_actual, (yield read(vb.num_pages)))
        yield mutex_unlock(vb.balloon_lock)


def size_not_told(vb: VirtioBalloon) -> Routine:
    yield read(vb.num_pages)


def test_a_size_that_stays_old_has_two_repairs_and_three_that_are_none() -> None:
    task = repair("stale size")
    assert task.check(find_driver("linux-7.2").update_balloon_size).finding.steps == 60  # type: ignore[union-attr]
    for good in (size_under_the_lock, size_looked_at_again):
        assert task.check(good).solved
    for bad in (size_read_under_the_lock, size_if_nobody_has_the_lock, size_not_told):
        assert not task.check(bad).solved


@pytest.mark.parametrize("name", SUSPICIONS)
def test_a_verdict_on_a_suspicion_is_held_against_the_driver(name: str) -> None:
    real = name in ("complaint", "locked page")
    ask = suspicion(name)
    assert ask.check(real).startswith("Right")
    assert ask.check(not real).startswith("Not so")
    assert ask.check(None) == "not answered yet"
    assert ask.defect not in ask.check(None)


def test_a_verdict_is_true_or_false() -> None:
    with pytest.raises(BadValueError, match="True"):
        suspicion("underflow").check("yes")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="too early"):
        suspicion("everything")
