"""Many experiments: a grid of parameters, run here, on threads, on processes or on a cluster, and a table of results.

    table = bl.sweep(pages=[4096, 8192], driver=["v9", "linux-6.1"], seed=range(3))
    table["moved"]                       # a column, as a numpy array
    print(table)                         # in a notebook the table shows itself

An experiment is a plain function of its parameters that returns a dict of results; `EXPERIMENTS` has those that come
with the package, and any function of your own will do. The same grid gives the same table, whoever runs it.
"""

from __future__ import annotations

from balloonlab.sweeps.experiments import EXPERIMENTS, balloon_and_compact, interleavings
from balloonlab.sweeps.running import ExecutorFailedError, sweep
from balloonlab.sweeps.table import NotInstalledError, Table

__all__ = [
    "EXPERIMENTS",
    "ExecutorFailedError",
    "NotInstalledError",
    "Table",
    "balloon_and_compact",
    "interleavings",
    "sweep",
]
