"""The learned table as Promela, so that SPIN can be asked for the same counts.

One proctype a thread, one label a local state, one d_step a row; the registers are global numbers. What SPIN stores is
then exactly what the searches here find: `spin -a`, then the verifier with -DNOREDUCE (partial order reduction leaves
states out) and -E (no complaint about where threads end).
"""

from __future__ import annotations

import re
from collections import defaultdict

from balloonlab.explore.learn.table import Row, Table
from balloonlab.foundations.errors import BadValueError, of_kind, truth

MOST_WRITTEN_OUT = 1000  # rows; SPIN takes a few thousand, and a compiler minutes for them


def promela(table: Table, *, written_out: bool | None = None) -> str:
    """The rows that a finished search has learned, as a Promela model.

    written_out: one d_step a row, to be read; else the rows are data of a C function that each step calls (SPIN's
    embedded C). By default whichever suits the number of rows. Raises BadValueError for threads that share a CPU: SPIN
    knows no such scheduler.
    """
    of_kind("the table", table, Table, "what an exploration has learned: result.graph.table")
    if written_out is not None:
        written_out = truth("written_out", written_out)
    if table.cpu:
        raise BadValueError("threads that share a CPU cannot be written as Promela; explore with cpu=() first.")
    if written_out is None:
        written_out = len(table.rows) <= MOST_WRITTEN_OUT
    head = f"/* {', '.join(table.names)}: every step is one row of the learned table */"
    lines = _written_out(table) if written_out else _as_data(table)
    return "\n".join([head, *lines]) + "\n"


def _written_out(table: Table) -> list[str]:
    registers, live = table.registers, _live(table)
    stops = any(row.bug for row in table.rows)
    lines = [f"{_type(len(registers.values[r]))} r{r} = 0; /* {registers.title(r)} */" for r in live]
    if stops:
        lines.append("bit stopped = 0; /* a bug stops the guest */")
    for thread, name in enumerate(table.names):
        provided = " provided (!stopped)" if stops else ""
        lines += [
            f"active proctype {_identifier(thread, name)}(){provided} {{",
            *_thread(table, thread, set(live)),
            "}",
        ]
    return lines


def _live(table: Table) -> list[int]:
    return [r for r in table.live if len(table.registers.values[r]) > 1]


def _identifier(thread: int, name: str) -> str:
    """A name of its own for each proctype: a thread's may be a word of Promela, or differ from another's in - and _."""
    return f"P{thread}_" + re.sub("[^A-Za-z0-9]", "_", name)


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


# -- rows as data --

_SEGMENT = 2048  # numbers in one block of C; SPIN takes blocks of some 60 KB
_FIND = r"""
\#define AT(array, i) array[(i) / 2048][(i) % 2048]
static int can_step(int thread, const short *pc, const short *r) {
  int place = 3 * (AT(first_place, thread) + pc[thread]); /* first register, first row, rows */
  int low = AT(places, place + 1), high = low + AT(places, place + 2), i;
  long long key = 0;
  for (i = AT(places, place); AT(deps, i) >= 0; i++) key = key * AT(sizes, i) + r[AT(deps, i)];
  while (low < high) {
    int middle = (low + high) / 2;
    if (AT(keys, middle) == key) return middle + 1;
    if (AT(keys, middle) < key) low = middle + 1; else high = middle;
  }
  return 0;
}
static void take_step(int thread, short *pc, short *r) {
  int row = can_step(thread, pc, r) - 1, k = AT(first_after, row);
  int i = AT(places, 3 * (AT(first_place, thread) + pc[thread]));
  for (; AT(deps, i) >= 0; i++, k++) r[AT(deps, i)] = AT(after, k);
  pc[thread] = AT(following, row);
}
""".strip()


def _as_data(table: Table) -> list[str]:
    """Each step is a search in sorted rows. Register 0 says that a bug has stopped the guest."""
    live = {register: 1 + i for i, register in enumerate(_live(table))}
    steps: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in table.rows:
        if row.wait is None:
            steps[row.thread, row.local].append(row)
    size = [2, *(len(table.registers.values[register]) for register in live)]
    deps, sizes, places, keys, first_after, after, following = ([] for _ in range(7))  # type: ignore[var-annotated]
    first_place = []
    for thread, automaton in enumerate(table.automata):
        first_place.append(len(places) // 3)
        for local in range(len(automaton)):
            rows = steps[thread, local]
            used = [r for r in rows[0].registers if r in live] if rows else []
            places += [len(deps), len(keys), len(rows)]
            deps += [0, *(live[r] for r in used), -1]
            sizes += [2, *(size[live[r]] for r in used), 0]
            for key, row in sorted((_key(row, used, table), row) for row in rows):
                pairs = dict(zip(row.registers, row.after, strict=True))
                keys.append(key)
                first_after.append(len(after))
                after += [int(row.bug), *(pairs[r] for r in used)]
                following.append(row.following)
    arrays = {"first_place": first_place, "places": places, "deps": deps, "sizes": sizes, "keys": keys}
    arrays |= {"first_after": first_after, "after": after, "following": following}
    lines = [block for name, numbers in arrays.items() for block in _array(name, numbers)]
    can = [rf"\#define CAN_STEP_{t} can_step({t}, now.pc, now.r)" for t in range(table.threads)]  # SPIN sees no call
    lines += ["c_decl {", _FIND, *can, "}"]
    lines += [f"short r[{len(size)}] = 0; /* {', '.join(table.registers.title(r) for r in live)} */"]
    lines += [f"short pc[{table.threads}] = 1; /* local states */"]
    for thread, name in enumerate(table.names):
        step = f"d_step {{ c_expr {{ CAN_STEP_{thread} }} -> c_code {{ take_step({thread}, now.pc, now.r); }} }}"
        lines.append(f"active proctype {_identifier(thread, name)}() {{ do :: {step} od }}")
    return lines


def _key(row: Row, used: list[int], table: Table) -> int:
    """The values that a row depends on as one number: mixed radix, as `can_step` computes it."""
    before, key = dict(zip(row.registers, row.before, strict=True)), 0
    for register in used:
        key = key * len(table.registers.values[register]) + before[register]
    return key


def _array(name: str, numbers: list[int]) -> list[str]:
    """An array of C as segments, each a block of its own."""
    kind = "long long" if name == "keys" else "int"
    starts = range(0, max(1, len(numbers)), _SEGMENT)
    blocks = []
    for i, start in enumerate(starts):
        text = ", ".join(map(str, numbers[start : start + _SEGMENT])) or "0"
        blocks.append(f"c_decl {{ static const {kind} {name}_{i}[] = {{{text}}}; }}")
    parts = ", ".join(f"{name}_{i}" for i in range(len(starts)))
    return [*blocks, f"c_decl {{ static const {kind} *{name}[] = {{{parts}}}; }}"]
