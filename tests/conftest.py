"""Settings of all tests, and their order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No deadlines: a busy machine is no bug. Where CI=true the examples are the same in every run.
settings.register_profile("balloonlab", deadline=None, derandomize=os.environ.get("CI", "").lower() == "true")
settings.load_profile("balloonlab")

TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Leave pytest-xdist, where it is, the order of the files: its own is by number of tests, not by what they cost."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, so that no core is idle at the end; the browser tests together, as they share a page."""

    def turn(item: pytest.Item) -> int:
        if TESTS / "browser" in item.path.parents:
            return 0
        return 2 if TESTS in item.path.parents else 1  # a notebook's cells

    items.sort(key=turn)
