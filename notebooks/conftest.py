"""What nbval alone does not ask of a lesson: that every cell was run, and with --twice, that it can be run again."""
# ruff: noqa: INP001 - lessons are no package

from collections.abc import Generator
from copy import deepcopy

import pytest
from nbval.plugin import IPyNbCell


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare --twice."""
    parser.addoption("--twice", action="store_true", help="run each cell twice in a row: both must say what it said")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Run a cell again where that is asked for; refuse one that holds code and was never run."""
    saved = deepcopy(item.cell.outputs) if isinstance(item, IPyNbCell) else []
    yield
    if isinstance(item, IPyNbCell) and not item.options["skip"]:
        if item.cell.source.strip() and item.cell.execution_count is None:
            pytest.fail("This cell was never run, so there is nothing to compare: run it, and save.", pytrace=False)
        if item.config.getoption("twice", default=False):
            item.add_report_section("call", "twice", "If it failed here, its first run was as committed.")
            item.cell.outputs = saved  # nbval has joined the streams in place
            item.runtest()
