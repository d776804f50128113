/** Which step took a lock that is still held, and at which line. No DOM here. */
import { locationAt } from "./calls.js";
import { KIND } from "./trace.js";

const STEPS_BACK = 50_000; // steps

/** Remembers what it found: who moves on by a step does not look through all of them again. */
export class HeldLocks {
  constructor() {
    this.found = new Map();
  }

  /** Steps from `from` on are others than they were. */
  cut() {
    this.found.clear();
  }

  /** The locks that a thread holds: [{name, step: that took it or -1}], those of pages last. */
  of(mirror, thread) {
    const { locks } = mirror.trace.tables;
    const held = [];
    mirror.locks.forEach((holder, i) => holder === thread && held.push({ name: locks[i], step: this.takenAt(mirror, KIND.LOCK, i) }));
    for (const [page, holder] of mirror.lockedPages())
      if (holder === thread) held.push({ name: `page 0x${page.toString(16)}`, step: this.takenAt(mirror, KIND.PAGE_LOCK, page) });
    return held;
  }

  /** The last step before the mirror's position that changed a lock; -1 if it is not in the trace, or too far back. */
  takenAt(mirror, kind, key) {
    const { trace, position } = mirror;
    if (this.trace !== trace) this.cut();
    this.trace = trace;
    const name = `${kind} ${key}`;
    const known = this.found.get(name);
    const from = known && known.step < position && position >= known.upTo ? known.upTo : 0;
    if (known && known.step >= 0 && known.step < position && position <= known.upTo) return known.step;
    let step = from ? known.step : -1;
    for (let i = position - 1; i >= Math.max(from, position - STEPS_BACK); i--)
      if (trace.touches(i, kind, key)) {
        step = i;
        break;
      }
    this.found.set(name, { step, upTo: position });
    return step;
  }

  /** Lines at which a thread took what it still holds, where they stand in the shown call: [{line, name}]. */
  linesOf(mirror, thread, { f, depth }) {
    return this.of(mirror, thread).flatMap(({ name, step }) => {
      if (step < 0) return [];
      const frame = mirror.trace.tables.locations[locationAt(mirror, thread, step)]?.[depth];
      return frame?.[0] === f ? [{ line: frame[1] - mirror.trace.tables.functions[f].first_line + 1, name }] : [];
    });
  }
}
