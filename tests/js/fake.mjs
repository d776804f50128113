/** A made-up guest, and a trace of random steps on it, with the plain state after every step kept as a twin. */
import { Mirror } from "../../balloonlab/widgets/static/mirror.js";
import { KIND, NONE, Trace } from "../../balloonlab/widgets/static/trace.js";

export const PALETTE = ["free", "workload", "kernel", "balloon"].map((word, rank) => ({
  word,
  meaning: `Pages of ${word}.`,
  glyph: word[0],
  light: "#ffffff",
  dark: "#000000",
  rank,
}));

export function tables(pages) {
  return {
    threads: [
      { name: "vballoon", role: "" },
      { name: "compactor", role: "" },
    ],
    verbs: ["mutex_lock", "list_add", "trylock_page"],
    objects: ["", "balloon_lock", "pages"],
    values: [
      { name: "num_pages", unit: "4 KiB pages", group: "counter", order: -1 },
      { name: "target", unit: "4 KiB pages", group: "host", order: -1 },
      { name: "nr_free[0]", unit: "free blocks", group: "free", order: 0 },
      { name: "nr_free[9]", unit: "free blocks", group: "free", order: 9 },
      { name: "compaction wanted", unit: "", group: "flag", order: -1 },
    ],
    locks: ["balloon_lock", "pages_lock"],
    lists: [
      { name: "pages", head: pages + 3 },
      { name: "migratepages", head: pages + 7 },
    ],
    palette: PALETTE,
    locations: [[], [[0, 12]]],
    functions: [
      {
        name: "fill_balloon",
        module: "v9.py",
        first_line: 10,
        lines: ["def fill_balloon(vb):", "    yield a", "    yield b"],
      },
    ],
    waits: [
      { status: "runnable", text: "can run", on: "", holder: "" },
      { status: "blocked", text: "waits for balloon_lock, held by vballoon", on: "balloon_lock", holder: "vballoon" },
    ],
    num_pages: 0,
  };
}

export function random(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * n);
  };
}

/** {mirror, twins}: twins[p] is the plain state after p steps. The mirror stands at the end. */
export function fakeRun({ pages = 40, steps = 200, seed = 1 } = {}) {
  const pick = random(seed);
  const state = {
    states: Array.from({ length: pages }, () => pick(4)),
    values: [0, 0, 0, 0, 0],
    locks: [-1, -1],
    pageLocks: {},
    waits: [0, 0],
    threadAt: [0, 0],
    status: [],
    lists: [[1, 2, 3], []],
  };
  const heads = [pages + 3, pages + 7];
  const copy = () => JSON.parse(JSON.stringify(state));
  const twins = [copy()];
  const columns = { thread: [], verb: [], obj: [], page: [], amount: [], result: [] };
  const events = { end: [], kind: [], key: [], old: [], new: [] };
  const map = { end: [], page: [], old: [], new: [] };
  const note = (kind, key, old, now) =>
    [kind, key, old, now].forEach((n, i) => events[["kind", "key", "old", "new"][i]].push(n));
  const remove = (page) => {
    const list = state.lists.find((l) => l.includes(page));
    if (!list) return;
    const at = list.indexOf(page);
    note(KIND.LINK, page, at ? list[at - 1] : heads[state.lists.indexOf(list)], -1);
    list.splice(at, 1);
  };
  for (let i = 0; i < steps; i++) {
    const page = pick(pages);
    for (let n = pick(3); n >= 0; n--) {
      const p = pick(pages);
      const s = pick(4);
      if (s !== state.states[p]) {
        map.page.push(p);
        map.old.push(state.states[p]);
        map.new.push(s);
        state.states[p] = s;
      }
    }
    const what = pick(7);
    if (what === 0) {
      const slot = pick(5);
      const n = pick(1000);
      note(KIND.VALUE, slot, state.values[slot], n);
      state.values[slot] = n;
    } else if (what === 1) {
      const lock = pick(2);
      const holder = pick(3) - 1;
      note(KIND.LOCK, lock, state.locks[lock], holder);
      state.locks[lock] = holder;
    } else if (what === 2) {
      const holder = page in state.pageLocks ? -1 : pick(2);
      note(KIND.PAGE_LOCK, page, state.pageLocks[page] ?? -1, holder);
      if (holder < 0) delete state.pageLocks[page];
      else state.pageLocks[page] = holder;
    } else if (what === 3) {
      remove(page);
      const list = pick(2);
      const at = pick(2) ? 0 : state.lists[list].length;
      note(KIND.LINK, page, -1, at ? state.lists[list][at - 1] : heads[list]);
      state.lists[list].splice(at, 0, page);
    } else if (what === 4) {
      remove(page);
      note(KIND.LINK, page, -1, pages + 1); // a list that is not shown
      note(KIND.LINK, page, pages + 1, -1);
    } else if (what === 5) {
      const t = pick(2);
      note(KIND.WAIT, t, state.waits[t], 1 - state.waits[t]);
      state.waits[t] = 1 - state.waits[t];
      note(KIND.THREAD_AT, t, state.threadAt[t], 1 - state.threadAt[t]);
      state.threadAt[t] = 1 - state.threadAt[t];
    } else {
      const message = state.status.length && pick(2) ? pick(state.status.length) : state.status.length;
      const old = state.status[message] ?? -1;
      note(KIND.MESSAGE, message, old, old + 1);
      state.status[message] = old + 1;
    }
    events.end.push(events.kind.length);
    map.end.push(map.page.length);
    [pick(2), pick(3), pick(3), pick(3) ? page : -1, pick(2) ? pick(99) : NONE, pick(2) ? pick(2) : NONE].forEach(
      (n, c) => columns[Object.keys(columns)[c]].push(n),
    );
    twins.push(copy());
  }
  const arrays = { ...columns };
  for (const name of ["end", "kind", "key", "old", "new"]) arrays[`event_${name}`] = events[name];
  for (const name of ["end", "page", "old", "new"]) arrays[`map_${name}`] = map[name];
  const trace = new Trace(tables(pages), false);
  trace.append(steps, arrays);
  const count = (states) => PALETTE.map((_, code) => states.filter((s) => s === code).length);
  const base = {
    counts: count(state.states),
    values: state.values,
    locks: state.locks,
    page_locks: Object.entries(state.pageLocks).map(([p, t]) => [Number(p), t]),
    thread_at: state.threadAt,
    waits: state.waits,
    sleeps: [0, 0],
  };
  const mirror = new Mirror(
    { base, tables: trace.tables, pages, unit: 1, position: steps },
    {
      grid: Uint8Array.from(state.states),
      block_types: Uint8Array.of(1),
      message_status: Int8Array.from(state.status),
      list_0: state.lists[0],
      list_1: state.lists[1],
    },
    trace,
  );
  return { mirror, trace, twins, arrays, count };
}

/** The mirror's state in the form of a twin. */
export function plain(mirror) {
  const sent = mirror.status.sent;
  return {
    states: [...mirror.grid],
    values: [...mirror.values],
    locks: [...mirror.locks],
    pageLocks: Object.fromEntries(mirror.pageLocks),
    waits: [...mirror.waits],
    threadAt: [...mirror.threadAt],
    status: [...mirror.status.data.subarray(0, sent)],
    lists: [mirror.pagesOf(0, Infinity), mirror.pagesOf(1, Infinity)],
  };
}
