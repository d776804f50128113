/** The timeline in pictures: who ran when, who waited, and what one can jump to. No DOM here. */
import { KIND } from "./trace.js";

export const RUNNING = 1;
export const WAITING = 2;
const STOPS = ["blocked", "asleep"];

/** What one can jump to: text, and whether step i is such a moment. */
export const EVENTS = [
  ["message sent or answered", (trace, i) => trace.touches(i, KIND.MESSAGE)],
  ["a thread starts to wait", (trace, i) => startsToWait(trace, i)],
  ["a lock changes hands", (trace, i) => trace.touches(i, KIND.LOCK) || trace.touches(i, KIND.PAGE_LOCK)],
  ["the page map changes", (trace, i) => trace.mapEnd.data[i] > trace.start(trace.mapEnd, i)],
  ["the pinned page changes", (trace, i, pinned) => pinned >= 0 && trace.pagesOf(i).has(pinned)],
  ["another thread runs", (trace, i) => i > 0 && trace.step.thread.data[i] !== trace.step.thread.data[i - 1]],
  ["something from outside", (trace, i) => trace.step.thread.data[i] < 0],
];

function startsToWait(trace, step) {
  const { events } = trace;
  for (let i = trace.start(trace.eventEnd, step); i < trace.eventEnd.data[step]; i++)
    if (events.kind.data[i] === KIND.WAIT && STOPS.includes(trace.tables.waits[events.new.data[i]].status)) return true;
  return false;
}

/** Lanes by name: one a thread of the guest, one for the host's together; `laneOf[thread + 1]`, -1 for the outside. */
export function laneNames(threads) {
  const names = threads.filter(({ brief }) => !brief).map(({ name }) => name);
  const host = threads.some(({ brief }) => brief) ? names.push("host") - 1 : -1;
  let next = 0;
  return { names, laneOf: [-1, ...threads.map(({ brief }) => (brief ? host : next++))] };
}

/**
 * For each thread and each of `width` columns, flags of what it did in the steps of that column: RUNNING, WAITING for
 * a lock. Lane 0 is the outside, lane i + 1 thread i. `waits`: the threads' wait numbers after the last step.
 */
export function lanes(trace, waits, width) {
  const rows = Array.from({ length: waits.length + 1 }, () => new Uint8Array(width));
  const now = Int32Array.from(waits);
  const blocked = (t) => trace.tables.waits[now[t]].status === "blocked";
  const { events, eventEnd, step } = trace;
  for (let i = trace.length - 1; i >= 0; i--) {
    const from = Math.floor((i * width) / trace.length);
    const to = Math.max(from + 1, Math.floor(((i + 1) * width) / trace.length));
    for (let t = 0; t < now.length; t++)
      if (now[t] && blocked(t)) for (let x = from; x < to; x++) rows[t + 1][x] |= WAITING;
    const row = rows[step.thread.data[i] + 1];
    for (let x = from; x < to; x++) row[x] |= RUNNING;
    for (let e = eventEnd.data[i] - 1; e >= trace.start(eventEnd, i); e--)
      if (events.kind.data[e] === KIND.WAIT) now[events.key.data[e]] = events.old.data[e];
  }
  return rows;
}
