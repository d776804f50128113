"""What is found out about a driver by running it on a few pages, against the catalogue of defects."""

from __future__ import annotations

import pytest

from balloonlab.course.defects import defects
from balloonlab.drivers import DRIVERS
from balloonlab.guest.habits import habits


@pytest.mark.parametrize("driver", DRIVERS)
def test_habits_are_the_defects_that_the_catalogue_says_it_has(driver: str) -> None:
    found = habits(driver)
    assert found.hangs_without_memory == (driver in defects["V1"].versions)
    assert found.moves_once == (driver in defects["M4"].versions)
    assert found.loses_put_back == (driver in defects["M5"].versions)
    assert found.rounds_up == (driver not in (*defects["M17"].versions, *defects["N1"].versions))


@pytest.mark.parametrize("driver", DRIVERS)
def test_rounds_run_backwards_since_pages_are_allocated_before_the_lock_is_taken(driver: str) -> None:
    found = habits(driver)
    assert (found.fills_backwards, found.frees_backwards) == ((driver in ("linux-6.1", "linux-7.2")),) * 2
