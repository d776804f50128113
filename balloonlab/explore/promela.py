"""The learned table as Promela, so that SPIN can be asked for the same counts.

One proctype a thread, one label a local state, one d_step a row; the registers are global numbers. What SPIN stores is
then exactly what the searches here find: `spin -a`, then the verifier with -DNOREDUCE (partial order reduction leaves
states out) and -E (no complaint about where threads end).
"""

from __future__ import annotations

import re
from collections import defaultdict

from balloonlab.errors import BadValueError
from balloonlab.explore.table import Row, Table


def promela(table: Table) -> str:
    """The rows that a finished search has learned, as a Promela model.

    Raises BadValueError for threads that share a CPU: SPIN knows no such scheduler.
    """
    if table.cpu:
        raise BadValueError("threads that share a CPU cannot be written as Promela; explore with cpu=() first.")
    registers = table.registers
    live = [r for r in table.live if len(registers.values[r]) > 1]
    stops = any(row.bug for row in table.rows)
    lines = [f"/* {table.subject.machine.names}: every step is one row of the learned table */"]
    lines += [f"{_type(len(registers.values[r]))} r{r} = 0; /* {registers.title(r)} */" for r in live]
    if stops:
        lines.append("bit stopped = 0; /* a bug stops the guest */")
    for thread, name in enumerate(table.names):
        provided = " provided (!stopped)" if stops else ""
        lines.append(f"active proctype {re.sub('[^A-Za-z0-9]', '_', name)}(){provided} {{")
        lines += _thread(table, thread, set(live))
        lines.append("}")
    return "\n".join(lines) + "\n"


def _type(values: int) -> str:
    return next(
        name for name, most in (("bit", 2), ("byte", 256), ("short", 32768), ("int", 1 << 31)) if values <= most
    )


def _thread(table: Table, thread: int, live: set[int]) -> list[str]:
    steps: dict[int, list[Row]] = defaultdict(list)
    for row in table.rows:
        if row.thread == thread and row.wait is None:
            steps[row.local].append(row)
    lines = []
    for local in range(1, len(table.automata[thread])):
        calls = table.local(thread, local).calls
        lines.append(f"L{local}: /* {' > '.join(calls)}: {table.local(thread, local).pending} */")
        if not steps[local]:
            lines.append("  false;")
            continue
        lines.append("  if")
        lines += [f"  :: {_step(row, live)}" for row in steps[local]]
        lines.append("  fi;")
    return lines


def _step(row: Row, live: set[int]) -> str:
    pairs = list(zip(row.registers, row.before, row.after, strict=True))
    guard = " && ".join(f"r{r} == {old}" for r, old, _ in pairs if r in live) or "true"
    changes = [f"r{r} = {new}" for r, old, new in pairs if old != new]
    if row.bug:
        changes.append("stopped = 1")
    return f"d_step {{ {guard} -> {'; '.join(changes) or 'skip'} }} -> goto L{row.following}"
