/** Levels of time: after which steps a statement, a call, a page, a message, a round ends. No DOM here. */
import { Column } from "./codec.js";
import { KIND } from "./trace.js";

export const LEVELS = ["statement", "call", "page", "message", "round"];
const [, CALL_END, PAGE_END, MESSAGE_END, ROUND_END] = LEVELS.keys();
const PASSING = ["in transit", "isolated", "isolated (workload)", "set aside"]; // states on the way to another

/** For each step the highest level that ends with it. It grows with the trace. */
export class Levels {
  constructor() {
    this.ends = new Column(Uint8Array);
    this.functions = []; // of each thread: the function that it stands in
  }

  update(trace) {
    if (this.trace !== trace) {
      this.trace = trace;
      this.ends.cut(0);
      this.settled = trace.tables.palette.map(({ word }) => !PASSING.includes(word));
    }
    const from = this.ends.length;
    if (from === trace.length) return;
    const found = new Uint8Array(trace.length - from);
    for (let i = from; i < trace.length; i++) found[i - from] = this.levelOf(trace, i);
    this.ends.append(found);
  }

  /** Steps from `from` on are others than they were. */
  cut(from) {
    this.ends.cut(Math.min(from, this.ends.length));
  }

  levelOf(trace, step) {
    const { events, eventEnd, map, mapEnd, tables } = trace;
    const verb = tables.verbs[trace.step.verb.data[step]];
    if (trace.step.thread.data[step] < 0) return ROUND_END;
    if (verb === "end_batch") return ROUND_END;
    const compacts = tables.threads[trace.step.thread.data[step]].name === "compactor"; // its round is a batch
    if (verb === "virtqueue_get_buf" && trace.step.result.data[step] === 1 && !compacts) return ROUND_END;
    let level = 0;
    for (let e = trace.start(eventEnd, step); e < eventEnd.data[step]; e++) {
      const kind = events.kind.data[e];
      if (kind === KIND.MESSAGE) return MESSAGE_END;
      if (kind === KIND.THREAD_AT && !level && this.leaves(tables, events.old.data[e], events.new.data[e])) level = CALL_END;
    }
    for (let m = trace.start(mapEnd, step); m < mapEnd.data[step]; m++)
      if (this.settled[map.new.data[m]]) return PAGE_END;
    return level;
  }

  /** Whether going from one location to another leaves or enters a function. */
  leaves(tables, before, after) {
    const one = tables.locations[before] || [];
    const other = tables.locations[after] || [];
    return one.length !== other.length || one.some(([f], i) => f !== other[i][0]);
  }

  /** The end of the unit of `level` after (way 1) or before (way -1) a position. */
  next(position, way, level) {
    const { data, length } = this.ends;
    if (way > 0) {
      for (let i = position; i < length; i++) if (data[i] >= level) return i + 1;
      return length;
    }
    for (let i = position - 2; i >= 0; i--) if (data[i] >= level) return i + 1;
    return 0;
  }
}

/** The page that was in hand last before a position: of the thread that acted there if it had one; -1 if nobody had. */
export function pageInHand(trace, position, most = 2000) {
  const { thread, page } = trace.step;
  let any = -1;
  for (let i = position - 1; i >= Math.max(0, position - most); i--) {
    if (page.data[i] < 0) continue;
    if (thread.data[i] === thread.data[position - 1]) return page.data[i];
    if (any < 0) any = page.data[i];
  }
  return any;
}

/** Free 2 MiB blocks, of free blocks by order (or by how many those changed): `of(slot)` tells each number. */
export function hugeBlocks(tables, of) {
  return tables.values.reduce(
    (sum, { group, order }, slot) => (group === "free" && order >= 9 ? sum + of(slot) * 2 ** (order - 9) : sum),
    0,
  );
}

/** What the steps from..to-1 changed: {values: slot -> change, counts: state -> change, pages: the last of them}. */
export function changesBetween(trace, from, to, most = 600) {
  const { events, eventEnd, map, mapEnd } = trace;
  const values = new Map();
  for (let e = trace.start(eventEnd, from), end = trace.start(eventEnd, to); e < end; e++) {
    if (events.kind.data[e] !== KIND.VALUE) continue;
    const slot = events.key.data[e];
    values.set(slot, (values.get(slot) ?? 0) + events.new.data[e] - events.old.data[e]);
  }
  const counts = new Map();
  const pages = new Set();
  const end = trace.start(mapEnd, to);
  for (let m = trace.start(mapEnd, from); m < end; m++) {
    const [old, now] = [map.old.data[m], map.new.data[m]];
    counts.set(old, (counts.get(old) ?? 0) - 1);
    counts.set(now, (counts.get(now) ?? 0) + 1);
  }
  for (let m = end - 1; m >= trace.start(mapEnd, from) && pages.size < most; m--) pages.add(map.page.data[m]);
  return { values, counts, pages };
}
